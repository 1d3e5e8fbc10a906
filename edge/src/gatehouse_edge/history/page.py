"""A rehearsal as one HTML page that needs nothing else: a drawn timeline for each rule, and every difference with its reason."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from gatehouse_edge.history.rehearsal import Outcome, Rehearsed, Span

WIDTH: Final = 1000
LANE: Final = 14
LEAST_WIDTH: Final = 2.0
_STYLE: Final = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:68rem;padding:0 1rem;color:#1c2430;background:#fff}
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:right;font-variant-numeric:tabular-nums}
td:first-child,th:first-child,td.why{text-align:left}tr+tr td{border-top:1px solid #e3e7ec}
h2{margin:1.6rem 0 .3rem;font-size:1rem}svg{width:100%;height:auto;display:block}
.before{fill:#7a8797}.after{fill:#1f6fb2}.gone{fill:#c9622b}.fresh{fill:#2c8a4b}.gap{fill:url(#no)}.day{stroke:#d5dae0}
text{font:11px system-ui,sans-serif;fill:#5a6675}p.key span{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}
@media(prefers-color-scheme:dark){body{background:#12161c;color:#dfe5ec}tr+tr td{border-color:#2b333d}.day{stroke:#2b333d}}
"""


def page(rehearsed: Rehearsed, changes: Sequence[str], zone: ZoneInfo) -> str:
    """The page."""
    return "\n".join(_lines(rehearsed, changes, zone)) + "\n"


def _lines(rehearsed: Rehearsed, changes: Sequence[str], zone: ZoneInfo) -> Iterator[str]:
    begin, end = rehearsed.begin.astimezone(zone), rehearsed.end.astimezone(zone)
    title = f"Rehearsal, {begin:%d %b %H:%M} to {end:%d %b %H:%M} ({zone.key})"
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1><ul>"
    yield from (f"<li>{escape(change)}</li>" for change in changes or ["nothing changes"])
    yield "</ul>"
    lost = sum((b - a for a, b in rehearsed.gaps), timedelta())
    if rehearsed.gaps:
        yield f"<p>Nothing is known of {lost.total_seconds() / 3600:.1f} h (hatched): the agent was not running.</p>"
    yield '<p class="key"><span style="background:#7a8797"></span>present rules'
    yield '<span style="background:#1f6fb2"></span>changed rules'
    yield '<span style="background:#c9622b"></span>gone<span style="background:#2c8a4b"></span>new</p>'
    replayed = [o for o in rehearsed.outcomes if o.replayed]
    shown = [o for o in replayed if o.said or o.before or o.after or o.unknown_minutes]
    yield from _table(shown)
    for one in shown:
        yield from _section(one, rehearsed, zone)
    yield f"<p>{len(replayed) - len(shown)} other rules raised nothing, before or after."
    left = [o for o in rehearsed.outcomes if not o.replayed]
    yield f" {len(left)} are not touched; their {sum(o.said for o in left)} hazards stay as they were said.</p></html>"


def _table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "<table><tr><th>rule<th>kind<th>zone<th>said then<th>before<th>after<th>gone<th>new<th>changed</tr>"
    for o in outcomes:
        counts = (o.said, len(o.before), len(o.after), len(o.gone), len(o.fresh), len(o.changed))
        cells = "".join(f"<td>{count}" for count in counts)
        yield f"<tr><td>{escape(o.rule)}<td>{escape(o.kind)}<td>{escape(o.zone)}{cells}</tr>"
    yield "</table>"


def _section(one: Outcome, rehearsed: Rehearsed, zone: ZoneInfo) -> Iterator[str]:
    yield f"<h2>{escape(one.rule)}</h2>"
    yield from _drawing(one, rehearsed, zone)
    if one.unknown_minutes:
        yield f"<p>{one.unknown_minutes / 60:.1f} h say nothing: the rule or its view was another then.</p>"
    rows = [
        *((s.begin, "gone", s, why) for s, why in one.gone),
        *((s.begin, "new", s, why) for s, why in one.fresh),
        *((a.begin, "changed", a, _became(b, zone)) for a, b in one.changed),
    ]
    if rows:
        yield "<table>"
        for _, what, span, why in sorted(rows, key=lambda row: row[0]):
            yield f"<tr><td>{_when(span, zone)}<td>grade {span.grade}<td>{what}<td class=why>{escape(why)}</tr>"
        yield "</table>"


def _drawing(one: Outcome, rehearsed: Rehearsed, zone: ZoneInfo) -> Iterator[str]:
    height = 2 * LANE + 24
    yield f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(one.rule)}: '
    yield f'{len(one.before)} hazards before, {len(one.after)} after"><defs><pattern id="no" width="6" height="6"'
    yield ' patternUnits="userSpaceOnUse"><path d="M0 6L6 0" stroke="#b8c0ca"/></pattern></defs>'
    for a, b in rehearsed.gaps:
        left, width = _place(a, b, rehearsed)
        yield f'<rect class="gap" x="{left}" y="0" width="{width}" height="{2 * LANE + 6}"/>'
    for day in _days(rehearsed, zone):
        left, _ = _place(day, day, rehearsed)
        yield f'<line class="day" x1="{left}" x2="{left}" y1="0" y2="{2 * LANE + 6}"/>'
        yield f'<text x="{left + 3}" y="{height - 4}">{day.astimezone(zone):%a %d %b}</text>'
    gone, fresh = {s for s, _ in one.gone}, {s for s, _ in one.fresh}
    for spans, top, plain, special in (
        (one.before, 2, "before", ("gone", gone)),
        (one.after, LANE + 4, "after", ("fresh", fresh)),
    ):
        for span in spans:
            left, width = _place(span.begin, span.end or rehearsed.end, rehearsed)
            name = special[0] if span in special[1] else plain
            yield f'<rect class="{name}" x="{left}" y="{top}" width="{width}" height="{LANE - 2}">'
            yield f"<title>{_when(span, zone)} grade {span.grade}: {escape(span.reason)}</title></rect>"
    yield "</svg>"


def _place(begin: datetime, end: datetime, rehearsed: Rehearsed) -> tuple[float, float]:
    whole = max(rehearsed.end - rehearsed.begin, timedelta(seconds=1))
    left = (begin - rehearsed.begin) / whole * WIDTH
    return round(left, 1), round(max(LEAST_WIDTH, (end - begin) / whole * WIDTH), 1)


def _days(rehearsed: Rehearsed, zone: ZoneInfo) -> Iterator[datetime]:
    """Midnights of the site."""
    day = rehearsed.begin.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while (day := day + timedelta(days=1)) < rehearsed.end:
        yield day


def _when(span: Span, zone: ZoneInfo) -> str:
    end = "open" if span.end is None else f"{span.end.astimezone(zone):%H:%M:%S}"
    return f"{span.begin.astimezone(zone):%a %d %b %H:%M:%S} to {end}"


def _became(span: Span, zone: ZoneInfo) -> str:
    return f"{_when(span, zone)}, grade {span.grade}"
