"""Rows of events: written once, by their key, and never changed.

What a row says of hazards, occupancy and the linker's work is written with it in the same transaction, so that no
reader ever sees one without the other. Any order of the same rows leaves the same tables.

Rule    whoever writes holds the lane (`progress.lock`) and knows that the row is new: no index over all partitions could
        refuse it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from gatehouse_hub.ports import Row, Transaction, Value
from gatehouse_hub.store import hazards, occupancy, partitions, work
from gatehouse_hub.store.columns import flag, integer, integer_or_none, text
from gatehouse_hub.store.partitions import DAY_MS, Keep, keep_of
from gatehouse_hub.store.statements import json_rows
from gatehouse_hub.values import EventKey, Offset
from gatehouse_shared.events import (
    CountData,
    Event,
    FlowData,
    HazardData,
    HealthData,
    ReadingData,
)
from gatehouse_shared.instants import instant_ms
from gatehouse_shared.names import Lane

KEY: Final = ("gateway", "epoch", "lane", "seq")
COLUMNS: Final = (
    *KEY,
    *("id", "sha256", "site", "type", "kind", "phase", "hazard", "zone", "line", "device"),
    *(
        "time_ms",
        "corrected_ms",
        "offset_ms",
        "uncertainty_ms",
        "arrived_ms",
        "historical",
        "payload",
        "keep",
    ),
)
RECENT_MS: Final = 2 * DAY_MS
"""A row that comes again is looked for first among those that came in this time: a gateway keeps what was acked for a day."""

_DECODER: Final = msgspec.json.Decoder(Event)


class NewRow(NamedTuple):
    """A row that passed every check, with what the hub adds to it on arrival."""

    key: EventKey
    site: str
    event: Event
    canonical: bytes
    sha256: str
    corrected_ms: int
    offset: Offset | None
    arrived_ms: int
    historical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """A row as it stands in the store."""

    key: EventKey
    site: str
    event: Event
    time_ms: int
    corrected_ms: int
    offset_ms: int | None
    arrived_ms: int
    historical: bool


def record(tx: Transaction, rows: Sequence[NewRow]) -> None:
    """Insert rows that are new, with all that follows from them."""
    if not rows:
        return
    kept = [keep_of(row.key.lane, row.event.data) for row in rows]
    arrivals = [
        (keep, {r.arrived_ms for r, k in zip(rows, kept, strict=True) if k is keep})
        for keep in Keep
    ]
    partitions.ensure(tx, [(keep, at_ms) for keep, all_ms in arrivals for at_ms in all_ms])
    tx.append("event", COLUMNS, [_values(row, keep) for row, keep in zip(rows, kept, strict=True)])
    raised = [(row, row.event.data) for row in rows if isinstance(row.event.data, HazardData)]
    hazards.follow(tx, [_hazard_step(row, data) for row, data in raised])
    occupancy.follow(tx, _newest_counts(rows))
    work.add(tx, [work.Pending(r.site, r.corrected_ms, r.arrived_ms) for r, _ in raised])


def hashes(
    tx: Transaction, keys: Sequence[EventKey], now_ms: int | None = None
) -> Mapping[EventKey, str]:
    """SHA-256 of the rows that are stored under these keys; given the time, the newest partitions are looked at first."""
    found: dict[EventKey, str] = {}
    recent_ms = 0 if now_ms is None else now_ms - RECENT_MS
    for lane in Lane:
        wanted = [k for k in keys if k.lane is lane]
        for condition in ("e.arrived_ms >= ?", "e.arrived_ms < ?"):
            if left := [k for k in wanted if k not in found]:
                found |= _hashes(tx, lane, left, condition, recent_ms)
    return found


def _hashes(
    tx: Transaction, lane: Lane, keys: Sequence[EventKey], condition: str, bound: int
) -> dict[EventKey, str]:
    # The lane stands in the text, so that PostgreSQL leaves out the partitions of the other one.
    sql = (
        f"SELECT e.gateway, e.epoch, e.lane, e.seq, e.sha256 FROM {json_rows(tx.dialect)} JOIN event e"  # noqa: S608
        f" ON e.gateway = value ->> 0 AND e.epoch = value ->> 1 AND e.lane = '{lane}'"
        f" AND e.seq = CAST(value ->> 2 AS BIGINT) WHERE {condition}"
    )
    asked = msgspec.json.encode([(k.gateway, k.epoch, k.seq) for k in keys]).decode()
    return {_key(row): text(row[4]) for row in tx.execute(sql, (asked, bound))}


_STORED: Final = "gateway, epoch, lane, seq, site, time_ms, corrected_ms, offset_ms, arrived_ms, historical, payload"


def alarm_rows(tx: Transaction, site: str, since_ms: int, limit: int) -> list[StoredRow]:
    """Alarm rows of a site from a corrected time on, in the order they are linked: (corrected time, id)."""
    sql = (
        f"SELECT {_STORED} FROM event WHERE site = ? AND lane = 'alarm' AND corrected_ms >= ? "  # noqa: S608
        "ORDER BY corrected_ms, id LIMIT ?"
    )
    return [_stored(row) for row in tx.execute(sql, (site, since_ms, limit))]


def load(tx: Transaction, event_id: str) -> StoredRow | None:
    """One alarm row by its id."""
    sql = f"SELECT {_STORED} FROM event WHERE id = ? AND lane = 'alarm'"  # noqa: S608
    found = tx.execute(sql, (event_id,))
    return _stored(found[0]) if found else None


def lane_rows(
    tx: Transaction, gateway: str, epoch: str, lane: Lane, *, after: int, limit: int
) -> list[StoredRow]:
    """Rows of one lane in `seq` order, after a number."""
    sql = (
        f"SELECT {_STORED} FROM event WHERE gateway = ? AND epoch = ? AND lane = ? AND seq > ? "  # noqa: S608
        "ORDER BY seq LIMIT ?"
    )
    return [_stored(row) for row in tx.execute(sql, (gateway, epoch, lane, after, limit))]


def _hazard_step(row: NewRow, data: HazardData) -> hazards.Step:
    key = row.key
    return hazards.Step(
        key.gateway, key.epoch, key.seq, row.site, data, row.corrected_ms, row.arrived_ms
    )


def _newest_counts(rows: Sequence[NewRow]) -> list[occupancy.ZoneCount]:
    """The newest window of each zone, label and device among these rows. A label stands by its identity, which hashes fast."""
    newest: dict[tuple[str, str, str, int], tuple[tuple[int, int, str], NewRow, CountData]] = {}
    for row in rows:
        data = row.event.data
        if isinstance(data, CountData):
            key = (row.site, data.zone, data.device, id(data.label))
            rank = occupancy.rank_of(row.corrected_ms, data.window_s, row.event.id)
            if key not in newest or rank > newest[key][0]:
                newest[key] = rank, row, data
    return [_zone_count(row, data) for _, row, data in newest.values()]


def _zone_count(row: NewRow, data: CountData) -> occupancy.ZoneCount:
    return occupancy.ZoneCount(
        site=row.site,
        zone=data.zone,
        label=data.label,
        device=data.device,
        time_ms=row.corrected_ms,
        window_s=data.window_s,
        mean=data.mean,
        max=data.max,
        coverage=data.coverage,
        quality=data.quality,
        event_id=row.event.id,
    )


def _values(row: NewRow, keep: Keep) -> tuple[Value, ...]:
    key, event, offset = row.key, row.event, row.offset
    bulk = keep is Keep.BULK
    return (
        key.gateway,
        key.epoch,
        "bulk" if bulk else "alarm",
        key.seq,
        event.id,
        row.sha256,
        row.site,
        *_described(event),
        instant_ms(event.time),
        row.corrected_ms,
        None if offset is None else offset.offset_ms,
        None if offset is None else offset.uncertainty_ms,
        row.arrived_ms,
        1 if row.historical else 0,
        row.canonical.decode(),
        "bulk" if bulk else keep.value,
    )


def _described(event: Event) -> tuple[Value, ...]:
    """Type, kind, phase, hazard, zone, line and device of a row, where it has them."""
    data = event.data
    if isinstance(data, CountData):
        return "count", None, None, None, data.zone, None, data.device
    if isinstance(data, HazardData):
        told = (data.kind.value, data.phase.value, data.hazard)
        return "hazard", *told, data.zone, None, data.device
    if isinstance(data, FlowData):
        return "flow", None, None, None, None, data.line, data.device
    if isinstance(data, ReadingData):
        return "reading", None, None, None, None, None, data.device
    name = "health" if isinstance(data, HealthData) else "gap"
    return name, None, None, None, None, None, event.subject.removeprefix("devices/")


def _key(row: Row) -> EventKey:
    return EventKey(text(row[0]), text(row[1]), Lane(text(row[2])), integer(row[3]))


def _stored(row: Row) -> StoredRow:
    return StoredRow(
        key=_key(row),
        site=text(row[4]),
        event=_DECODER.decode(text(row[10])),
        time_ms=integer(row[5]),
        corrected_ms=integer(row[6]),
        offset_ms=integer_or_none(row[7]),
        arrived_ms=integer(row[8]),
        historical=flag(row[9]),
    )
