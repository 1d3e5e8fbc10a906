"""What moves, without knowing what it is: difference to a slow background, blobs, boxes labelled `object`. For views no model fits.

A small grey picture is compared with a background that follows the light slowly, and more slowly where something moves, so that what
stops is seen for about `absorb_s` before it becomes part of the place. A change of most of the picture at once is light: then the
background starts again and nothing is told. Numbers are seconds and shares of the frame. Bound: three small pictures a camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from gatehouse_shared.names import Label
from numpy.typing import NDArray

from gatehouse_edge.inference.boxes import LABELS, Boxes, no_boxes

_OBJECT: Final = LABELS.index(Label.OBJECT)


@dataclass(frozen=True, slots=True)
class MotionParameters:
    """How change becomes objects."""

    width_px: int = 320
    """Width of the picture that is compared; its height keeps the shape."""
    settle_s: float = 4.0
    """Time in which the background follows the light."""
    absorb_s: float = 30.0
    """The same where something is: how long a thing that stops is told."""
    contrast: float = 0.07
    """Change of grey, as share of the range, that counts."""
    least_area: float = 0.002
    """Smallest object, as share of the frame."""
    join: float = 0.02
    """Parts nearer than this share of the width are one object."""
    light: float = 0.6
    """When more than this share of the picture changes at once it is the light."""
    first_s: float = 0.5
    """Time in which the first background is gathered; nothing is told before."""


class MotionDetector:
    """The background of one camera, and what stands out from it. Same frames at the same rate give the same boxes."""

    def __init__(self, interval_s: float, parameters: MotionParameters | None = None) -> None:
        """`interval_s`: time between frames, since a detector is given pixels only."""
        self._settings = parameters or MotionParameters()
        self._interval_s = interval_s
        self._background: NDArray[np.float32] | None = None
        self._age_s = 0.0

    def find(self, pixels: NDArray[np.uint8]) -> Boxes:
        """Moving things in `(h, w, 3)` uint8 BGR, boxes in its pixels; the score is how much of the box changed."""
        small = self._small(pixels)
        if self._background is None or self._background.shape != small.shape:
            self._background, self._age_s = small, 0.0
            return no_boxes()
        self._age_s += self._interval_s
        changed = np.abs(small - self._background) > self._settings.contrast * 255
        share = float(changed.mean())
        if share > self._settings.light:
            self._background, self._age_s = small, 0.0
            return no_boxes()
        mask = self._joined(changed)
        self._learn(small, mask > 0)
        if self._age_s < self._settings.first_s:
            return no_boxes()
        return self._boxes(mask, changed, pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0])

    def _small(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        width = min(self._settings.width_px, pixels.shape[1])
        height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
        grey = cv2.cvtColor(
            cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY
        )
        return np.asarray(cv2.GaussianBlur(grey, (5, 5), 0), np.float32)

    def _joined(self, changed: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Specks removed, near parts joined."""
        mask = np.asarray(changed, np.uint8)
        mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
        reach = max(3, round(self._settings.join * mask.shape[1])) | 1
        return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8)), np.uint8)

    def _learn(self, small: NDArray[np.float32], busy: NDArray[np.bool_]) -> None:
        """Moves the background towards this picture: quickly at first, slowly where something is."""
        background = self._background
        assert background is not None
        settle_s = min(self._settings.settle_s, max(self._age_s, self._interval_s))
        rate = np.where(busy, self._rate(self._settings.absorb_s), self._rate(settle_s))
        if self._age_s < self._settings.first_s:
            rate = np.full_like(small, self._rate(settle_s))
        self._background = background + rate.astype(np.float32) * (small - background)

    def _rate(self, time_s: float) -> float:
        return float(1.0 - np.exp(-self._interval_s / time_s))

    def _boxes(
        self, mask: NDArray[np.uint8], changed: NDArray[np.bool_], scale_x: float, scale_y: float
    ) -> Boxes:
        count, marks, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        least = self._settings.least_area * mask.size
        big = [k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= least]
        if not big:
            return no_boxes()
        x, y, w, h = (stats[big, k].astype(np.float32) for k in range(4))
        scale = np.array([scale_x, scale_y, scale_x, scale_y], np.float32)
        filled = np.bincount(marks.ravel(), weights=changed.ravel(), minlength=count)[big]
        scores = np.clip(0.3 + 0.7 * filled / (w * h), 0.0, 1.0).astype(np.float32)
        return Boxes(
            np.stack((x, y, x + w, y + h), axis=1) * scale,
            np.full(len(big), _OBJECT, np.int16),
            scores,
        )
