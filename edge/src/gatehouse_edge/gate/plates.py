"""A scene plate: the background of a place, the region of a hazard cut in from now, people as flat gray. In memory only.

Background  one picture taken at a fixed moment (a minute after the start, then every half hour), of which only those tiles are
            ever shown that were clear of people and motion around that moment, and looked the same in most of a sample every 30 s
            over the half hour after it. Nothing is averaged: a shown pixel is a pixel of that picture or of now, so that whoever
            walked by can have changed no pixel, only made tiles gray.
Region      from two seconds ago, so that what was found since then is known, in cells of 4 pixels; people who were seen there
            lately, and whatever moved and has not become background again, are gray. Vehicles, flames and other things that
            the model names are not.
Gray        whole tiles of 16 pixels, where a JPEG's blocks end too.
Bounds      at most 640 pixels wide: 7 MB a camera. Written nowhere; a restart begins the half hour anew.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.gate.plate_masks import TILE_PX, Bools, Presence, Tiles, same_as
from gatehouse_edge.rules.observations import Observation
from gatehouse_edge.values import Frame, Tracks

WIDTH_MOST_PX: Final = 640
LOOK_S: Final = 0.5
LATE_LOOKS: Final = 4
"""The region is cut from so many looks ago."""
SETTLE_S: Final = 60.0
"""The first picture is taken so long after the start; and people or motion this shortly before or after it spoil its tiles."""
SAMPLE_S: Final = 30.0
BACKGROUND_S: Final = 1800.0
SAMPLES_LEAST: Final = 40
CLEAR_LEAST: Final = 20
"""Samples of the half hour, and of each tile those without people or motion."""
SAME_LEAST: Final = 0.6
LOOKED_MOST_S: Final = 15.0
FLAT_GRAY: Final = 128
CELL_PX: Final = 4
JPEG_MOST_BYTES: Final = 48 * 1024
_QUALITIES: Final = (80, 70, 60, 50, 40, 30, 20, 10)

Colour = NDArray[np.uint8]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """`pixels` `(h, w, 3)` BGR; `gray` `(h / 16, w / 16)` the tiles that show nothing."""

    pixels: Colour
    gray: Bools


class _Background:
    """One picture on its way to be the background, or arrived."""

    def __init__(self, pixels: Colour, at: float) -> None:
        self.pixels, self.taken_at = pixels, at
        self.tiles = Tiles.of(pixels)
        shape = self.tiles.mean.shape
        self.clear: Bools = np.ones(shape, dtype=bool)
        self._clear_looks = np.zeros(shape, dtype=np.int32)
        self._same_looks = np.zeros(shape, dtype=np.int32)
        self.samples = 0
        self.sampled_at = at

    def sample(self, now: Tiles, busy: Bools, at: float) -> None:
        """Compare one look with the picture where nothing is going on."""
        self.samples += 1
        self.sampled_at = at
        self._clear_looks += ~busy
        self._same_looks += ~busy & same_as(self.tiles, now)

    def ready(self, at: float) -> bool:
        """Whether half an hour of samples lies behind it."""
        return at - self.taken_at >= BACKGROUND_S and self.samples >= SAMPLES_LEAST

    def shown(self) -> Bools:
        """The tiles that are background beyond doubt."""
        enough = self._clear_looks >= CLEAR_LEAST
        return self.clear & enough & (self._same_looks >= SAME_LEAST * self._clear_looks)


class PlateKeeper:
    """The background of one camera, and plates made of it. `note` from the camera's thread, `plate` from any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._size = (0, 0)
        self._looks: deque[Colour] = deque(maxlen=LATE_LOOKS + 1)
        self._presence: Presence | None = None
        self._ready: _Background | None = None
        self._coming: _Background | None = None
        self._began_at = self._at = 0.0
        self._due_at = self._looked_at = float("-inf")

    def seen(self, tracks: Tracks) -> None:
        """What the model found, also in a frame of a moment ago."""
        with self._lock:
            self._looked_at = max(self._looked_at, self._at)
            if self._presence is not None:
                self._presence.seen(tracks, self._at)

    def note(self, frame: Frame, observations: Sequence[Observation] = ()) -> None:
        """Take in one frame and what was seen in it by then. Another size of the picture, or time that went back, starts anew."""
        with self._lock:
            size = plate_size(frame)
            if size != self._size or frame.at < self._at:
                self._forget()
                self._size, self._began_at = size, frame.at
                self._presence = Presence((size[1] // TILE_PX, size[0] // TILE_PX))
            assert self._presence is not None
            self._at = frame.at
            for observation in observations:
                if isinstance(observation, Tracks):
                    self._looked_at = frame.at
                    self._presence.seen(observation, frame.at)
            if frame.at >= self._due_at:
                self._due_at = frame.at + LOOK_S
                self._look(frame, self._presence)

    def plate(self, region: Sequence[Point] | None) -> Plate | None:
        """A plate of now: the background, and in `region` (fractions of the frame) what is there.

        None before it is known, and while the model does not look: then nobody knows who is there.
        """
        with self._lock:
            background, presence = self._ready, self._presence
            blind = self._at - self._looked_at > LOOKED_MOST_S
            if background is None or presence is None or blind:
                return None
            pixels, gray = background.pixels.copy(), ~background.shown()
            if region is not None:
                inside = _inside(region, gray.shape)
                _paste(pixels, _cells(self._looks[0]), inside)
                gray = np.where(inside, presence.hidden(self._at), gray)
            _blank(pixels, gray)
            return Plate(pixels, gray)

    def _look(self, frame: Frame, presence: Presence) -> None:
        pixels = np.asarray(
            cv2.resize(frame.pixels, self._size, interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
        self._looks.append(pixels)
        presence.moved(pixels, frame.at)
        at = frame.at
        wanted = self._began_at + SETTLE_S if self._ready is None else self._ready.taken_at
        due = wanted if self._ready is None else wanted + BACKGROUND_S
        if self._coming is None and at >= due:
            self._coming = _Background(pixels, at)
        now: Tiles | None = None
        if self._coming is not None:
            now = self._grow(self._coming, presence, pixels, at)
        reference = self._ready or self._coming
        if reference is not None:
            now = now or Tiles.of(pixels)
            presence.release(same_as(reference.tiles, now) & reference.clear, at)

    def _grow(self, coming: _Background, presence: Presence, pixels: Colour, at: float) -> Tiles:
        """The coming background learns what was clear around its moment, and how it looked since."""
        if at <= coming.taken_at + SETTLE_S:
            coming.clear &= ~presence.busy(coming.taken_at - SETTLE_S)
        now = Tiles.of(pixels)
        if at - coming.sampled_at >= SAMPLE_S:
            coming.sample(now, presence.busy(at - LOOK_S * LATE_LOOKS), at)
        if coming.ready(at):
            self._ready, self._coming = coming, None
        return now


def plate_size(frame: Frame) -> tuple[int, int]:
    """Width and height of a plate of such frames: whole tiles, at most 640 wide."""
    high, wide = frame.pixels.shape[:2]
    width = max(TILE_PX, min(WIDTH_MOST_PX, wide) // TILE_PX * TILE_PX)
    height = max(TILE_PX, round(high * width / wide / TILE_PX) * TILE_PX)
    return width, height


def encode(plate: Plate) -> bytes | None:
    """JPEG of at most 48 KiB, as good as that allows; None when it cannot be so small. Whole blocks, so that gray stays gray."""
    for quality in _QUALITIES:
        settings = [
            cv2.IMWRITE_JPEG_QUALITY,
            quality,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        ]
        done, coded = cv2.imencode(".jpg", plate.pixels, settings)
        if done and coded.size <= JPEG_MOST_BYTES:
            return coded.tobytes()
    return None


def _inside(region: Sequence[Point], shape: tuple[int, ...]) -> Bools:
    """The tiles of which at least half lie in a polygon; those that it touches when there are none."""
    rows, columns = shape
    size = (rows * TILE_PX, columns * TILE_PX)
    drawn = np.zeros(size, dtype=np.uint8)
    corners = np.round(np.asarray(region) * (size[1], size[0])).astype(np.int32)
    cv2.fillPoly(drawn, [corners], 1)
    share = drawn.reshape(rows, TILE_PX, columns, TILE_PX).mean(axis=(1, 3))
    inside: Bools = share >= 0.5
    return inside if inside.any() else share > 0


def _pixels_of(tiles: Bools) -> Bools:
    return np.kron(tiles, np.ones((TILE_PX, TILE_PX), dtype=bool)).astype(bool)


def _cells(pixels: Colour) -> Colour:
    """The picture in cells: enough to see a thing, too coarse for a face or a number plate."""
    high, wide = pixels.shape[:2]
    size = (wide // CELL_PX, high // CELL_PX)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(
        cv2.resize(small, (wide, high), interpolation=cv2.INTER_NEAREST), dtype=np.uint8
    )


def _paste(pixels: Colour, now: Colour, tiles: Bools) -> None:
    where = _pixels_of(tiles)
    pixels[where] = now[where]


def _blank(pixels: Colour, tiles: Bools) -> None:
    pixels[_pixels_of(tiles)] = FLAT_GRAY
