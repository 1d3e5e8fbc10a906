"""A small anchor-free detector with the outputs of a YOLOX export: one row a cell, undecoded, objectness and classes as shares.

About 150,000 weights. Input `[n, 3, h, w]` float32 BGR 0-255; output `[n, cells, 5 + classes]`, cells of stride 8, then 16,
then 32, row by row; each row dx dy log-w log-h objectness classes, in cells of its stride.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.network_shape import LABELS, STRIDES


class Block(nn.Sequential):
    """Convolution 3x3 (or 1x1), batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """A block whose input is added to its output."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = Block(width, width)

    def forward(self, seen: Tensor) -> Tensor:
        """Same shape as its input."""
        return seen + self.block(seen)


class SceneDetector(nn.Module):
    """Backbone of four halvings, top-down neck, one head shared by all strides."""

    def __init__(self, labels: int = len(LABELS), neck: int = 40) -> None:
        super().__init__()
        self.stem = nn.Sequential(Block(3, 12, 2), Block(12, 24, 2), Residual(24))
        self.stage8 = nn.Sequential(Block(24, 36, 2), Residual(36))
        self.stage16 = nn.Sequential(Block(36, 44, 2), Residual(44))
        self.stage32 = nn.Sequential(Block(44, 48, 2), Residual(48))
        self.lateral = nn.ModuleList([Block(width, neck, kernel=1) for width in (36, 44, 48)])
        self.merge = nn.ModuleList([Block(neck, neck), Block(neck, neck)])
        self.look = Residual(neck)
        self.boxes = nn.Sequential(Block(neck, neck), nn.Conv2d(neck, 5, 1))
        self.classes = nn.Sequential(Block(neck, neck // 2), nn.Conv2d(neck // 2, labels, 1))
        nn.init.constant_(self.boxes[-1].bias, 0.0)
        nn.init.constant_(self.boxes[-1].bias[4:], -4.6)
        self.exporting = False

    def forward(self, frames: Tensor) -> Tensor:
        """Rows of all strides; while training the shares are logits."""
        fine = self.stage8(self.stem(frames / 128.0 - 1.0))
        middle = self.stage16(fine)
        coarse = self.lateral[2](self.stage32(middle))
        middle = self.merge[1](
            self.lateral[1](middle) + nn.functional.interpolate(coarse, scale_factor=2.0)
        )
        fine = self.merge[0](
            self.lateral[0](fine) + nn.functional.interpolate(middle, scale_factor=2.0)
        )
        rows = []
        for level in (fine, middle, coarse):
            seen = self.look(level)
            boxes, classes = self.boxes(seen), self.classes(seen)
            if self.exporting:
                boxes = torch.cat([boxes[:, :4], boxes[:, 4:].sigmoid()], dim=1)
                classes = classes.sigmoid()
            rows.append(torch.cat([boxes, classes], dim=1).flatten(2))
        return torch.cat(rows, dim=2).transpose(1, 2)


def cells(width: int, height: int) -> tuple[Tensor, Tensor]:
    """Left-top corner `(cells, 2)` in cells and stride `(cells,)` in pixels of every row of the output."""
    corners, strides = [], []
    for stride in STRIDES:
        down, across = torch.meshgrid(
            torch.arange(height // stride), torch.arange(width // stride), indexing="ij"
        )
        corners.append(torch.stack([across, down], dim=-1).reshape(-1, 2).float())
        strides.append(torch.full((corners[-1].shape[0],), float(stride)))
    return torch.cat(corners), torch.cat(strides)


def decoded(rows: Tensor, corners: Tensor, strides: Tensor) -> Tensor:
    """Boxes xyxy in pixels of the input, `[n, cells, 4]`."""
    centre = (rows[..., :2] + corners) * strides[:, None]
    size = rows[..., 2:4].clamp(max=6.0).exp() * strides[:, None]
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)
