"""The three things a figure is made of, and the sprite that holds them: polygon, stroke, disc. Pixels are floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from drawing.camera import Floats

Colour = tuple[float, float, float]
Box = tuple[float, float, float, float]
Truth = tuple[str, Box]
_SHIFT = 4
_ONE = 1 << _SHIFT


def _fixed(points: Floats) -> NDArray[np.int32]:
    """Pixels as the fixed-point numbers that OpenCV draws between pixels with."""
    return np.rint(np.clip(points, -4000, 4000) * _ONE).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Fill:
    """A filled polygon, `(n, 2)` pixels."""

    points: Floats
    colour: Colour

    def draw(self, canvas: NDArray[np.uint8]) -> None:
        """Onto a canvas `(h, w, 3)`."""
        cv2.fillPoly(canvas, [_fixed(self.points)], self.colour, cv2.LINE_AA, _SHIFT)

    def extent(self) -> Floats:
        """Least and greatest x and y, `(2, 2)`."""
        return np.stack([self.points.min(axis=0), self.points.max(axis=0)])


@dataclass(frozen=True, slots=True)
class Stroke:
    """A round-ended line of a width through points `(n, 2)`."""

    points: Floats
    colour: Colour
    width: float

    def draw(self, canvas: NDArray[np.uint8]) -> None:
        """Onto a canvas `(h, w, 3)`; a stroke is at least one pixel wide."""
        thickness = max(1, round(self.width))
        cv2.polylines(
            canvas, [_fixed(self.points)], False, self.colour, thickness, cv2.LINE_AA, _SHIFT
        )

    def extent(self) -> Floats:
        """Least and greatest x and y, `(2, 2)`."""
        half = self.width / 2
        return np.stack([self.points.min(axis=0) - half, self.points.max(axis=0) + half])


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle."""

    centre: Floats
    radius: float
    colour: Colour

    def draw(self, canvas: NDArray[np.uint8]) -> None:
        """Onto a canvas `(h, w, 3)`."""
        x, y = (int(value) for value in _fixed(self.centre))
        cv2.circle(
            canvas, (x, y), max(1, round(self.radius * _ONE)), self.colour, -1, cv2.LINE_AA, _SHIFT
        )

    def extent(self) -> Floats:
        """Least and greatest x and y, `(2, 2)`."""
        return np.stack([self.centre - self.radius, self.centre + self.radius])


Shape = Fill | Stroke | Disc


@dataclass(frozen=True, slots=True)
class Sprite:
    """One thing to draw: shapes from far to near, what it truly is, how far it is, and the shadow at its feet `(n, 2)`."""

    shapes: tuple[Shape, ...]
    truths: tuple[Truth, ...]
    depth_m: float
    shadow: Floats


def box_of(shapes: Sequence[Shape]) -> Box:
    """The tight box round shapes, in pixels."""
    extents = np.stack([shape.extent() for shape in shapes])
    low, high = extents[:, 0].min(axis=0), extents[:, 1].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def lit(colour: Colour, light: Floats, share: float = 1.0) -> Colour:
    """A colour under a light `(3,)`, made lighter or darker by `share`."""
    blue, green, red = np.clip(np.asarray(colour) * light * share, 0, 255)
    return float(blue), float(green), float(red)


def clipped(box: Box, width: int, height: int) -> tuple[Box, float]:
    """A box cut to the frame, and the share of its area that is left (0 when nothing is)."""
    x0, y0, x1, y1 = (
        max(box[0], 0.0),
        max(box[1], 0.0),
        min(box[2], float(width)),
        min(box[3], float(height)),
    )
    if x1 <= x0 or y1 <= y0:
        return (0.0, 0.0, 0.0, 0.0), 0.0
    return (x0, y0, x1, y1), (x1 - x0) * (y1 - y0) / ((box[2] - box[0]) * (box[3] - box[1]))
