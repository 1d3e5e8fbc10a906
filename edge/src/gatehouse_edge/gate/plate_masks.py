"""Where people are, or were lately, in tiles of a plate: whatever is in doubt is hidden.

People   boxes of persons, and of everything that the model does not name a thing, widened by a third and a tile.
Motion   tiles that differ from half a second or two seconds ago, widened by a tile; hidden until they look like background again.
         Things (vehicles, flames, objects) that the model sees are not hidden for their motion.
Same     a tile looks the same when its mean and its structure do, after the light of the whole picture is evened out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.values import Tracks
from gatehouse_shared.names import Label

TILE_PX: Final = 16
LATELY_S: Final = 10.0
"""A person seen in a tile hides it for so long at least, and a thing excuses motion in it for so long."""
STILL_S: Final = 5.0
"""Without people or motion for so long, a tile that looks like background is background again."""
NEVER: Final = float("-inf")
_THINGS: Final = frozenset(
    {Label.CAR, Label.BUS, Label.TRUCK, Label.BOAT, Label.OBJECT, Label.FLAME, Label.SMOKE}
)
_WIDER: Final = 1.0 / 3.0
_MOVED_LEVELS: Final = 12
_MOVED_RATIO: Final = 0.015
_BEFORE_LOOKS: Final = 4
_MEAN_LEVELS: Final = 20.0
_STRUCTURE_LEVELS: Final = 5.0
_STRUCTURE_RATIO: Final = 0.5

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Gray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """A picture as tiles of gray: `mean` `(rows, columns)`, `rest` `(rows, 16, columns, 16)` about the mean, `contrast` of it."""

    mean: Floats
    rest: Floats
    contrast: Floats

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Tiles:
        """Of a picture `(h, w, 3)` of whole tiles."""
        gray = _gray(pixels).astype(np.float32)
        rows, columns = gray.shape[0] // TILE_PX, gray.shape[1] // TILE_PX
        cut = gray.reshape(rows, TILE_PX, columns, TILE_PX)
        mean = cut.mean(axis=(1, 3))
        rest = cut - mean[:, None, :, None]
        return cls(mean, rest, np.abs(rest).mean(axis=(1, 3)))


def same_as(before: Tiles, now: Tiles) -> Bools:
    """Which tiles look the same, whatever the light does to the picture as a whole."""
    gain = float(np.clip(np.median((now.mean + 1.0) / (before.mean + 1.0)), 0.25, 4.0))
    apart = np.abs(now.rest - gain * before.rest).mean(axis=(1, 3))
    allowed = np.maximum(_STRUCTURE_LEVELS, _STRUCTURE_RATIO * gain * before.contrast)
    same: Bools = (np.abs(now.mean - gain * before.mean) <= _MEAN_LEVELS) & (apart <= allowed)
    return same


class Presence:
    """What is known of people and motion, tile by tile. `shape`: rows and columns."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._person_at = np.full(shape, NEVER)
        self._moved_at = np.full(shape, NEVER)
        self._thing_at = np.full(shape, NEVER)
        self._person_held: Bools = np.zeros(shape, dtype=bool)
        self._motion_held: Bools = np.zeros(shape, dtype=bool)
        self._before: deque[Gray] = deque(maxlen=_BEFORE_LOOKS)

    def seen(self, tracks: Tracks, at: float) -> None:
        """People hide tiles; things excuse motion."""
        for track in tracks.tracks:
            if track.label in _THINGS:
                self._thing_at[self._tiles_of(track.xyxy, tracks, 0.0, 0)] = at
            else:
                box = self._tiles_of(track.xyxy, tracks, _WIDER, 1)
                self._person_at[box] = at
                self._person_held[box] = True

    def _tiles_of(
        self, xyxy: tuple[float, float, float, float], tracks: Tracks, wider: float, more: int
    ) -> tuple[slice, slice]:
        """The tiles that a box touches once it is wider by a share of itself and by `more` tiles."""
        rows, columns = self._shape
        x1, y1, x2, y2 = xyxy
        dx, dy = wider * (x2 - x1), wider * (y2 - y1)
        down = _span(y1 - dy, y2 + dy, rows / tracks.height, more)
        return down, _span(x1 - dx, x2 + dx, columns / tracks.width, more)

    def moved(self, pixels: NDArray[np.uint8], at: float) -> None:
        """Tiles that differ from the last look, or from two seconds ago, have moved."""
        gray = np.asarray(cv2.blur(_gray(pixels), (3, 3)), dtype=np.uint8)
        rows, columns = self._shape
        moving = np.zeros(self._shape, dtype=bool)
        for before in (*list(self._before)[:1], *list(self._before)[-1:]):
            apart = np.asarray(cv2.absdiff(before, gray)) > _MOVED_LEVELS
            share = apart.reshape(rows, TILE_PX, columns, TILE_PX).mean(axis=(1, 3))
            moving |= share >= _MOVED_RATIO
        self._before.append(gray)
        wide = cv2.dilate(moving.astype(np.uint8), np.ones((3, 3), dtype=np.uint8))
        moving = np.asarray(wide, dtype=bool)
        self._moved_at[moving] = at
        self._motion_held |= moving

    def release(self, like_background: Bools, at: float) -> None:
        """Tiles that have come to rest and look like background are shown again."""
        back = like_background & ~self.busy(at - STILL_S)
        self._person_held &= ~back
        self._motion_held &= ~back

    def busy(self, since: float) -> Bools:
        """Tiles with people, or with any motion at all, since a moment."""
        return np.asarray(np.maximum(self._person_at, self._moved_at) >= since, dtype=bool)

    def hidden(self, at: float) -> Bools:
        """Tiles that must not be shown as they are now."""
        person = self._person_held | (self._person_at >= at - LATELY_S)
        motion = self._motion_held | (self._moved_at >= at - LATELY_S)
        return person | (motion & ~(self._thing_at >= at - LATELY_S))


def _span(low: float, high: float, scale: float, more: int) -> slice:
    return slice(max(0, floor(low * scale) - more), max(0, ceil(high * scale) + more))


def _gray(pixels: NDArray[np.uint8]) -> Gray:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
