"""A rehearsal as text for a terminal: counts for each rule, what changed and why, a line of time. Times are the site's own."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gatehouse_edge.history.rehearsal import Outcome, Rehearsed, Span

COLUMNS: Final = 56
CHANGES_MAX: Final = 40
_BARS: Final = " ▁▂▃▄▅▆▇█"
_GAP: Final = "·"


def report(rehearsed: Rehearsed, changes: Sequence[str], zone: ZoneInfo) -> Iterator[str]:
    """The lines of the report."""
    begin, end = rehearsed.begin.astimezone(zone), rehearsed.end.astimezone(zone)
    yield f"Rehearsal from {begin:%a %d %b %H:%M} to {end:%a %d %b %H:%M} ({zone.key})"
    yield from (f"  {change}" for change in changes or ["nothing changes"])
    yield from _gaps(rehearsed, zone)
    yield ""
    replayed = [o for o in rehearsed.outcomes if o.replayed]
    width = max([4, *(len(o.rule) for o in replayed)])
    yield f"{'rule':<{width}}  said  before  after  gone  new  changed"
    for one in replayed:
        if one.said or one.before or one.after or one.unknown_minutes:
            yield _row(one, width)
    quiet = [o for o in replayed if not (o.said or o.before or o.after)]
    yield f"{len(quiet)} of {len(replayed)} rules raised nothing, before or after."
    if left := [o for o in rehearsed.outcomes if not o.replayed]:
        yield (
            f"{len(left)} more rules are not touched: their {sum(o.said for o in left)} hazards stay as they were said"
            " (--all replays them too)."
        )
    yield "said: what the agent raised then; before: the rules of now over the same signals; after: the changed ones."
    for one in replayed:
        if one.before or one.after:
            yield from _timeline(one, rehearsed, zone, width)
    yield from _per_day(rehearsed, zone, width)
    yield from _differences(rehearsed, zone)


def _row(one: Outcome, width: int) -> str:
    counts = (len(one.before), len(one.after), len(one.gone), len(one.fresh), len(one.changed))
    before, after, gone, fresh, changed = counts
    line = f"{one.rule:<{width}}  {one.said:>4}  {before:>6}  {after:>5}  {gone:>4}  {fresh:>3}  {changed:>7}"
    if one.drills:
        line += f"  (and {one.drills} in drills)"
    if one.unknown_minutes:
        line += f"  ({one.unknown_minutes / 60:.1f} h say nothing: the rule or its view was another then)"
    return line


def _gaps(rehearsed: Rehearsed, zone: ZoneInfo) -> Iterator[str]:
    lost = sum((b - a for a, b in rehearsed.gaps), timedelta())
    if rehearsed.gaps:
        yield f"  nothing is known of {_hours(lost)} in {len(rehearsed.gaps)} gaps ({_GAP} below):"
    for a, b in rehearsed.gaps[:10]:
        yield f"    {a.astimezone(zone):%a %d %b %H:%M} to {b.astimezone(zone):%a %d %b %H:%M}"


def _timeline(one: Outcome, rehearsed: Rehearsed, zone: ZoneInfo, width: int) -> Iterator[str]:
    step = max((rehearsed.end - rehearsed.begin) / COLUMNS, timedelta(seconds=1))
    yield ""
    yield f"{one.rule:<{width}}  each column {_hours(step)}, from {rehearsed.begin.astimezone(zone):%a %d %b %H:%M}"
    yield f"{'  before':<{width}}  {_bar(one.before, rehearsed, step)}"
    yield f"{'  after':<{width}}  {_bar(one.after, rehearsed, step)}"


def _bar(spans: Sequence[Span], rehearsed: Rehearsed, step: timedelta) -> str:
    counts = [0] * COLUMNS
    for span in spans:
        counts[_column(span.begin, rehearsed.begin, step)] += 1
    most = max(counts, default=0)
    known = [_known(rehearsed, rehearsed.begin + step * i, step) for i in range(COLUMNS)]
    return "".join(
        (_BARS[0] if ok else _GAP) if n == 0 else _BARS[max(1, round(n * 8 / most))]
        for n, ok in zip(counts, known, strict=True)
    )


def _column(time: datetime, begin: datetime, step: timedelta) -> int:
    return min(COLUMNS - 1, max(0, int((time - begin) / step)))


def _known(rehearsed: Rehearsed, begin: datetime, step: timedelta) -> bool:
    return not any(a <= begin and begin + step <= b for a, b in rehearsed.gaps)


def _per_day(rehearsed: Rehearsed, zone: ZoneInfo, width: int) -> Iterator[str]:
    shown = [o for o in rehearsed.outcomes if o.replayed]
    days = sorted({s.begin.astimezone(zone).date() for o in shown for s in (*o.before, *o.after)})
    if not days:
        return
    yield ""
    yield f"{'a day':<{width}}  " + "  ".join(f"{day:%d %b}" for day in days)
    for one in shown:
        if one.before or one.after:
            cells = (f"{_on(one.before, day, zone)}>{_on(one.after, day, zone)}" for day in days)
            yield f"{one.rule:<{width}}  " + "  ".join(f"{cell:>6}" for cell in cells)


def _on(spans: Sequence[Span], day: object, zone: ZoneInfo) -> int:
    return sum(1 for s in spans if s.begin.astimezone(zone).date() == day)


def _differences(rehearsed: Rehearsed, zone: ZoneInfo) -> Iterator[str]:
    lines = [line for one in rehearsed.outcomes for line in _changes(one, zone)]
    yield ""
    yield f"{len(lines)} hazards differ." if lines else "No hazard differs."
    yield from lines[:CHANGES_MAX]
    if len(lines) > CHANGES_MAX:
        yield f"… and {len(lines) - CHANGES_MAX} more; --html and --json list all."


def _changes(one: Outcome, zone: ZoneInfo) -> Iterator[str]:
    for span, why in one.gone:
        yield f"  - {_when(span, zone)} {one.rule} grade {span.grade} is gone: {why}"
    for span, why in one.fresh:
        yield f"  + {_when(span, zone)} {one.rule} grade {span.grade} is new: {why}"
    for was, now in one.changed:
        yield f"  ~ {_when(was, zone)} {one.rule} grade {was.grade} becomes {_when(now, zone)} grade {now.grade}"


def _when(span: Span, zone: ZoneInfo) -> str:
    end = "open" if span.end is None else f"{span.end.astimezone(zone):%H:%M:%S}"
    return f"{span.begin.astimezone(zone):%a %d %b %H:%M:%S}-{end}"


def _hours(span: timedelta) -> str:
    minutes = span.total_seconds() / 60
    return f"{minutes / 60:.1f} h" if minutes >= 60 else f"{minutes:.0f} min"
