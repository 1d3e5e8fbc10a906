"""Lamps and sky: how bright a point of the ground is. Colours are BGR factors, 1.0 = as painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drawing.camera import Floats
from drawing.shapes import Colour


@dataclass(frozen=True, slots=True)
class Lamp:
    """A lamp on a pole: `power` is the factor it adds right below itself."""

    x_m: float
    y_m: float
    height_m: float = 5.0
    power: float = 1.0
    colour: Colour = (0.72, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Lighting:
    """All light of a place: the sky's `ambient` factor and the lamps."""

    ambient: Colour
    lamps: tuple[Lamp, ...] = ()

    def over(self, x_m: Floats, y_m: Floats) -> Floats:
        """Factors of points of the ground, their shape with 3 added. Falls off as a lamp's light on a floor does: cos^3."""
        factors = np.broadcast_to(np.asarray(self.ambient), (*x_m.shape, 3)).astype(np.float64)
        for lamp in self.lamps:
            square = (x_m - lamp.x_m) ** 2 + (y_m - lamp.y_m) ** 2
            fall = lamp.power * (lamp.height_m**2 / (square + lamp.height_m**2)) ** 1.5
            factors += fall[..., None] * np.asarray(lamp.colour)
        return factors

    def at(self, x_m: float, y_m: float) -> Floats:
        """The factor `(3,)` of one point."""
        return self.over(np.array(x_m), np.array(y_m))

    def nearest(self, x_m: float, y_m: float) -> Lamp | None:
        """The lamp that casts the shadow of a thing here; None without lamps."""
        return min(
            self.lamps, key=lambda lamp: (lamp.x_m - x_m) ** 2 + (lamp.y_m - y_m) ** 2, default=None
        )
