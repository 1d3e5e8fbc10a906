"""How soon a zone is full: the trend of its count, and the earliest time at which it reaches a limit. Pure.

Trend   least squares over the last `trend_s`, one point every `EVERY_S`, with the standard error of its slope. A slope within its
        own error of level says nothing: then nothing is forecast.
Early   the lower bound of the time, by the upper bound of the slope (one-sided 95 %): restricting the inflow takes time.
Bounds  at most `POINTS_MAX` points.
Source  time to critical = (critical count - count) / (inflow - outflow), with the difference of flows seen as the trend.
"""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Final

EVERY_S: Final = 5.0
POINTS_MAX: Final = 240
SURE: Final = 1.645
"""Standard errors that hold 95 % on one side."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Counts of the last minutes: (seconds, persons), oldest first. Start from `Trend()`."""

    points: tuple[tuple[float, int], ...] = ()

    def after(self, at: float, count: int, trend_s: float) -> "Trend":
        """With one more count; points come `EVERY_S` apart, and those older than the trend are forgotten."""
        kept = tuple(p for p in self.points if at - p[0] <= trend_s)
        if kept and at - kept[-1][0] < EVERY_S - 1e-6:
            return Trend(kept)
        return Trend((*kept, (at, count))[-POINTS_MAX:])

    def earliest_s(self, limit: float, trend_s: float) -> float:
        """Seconds until the count may reach `limit`; infinite while it does not surely rise, or the trend is too short.

        >>> rising = Trend(tuple((5.0 * i, 100 + 2 * i) for i in range(61)))
        >>> round(rising.earliest_s(420, 300))
        500
        """
        if len(self.points) < 4 or self.points[-1][0] - self.points[0][0] < trend_s - 2 * EVERY_S:
            return inf
        slope, error = self._slope()
        if slope - SURE * error <= 0:
            return inf
        return max(0.0, limit - self.points[-1][1]) / (slope + SURE * error)

    def _slope(self) -> tuple[float, float]:
        """Persons a second, and its standard error."""
        n = len(self.points)
        at = sum(t for t, _ in self.points) / n
        count = sum(c for _, c in self.points) / n
        spread = sum((t - at) ** 2 for t, _ in self.points)
        slope = sum((t - at) * (c - count) for t, c in self.points) / spread
        misfit = sum((c - count - slope * (t - at)) ** 2 for t, c in self.points)
        return slope, sqrt(misfit / (n - 2) / spread)
