"""Time that only moves when told, chance that comes from one seed, and the record of all that happened."""

import hashlib
import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gatehouse_shared.instants import to_ms
from gatehouse_testing.building import START

Job = Callable[[], object]


@dataclass(slots=True)
class Trace:
    """What happened, a line each: always in the hash, in `lines` only when they are wanted. `counts` by kind."""

    wanted: bool = False
    lines: list[str] = field(default_factory=list[str])
    counts: Counter[str] = field(default_factory=Counter[str])
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def say(self, at_s: float, who: str, kind: str, what: str = "") -> None:
        """Add a line."""
        line = f"{at_s:10.3f} {who:<8} {kind} {what}".rstrip()
        self._hash.update(line.encode() + b"\n")
        self.counts[kind] += 1
        if self.wanted:
            self.lines.append(line)

    @property
    def hash(self) -> str:
        """Of all lines so far."""
        return self._hash.hexdigest()


class Schedule:
    """What is to happen when. Jobs of one moment go in the order in which they were asked for."""

    def __init__(self, seed: int, trace: Trace) -> None:
        self.now_s = 0.0
        self.events = 0
        self.trace = trace
        self._seed = seed
        self._jobs: list[tuple[float, int, Job]] = []
        self._asked = 0

    def draw(self, purpose: str) -> random.Random:
        """A source of chance of its own for each purpose, so that one does not shift the others."""
        return random.Random(f"{self._seed}/{purpose}")

    def after(self, seconds: float, job: Job) -> None:
        """Do `job` in so many seconds."""
        self._asked += 1
        heapq.heappush(self._jobs, (self.now_s + max(seconds, 0.0), self._asked, job))

    def run_until(self, end_s: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass up to a moment, or until `done`, which is asked after each job. Whether it was done."""
        while self._jobs and self._jobs[0][0] <= end_s:
            self.now_s, _, job = heapq.heappop(self._jobs)
            self.events += 1
            job()
            if done():
                return True
        self.now_s = end_s
        return False

    def say(self, who: str, kind: str, what: str = "") -> None:
        """Add a line to the trace."""
        self.trace.say(self.now_s, who, kind, what)


class SimulatedClock:
    """The clocks of one machine: a wall clock that can be wrong, and a monotonic one that cannot.

    Fits both packages' `Clock`, and what `hub_parts.Bench` asks of one.
    """

    def __init__(self, schedule: Schedule, skew_s: float = 0.0) -> None:
        self._schedule = schedule
        self.skew_s = skew_s
        self.known = True

    def now(self) -> datetime:
        """The wall clock."""
        return START + timedelta(milliseconds=round((self._schedule.now_s + self.skew_s) * 1000))

    def monotonic_s(self) -> float:
        """Seconds since the world began."""
        return self._schedule.now_s

    def synced(self) -> bool:
        """Whether somebody set the wall clock."""
        return self.known

    @property
    def now_ms(self) -> int:
        """The wall clock as the hub stores it."""
        return to_ms(self.now())
