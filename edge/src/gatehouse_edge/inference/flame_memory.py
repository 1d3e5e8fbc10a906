"""Two seconds of one camera, small and gray, and where in it something the colour of flames keeps flickering.

Copy     a frame is cut down to at most 432 pixels on its longer side; of it the luma stays, and for each half second the
         greatest and least luma and where flame colours were seen. Nothing else is kept, and nothing for longer than two seconds.
Colour   red over blue (Cr - Cb), and not darker than most of the picture: relative measures, which an exposure hardly shifts.
Place    a pixel counts that swung by RANGE_LEVELS or more in three of four half seconds and was flame-coloured in as many: what
         moves on (headlights, a red car, an orange jacket) is gone from it by then.
Bounds   at most 64 small pictures, REGIONS_MAX regions of at least PIXELS_LEAST pixels. Frames beyond 30 a second are let by.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.inference.flame_cues import PIXELS_MAX, WINDOW_S, FlameCues, Place, measure
from gatehouse_edge.inference.flame_shift import left_over

LONG_SIDE_PX: Final = 432
FASTEST_FPS: Final = 31.0
PICTURES_MAX: Final = 64
HALF_S: Final = 0.5
HALVES: Final = 4
HALVES_LEAST: Final = 3
GAP_MAX_S: Final = 0.5
"""A longer pause between frames and the memory starts afresh."""
RED_OVER_BLUE: Final = 40
DARKEST_LEVELS: Final = 80.0
DARKEST_SHARE: Final = 0.8
RANGE_LEVELS: Final = 24
JOIN_PX: Final = 5
PIXELS_LEAST: Final = 24
REGIONS_MAX: Final = 6
_AROUND: Final = 16
_SLACK_S: Final = 0.05
_EPSILON_S: Final = 1e-6

Gray = NDArray[np.uint8]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A patch of flickering pixels: `mask` of the small picture, and how it behaved."""

    mask: Bools
    cues: FlameCues


@dataclass(slots=True, eq=False)
class _Half:
    """Half a second, pixel by pixel."""

    began_at: float
    high: Gray
    low: Gray
    flame: Gray


