"""What moves, without knowing what it is: difference to a slow background, blobs, boxes labelled `object`. For
views no model fits.

A small grey picture is compared with a background that follows the place slowly, and more slowly where
something is, so that what stops is seen for about `absorb_s` before it becomes part of the place. A camera that
sets its exposure anew changes all grey levels by one factor, which is taken out first. What is left behind
where a thing has gone (the background has more edges there than the picture) is forgotten at once. A change of
most of the picture is light: the background starts again and nothing is told. Numbers are seconds and shares of
the frame. Bound: a few small pictures a camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.inference.boxes import LABELS, Boxes, no_boxes
from gatehouse_shared.names import Label

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
    """The background of one camera, and what stands out from it. Same frames at the same times give the same boxes."""

    def __init__(self, interval_s: float, parameters: MotionParameters | None = None) -> None:
        """`interval_s`: the usual time between frames, for those that come without."""
        self._settings = parameters or MotionParameters()
        self._interval_s = interval_s
        self._background: NDArray[np.float32] | None = None
        self._age_s = 0.0

    def find(self, pixels: NDArray[np.uint8], elapsed_s: float | None = None) -> Boxes:
        """Moving things in `(h, w, 3)` uint8 BGR, boxes in its pixels; the score is how much of the box changed.

        `elapsed_s`: time since the frame before, where it is known.
        """
        self._interval_s = elapsed_s or self._interval_s
        small = self._small(pixels)
        if self._background is None or self._background.shape != small.shape:
            self._background, self._age_s = small, 0.0
            return no_boxes()
        self._age_s += self._interval_s
        even = small / _exposure(small, self._background)
        changed = np.abs(even - self._background) > self._settings.contrast * 255
        if float(changed.mean()) > self._settings.light:
            self._background, self._age_s = small, 0.0
            return no_boxes()
        mask = self._joined(changed)
        if self._age_s < self._settings.first_s:
            self._learn(even, mask > 0)
            return no_boxes()
        ratio = pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0]
        found, gone = self._parts(mask, changed, even, ratio)
        self._background[gone] = even[gone]
        self._learn(even, mask > 0)
        return found

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
        mask = np.asarray(
            cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8
        )
        reach = max(3, round(self._settings.join * mask.shape[1])) | 1
        return np.asarray(
            cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8)), np.uint8
        )

    def _learn(self, small: NDArray[np.float32], busy: NDArray[np.bool_]) -> None:
        """Moves the background towards this picture: quickly at first, slowly where something is."""
        background = self._background
        assert background is not None
        settle_s = min(self._settings.settle_s, max(self._age_s, self._interval_s))
        rate = np.where(busy, self._rate(self._settings.absorb_s), self._rate(settle_s))
        if self._age_s < self._settings.first_s:
            rate = np.full_like(small, self._rate(settle_s))
        self._background = np.asarray(background + rate * (small - background), np.float32)

    def _rate(self, time_s: float) -> float:
        return float(1.0 - np.exp(-self._interval_s / time_s))

    def _parts(
        self,
        mask: NDArray[np.uint8],
        changed: NDArray[np.bool_],
        even: NDArray[np.float32],
        ratio: tuple[float, float],
    ) -> tuple[Boxes, NDArray[np.bool_]]:
        """Boxes of what is there, and the pixels of what is there no more."""
        count, marks, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        assert self._background is not None
        flat = marks.ravel()
        gained = (_edges(even) - _edges(self._background)).ravel()
        gain = np.bincount(flat, weights=gained, minlength=count)
        filled = np.bincount(flat, weights=changed.ravel(), minlength=count)
        big = stats[:, cv2.CC_STAT_AREA] >= self._settings.least_area * mask.size
        big[0] = False
        gone = np.isin(marks, np.flatnonzero(big & (gain < 0)))
        rows = np.flatnonzero(big & (gain >= 0))
        x, y, w, h = (stats[rows, k].astype(np.float32) for k in range(4))
        found = Boxes(
            np.stack((x, y, x + w, y + h), axis=1) * np.array([*ratio, *ratio], np.float32),
            np.full(len(rows), _OBJECT, np.int16),
            np.clip(0.3 + 0.7 * filled[rows] / (w * h), 0.0, 1.0).astype(np.float32),
        )
        return found, gone


def _exposure(small: NDArray[np.float32], background: NDArray[np.float32]) -> float:
    """The factor between two pictures of one place, by its middle pixel; what moves must cover half the picture
    to change it.
    """
    return float(np.clip(np.median((small + 1) / (background + 1)), 0.25, 4.0))


def _edges(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """How strongly neighbours differ."""
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(np.abs(across) + np.abs(down), np.float32)
