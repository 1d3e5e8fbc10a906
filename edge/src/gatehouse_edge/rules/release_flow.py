"""What may leave the gateway of passages: flow windows that never hold one to nine persons as a number.

Close    a window of persons closes once it is a minute long (ten seconds in pinch zones) and each direction that is not nought
         holds at least ten. One without any passage does not close: its absence would say when somebody came. Vehicles at
         parking, lane and water zones close every minute in which one passed, else every quarter. At the site's closing time
         what is left is sent, one to nine as `lt10`.
Lone     a window longer than ten minutes closes on the quarters of the clock, all lines at once, and says the whole quarters
         that it touches: else the tenth of ten lone walkers could be followed from line to line by when windows end.
Numbers  registered steps only; what a step leaves over stays in the next window, so that sums hold.
Bounds   one window for each (line, device, label); it opens when the gateway starts and never grows beyond a day.
Persist  the open windows are the state; write it with the rows it gave.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.values import Passage
from gatehouse_shared.counts import COUNT_MAX, FLOW_WINDOWS_S, Count, floor_flow_window, round_count
from gatehouse_shared.names import LT10, SMALL_COUNT, SMALL_COUNT_LABELS, Label

MINUTE_S: Final = 60
LONG_S: Final = 600
PINCH_S: Final = 10
QUARTER_S: Final = 900
DAY_S: Final = 86_400
CLOSING_DEFAULT: Final = "00:00"


@dataclass(frozen=True, slots=True)
class Tally:
    """Passages of one moment: over a line, or counted by a gate's own sensor."""

    line: str
    device: str
    label: Label
    inward: int
    outward: int


def tally_of(passage: Passage) -> Tally:
    """One passage as a tally."""
    inward = 1 if passage.inward else 0
    return Tally(passage.line, passage.device, passage.label, inward, 1 - inward)


