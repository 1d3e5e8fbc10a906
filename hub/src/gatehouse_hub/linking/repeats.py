"""The same thing said again: rows that a log repeats are one, before anything is linked. Pure.

Rule  a row of the same device, kind and zone within REPEAT_MS of the last such row is that row once more; so what flutters
      without end is one row, and a pause makes a new one. Bound: one entry a device, kind and zone.
A gateway keeps one open hazard a rule and zone, so the hub's own rows need this no more; other people's logs do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.linking.rows import AlarmRow, sort_key

REPEAT_MS: Final = 60_000
CHATTER_ROWS: Final = 3
"""More rows than this within a minute of one device, kind and zone are chatter."""


@dataclass(frozen=True, slots=True)
class Distinct:
    """`rows` in order of time; `said_by` row id -> the row it repeats (itself for the first); `chatter` device, kind and zone ->
    most rows in a minute, where that is too many.
    """

    rows: tuple[AlarmRow, ...]
    said_by: Mapping[str, str]
    chatter: Mapping[tuple[str, str, str], int]


def distinct(rows: Iterable[AlarmRow]) -> Distinct:
    """Rows without their repetitions."""
    kept: list[AlarmRow] = []
    said_by: dict[str, str] = {}
    latest: dict[tuple[str, str, str], tuple[int, str]] = {}
    minutes: dict[tuple[str, str, str], list[int]] = {}
    chatter: dict[tuple[str, str, str], int] = {}
    for row in sorted({row.id: row for row in rows}.values(), key=sort_key):
        key = row.device, row.kind, row.zone
        before = latest.get(key)
        if before is None or row.time_ms - before[0] > REPEAT_MS:
            kept.append(row)
            name = row.id
        else:
            name = before[1]
        said_by[row.id] = name
        latest[key] = row.time_ms, name
        minute = [t for t in minutes.get(key, ()) if row.time_ms - t < REPEAT_MS]
        minutes[key] = [*minute, row.time_ms][-CHATTER_ROWS * 100 :]
        if len(minutes[key]) > CHATTER_ROWS:
            chatter[key] = max(chatter.get(key, 0), len(minutes[key]))
    return Distinct(tuple(kept), said_by, chatter)
