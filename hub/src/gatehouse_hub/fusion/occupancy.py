"""How full a zone is, from the newest count windows of the devices that see it. Pure.

A released count is an interval: `lt10` is one to nine, a number is itself with the spread of a count of its size. Devices
that see the same zone each see a part of it, so the fullest view is the best lower bound and counts are not added up.

Source  thresholds by density and the ladder by capacity: `domain`, section 1; small counts: `contract`, section 3.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_shared.counts import Count
from gatehouse_shared.names import LT10, ZoneKind
from gatehouse_shared.out import Level

STALE_S: Final = 180
"""A camera that counted in windows of a minute and has been silent for this long is no longer believed."""

DENSITY_STEPS: Final[dict[ZoneKind, tuple[float, float, float, float]]] = {
    ZoneKind.MOVING: (1.08, 1.75, 2.15, 3.5),
    ZoneKind.STANDING: (2.0, 3.0, 4.0, 5.0),
    ZoneKind.STAIRS: (0.8, 1.3, 1.8, 2.5),
    ZoneKind.QUEUE: (2.0, 3.0, 4.0, 5.0),
}
"""Persons a square metre at which a zone of a kind is watch, warn, alarm, critical."""

CAPACITY_STEPS: Final = (0.6, 0.8, 0.9, 1.0)
"""Shares of a zone's capacity for the same levels: watch, announce, restrict, stop."""

Z90: Final = 1.645


class SourceReason(StrEnum):
    """Why a source is or is not used."""

    FULLEST = "fullest"
    LESS_FULL = "less_full"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Window:
    """The newest count window of one device in a zone; `end_ms` by the hub's clock."""

    device: str
    end_ms: int
    window_s: int
    mean: Count


@dataclass(frozen=True, slots=True)
class Source:
    """A device and whether its window was used."""

    device: str
    age_s: int
    reason: SourceReason


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How full a zone is. `few` when it is below ten and not known to be empty; `blind` when nothing current sees it."""

    mean: float | None
    low90: float | None
    high90: float | None
    few: bool
    level: Level | None
    blind: bool
    window: Window | None
    sources: tuple[Source, ...]


def fuse(
    windows: Sequence[Window], kind: ZoneKind, area_m2: float, capacity: int | None, now_ms: int
) -> Occupancy:
    """Occupancy of one zone from windows of persons, one a device."""
    fresh = [w for w in windows if now_ms - w.end_ms <= max(STALE_S, 2 * w.window_s) * 1000]
    best = max(fresh, key=lambda w: (_expected(w.mean), w.end_ms, w.device), default=None)
    sources = tuple(
        Source(w.device, max(0, (now_ms - w.end_ms) // 1000), _reason(w, best, fresh))
        for w in sorted(windows, key=lambda w: w.device)
    )
    if best is None:
        return Occupancy(
            None, None, None, few=False, level=None, blind=True, window=None, sources=sources
        )
    mean = _expected(best.mean)
    low, high = (1.0, 9.0) if best.mean == LT10 else interval(mean)
    level = level_of(mean, kind, area_m2, capacity)
    return Occupancy(mean, low, high, best.mean == LT10, level, False, best, sources)


def level_of(mean: float, kind: ZoneKind, area_m2: float, capacity: int | None) -> Level:
    """The higher of what density and capacity say."""
    steps = DENSITY_STEPS.get(kind)
    by_density = sum(mean / area_m2 >= step for step in steps) if steps and area_m2 > 0 else 0
    by_capacity = sum(mean / capacity >= step for step in CAPACITY_STEPS) if capacity else 0
    return Level(max(by_density, by_capacity))


def interval(mean: float) -> tuple[float, float]:
    """90 % interval of a camera's count: eight per cent of its size and two persons, never below zero."""
    spread = Z90 * math.hypot(0.08 * mean, 2.0) if mean else 0.0
    return max(0.0, mean - spread), mean + spread


def _expected(count: Count) -> float:
    return 5.0 if isinstance(count, str) else float(count)


def _reason(window: Window, best: Window | None, fresh: Sequence[Window]) -> SourceReason:
    if window is best:
        return SourceReason.FULLEST
    return SourceReason.LESS_FULL if window in fresh else SourceReason.STALE
