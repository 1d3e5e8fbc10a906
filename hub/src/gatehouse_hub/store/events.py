"""Rows of events: written once, by their key, and never changed.

What a row says of hazards, occupancy and the linker's work is written with it in the same transaction, so that no
reader ever sees one without the other. Any order of the same rows leaves the same tables.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from gatehouse_hub.ports import Row, Transaction, Value
from gatehouse_hub.store import hazards, occupancy, work
from gatehouse_hub.store.columns import flag, integer, integer_or_none, text
from gatehouse_hub.values import EventKey, Offset
from gatehouse_shared.events import (
    CountData,
    Data,
    Event,
    FlowData,
    GapData,
    HazardData,
    HealthData,
    ReadingData,
)
from gatehouse_shared.instants import parse_instant, to_ms
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
    ),
)
LOOKUP_MAX: Final = 100
"""Keys asked for in one statement."""

TYPE_OF: Final[dict[type[Data], str]] = {
    HazardData: "hazard",
    CountData: "count",
    FlowData: "flow",
    ReadingData: "reading",
    HealthData: "health",
    GapData: "gap",
}
"""What the column `type` says."""

_DECODER: Final = msgspec.json.Decoder(Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
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


def record(tx: Transaction, rows: Sequence[NewRow]) -> list[NewRow]:
    """Insert what is not there yet, with all that follows from it; the rows that were new.

    Rows whose key is there are left out whatever they hold: compare `hashes`. Keys within `rows` are unique.
    """
    if not rows:
        return []
    went_in = {
        _key(row) for row in tx.insert_new("event", COLUMNS, [_values(r) for r in rows], KEY)
    }
    new = [row for row in rows if row.key in went_in]
    hazards.follow(tx, [_hazard_step(row, data) for row, data in _hazards(new)])
    occupancy.follow(tx, [_zone_count(row, data) for row, data in _counts(new)])
    work.add(tx, [work.Pending(r.site, r.corrected_ms, r.arrived_ms) for r, _ in _hazards(new)])
    return new


def hashes(tx: Transaction, keys: Sequence[EventKey]) -> Mapping[EventKey, str]:
    """SHA-256 of the rows that are stored under these keys."""
    found: dict[EventKey, str] = {}
    for start in range(0, len(keys), LOOKUP_MAX):
        part = keys[start : start + LOOKUP_MAX]
        marks = ", ".join(["(?, ?, ?, ?)"] * len(part))
        sql = (
            "SELECT gateway, epoch, lane, seq, sha256 FROM event "  # noqa: S608 - only marks are put in
            f"WHERE (gateway, epoch, lane, seq) IN (VALUES {marks})"
        )
        for row in tx.execute(sql, [v for k in part for v in (k.gateway, k.epoch, k.lane, k.seq)]):
            found[_key(row)] = text(row[4])
    return found


_STORED: Final = "gateway, epoch, lane, seq, site, time_ms, corrected_ms, offset_ms, arrived_ms, historical, payload"


def alarm_rows(tx: Transaction, site: str, since_ms: int, limit: int) -> list[StoredRow]:
    """Alarm rows of a site from a corrected time on, in the order they are linked: (corrected time, id)."""
    sql = (
        f"SELECT {_STORED} FROM event WHERE site = ? AND lane = 'alarm' AND corrected_ms >= ? "  # noqa: S608
        "ORDER BY corrected_ms, id LIMIT ?"
    )
    return [_stored(row) for row in tx.execute(sql, (site, since_ms, limit))]


def load(tx: Transaction, event_id: str) -> StoredRow | None:
    """One row by its id."""
    found = tx.execute(f"SELECT {_STORED} FROM event WHERE id = ?", (event_id,))  # noqa: S608
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


def _hazards(rows: Iterable[NewRow]) -> Iterator[tuple[NewRow, HazardData]]:
    return ((r, r.event.data) for r in rows if isinstance(r.event.data, HazardData))


def _counts(rows: Iterable[NewRow]) -> Iterator[tuple[NewRow, CountData]]:
    return ((r, r.event.data) for r in rows if isinstance(r.event.data, CountData))


def _hazard_step(row: NewRow, data: HazardData) -> hazards.Step:
    key = row.key
    return hazards.Step(
        key.gateway, key.epoch, key.seq, row.site, data, row.corrected_ms, row.arrived_ms
    )


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


def _values(row: NewRow) -> tuple[Value, ...]:
    key, event = row.key, row.event
    return (
        *(key.gateway, key.epoch, key.lane.value, key.seq),
        *(event.id, row.sha256, row.site),
        *_described(event),
        *(to_ms(parse_instant(event.time)), row.corrected_ms),
        *((row.offset.offset_ms, row.offset.uncertainty_ms) if row.offset else (None, None)),
        *(row.arrived_ms, int(row.historical), row.canonical.decode()),
    )


def _described(event: Event) -> tuple[Value, ...]:
    """Type, kind, phase, hazard, zone, line and device of a row, where it has them."""
    data = event.data
    name = TYPE_OF[type(data)]
    if isinstance(data, HazardData):
        return name, data.kind.value, data.phase.value, data.hazard, data.zone, None, data.device
    if isinstance(data, CountData):
        return name, None, None, None, data.zone, None, data.device
    if isinstance(data, FlowData):
        return name, None, None, None, None, data.line, data.device
    if isinstance(data, ReadingData):
        return name, None, None, None, None, None, data.device
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
