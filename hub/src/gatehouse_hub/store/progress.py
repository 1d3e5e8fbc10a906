"""How far each lane of each outbox is accounted for: the number that an ack says.

A number is accounted for when it is a row or lies in a range: a gap the gateway told of, a row in quarantine, or rows that
retention has taken. `upto` is the last number before the first hole, `top` the highest that is a row or in a range.

Rule    a lane's row here is its lock: whoever stores rows of a lane, or tells its ranges, holds it from before the first look
        until COMMIT. So a number above `top` is new without looking, and two workers on one lane stand in line.
Rule    `upto` and `top` move in the transaction that writes what they count, so no ack can lie above what is stored, and a
        restored database has restored them too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gatehouse_hub.ports import Dialect, Transaction
from gatehouse_hub.store.columns import integer, text
from gatehouse_hub.store.statements import json_rows
from gatehouse_hub.values import LaneKey
from gatehouse_shared.names import Lane

STRETCH: Final = 1_000
"""Numbers looked at in one statement."""

QUARANTINED: Final = "quarantined"
"""Reason of a range that stands for a row in quarantine."""

OUTLIVED: Final = "outlived"
"""Reason of a range that stands for rows that retention has taken before the lane had come so far."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that are accounted for without a row. `reason` is a GapReason, `quarantined` or `outlived`."""

    lane: LaneKey
    from_seq: int
    to_seq: int
    reason: str
    rows: int
    arrived_ms: int


@dataclass(slots=True)
class Mark:
    """How far a lane is, locked; and what the transaction adds to it: stretches (first, last) of numbers."""

    upto: int
    top: int
    added: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def lock(tx: Transaction, lanes: Iterable[LaneKey]) -> dict[LaneKey, Mark]:
    """Take these lanes until the end of the transaction, in the order of their names; lanes never heard of are made."""
    wanted = sorted(set(lanes))
    marks = _lock(tx, wanted)
    if missing := [lane for lane in wanted if lane not in marks]:
        tx.insert(
            "progress",
            ("gateway", "epoch", "lane", "upto", "top"),
            [(*_names(lane), 0, 0) for lane in missing],
            "ON CONFLICT DO NOTHING",
        )
        marks |= _lock(tx, missing)
    return marks


def add_gaps(tx: Transaction, marks: Mapping[LaneKey, Mark], gaps: Iterable[Gap]) -> None:
    """Record ranges of locked lanes; one that is there stays as it is."""
    rows: dict[tuple[str, str, str, int, int], tuple[str, int, int]] = {}
    for gap in gaps:
        marks[gap.lane].added.append((gap.from_seq, gap.to_seq))
        key = (*_names(gap.lane), gap.from_seq, gap.to_seq)
        rows.setdefault(key, (gap.reason, gap.rows, gap.arrived_ms))
    tx.insert(
        "gap_range",
        ("gateway", "epoch", "lane", "from_seq", "to_seq", "reason", "rows", "arrived_ms"),
        [(*key, *rest) for key, rest in sorted(rows.items())],
        "ON CONFLICT DO NOTHING",
    )


def settle(tx: Transaction, marks: Mapping[LaneKey, Mark]) -> dict[LaneKey, int]:
    """Find how far the locked lanes are accounted for with what was added, and keep it.

    The tables are walked only where a hole was closed below numbers that stood already.
    """
    found: dict[LaneKey, int] = {}
    moved: list[tuple[str | int, ...]] = []
    for lane, mark in marks.items():
        stretches = sorted(mark.added)
        upto = reach(mark.upto, stretches)
        if mark.upto < upto < mark.top:
            upto = _walk(tx, lane, upto)
        top = max([mark.top, *(last for _, last in stretches)])
        if (upto, top) != (mark.upto, mark.top):
            moved.append((*_names(lane), upto, top))
        found[lane] = upto
    tx.insert(
        "progress",
        ("gateway", "epoch", "lane", "upto", "top"),
        moved,
        "ON CONFLICT (gateway, epoch, lane) DO UPDATE SET upto = excluded.upto, top = excluded.top",
    )
    return found


def range_over(tx: Transaction, lane: LaneKey, seq: int) -> str | None:
    """Why a number is accounted for without a row; a gap or quarantine counts before what outlived. None outside all ranges."""
    rows = tx.execute(
        "SELECT reason FROM gap_range WHERE gateway = ? AND epoch = ? AND lane = ? "
        "AND from_seq <= ? AND to_seq >= ? ORDER BY CASE WHEN reason = ? THEN 1 ELSE 0 END LIMIT 1",
        (*_names(lane), seq, seq, OUTLIVED),
    )
    return text(rows[0][0]) if rows else None


