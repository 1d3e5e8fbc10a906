"""How long to wait for a camera, how soon to try again, and how media time goes on over an interruption. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Patience:
    """Times of one source, seconds. At most `crashes` restarts of a crashing decoder in `crash_window_s`; then it rests."""

    open_s: float = 15.0
    stall_s: float = 10.0
    first_retry_s: float = 1.0
    last_retry_s: float = 30.0
    settled_s: float = 30.0
    crashes: int = 5
    crash_window_s: float = 600.0


@dataclass(slots=True)
class Retry:
    """When to try again: doubling, capped, jittered waits; after too many crashes, a rest until the window has room.

    `jitter` gives numbers in [0, 1). Bounded: remembers at most `patience.crashes` instants.
    """

    patience: Patience
    jitter: Callable[[], float]
    _failures: int = 0
    _crashed_at: deque[float] = field(default_factory=deque[float])

    def wait_s(self, now_s: float, *, crashed: bool, ran_s: float) -> float:
        """Seconds until the next try, after a run of `ran_s` seconds that ended at `now_s`."""
        p = self.patience
        if ran_s >= p.settled_s:
            self._failures = 0
        base = min(p.last_retry_s, p.first_retry_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        wait = base * (0.5 + 0.5 * self.jitter())
        return max(wait, self._rest_s(now_s)) if crashed else wait

    def _rest_s(self, now_s: float) -> float:
        """How long until one more crash would stay within the budget."""
        crashes, p = self._crashed_at, self.patience
        while crashes and now_s - crashes[0] >= p.crash_window_s:
            crashes.popleft()
        crashes.append(now_s)
        if len(crashes) <= p.crashes:
            return 0.0
        return p.crash_window_s - (now_s - crashes.popleft())


MAX_DRIFT_S = 2.0


@dataclass(slots=True)
class Timeline:
    """Media time of a live source: the stream's own stamps while they agree with the clock, and never backwards.

    A stream starts again at any number after a reconnect, and some cameras jump when their clock is set; both are bent
    back to seconds since the first frame. >>> Timeline().at(900.0, 10.0)
    0.0
    """

    _start_s: float | None = None
    _shift_s: float = 0.0
    _last: float = -1.0

    def restarted(self) -> None:
        """The stream was opened anew: forget its stamps."""
        self._shift_s = float("nan")

    def at(self, media_s: float, now_s: float) -> float:
        """Seconds since the first frame for a frame stamped `media_s` that came at `now_s` (monotonic)."""
        if self._start_s is None:
            self._start_s, self._shift_s = now_s, -media_s
        elapsed = now_s - self._start_s
        at = media_s + self._shift_s
        if not abs(at - elapsed) <= MAX_DRIFT_S:  # also when either is not a number
            self._shift_s = elapsed - media_s
            at = elapsed
        self._last = max(at, self._last + 1e-3)
        return self._last
