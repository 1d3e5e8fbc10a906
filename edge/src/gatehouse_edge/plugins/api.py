"""What a plug-in imports: all that it is told, and all that it may answer. This module is the whole of it.

A plug-in is one Python file with a class `Plugin`. The gateway runs it in a process without network, without files and without
children; it may import this module and a few of Python's own (`ALLOWED_MODULES`).

Rule     `Plugin(params)` once for each rule it judges; `step(zone)` about once a second with what is in the zone; the answer is
         a `Condition`, or None where nothing can be said.
Source   `Plugin(params)` once; `read(connection)` every so often; the answer is a dict of named numbers and booleans, a list
         of such dicts (oldest first), or None. The gateway's file says which of them mean what.

Nobody here sees a frame, a box or a track, the time of day, or what another plug-in does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

ALLOWED_MODULES: Final = frozenset(
    {
        "__future__",
        "bisect",
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "enum",
        "functools",
        "gatehouse_edge.plugins.api",
        "heapq",
        "itertools",
        "json",
        "math",
        "re",
        "statistics",
        "struct",
        "typing",
    }
)
"""What a plug-in may import. All of it is loaded before the cage is closed."""

STILL, SLOW, WALKING, FAST = "still", "slow", "walking", "fast"
"""Speed classes, slowest first."""
SPEEDS: Final = (STILL, SLOW, WALKING, FAST)

NOT_GIVEN: Final = frozenset(
    {"frame", "frames", "image", "pixels", "box", "boxes", "detections", "track", "tracks"}
)


class NotGivenError(AttributeError):
    """A plug-in asked for what plug-ins are never given."""


@dataclass(frozen=True, slots=True)
class Row:
    """One label in one speed class in one zone.

    `count` of them; `area_ratio` how much of the zone they cover (0-1); `stay_s` how long the longest has been there, seconds.
    """

    label: str
    speed: str
    count: int
    area_ratio: float
    stay_s: float


@dataclass(frozen=True, slots=True)
class ZoneView:
    """One zone as one device sees it now. No rows where the zone is empty.

    `at_s` seconds on a line that never goes back; `hot_c` degrees Celsius where the device measures them, else None.
    """

    zone: str
    at_s: float
    rows: tuple[Row, ...] = ()
    hot_c: float | None = None

    def __getattr__(self, name: str) -> object:
        """Says in plain words that there are no frames here."""
        if name in NOT_GIVEN:
            raise NotGivenError(
                f"no {name} here: a plug-in is given signals of zones, never frames, boxes or tracks"
            )
        raise AttributeError(f"ZoneView has no {name!r}")

    def of(self, label: str, *, slowest: str = STILL, fastest: str = FAST) -> tuple[Row, ...]:
        """The rows of a label within a range of speeds, both ends included."""
        speeds = SPEEDS[SPEEDS.index(slowest) : SPEEDS.index(fastest) + 1]
        return tuple(r for r in self.rows if r.label == label and r.speed in speeds)

    def count(self, label: str, *, slowest: str = STILL, fastest: str = FAST) -> int:
        """How many of a label are in the zone."""
        return sum(r.count for r in self.of(label, slowest=slowest, fastest=fastest))

    def occupied(self, label: str) -> bool:
        """Whether there is any of a label."""
        return self.count(label) > 0

    def area_ratio(self, label: str) -> float:
        """How much of the zone a label covers, 0 to 1."""
        return min(1.0, sum(r.area_ratio for r in self.of(label)))

    def longest_s(self, label: str) -> float:
        """How long the longest of a label has been there, seconds; 0 where there is none."""
        return max((r.stay_s for r in self.of(label)), default=0.0)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a rule plug-in says of its zone now. How long it must be so, and when it is over, the gateway knows.

    `on`: it is so. `hold`: it is still so, once it was (None: as `on`); a weaker condition keeps a hazard from flapping.
    `grade` 1 watch, 2 warn, 3 alarm, 4 critical. `confidence` 0 to 20. `count` of persons, needed where a crowd is meant, and
    never below 10. `kind`: what kind of hazard is meant, where the plug-in wants to be sure that it was asked for this one.
    `reason` for the gateway's own log; it is never sent.
    """

    on: bool
    hold: bool | None = None
    grade: int = 3
    confidence: int = 20
    count: int | None = None
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """The one line that a source plug-in has: opened by the gateway to what its file names.

    `receive(timeout_s)` gives the bytes that came, at most 4096 (of UDP one datagram), empty when none came in time. `send(data)`
    sends all of it. Both raise ConnectionError when the line is gone; let it pass, and the gateway starts the plug-in anew with
    a fresh line.
    """

    receive: Callable[[float], bytes]
    send: Callable[[bytes], None]
