"""What was refused: its bytes, its reason, and where it came from, so that a person can look and try again.

Bounds  one copy per hash; at most OWNER_MAX rows for each registered gateway, and as many for all unregistered ones
        together. Beyond that the oldest go. Of a message larger than a packet only the first PAYLOAD_MAX bytes are kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ports import Row, Transaction
from gatehouse_hub.store import work
from gatehouse_hub.store.columns import blob, integer, integer_or_none, text, text_or_none
from gatehouse_hub.values import EventKey
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import PACKET_MAX_BYTES

OWNER_MAX: Final = 10_000
PAYLOAD_MAX: Final = PACKET_MAX_BYTES
TOPIC_MAX: Final = 200
UNREGISTERED: Final = ""
"""Owner of what came from gateways that no site file names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A message or row that was refused; `size_bytes` is the whole of it, `payload` may be its start.

    `key` is None when none could be read, or it was not its sender's own.
    """

    owner: str
    gateway: str
    sha256: str
    reason: RefusalReason
    message: str
    topic: str
    key: EventKey | None
    payload: bytes
    size_bytes: int
    arrived_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Refused):
    """The same as it stands in the store. `seen` is how often it came."""

    number: int
    seen: int


@dataclass(frozen=True, slots=True)
class UnreadableAlarm:
    """An alarm row with its own gateway's key that could not be accepted: an incident without its content."""

    key: EventKey
    sha256: str
    site: str
    reason: RefusalReason
    arrived_ms: int


def put(tx: Transaction, refused: Iterable[Refused]) -> None:
    """Keep one copy of each; count the others."""
    entries = list(refused)
    tx.execute_many(
        "INSERT INTO quarantine (owner, gateway, sha256, reason, message, topic, epoch, lane, seq, size_bytes, "
        "payload, arrived_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (owner, sha256) DO UPDATE SET seen = quarantine.seen + 1",
        [
            (
                *(r.owner, r.gateway, r.sha256, r.reason.value, r.message, r.topic[:TOPIC_MAX]),
                *((r.key.epoch, r.key.lane.value, r.key.seq) if r.key else (None, None, None)),
                *(r.size_bytes, r.payload[:PAYLOAD_MAX], r.arrived_ms),
            )
            for r in entries
        ],
    )
    for owner in sorted({r.owner for r in entries}):
        _trim(tx, owner)


def _trim(tx: Transaction, owner: str) -> None:
    """Drop the oldest beyond the bound."""
    last = tx.execute(
        "SELECT number FROM quarantine WHERE owner = ? ORDER BY number DESC LIMIT 1 OFFSET ?",
        (owner, OWNER_MAX),
    )
    if last:
        tx.execute(
            "DELETE FROM quarantine WHERE owner = ? AND number <= ?", (owner, integer(last[0][0]))
        )


_COLUMNS: Final = (
    "number, owner, gateway, sha256, reason, message, topic, epoch, lane, seq, size_bytes, payload, "
    "arrived_ms, seen"
)


def load_newest(
    tx: Transaction, *, gateway: str | None, before: int | None, limit: int
) -> list[Kept]:
    """Newest first; of one gateway, or of all; numbers below `before`."""
    conditions: list[str] = []
    params: list[str | int] = []
    if gateway is not None:
        conditions.append("gateway = ?")
        params.append(gateway)
    if before is not None:
        conditions.append("number < ?")
        params.append(before)
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    sql = f"SELECT {_COLUMNS} FROM quarantine {where}ORDER BY number DESC LIMIT ?"  # noqa: S608
    return [_kept(row) for row in tx.execute(sql, (*params, limit))]


def load(tx: Transaction, number: int) -> Kept | None:
    """One entry by its number."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM quarantine WHERE number = ?", (number,))  # noqa: S608
    return _kept(rows[0]) if rows else None


def remove(tx: Transaction, number: int) -> None:
    """Forget one entry: it was accepted after all."""
    tx.execute("DELETE FROM quarantine WHERE number = ?", (number,))


def add_unreadable(tx: Transaction, alarms: Sequence[UnreadableAlarm]) -> None:
    """Record alarms that could not be read, each once, and call the linker."""
    columns = ("gateway", "epoch", "seq", "sha256", "site", "reason", "arrived_ms")
    rows = {
        (a.key.gateway, a.key.epoch, a.key.seq, a.sha256): (a.site, a.reason.value, a.arrived_ms)
        for a in alarms
    }
    if not rows:
        return
    key = ", ".join(columns[:4])
    new = tx.insert(
        "unreadable_alarm",
        columns,
        [(*k, *v) for k, v in rows.items()],
        f"ON CONFLICT ({key}) DO NOTHING RETURNING {key}",
    )
    keys = {(a.key.gateway, a.key.epoch, a.key.seq, a.sha256) for a in alarms} & set(new)
    work.add(
        tx,
        [
            work.Pending(a.site, a.arrived_ms, a.arrived_ms)
            for a in alarms
            if (a.key.gateway, a.key.epoch, a.key.seq, a.sha256) in keys
        ],
    )


def unreadable_alarms(
    tx: Transaction, site: str, since_ms: int, limit: int
) -> list[UnreadableAlarm]:
    """Alarms of a site that could not be read, by arrival."""
    rows = tx.execute(
        "SELECT gateway, epoch, seq, sha256, reason, arrived_ms FROM unreadable_alarm "
        "WHERE site = ? AND arrived_ms >= ? ORDER BY arrived_ms, gateway, epoch, seq, sha256 LIMIT ?",
        (site, since_ms, limit),
    )
    return [
        UnreadableAlarm(
            EventKey(text(r[0]), text(r[1]), Lane.ALARM, integer(r[2])),
            text(r[3]),
            site,
            RefusalReason(text(r[4])),
            integer(r[5]),
        )
        for r in rows
    ]


def _kept(row: Row) -> Kept:
    return Kept(
        number=integer(row[0]),
        owner=text(row[1]),
        gateway=text(row[2]),
        sha256=text(row[3]),
        reason=RefusalReason(text(row[4])),
        message=text(row[5]),
        topic=text(row[6]),
        key=_key(row),
        size_bytes=integer(row[10]),
        payload=blob(row[11]),
        arrived_ms=integer(row[12]),
        seen=integer(row[13]),
    )


def _key(row: Row) -> EventKey | None:
    epoch, lane, seq = text_or_none(row[7]), text_or_none(row[8]), integer_or_none(row[9])
    if epoch is None or lane is None or seq is None:
        return None
    return EventKey(text(row[2]), epoch, Lane(lane), seq)