class FlameMemory:
    """The memory of one camera. `take` every frame, in order; once a second it is `due`, then ask for `regions`."""

    def __init__(self) -> None:
        self._pictures: deque[tuple[float, Gray]] = deque(maxlen=PICTURES_MAX)
        self._halves: deque[_Half] = deque(maxlen=HALVES)
        self._open: _Half | None = None
        self._odd = False
        self._lively_before: Bools | None = None
        self.shape: tuple[int, int] = (0, 0)

    @property
    def rate_fps(self) -> float:
        """Frames a second over the window."""
        return sum(1 for at, _ in self._pictures if at > self._latest_at - WINDOW_S) / WINDOW_S

    def take(self, pixels: NDArray[np.uint8], at: float) -> bool:
        """Remember one frame, BGR. True once a second, when two seconds are known."""
        passed_s = at - self._latest_at
        if 0 <= passed_s < 1.0 / FASTEST_FPS:
            return False
        small = small_copy(pixels)
        if small.shape[:2] != self.shape or not 0 < passed_s <= GAP_MAX_S:
            self._restart((small.shape[0], small.shape[1]))
        luma, flame = _split(small)
        closed = self._gather(luma, flame, at)
        self._pictures.append((at, luma))
        self._odd ^= closed
        return closed and not self._odd and len(self._halves) == HALVES

    def regions(self, allowed: Bools | None = None) -> tuple[Region, ...]:
        """What flickers now where `allowed` (of the small picture's shape), the largest first. Ask when due, once."""
        lively = self._lively()
        if allowed is not None:
            lively &= allowed.astype(np.uint8)
        near = np.ones((JOIN_PX, JOIN_PX), np.uint8)
        joined = cv2.dilate(lively, near).astype(np.uint8, copy=False)
        found = self._told_apart(lively, joined)
        self._lively_before = joined > 0
        return found

    def _told_apart(self, lively: Gray, joined: Gray) -> tuple[Region, ...]:
        if int(np.count_nonzero(lively)) < PIXELS_LEAST:
            return ()
        count, labels = cv2.connectedComponents(joined, connectivity=8)
        labels = np.where(lively > 0, labels, 0)
        sizes = np.bincount(labels.ravel(), minlength=count)
        sizes[0] = 0
        largest = np.argsort(-sizes, kind="stable")[:REGIONS_MAX]
        return tuple(self._region(labels == n) for n in largest if sizes[n] >= PIXELS_LEAST)

    @property
    def _latest_at(self) -> float:
        return self._pictures[-1][0] if self._pictures else float("-inf")

    def _restart(self, shape: tuple[int, int]) -> None:
        self._pictures.clear()
        self._halves.clear()
        self._open, self._odd, self._lively_before, self.shape = None, False, None, shape

    def _gather(self, luma: Gray, flame: Gray, at: float) -> bool:
        """Whether a half second has closed."""
        half = self._open
        if half is not None and at - half.began_at < HALF_S - _EPSILON_S:
            cv2.max(half.high, luma, half.high)
            cv2.min(half.low, luma, half.low)
            cv2.bitwise_or(half.flame, flame, half.flame)
            return False
        self._open = _Half(at, luma.copy(), luma.copy(), flame)
        if half is None:
            return False
        self._halves.append(half)
        return True

    def _lively(self) -> Gray:
        swung, coloured = np.zeros(self.shape, np.uint8), np.zeros(self.shape, np.uint8)
        for half in self._halves:
            swung += cv2.subtract(half.high, half.low) >= RANGE_LEVELS
            coloured += half.flame > 0
        lively: Gray = ((swung >= HALVES_LEAST) & (coloured >= HALVES_LEAST)).astype(np.uint8)
        return lively

    def _region(self, mask: Bools) -> Region:
        since = self._latest_at - WINDOW_S - _SLACK_S
        recent = [(at, luma) for at, luma in self._pictures if at >= since]
        times = np.array([at for at, _ in recent])
        inside = np.flatnonzero(mask)
        chosen = inside[np.linspace(0, len(inside) - 1, min(PIXELS_MAX, len(inside))).astype(int)]
        rows, columns = (np.linspace(0, side - 1, _AROUND).astype(int) for side in self.shape)
        pixels = np.stack([luma.ravel()[chosen] for _, luma in recent]).astype(np.float32)
        around = np.stack([luma[np.ix_(rows, columns)].ravel() for _, luma in recent])
        known = self._lively_before
        stay_ratio = 0.0 if known is None else float((mask & known).sum()) / len(inside)
        place = Place(stay_ratio, left_over(recent, mask))
        return Region(mask, measure(pixels, around.astype(np.float32), times, place))


def small_copy(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture at a whole fraction of its size, at most LONG_SIDE_PX on its longer side."""
    height, width = pixels.shape[:2]
    fraction = -(-max(height, width) // LONG_SIDE_PX)
    if fraction <= 1:
        return pixels
    size = (max(1, width // fraction), max(1, height // fraction))
    # Linear is a fifth of the cost of the mean over the area at 720p, and still takes the mean of four pixels.
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _split(small: NDArray[np.uint8]) -> tuple[Gray, Gray]:
    """Luma, and 255 where the colour is that of flames."""
    tones = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb)
    luma = cv2.extractChannel(tones, 0).astype(np.uint8, copy=False)
    warmer = cv2.subtract(cv2.extractChannel(tones, 1), cv2.extractChannel(tones, 2))
    darkest = max(DARKEST_LEVELS, DARKEST_SHARE * cv2.mean(luma)[0])
    _, warm = cv2.threshold(warmer, RED_OVER_BLUE - 1, 255, cv2.THRESH_BINARY)
    _, bright = cv2.threshold(luma, darkest, 255, cv2.THRESH_BINARY)
    return luma, cv2.bitwise_and(warm, bright).astype(np.uint8, copy=False)
