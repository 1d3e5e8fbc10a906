"""Hazards as people see them, from the rows of their lives.

Bounds  every list is cut off at the `limit` it is given, a story at STEPS_MAX rows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import UnsetType

from gatehouse_hub.ports import Row, Transaction, Value
from gatehouse_hub.store.columns import flag, integer, text, text_or_none
from gatehouse_hub.store.hazards import is_last_known
from gatehouse_hub.store.records import HazardRecord, HazardStep
from gatehouse_shared.events import HazardData, HazardEvent, Measure, Place
from gatehouse_shared.ids import HUB_GATEWAY
from gatehouse_shared.instants import from_ms, to_ms
from gatehouse_shared.names import PRESENCE_KINDS, Phase, class_of

STEPS_MAX: Final = 2_000
_DECODER: Final = msgspec.json.Decoder(HazardEvent)
_PRESENCE: Final = tuple(sorted(kind.value for kind in PRESENCE_KINDS))

_SELECT: Final = """
    SELECT r.id, r.payload, l.payload, h.site, h.gateway, h.phase, h.grade, h.raised_ms, h.latest_ms, h.heard_ms,
        r.arrived_ms, r.historical, m.incident, g.presence
    FROM hazard h
    JOIN event r ON r.gateway = h.gateway AND r.epoch = h.epoch AND r.lane = 'alarm' AND r.seq = h.hazard
        AND r.arrived_ms BETWEEN h.raised_ms AND h.heard_ms
    JOIN event l ON l.gateway = h.gateway AND l.epoch = h.epoch AND l.lane = 'alarm' AND l.seq = h.latest_seq
        AND l.arrived_ms BETWEEN h.latest_ms AND h.heard_ms
    LEFT JOIN incident_member m ON m.event_id = r.id
    LEFT JOIN gateway g ON g.gateway = h.gateway
"""


def list_hazards(
    tx: Transaction,
    site: str,
    now: datetime,
    *,
    is_open: bool | None,
    presence: bool,
    limit: int,
) -> tuple[HazardRecord, ...]:
    """Hazards of a site whose raised row is there, newest first; `presence` False leaves class P out."""
    where, params = ["h.site = ?", "h.raised_ms IS NOT NULL"], list[Value]([site])
    if is_open is not None:
        where.append("h.phase <> 'cleared'" if is_open else "h.phase = 'cleared'")
    if not presence:
        where.append(f"h.kind NOT IN ({', '.join('?' * len(_PRESENCE))})")
        params.extend(_PRESENCE)
    sql = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY h.raised_ms DESC, r.id LIMIT ?"
    return tuple(_hazard(row, now) for row in tx.execute(sql, (*params, limit)))


def incident_hazards(tx: Transaction, incident: str, now: datetime) -> tuple[HazardRecord, ...]:
    """The members of an incident, oldest first."""
    sql = f"{_SELECT} WHERE m.incident = ? ORDER BY h.raised_ms, r.id LIMIT ?"
    return tuple(_hazard(row, now) for row in tx.execute(sql, (incident, STEPS_MAX)))


def hazards_by_id(tx: Transaction, ids: Sequence[str], now: datetime) -> tuple[HazardRecord, ...]:
    """Hazards by the ids of their raised rows."""
    if not ids:
        return ()
    sql = f"{_SELECT} WHERE r.lane = 'alarm' AND r.id IN ({', '.join('?' * len(ids))}) ORDER BY h.raised_ms, r.id"
    return tuple(_hazard(row, now) for row in tx.execute(sql, tuple(ids)))


def incident_steps(tx: Transaction, incident: str) -> tuple[HazardStep, ...]:
    """Every row of the members' lives, oldest first."""
    rows = tx.execute(
        "SELECT m.event_id, e.payload, e.corrected_ms FROM incident_member m"
        " JOIN event e ON e.gateway = m.gateway AND e.epoch = m.epoch AND e.hazard = m.hazard"
        " WHERE m.incident = ? AND e.lane = 'alarm' ORDER BY e.corrected_ms, e.seq LIMIT ?",
        (incident, STEPS_MAX),
    )
    return tuple(_step(row) for row in rows)


def _step(row: Row) -> HazardStep:
    data = _DECODER.decode(text(row[1])).data
    return HazardStep(
        hazard=text(row[0]),
        phase=data.phase,
        at=from_ms(integer(row[2])),
        grade=data.grade,
        kind=data.kind,
        zone=data.zone,
        device=data.device,
        measure=_measure(data),
        count=_count(data),
    )


def _hazard(row: Row, now: datetime) -> HazardRecord:
    raised, latest = _DECODER.decode(text(row[1])).data, _DECODER.decode(text(row[2])).data
    gateway, phase, latest_at = text(row[4]), Phase(text(row[5])), from_ms(integer(row[8]))
    online = gateway == HUB_GATEWAY or text_or_none(row[13]) == "online"
    return HazardRecord(
        id=text(row[0]),
        site=text(row[3]),
        gateway=gateway,
        kind=raised.kind,
        hazard_class=class_of(raised.kind),
        zone=raised.zone,
        device=raised.device,
        rule=raised.rule,
        grade=integer(row[6]),
        confidence=latest.confidence,
        confirm_s=raised.confirm_s,
        raised_at=from_ms(integer(row[7])),
        updated_at=latest_at,
        cleared_at=latest_at if phase is Phase.CLEARED else None,
        arrived_at=from_ms(integer(row[10])),
        armed=raised.armed,
        drill=raised.drill,
        historical=flag(row[11]),
        last_known=is_last_known(integer(row[9]), to_ms(now), gateway_online=online),
        count=_count(latest) or _count(raised),
        measure=_measure(latest) or _measure(raised),
        place=_place(raised),
        incident=text_or_none(row[12]),
    )


def _measure(data: HazardData) -> Measure | None:
    return None if isinstance(data.measure, UnsetType) else data.measure


def _count(data: HazardData) -> int | None:
    return None if isinstance(data.count, UnsetType) else data.count


def _place(data: HazardData) -> Place | None:
    return None if isinstance(data.place, UnsetType) else data.place
