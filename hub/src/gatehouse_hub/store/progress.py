"""How far each lane of each outbox is accounted for: the number that an ack says.

A number is accounted for when it is a row or lies in a range: a gap the gateway told of, or a row in quarantine. `upto` is
the last number before the first hole. It is found from the tables, never counted in memory, so that no ack can lie above
what is stored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store.columns import integer, text
from gatehouse_hub.values import LaneKey
from gatehouse_shared.names import Lane

STRETCH: Final = 1_000
"""Numbers looked at in one statement."""

QUARANTINED: Final = "quarantined"
"""Reason of a range that stands for a row in quarantine."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that are accounted for without a row. `reason` is a GapReason or `quarantined`."""

    lane: LaneKey
    from_seq: int
    to_seq: int
    reason: str
    rows: int
    arrived_ms: int


def add_gaps(tx: Transaction, gaps: Iterable[Gap]) -> None:
    """Record ranges; one that is there stays as it is."""
    rows = {
        (g.lane.gateway, g.lane.epoch, g.lane.lane.value, g.from_seq, g.to_seq): (
            g.reason,
            g.rows,
            g.arrived_ms,
        )
        for g in gaps
    }
    tx.execute_many(
        "INSERT INTO gap_range (gateway, epoch, lane, from_seq, to_seq, reason, rows, arrived_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(*key, *rest) for key, rest in sorted(rows.items())],
    )


def advance(tx: Transaction, lanes: Iterable[LaneKey]) -> dict[LaneKey, int]:
    """Find how far these lanes are accounted for now, and keep it."""
    found: dict[LaneKey, int] = {}
    for lane in sorted(set(lanes)):
        before = load(tx, lane)
        upto = _walk(tx, lane, before)
        found[lane] = upto
        if upto != before:
            tx.execute(
                "INSERT INTO progress (gateway, epoch, lane, upto) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (gateway, epoch, lane) DO UPDATE SET upto = excluded.upto "
                "WHERE excluded.upto > progress.upto",
                (lane.gateway, lane.epoch, lane.lane, upto),
            )
    return found


def load(tx: Transaction, lane: LaneKey) -> int:
    """The number up to which a lane is accounted for; 0 for one never heard of."""
    rows = tx.execute(
        "SELECT upto FROM progress WHERE gateway = ? AND epoch = ? AND lane = ?",
        (lane.gateway, lane.epoch, lane.lane),
    )
    return integer(rows[0][0]) if rows else 0


def load_gaps(tx: Transaction, gateway: str, limit: int) -> list[Gap]:
    """Ranges of a gateway that came as gaps, newest first; quarantined rows are left out."""
    rows = tx.execute(
        "SELECT epoch, lane, from_seq, to_seq, reason, rows, arrived_ms FROM gap_range "
        "WHERE gateway = ? AND reason <> ? ORDER BY arrived_ms DESC, epoch, lane, from_seq LIMIT ?",
        (gateway, QUARANTINED, limit),
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


def _walk(tx: Transaction, lane: LaneKey, upto: int) -> int:
    """The last accounted number at or after `upto`, a stretch at a time."""
    key = (lane.gateway, lane.epoch, lane.lane)
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
