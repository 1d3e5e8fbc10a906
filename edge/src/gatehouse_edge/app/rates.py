"""How often a camera is looked at, from counters that only grow. Pure; bound: WINDOW_MOST_S numbers a camera."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

STEP_S = 1.0
WINDOW_S = 10.0
WINDOW_MOST_S = 60.0
PERIODS = 3.0
GAP_S = 5.0
"""A longer time without a frame is the source's fault, told elsewhere; the rate is measured anew after it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Frames so far that were looked at (by the model, or by the gate where nothing moved), and that were skipped."""

    looked: int = 0
    skipped: int = 0

    def since(self, before: Counted) -> Counted:
        """What came since; counters that were set back (the camera was opened anew) count from nought."""
        if self.looked < before.looked or self.skipped < before.skipped:
            return self
        return Counted(self.looked - before.looked, self.skipped - before.skipped)

    @property
    def ratio(self) -> float:
        """Share of the due frames that were looked at, 0 to 1; 1 where none was due."""
        due = self.looked + self.skipped
        return self.looked / due if due else 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """`looked_fps` over the window; `ratio` share of the due frames that were looked at."""

    looked_fps: float
    ratio: float


class RateMeter:
    """The rate of one camera over the last seconds, once a second. Longer where its floor is a look in many seconds."""

    def __init__(self, floor_fps: float) -> None:
        self._window_s = min(max(WINDOW_S, PERIODS / floor_fps), WINDOW_MOST_S)
        self._steps: deque[tuple[float, Counted]] = deque(maxlen=int(WINDOW_MOST_S / STEP_S) + 1)
        self._total = Counted()
        self._before = Counted()

    def tell(self, at: float, counted: Counted) -> Rate | None:
        """The rate at `at` seconds, when a second has passed since the last and a window's half is known."""
        if self._steps and at - self._steps[-1][0] < STEP_S:
            return None
        if self._steps and at - self._steps[-1][0] > GAP_S:
            self._steps.clear()
        fresh = counted.since(self._before)
        self._before = counted
        self._total = Counted(
            self._total.looked + fresh.looked, self._total.skipped + fresh.skipped
        )
        self._steps.append((at, self._total))
        while len(self._steps) > 1 and at - self._steps[1][0] >= self._window_s:
            self._steps.popleft()
        began, first = self._steps[0]
        if at - began < self._window_s / 2:
            return None
        seen = self._total.since(first)
        return Rate(seen.looked / (at - began), seen.ratio)
