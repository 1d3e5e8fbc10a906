"""Overwrites privacy zones in a frame, in the memory the decoder left it in, before anybody sees it.

Outward  every pixel that a zone touches is covered, and MARGIN_PX around: video stores colour for squares of two by two pixels,
         so that a hidden pixel would tint its neighbour.
Cost     the covered rows are found once a size and kept as blocks; a frame is then a few slice assignments.
Bounds   blocks of the last size only, at most one a row and stretch; PIECE_ROWS rows of scratch memory while they are found.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gatehouse_edge.sources.privacy import PrivacyZone

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN_PX: Final = 1.0
GREY: Final = 128
PIECE_ROWS: Final = 128
SAMPLES: Final = 4096
"""Pixels, about, that the fill of a thermal picture is the median of."""
NOTHING_SEEN_C: Final = 20.0
"""The fill where a thermal picture shows nothing outside its zones."""


@dataclass(frozen=True, slots=True)
class Block:
    """Pixels [top, bottom) x [left, right)."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class _Cover:
    """What one size of picture needs: the blocks, and every `stride`-th pixel that is outside of them."""

    size: tuple[int, int]
    blocks: tuple[Block, ...]
    stride: int
    seen: NDArray[np.bool_]


class PrivacyMask:
    """The privacy zones of one camera. One thread."""

    def __init__(self, zones: Sequence[PrivacyZone]) -> None:
        self._zones = tuple(zones)
        self._cover: _Cover | None = None

    def hide(self, pixels: NDArray[np.uint8] | NDArray[np.float32]) -> None:
        """Overwrites the zones in `pixels`: colour `(h, w, 3)` with one grey, thermal `(h, w)` with one temperature.

        The temperature is the median of what is outside the zones: it says nothing about what is hidden, is no number that a
        threshold or a comparison with the neighbourhood could take for heat or cold, and is never NaN.
        """
        if not self._zones:
            return
        size = (pixels.shape[0], pixels.shape[1])
        cover = self._cover
        if cover is None or cover.size != size:
            cover = self._cover = _cover(self._zones, size)
        fill = GREY if pixels.ndim == 3 else _calm(pixels, cover)
        for block in cover.blocks:
            pixels[block.top : block.bottom, block.left : block.right] = fill


def covered_ratio(zones: Sequence[PrivacyZone], height: int = 720, width: int = 1280) -> float:
    """How much of a picture of this size the zones cover, 0 to 1, margin included."""
    blocks = covering(zones, height, width)
    return sum((b.bottom - b.top) * (b.right - b.left) for b in blocks) / (height * width)


def covering(zones: Sequence[PrivacyZone], height: int, width: int) -> tuple[Block, ...]:
    """Blocks, without overlap, of all pixels that a zone touches, and MARGIN_PX around them."""
    blocks: list[Block] = []
    open_: dict[tuple[int, int], int] = {}
    for row, stretches in enumerate(_rows(zones, height, width)):
        ended = [stretch for stretch in open_ if stretch not in stretches]
        blocks += [Block(open_.pop(stretch), row, *stretch) for stretch in ended]
        for stretch in stretches:
            open_.setdefault(stretch, row)
    blocks += [Block(top, height, *stretch) for stretch, top in open_.items()]
    return tuple(blocks)


def _rows(
    zones: Sequence[PrivacyZone], height: int, width: int
) -> Iterator[tuple[tuple[int, int], ...]]:
    """The covered stretches [left, right) of each row."""
    for top in range(0, height, PIECE_ROWS):
        rows = min(PIECE_ROWS, height - top)
        covered = np.zeros((rows, width), np.bool_)
        for zone in zones:
            corners = [(x * width, y * height - top) for x, y in zone]
            covered |= _inside(corners, rows, width) | _border(corners, rows, width)
        padded = np.zeros((rows, width + 2), np.int8)
        padded[:, 1:-1] = covered
        for turns in np.diff(padded, axis=1):
            at = np.flatnonzero(turns).tolist()
            yield tuple(zip(at[::2], at[1::2], strict=True))


def _edges(
    corners: Sequence[tuple[float, float]],
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Each edge from its upper end to its lower."""
    for a, b in zip(corners, (*corners[1:], corners[0]), strict=True):
        yield (a, b) if a[1] <= b[1] else (b, a)


def _inside(corners: Sequence[tuple[float, float]], rows: int, width: int) -> NDArray[np.bool_]:
    """Pixels whose middle is inside: an odd number of edges lies left of it."""
    crossed = np.zeros((rows, width + 1), np.int16)
    middles = np.arange(rows) + 0.5
    for (x0, y0), (x1, y1) in _edges(corners):
        at = np.flatnonzero((middles >= y0) & (middles < y1))
        x = x0 + (middles[at] - y0) * (x1 - x0) / (y1 - y0) if at.size else middles[:0]
        np.add.at(crossed, (at, np.clip(np.ceil(x - 0.5), 0, width).astype(np.intp)), 1)
    odd: NDArray[np.bool_] = np.cumsum(crossed, axis=1, dtype=np.int16)[:, :width] % 2 == 1
    return odd


def _border(corners: Sequence[tuple[float, float]], rows: int, width: int) -> NDArray[np.bool_]:
    """Pixels whose square, MARGIN_PX larger on every side, an edge touches."""
    steps = np.zeros((rows, width + 1), np.int16)
    for (x0, y0), (x1, y1) in _edges(corners):
        first = max(0, math.ceil(y0 - MARGIN_PX) - 1)
        last = min(rows - 1, math.floor(y1 + MARGIN_PX))
        if first > last:
            continue
        at = np.arange(first, last + 1)
        upper, lower = np.maximum(at - MARGIN_PX, y0), np.minimum(at + 1 + MARGIN_PX, y1)
        if y1 > y0:
            ends = tuple(x0 + (y - y0) / (y1 - y0) * (x1 - x0) for y in (upper, lower))
        else:
            ends = (np.full(at.shape, x0), np.full(at.shape, x1))
        left = np.ceil(np.minimum(*ends) - MARGIN_PX) - 1
        right = np.floor(np.maximum(*ends) + MARGIN_PX) + 1
        np.add.at(steps, (at, np.clip(left, 0, width).astype(np.intp)), 1)
        np.add.at(steps, (at, np.clip(right, 0, width).astype(np.intp)), -1)
    return np.cumsum(steps, axis=1, dtype=np.int16)[:, :width] > 0


def _cover(zones: Sequence[PrivacyZone], size: tuple[int, int]) -> _Cover:
    height, width = size
    blocks = covering(zones, height, width)
    seen = np.ones(size, np.bool_)
    for block in blocks:
        seen[block.top : block.bottom, block.left : block.right] = False
    stride = max(1, math.isqrt(height * width // SAMPLES))
    return _Cover(size, blocks, stride, seen[::stride, ::stride].copy())


def _calm(pixels: NDArray[np.uint8] | NDArray[np.float32], cover: _Cover) -> float:
    """The median temperature outside the zones."""
    outside = pixels[:: cover.stride, :: cover.stride][cover.seen]
    finite = outside[np.isfinite(outside)]
    return float(np.median(finite)) if finite.size else NOTHING_SEEN_C
