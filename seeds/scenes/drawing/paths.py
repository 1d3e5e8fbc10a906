"""Where somebody is when: points of the site with their seconds, walked between in straight lines with rounded corners."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import atan2, hypot

import numpy as np

_ROUNDING_S = 0.35
_STANDING_M = 0.06


@dataclass(frozen=True)
class Path:
    """`(at_s, x_m, y_m)` in order of time. `resting_rad` is the heading while standing (0 north, clockwise)."""

    points: tuple[tuple[float, float, float], ...]
    resting_rad: float = 0.0

    def spans(self, at_s: float) -> bool:
        """Whether somebody on this path is on the site at this second."""
        return self.points[0][0] <= at_s <= self.points[-1][0]

    def _raw(self, at_s: float) -> tuple[float, float]:
        times = [point[0] for point in self.points]
        x = np.interp(at_s, times, [point[1] for point in self.points])
        return float(x), float(np.interp(at_s, times, [point[2] for point in self.points]))

    def place(self, at_s: float) -> tuple[float, float]:
        """Metres x and y: the mean of a short time before and after, so that nobody turns on the spot."""
        (ax, ay), (bx, by) = self._raw(at_s - _ROUNDING_S), self._raw(at_s + _ROUNDING_S)
        cx, cy = self._raw(at_s)
        return (ax + 2 * cx + bx) / 4, (ay + 2 * cy + by) / 4

    def heading(self, at_s: float) -> float:
        """Radians clockwise from north."""
        (ax, ay), (bx, by) = self._raw(at_s - 2 * _ROUNDING_S), self._raw(at_s + 2 * _ROUNDING_S)
        if hypot(bx - ax, by - ay) < _STANDING_M:
            return self.resting_rad
        return atan2(bx - ax, by - ay)

    def speed(self, at_s: float) -> float:
        """Metres a second."""
        (ax, ay), (bx, by) = self.place(at_s - 0.1), self.place(at_s + 0.1)
        return hypot(bx - ax, by - ay) / 0.2

    def walked(self, at_s: float) -> float:
        """Metres walked so far: what the legs swing by."""
        total = 0.0
        for (at, ax, ay), (bt, bx, by) in pairwise(self.points):
            if at_s <= at:
                break
            total += hypot(bx - ax, by - ay) * min(1.0, (at_s - at) / max(bt - at, 1e-9))
        return total
