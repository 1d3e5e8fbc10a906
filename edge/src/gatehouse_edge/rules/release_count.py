"""What may leave the gateway of zone counts: windows of 10, 60 and 900 s that never hold one to nine persons as a number.

Windows  aligned to UTC. Ten seconds in which a small-count label stood at ten or more throughout give a window at once; a minute
         in which none did gives one of 60 s. A quarter in which such a label never reached ten gives one window of 900 s more,
         which alone may say 0: a minute's `lt10` covers nought to nine, so that the minute in which somebody came cannot be told.
         No number is told again in a longer window, so that nothing can be found by taking one from the other.
Numbers  the mean over time, half up, then registered steps; a count holds until the next one, at most `HOLD_S`.
Coverage share of the window for which a count was known; quality: counts that came among the seconds known. In twentieths.
Bounds   one entry for each (zone, device, label) of the site.
Clock    set back by a minute or more, the open windows close with what is known of them, and others begin.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import ceil
from typing import Final

from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.values import ZoneCount
from gatehouse_shared.counts import Count, release_count
from gatehouse_shared.names import (
    LT10,
    SMALL_COUNT,
    SMALL_COUNT_LABELS,
    THING_LABELS,
    THING_ZONE_KINDS,
    Label,
    ZoneKind,
)

HOLD_S: Final = 3.0
SET_BACK_S: Final = 60.0
TEN_S: Final = 10
MINUTE_S: Final = 60
QUARTER_S: Final = 900
TWENTIETHS: Final = 20
_COMPLETE_S: Final = QUARTER_S * 0.99
"""A quarter with fewer known seconds than this cannot say that nobody was there."""


@dataclass(frozen=True, slots=True)
class CountWindow:
    """A released count of one zone, device and label. `start` is the beginning of the window."""

    zone: str
    device: str
    label: Label
    start: datetime
    window_s: int
    mean: Count
    max: Count
    coverage: int
    quality: int


@dataclass(frozen=True, slots=True)
class Sum:
    """What is known of one stretch of time: the integral of the count, seconds known, samples, extremes."""

    area: float = 0.0
    known_s: float = 0.0
    samples: int = 0
    least: int | None = None
    most: int = 0

    def plus(self, count: int, known_s: float, samples: int) -> "Sum":
        """With `count` for `known_s` more."""
        least = count if self.least is None else min(self.least, count)
        return Sum(
            self.area + count * known_s,
            self.known_s + known_s,
            self.samples + samples,
            least,
            max(self.most, count),
        )

    def joined(self, other: "Sum") -> "Sum":
        """Both stretches."""
        known = [x for x in (self.least, other.least) if x is not None]
        return Sum(
            self.area + other.area,
            self.known_s + other.known_s,
            self.samples + other.samples,
            min(known, default=None),
            max(self.most, other.most),
        )


@dataclass(frozen=True, slots=True)
class Series:
    """One (zone, device, label): the open ten seconds, the open minute without its released tens, the open quarter.

    Times in seconds since 1970. `count` was seen at `seen_at`; what is known reaches to `until`.
    """

    zone: str
    device: str
    label: Label
    ten_start: int
    until: float
    seen_at: float
    count: int = 0
    open: Sum = Sum()
    minute: Sum = Sum()
    told_ten: bool = False
    quarter: Sum = Sum()


@dataclass(frozen=True, slots=True)
class CountsState:
    """Open windows of all series. Start from `CountsState()`. Encodes to JSON."""

    series: Mapping[str, Series] = field(default_factory=dict[str, Series])


@dataclass(frozen=True, slots=True)
class CountRelease:
    """Turns zone counts into windows. `zone_kinds` of the whole site: what is not in it is not released."""

    zone_kinds: Mapping[str, ZoneKind]

    def step(
        self, state: CountsState, counts: Iterable[ZoneCount], now: Moment
    ) -> tuple[CountsState, tuple[CountWindow, ...]]:
        """Take in counts and the time; give back the windows that closed."""
        series = dict(state.series)
        closed: list[CountWindow] = []
        for count in counts:
            if not self.releases(count.zone, count.label):
                continue
            key = f"{count.zone}/{count.device}/{count.label}"
            at = count.time.timestamp()
            before = series.get(key)
            if before is not None and at < before.until - SET_BACK_S:
                closed.extend(_cut(before))
                before = None
            before = before or _started(count, at)
            advanced, windows = _advanced(before, at)
            closed.extend(windows)
            series[key] = _counted(advanced, count.count, at)
        # Counts may lag the clock a little: time alone closes only what no count can reach any more.
        late_s = now.time.timestamp() - HOLD_S
        for key, one in series.items():
            if late_s > one.until:
                series[key], windows = _advanced(one, late_s)
                closed.extend(windows)
        return CountsState(series), tuple(closed)

    def releases(self, zone: str, label: Label) -> bool:
        """Whether counts of `label` in `zone` may leave: persons and the like anywhere, vehicles where they belong."""
        kind = self.zone_kinds.get(zone)
        if kind is None:
            return False
        return label in SMALL_COUNT_LABELS or (label in THING_LABELS and kind in THING_ZONE_KINDS)


def _started(count: ZoneCount, at: float) -> Series:
    ten_start = int(at) // TEN_S * TEN_S
    return Series(count.zone, count.device, count.label, ten_start, at, at)


def _counted(series: Series, count: int, at: float) -> Series:
    """With a fresh count; it weighs as a sample even if the next one comes at once."""
    return replace(
        series, count=count, seen_at=max(at, series.until), open=series.open.plus(count, 0.0, 1)
    )


def _advanced(series: Series, at: float) -> tuple[Series, list[CountWindow]]:
    """The series at a later moment, its last count held for at most `HOLD_S` since it was seen, and what closed on the way."""
    closed: list[CountWindow] = []
    while at >= series.ten_start + TEN_S:
        if series.open == series.minute == series.quarter == Sum() and at > series.seen_at + HOLD_S:
            return replace(series, ten_start=int(at) // TEN_S * TEN_S, until=at), closed
        series = _held(series, float(series.ten_start + TEN_S))
        series, windows = _ten_closed(series)
        closed.extend(windows)
    return _held(series, at), closed


def _cut(series: Series) -> list[CountWindow]:
    """What is open when the clock is set back, with the coverage that it has."""
    return _advanced(series, (series.ten_start // QUARTER_S + 1) * QUARTER_S)[1]


def _held(series: Series, to: float) -> Series:
    if to <= series.until:
        return series
    known_s = min(to, series.seen_at + HOLD_S) - series.until
    total = series.open.plus(series.count, known_s, 0) if known_s > 0 else series.open
    return replace(series, until=to, open=total)


def _ten_closed(series: Series) -> tuple[Series, list[CountWindow]]:
    ten, end = series.open, series.ten_start + TEN_S
    closed: list[CountWindow] = []
    crowded = series.label in SMALL_COUNT_LABELS and (ten.least or 0) >= SMALL_COUNT
    told_ten = series.told_ten or crowded
    if crowded:
        closed.append(_window(series, ten, end - TEN_S, TEN_S))
    minute, quarter = series.minute.joined(ten), series.quarter.joined(ten)
    if end % MINUTE_S == 0:
        if minute.known_s > 0 and not told_ten:
            closed.append(_window(series, minute, end - MINUTE_S, MINUTE_S))
        minute, told_ten = Sum(), False
    if end % QUARTER_S == 0:
        closed.extend(_quarter_window(series, quarter, end))
        quarter = Sum()
    after = replace(
        series, ten_start=end, open=Sum(), minute=minute, told_ten=told_ten, quarter=quarter
    )
    return after, closed


def _quarter_window(series: Series, quarter: Sum, end: int) -> Iterable[CountWindow]:
    if series.label in SMALL_COUNT_LABELS and quarter.most < SMALL_COUNT and quarter.known_s > 0:
        yield _window(series, quarter, end - QUARTER_S, QUARTER_S)


def _window(series: Series, total: Sum, start: int, window_s: int) -> CountWindow:
    mean = int(total.area / total.known_s + 0.5 + 1e-9)
    return CountWindow(
        zone=series.zone,
        device=series.device,
        label=series.label,
        start=datetime.fromtimestamp(start, UTC),
        window_s=window_s,
        mean=_released(series.label, mean, total, window_s),
        max=_released(series.label, total.most, total, window_s),
        coverage=_twentieths(total.known_s / window_s),
        quality=_twentieths(total.samples / max(1, ceil(total.known_s - 1e-6))),
    )


def _released(label: Label, count: int, total: Sum, window_s: int) -> Count:
    """The count as it may be said; nought persons only of a whole quarter that stayed empty."""
    if label not in SMALL_COUNT_LABELS or count >= SMALL_COUNT:
        return release_count(label, count)
    empty = window_s == QUARTER_S and total.most == 0 and total.known_s >= _COMPLETE_S
    return 0 if empty else LT10


def _twentieths(ratio: float) -> int:
    return max(0, min(TWENTIETHS, int(ratio * TWENTIETHS + 1e-6)))
