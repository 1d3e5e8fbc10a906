"""Hours and days in a site's time zone, and whether a rule is armed. Pure; daylight saving comes from the time zone's data.

Unsynced  while the time is unknown what was armed stays armed, and what is unknown is armed in perimeter and water zones.
Errors    RuleConfigError for hours that are none, an unknown time zone, or closed hours of more than half a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment
from gatehouse_shared.names import PRESENCE_ZONE_KINDS, ZoneKind

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN: Final = 24 * 60
CLOSED_MAX_MIN: Final = 12 * 60
"""Closed hours longer than this would make a public place a forbidden one."""

ALWAYS_ARMED_UNKNOWN: Final = frozenset({ZoneKind.PERIMETER, ZoneKind.WATER})


@dataclass(frozen=True, slots=True)
class Interval:
    """Minutes of the local day; `end` is beyond midnight when smaller than `start`, a whole day when equal."""

    start: int
    end: int

    @property
    def minutes(self) -> int:
        """Length by the clock on the wall."""
        return (self.end - self.start) % DAY_MIN or DAY_MIN


@dataclass(frozen=True, slots=True)
class Hours:
    """Intervals on some days, in one time zone. An interval over midnight belongs to the day it starts on.

    >>> night = hours(["22:00-06:00"], ["fri"], "Europe/Berlin")
    >>> from datetime import UTC
    >>> night.covers(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))  # Saturday, four in the morning there
    True
    >>> night.covers(datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
    False
    """

    intervals: tuple[Interval, ...]
    days: frozenset[int]
    zone: ZoneInfo

    def covers(self, time: datetime) -> bool:
        """Whether `time` lies in one of the intervals by the clock on the wall there."""
        local = time.astimezone(self.zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        yesterday = (today - 1) % 7
        return any(
            (today in self.days and i.start <= minute < i.start + i.minutes)
            or (yesterday in self.days and minute < i.start + i.minutes - DAY_MIN)
            for i in self.intervals
        )


def time_zone(name: str, place: str = "") -> ZoneInfo:
    """The zone of that name. RuleConfigError when the tables do not hold it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RuleConfigError(
            f"there is no time zone {name!r}",
            place=place,
            remedy="Use a name such as Asia/Shanghai",
        ) from None


def interval(text: str, place: str = "") -> Interval:
    """`HH:MM-HH:MM` as minutes.

    >>> interval("22:00-06:00").minutes
    480
    """
    start, dash, end = text.partition("-")
    try:
        if not dash:
            raise ValueError
        return Interval(_minute(start), _minute(end))
    except ValueError:
        raise RuleConfigError(
            f"{text!r} are no hours", place=place, remedy="Write them as 22:00-06:00"
        ) from None


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    if not (0 <= int(hour) < 24 and 0 <= int(minute) < 60):
        raise ValueError
    return int(hour) * 60 + int(minute)


def hours(intervals: Sequence[str], days: Sequence[str], zone: str, place: str = "") -> Hours:
    """Hours from the words of a site file."""
    unknown = [d for d in days if d not in DAYS]
    if unknown:
        raise RuleConfigError(
            f"{unknown[0]!r} is no day", place=place, remedy=f"Use {', '.join(DAYS)}"
        )
    return Hours(
        tuple(interval(i, place) for i in intervals),
        frozenset(DAYS.index(d) for d in days),
        time_zone(zone, place),
    )


def closed_hours(intervals: Sequence[str], zone: str, place: str = "") -> Hours | None:
    """A zone's closed hours, every day; None when it has none. More than twelve hours a day are refused."""
    if not intervals:
        return None
    closed = hours(intervals, DAYS, zone, place)
    minutes = len(
        {m % DAY_MIN for i in closed.intervals for m in range(i.start, i.start + i.minutes)}
    )
    if minutes > CLOSED_MAX_MIN:
        raise RuleConfigError(
            f"closed for {minutes / 60:.1f} hours a day",
            place=place,
            remedy="Closed hours may cover at most 12 hours a day",
        )
    return closed


@dataclass(frozen=True, slots=True)
class Arming:
    """When presence is a hazard: at the rule's hours (None: always), and in most kinds of zones in closed hours only."""

    zone_kind: ZoneKind
    schedule: Hours | None = None
    closed: Hours | None = None

    def __post_init__(self) -> None:
        if self.zone_kind not in PRESENCE_ZONE_KINDS and self.closed is None:
            kinds = ", ".join(sorted(PRESENCE_ZONE_KINDS))
            raise RuleConfigError(
                f"presence in a zone of kind {self.zone_kind} is no hazard at open hours",
                remedy=f"Give the zone closed_hours, or watch a zone of kind {kinds}",
            )

    def armed(self, now: Moment, before: bool | None) -> bool:
        """Whether armed now. `before`: what it was at the last step, None when unknown."""
        if not now.time_known:
            return before if before is not None else self.zone_kind in ALWAYS_ARMED_UNKNOWN
        if self.schedule is not None and not self.schedule.covers(now.time):
            return False
        if self.zone_kind in PRESENCE_ZONE_KINDS:
            return True
        return self.closed is not None and self.closed.covers(now.time)


@dataclass(frozen=True, slots=True)
class OpenHours:
    """When a thing is worth telling: at the rule's hours (None: always), and never in the zone's closed hours."""

    schedule: Hours | None = None
    closed: Hours | None = None

    def armed(self, now: Moment, before: bool | None) -> bool:
        """Whether open now. While the time is unknown what was so stays so, and what is unknown is open."""
        if not now.time_known:
            return before if before is not None else True
        if self.closed is not None and self.closed.covers(now.time):
            return False
        return self.schedule is None or self.schedule.covers(now.time)
