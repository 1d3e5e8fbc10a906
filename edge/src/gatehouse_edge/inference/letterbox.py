"""A frame becomes a model's input, and boxes of the input become boxes of the frame. No I/O, no state but a buffer.

    frame (h, w, 3) uint8 BGR --resize--> top left corner, the rest padded --scale, mean, std--> (1, 3, H, W) float32

The tensor is made once and used again, and its padding is written once per frame size: making it costs as much as filling it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.inference.manifest import Fit, InputSpec


@dataclass(frozen=True, slots=True)
class Fitted:
    """Where a frame of `width` x `height` pixels lies in the input: times `scale_x`, `scale_y`, from the top
    left corner.
    """

    width: int
    height: int
    scale_x: float
    scale_y: float

    @property
    def inside_wh(self) -> tuple[int, int]:
        """Pixels of the input that the frame covers."""
        return max(1, round(self.width * self.scale_x)), max(1, round(self.height * self.scale_y))

    def to_frame(self, xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes `(n, 4)` of the input in pixels of the frame, cut at its edges."""
        factors = np.array(
            [1 / self.scale_x, 1 / self.scale_y, 1 / self.scale_x, 1 / self.scale_y], np.float32
        )
        limits = np.array([self.width, self.height, self.width, self.height], np.float32)
        return np.asarray(np.clip(xyxy * factors, 0.0, limits), np.float32)


def fit_frame(width: int, height: int, spec: InputSpec) -> Fitted:
    """How a frame of this size is brought to `spec`."""
    scale_x, scale_y = spec.width / width, spec.height / height
    if spec.fit is Fit.LETTERBOX:
        scale_x = scale_y = min(scale_x, scale_y)
    return Fitted(width, height, scale_x, scale_y)


class Letterbox:
    """Prepares frames for one model. Not for several threads at once: the result is overwritten by the next call."""

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec
        self._tensor = np.zeros((1, 3, spec.height, spec.width), np.float32)
        self._covered = (0, 0)
        self._step = 1 if spec.order == "bgr" else -1
        gain = [spec.scale / std for std in spec.std]
        shift = [-mean / std for mean, std in zip(spec.mean, spec.std, strict=True)]
        self._plain = gain == [1.0] * 3 and shift == [0.0] * 3
        self._gain = np.array(gain, np.float32)[:, None, None]
        self._shift = np.array(shift, np.float32)[:, None, None]
        self._padding = np.float32(spec.pad) * self._gain + self._shift

    @property
    def tensor(self) -> NDArray[np.float32]:
        """The memory that `prepare` writes and gives, always the same."""
        return self._tensor

    def prepare(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Fitted]:
        """The tensor `(1, 3, H, W)` for `pixels` `(h, w, 3)` BGR, and the way back."""
        fitted = fit_frame(pixels.shape[1], pixels.shape[0], self._spec)
        inside = fitted.inside_wh
        if inside != self._covered:
            self._covered = inside
            self._tensor[0] = self._padding
        resized = cv2.resize(pixels, inside, interpolation=cv2.INTER_LINEAR)
        target = self._tensor[0, :, : inside[1], : inside[0]]
        for plane, channel in zip(target, cv2.split(resized)[:: self._step], strict=True):
            np.copyto(plane, channel)
        if not self._plain:
            target *= self._gain
            target += self._shift
        return self._tensor, fitted
