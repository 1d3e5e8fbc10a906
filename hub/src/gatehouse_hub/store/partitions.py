"""Where rows of events lie: by how long they are kept, and on PostgreSQL in a table for each stretch of time of arrival.

    event -> event_presence -> event_presence_20261129 …   a day each
          -> event_alarm    -> event_alarm_20261126 …      four weeks each
          -> event_bulk     -> event_bulk_20261126 …       a week each
          -> event_legacy                                  what was there before there were partitions, if anything was

Tables are made ahead of time, and for a row that needs one which is not there. They are made beside the parent and then
attached, so that readers and writers of the others go on; dropping one waits for its readers for DROP_WAIT_MS at most and
is tried again at the next turn. SQLite has one table; all of this does nothing there.

Bounds  the tables of a kind are as many as fit into its time of keeping, and AHEAD more.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_hub.ports import Dialect, Transaction
from gatehouse_hub.store.columns import integer, text
from gatehouse_shared.events import Data, HazardData
from gatehouse_shared.instants import from_ms
from gatehouse_shared.names import PRESENCE_KINDS, Lane

DAY_MS: Final = 86_400_000
AHEAD: Final = 2
"""Stretches made ahead of the one that is running."""

PARTITION_LOCK: Final = 4_725_702
"""Number of PostgreSQL's advisory lock for making and dropping partitions."""

DROP_WAIT_MS: Final = 300


class Keep(StrEnum):
    """How long a row is kept."""

    PRESENCE = "presence"
    ALARM = "alarm"
    BULK = "bulk"


STEP_MS: Final[Mapping[Keep, int]] = {
    Keep.PRESENCE: DAY_MS,
    Keep.ALARM: 28 * DAY_MS,
    Keep.BULK: 7 * DAY_MS,
}
"""How much time of arrival one table holds."""

LEGACY: Final = "event_legacy"

_ALARM_INDEXES: Final = (
    ("UNIQUE INDEX", "(gateway, epoch, seq)"),
    ("UNIQUE INDEX", "(id)"),
    ("INDEX", "(site, corrected_ms, id)"),
    ("INDEX", "(gateway, epoch, hazard) WHERE hazard IS NOT NULL"),
)
_INDEXES: Final[Mapping[Keep, tuple[tuple[str, str], ...]]] = {
    Keep.PRESENCE: _ALARM_INDEXES,
    Keep.ALARM: _ALARM_INDEXES,
    Keep.BULK: (
        ("UNIQUE INDEX", "(gateway, epoch, seq)"),
        ("INDEX", "(site, type, corrected_ms)"),
    ),
}
_BOUND: Final = re.compile(r"FROM \('(-?[0-9]+)'\) TO \('(-?[0-9]+)'\)")


@dataclass(frozen=True, slots=True)
class Partition:
    """One table: rows that came from `from_ms` on and before `to_ms`."""

    name: str
    from_ms: int
    to_ms: int


def keep_of(lane: Lane, data: Data) -> Keep:
    """How long a row is kept: presence shortest, whatever else is in its lane."""
    if lane is Lane.BULK:
        return Keep.BULK
    if isinstance(data, HazardData) and data.kind in PRESENCE_KINDS:
        return Keep.PRESENCE
    return Keep.ALARM


def partition_of(keep: Keep, arrived_ms: int) -> Partition:
    """The table of a row. The only place that names them.

    >>> partition_of(Keep.PRESENCE, 1_793_750_400_123).name
    'event_presence_20261104'
    """
    step = STEP_MS[keep]
    start = arrived_ms // step * step
    return Partition(f"event_{keep}_{from_ms(start):%Y%m%d}", start, start + step)


def ensure_ahead(tx: Transaction, now_ms: int) -> int:
    """Make the tables of now and of the next AHEAD stretches; how many were missing."""
    return ensure(
        tx, ((keep, now_ms + n * STEP_MS[keep]) for keep in Keep for n in range(AHEAD + 1))
    )


def ensure(tx: Transaction, needed: Iterable[tuple[Keep, int]]) -> int:
    """Make the tables for rows of these kinds and times of arrival; how many were missing."""
    if tx.dialect is not Dialect.POSTGRESQL:
        return 0
    wanted = {partition_of(keep, at_ms): keep for keep, at_ms in needed}
    if not (missing := _missing(tx, wanted)):
        return 0
    tx.execute("SELECT pg_advisory_xact_lock(?)", (PARTITION_LOCK,))
    missing = _missing(tx, wanted)
    for partition in missing:
        _make(tx, wanted[partition], partition)
    return len(missing)


def attached(tx: Transaction, keep: Keep) -> list[Partition]:
    """The tables of a kind, oldest first, with the bounds that they have."""
    rows = tx.execute(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
        "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(?)",
        (f"event_{keep}",),
    )
    found: list[Partition] = []
    for name, bound in rows:
        match = _BOUND.search(text(bound))
        if match is not None:
            found.append(Partition(text(name), int(match[1]), int(match[2])))
    return sorted(found, key=lambda p: p.from_ms)


def drop(tx: Transaction, partition: Partition) -> None:
    """Drop one table with its rows. StoreUnavailableError when its readers do not let go in time."""
    tx.execute(f"SET LOCAL lock_timeout = {DROP_WAIT_MS}")
    tx.execute(f"DROP TABLE {partition.name}")


def has_legacy(tx: Transaction) -> bool:
    """Whether rows of before there were partitions may still be there."""
    rows = tx.execute("SELECT CASE WHEN to_regclass(?) IS NULL THEN 0 ELSE 1 END", (LEGACY,))
    return integer(rows[0][0]) == 1


def _missing(tx: Transaction, wanted: Iterable[Partition]) -> list[Partition]:
    partitions = sorted(wanted, key=lambda p: p.name)
    marks = ", ".join("to_regclass(?) IS NULL" for _ in partitions)
    found = tx.execute(f"SELECT {marks}", [p.name for p in partitions])[0]
    return [p for p, missing in zip(partitions, found, strict=True) if missing]


def _make(tx: Transaction, keep: Keep, partition: Partition) -> None:
    """The table beside its parent, with its indexes, then attached: this locks nobody out."""
    parent, name = f"event_{keep}", partition.name
    bounds = f"{partition.from_ms} AND arrived_ms < {partition.to_ms}"
    tx.execute(f"CREATE TABLE {name} (LIKE {parent} INCLUDING ALL, CHECK (arrived_ms >= {bounds}))")
    for word, columns in _INDEXES[keep]:
        tx.execute(f"CREATE {word} ON {name} {columns}")
    tx.execute(
        f"ALTER TABLE {parent} ATTACH PARTITION {name} "
        f"FOR VALUES FROM ({partition.from_ms}) TO ({partition.to_ms})"
    )
