"""Where in a camera's picture people are too small for its model, and the tiles that show them larger. Pure: geometry alone.

A tile is a fixed part of the picture, chosen from the marks of the camera's views and never from what was seen. Nothing else
makes a `Tile` (tests/architecture/test_tiles.py), and this module knows neither detections nor tracks: so no model is ever
shown the region of a detection.

    small     a person of the usual height who is under SMALL_PX at the model's input, and at least FAINT_PX in the smallest tile
    side      so that the farthest of them has SMALL_PX; LEAST_SIDE_PX to USUAL_SIDE_PX, more where MAX_TILES would not do else
    overlap   a fifth of the tile, or the tallest of them: each is whole in some tile

Bounds  at most MAX_TILES a camera. Source: SAHI, arXiv 2202.06934; the numbers are OURS.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Final

from gatehouse_edge.inference.manifest import Fit, InputSpec
from gatehouse_edge.inference.messages import LEAST_REGION_PX
from gatehouse_edge.rules.geometry import Point
from gatehouse_edge.rules.ground_scale import SMALL_PX, scale_at
from gatehouse_edge.rules.views import View
from gatehouse_shared.polygons import contains


class Tiles(StrEnum):
    """Whether a camera's picture is looked at in tiles too, where its marks say that people are small."""

    AUTO = "auto"
    OFF = "off"


EVERY: Final = 2
"""Tiles are looked at in one look of so many; the whole picture in all."""
MAX_TILES: Final = 6
LEAST_SIDE_PX: Final = 256
USUAL_SIDE_PX: Final = 640
FAINT_PX: Final = 16
"""Who is smaller than this even in the smallest tile is not looked for."""
OVERLAP_RATIO: Final = 0.2
GAIN: Final = 1.4
"""Tiles that do not make people larger than this are not worth their time."""
_GROWTH: Final = 1.1
_STEPS: Final = 24
_STOUT: Final = 0.25
"""Half a person's width, in heights."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a camera's picture, pixels: left, top, width, height. Made by `lay_out` only."""

    x: int
    y: int
    width: int
    height: int

    @property
    def xyxy(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.x, self.y, self.x + self.width, self.y + self.height


@dataclass(frozen=True, slots=True)
class Layout:
    """The tiles of one camera at one size of picture.

    `tall_px`: the tallest person in the picture for whom they are. `whole_px`, `tile_px`: the smallest of those people at the
    model's input, in the whole picture and in a tile.
    """

    tiles: tuple[Tile, ...]
    tall_px: float
    whole_px: float
    tile_px: float


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who may stand there: foot and height, pixels of the picture."""

    x: float
    y: float
    tall: float


def lay_out(views: Sequence[View], width: int, height: int, spec: InputSpec) -> Layout | None:
    """The tiles for a picture of `width` x `height`; None where nobody is small, where tiles gain nothing, or without marks."""
    whole = input_ratio(width, height, spec)
    finest = input_ratio(*_shape(LEAST_SIDE_PX, width, height, spec), spec)
    small = [
        p
        for view in views
        for p in _people(view, width, height)
        if p.tall * whole < SMALL_PX and p.tall * finest >= FAINT_PX
    ]
    if not small:
        return None
    least, tall = min(p.tall for p in small), max(p.tall for p in small)
    wanted = least * max(spec.width, spec.height) / SMALL_PX
    side = min(max(wanted, LEAST_SIDE_PX), USUAL_SIDE_PX)
    side = max(side, 2 * tall * max(spec.width, spec.height) / min(spec.width, spec.height))
    while True:
        shape = _shape(side, width, height, spec)
        ratio = input_ratio(*shape, spec)
        if ratio < GAIN * whole or min(shape) < LEAST_REGION_PX:
            return None
        tiles = _cover(small, shape, (width, height), tall)
        if len(tiles) <= MAX_TILES:
            return Layout(tiles, tall, least * whole, least * ratio)
        side *= _GROWTH


def input_ratio(width: int, height: int, spec: InputSpec) -> float:
    """Pixels of the model's input for one of the picture, down the picture."""
    down = spec.height / height
    return min(spec.width / width, down) if spec.fit is Fit.LETTERBOX else down


def describe(layout: Layout) -> str:
    """In words, for whoever sets the camera up."""
    count, first = len(layout.tiles), layout.tiles[0]
    size = f"{first.width}" if first.width == first.height else f"{first.width}x{first.height}"
    return (
        f"{count} tile{'s' if count > 1 else ''} of {size} over the far end: people there are "
        f"{layout.whole_px:.0f} px in the whole picture and {layout.tile_px:.0f} px in a tile"
    )


def _people(view: View, width: int, height: int) -> Iterable[_Person]:
    """People who stand at points spread over a view; none without marks."""
    if view.homography is None:
        return
    for place in _spread(view.polygon):
        scale = scale_at(view.homography, place, width)
        if scale is not None:
            yield _Person(place[0] * width, place[1] * height, scale.person_px)


def _spread(polygon: Sequence[Point]) -> Iterable[Point]:
    """The corners, and the middles of a grid over the polygon that lie in it."""
    yield from polygon
    xs, ys = [p[0] for p in polygon], [p[1] for p in polygon]
    for row in range(_STEPS):
        for column in range(_STEPS):
            x = min(xs) + (max(xs) - min(xs)) * (column + 0.5) / _STEPS
            y = min(ys) + (max(ys) - min(ys)) * (row + 0.5) / _STEPS
            if contains(polygon, (x, y)):
                yield x, y


def _shape(side: float, width: int, height: int, spec: InputSpec) -> tuple[int, int]:
    """A tile with the model's shape whose longer side is `side`, cut to the picture."""
    longer = max(spec.width, spec.height)
    wide, high = round(side * spec.width / longer), round(side * spec.height / longer)
    return min(wide, width), min(high, height)


def _cover(
    small: Sequence[_Person], shape: tuple[int, int], frame: tuple[int, int], tall: float
) -> tuple[Tile, ...]:
    """Tiles of one shape over everybody who is small, row by row; those in which nobody stands are left out."""
    lows = (min(p.x - _STOUT * p.tall for p in small), min(p.y - p.tall for p in small))
    highs = (max(p.x + _STOUT * p.tall for p in small), max(p.y for p in small))
    across, down = (
        _starts(lows[axis], highs[axis], shape[axis], frame[axis], tall) for axis in (0, 1)
    )
    tiles = [Tile(x, y, *shape) for y in down for x in across]
    return tuple(t for t in tiles if any(_holds(t, p) for p in small))


def _starts(low: float, high: float, size: int, limit: int, tall: float) -> tuple[int, ...]:
    """Where tiles of `size` begin along one axis, so that they cover `low` to `high` and overlap enough."""
    low, high = max(0.0, low), min(float(limit), high)
    overlap = min(max(OVERLAP_RATIO * size, tall + 1), size / 2)
    count = max(1, ceil((high - low - overlap) / (size - overlap)))
    if count == 1:
        wanted = [(low + high - size) / 2]
    else:
        step = (high - low - size) / (count - 1)
        wanted = [low + n * step for n in range(count)]
    return tuple(dict.fromkeys(min(max(round(start), 0), limit - size) for start in wanted))


def _holds(tile: Tile, person: _Person) -> bool:
    x1, y1, x2, y2 = tile.xyxy
    return x1 <= person.x <= x2 and y1 < person.y <= y2