def load(tx: Transaction, lane: LaneKey) -> int:
    """The number up to which a lane is accounted for; 0 for one never heard of."""
    rows = tx.execute(
        "SELECT upto FROM progress WHERE gateway = ? AND epoch = ? AND lane = ?",
        _names(lane),
    )
    return integer(rows[0][0]) if rows else 0


def load_epochs(tx: Transaction, epochs: Iterable[tuple[str, str]]) -> dict[LaneKey, int]:
    """How far the lanes of these (gateway, epoch) are accounted for; those never heard of are left out."""
    sql = (
        "SELECT p.gateway, p.epoch, p.lane, p.upto FROM progress p WHERE (p.gateway, p.epoch) IN "  # noqa: S608
        f"(SELECT value ->> 0, value ->> 1 FROM {json_rows(tx.dialect)})"
    )
    rows = tx.execute(sql, (msgspec.json.encode(sorted(set(epochs))).decode(),))
    return {LaneKey(text(r[0]), text(r[1]), Lane(text(r[2]))): integer(r[3]) for r in rows}


def load_gaps(tx: Transaction, gateway: str, limit: int) -> list[Gap]:
    """Ranges of a gateway that came as gaps, newest first."""
    rows = tx.execute(
        "SELECT epoch, lane, from_seq, to_seq, reason, rows, arrived_ms FROM gap_range "
        "WHERE gateway = ? AND reason NOT IN (?, ?) ORDER BY arrived_ms DESC, epoch, lane, from_seq LIMIT ?",
        (gateway, QUARANTINED, OUTLIVED, limit),
    )
    return [
        Gap(
            LaneKey(gateway, text(r[0]), Lane(text(r[1]))),
            integer(r[2]),
            integer(r[3]),
            text(r[4]),
            integer(r[5]),
            integer(r[6]),
        )
        for r in rows
    ]


def _names(lane: LaneKey) -> tuple[str, str, str]:
    return lane.gateway, lane.epoch, lane.lane.value


def _lock(tx: Transaction, lanes: Sequence[LaneKey]) -> dict[LaneKey, Mark]:
    """The lanes that there are, locked on PostgreSQL; SQLite has one writer anyway."""
    held = "ORDER BY gateway, epoch, lane FOR UPDATE" if tx.dialect is Dialect.POSTGRESQL else ""
    sql = (
        "SELECT gateway, epoch, lane, upto, top FROM progress WHERE (gateway, epoch, lane) IN "  # noqa: S608
        f"(SELECT value ->> 0, value ->> 1, value ->> 2 FROM {json_rows(tx.dialect)}) {held}"
    )
    keys = msgspec.json.encode([_names(lane) for lane in lanes]).decode()
    return {
        LaneKey(text(r[0]), text(r[1]), Lane(text(r[2]))): Mark(integer(r[3]), integer(r[4]))
        for r in tx.execute(sql, (keys,))
    }


def _walk(tx: Transaction, lane: LaneKey, upto: int) -> int:
    """The last accounted number at or after `upto`, a stretch at a time."""
    key = _names(lane)
    while True:
        rows = tx.execute(
            "SELECT seq, seq FROM event WHERE gateway = ? AND epoch = ? AND lane = ? AND seq > ? "
            "ORDER BY seq LIMIT ?",
            (*key, upto, STRETCH),
        )
        ranges = tx.execute(
            "SELECT from_seq, to_seq FROM gap_range WHERE gateway = ? AND epoch = ? AND lane = ? "
            "AND to_seq > ? AND from_seq <= ? ORDER BY from_seq LIMIT ?",
            (*key, upto, upto + STRETCH, STRETCH),
        )
        reached = reach(upto, sorted((integer(a), integer(b)) for a, b in (*rows, *ranges)))
        if reached == upto:
            return upto
        upto = reached


def reach(upto: int, stretches: Sequence[tuple[int, int]]) -> int:
    """How far one gets from `upto` over stretches (first, last) that are sorted by their first number.

    >>> reach(2, [(1, 4), (5, 5), (6, 9), (11, 12)])
    9
    """
    for first, last in stretches:
        if first > upto + 1:
            break
        upto = max(upto, last)
    return upto