@dataclass(frozen=True, slots=True)
class FlowWindow:
    """A released flow over one line. `start` is the beginning of the window."""

    line: str
    device: str
    label: Label
    start: datetime
    window_s: int
    inward: Count
    outward: Count


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What is known of a line: whether it is at a pinch zone, and whether vehicles are counted exactly there."""

    device: str
    labels: tuple[Label, ...]
    pinch: bool = False
    exact_things: bool = False


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """An open window, never sent as it is. `opened_s` in seconds since 1970."""

    opened_s: int
    inward: int = 0
    outward: int = 0


@dataclass(frozen=True, slots=True)
class FlowState:
    """Open windows by `line/device/label`, the local date of the last closing, and the second of the last step.

    Start from `FlowState()`. Encodes to JSON.
    """

    open: Mapping[str, OpenFlow] = field(default_factory=dict[str, OpenFlow])
    closed_on: str | None = None
    stepped_s: int | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """The second it is, whether a quarter of the clock has ended since the last step, and whether the site closes."""

    now_s: int
    quarter: bool
    closing: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    """What one window counts."""

    line: str
    label: Label
    facts: LineFacts


@dataclass(frozen=True, slots=True)
class FlowRelease:
    """Turns tallies into windows. `closes_at` is local clock time, `HH:MM`; without one, midnight."""

    lines: Mapping[str, LineFacts]
    zone: ZoneInfo
    closes_at: str = CLOSING_DEFAULT
    _kinds: Mapping[str, _Kind] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Every line, device and label of the site, by the key of its window."""
        kinds = {
            f"{name}/{facts.device}/{label}": _Kind(name, label, facts)
            for name, facts in self.lines.items()
            for label in facts.labels
        }
        object.__setattr__(self, "_kinds", kinds)

    def step(
        self, state: FlowState, tallies: Iterable[Tally], now: Moment
    ) -> tuple[FlowState, tuple[FlowWindow, ...]]:
        """Take in tallies and the time; give back the windows that closed."""
        now_s = int(now.time.timestamp())
        windows = self._opened(state.open, now_s)
        for tally in tallies:
            key = f"{tally.line}/{tally.device}/{tally.label}"
            was = windows.get(key)
            if was is not None:
                windows[key] = OpenFlow(
                    was.opened_s,
                    was.inward + max(0, tally.inward),
                    was.outward + max(0, tally.outward),
                )
        business_day = _business_day(now_s // MINUTE_S, self.zone, self.closes_at)
        closing = now.time_known and state.closed_on is not None and business_day > state.closed_on
        closed_on = business_day if closing or state.closed_on is None else state.closed_on
        before_s = now_s if state.stepped_s is None else state.stepped_s
        step = _Step(now_s, now_s // QUARTER_S > before_s // QUARTER_S, closing)
        sent: list[FlowWindow] = []
        for key, window in windows.items():
            windows[key], flow = self._closed(key, window, step)
            sent.extend(() if flow is None else (flow,))
        return FlowState(windows, closed_on, now_s), tuple(sent)

    def _opened(self, known: Mapping[str, OpenFlow], now_s: int) -> dict[str, OpenFlow]:
        """A window for every line, device and label of the site, and none for what is gone."""
        return {key: known.get(key) or OpenFlow(now_s) for key in self._kinds}

    def _closed(
        self, key: str, window: OpenFlow, step: _Step
    ) -> tuple[OpenFlow, FlowWindow | None]:
        kind, now_s = self._kinds[key], step.now_s
        label, facts = kind.label, kind.facts
        if now_s < window.opened_s:
            # The clock was set back: the window begins anew, its passages stay.
            return replace(window, opened_s=now_s), None
        exact = facts.exact_things and label not in SMALL_COUNT_LABELS
        least_s = PINCH_S if facts.pinch and not exact else MINUTE_S
        must = step.closing or now_s - window.opened_s >= DAY_S
        begin_s, length_s = window.opened_s, floor_flow_window(now_s - window.opened_s)
        ripe = _any_exact(window, length_s) if exact else _large(window)
        if not exact and not must and now_s - window.opened_s > LONG_S:
            ripe = ripe and step.quarter
            begin_s, length_s = _quarters(window.opened_s, now_s)
        length_s = min(length_s, DAY_S)
        if not must and not (ripe and length_s >= least_s):
            return window, None
        if length_s < FLOW_WINDOWS_S[0]:
            return window, None
        inward, left_in = _released(window.inward, exact=exact)
        outward, left_out = _released(window.outward, exact=exact)
        sent = FlowWindow(
            line=kind.line,
            device=facts.device,
            label=label,
            start=datetime.fromtimestamp(begin_s, UTC),
            window_s=length_s,
            inward=inward,
            outward=outward,
        )
        opened_s = now_s if must else begin_s + length_s
        return OpenFlow(opened_s, left_in, left_out), sent


@lru_cache(maxsize=16)
def _business_day(minute: int, zone: ZoneInfo, closes_at: str) -> str:
    """The local date that ends at the closing time, as text that sorts. `minute`: since 1970; zones differ by whole ones."""
    closing_hour, closing_minute = (int(part) for part in closes_at.split(":"))
    local = datetime.fromtimestamp(minute * MINUTE_S, zone).replace(tzinfo=None)
    return (local - timedelta(hours=closing_hour, minutes=closing_minute)).date().isoformat()


def _quarters(opened_s: int, now_s: int) -> tuple[int, int]:
    """Begin and length of the whole quarters of the clock that a long window touches and that are over."""
    begin_s = opened_s // QUARTER_S * QUARTER_S
    return begin_s, floor_flow_window(now_s // QUARTER_S * QUARTER_S - begin_s)


def _large(window: OpenFlow) -> bool:
    """Some direction passed, and each that did holds at least ten."""
    counts = [c for c in (window.inward, window.outward) if c]
    return bool(counts) and min(counts) >= SMALL_COUNT


def _any_exact(window: OpenFlow, length_s: int) -> bool:
    """Something passed, or nothing for a quarter."""
    return window.inward + window.outward > 0 or length_s >= QUARTER_S


def _released(count: int, *, exact: bool) -> tuple[Count, int]:
    """What is sent of a direction, and what stays for the next window."""
    if exact or count == 0 or count >= SMALL_COUNT:
        sent = _registered_below(count)
        return sent, count - sent
    return LT10, 0


def _registered_below(count: int) -> int:
    """The greatest registered number not above `count`.

    >>> [_registered_below(n) for n in (9, 99, 109, 1290, 20_000)]
    [9, 99, 100, 1200, 9900]
    """
    if count >= COUNT_MAX:
        return COUNT_MAX
    near = round_count(count)
    step = 1
    while count // step >= 100:
        step *= 10
    return near if near <= count else near - step
