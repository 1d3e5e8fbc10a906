"""Incidents as the linker reads and writes them: rows and incidents of a site, what people decided, what changed.

No row arrives before its corrected time, so a bound on the one is given for the other too: it leaves out whole partitions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from gatehouse_hub.linking.amend import Stored
from gatehouse_hub.ports import Row, Transaction
from gatehouse_hub.store.columns import integer, integer_or_none, text, text_or_none
from gatehouse_shared.events import HazardEvent
from gatehouse_shared.names import HazardClass
from gatehouse_shared.out import IncidentState


@dataclass(frozen=True, slots=True)
class RaisedRow:
    """A raised row as stored: its event, whose it is, its corrected time and the highest grade its hazard reached."""

    event: HazardEvent
    gateway: str
    corrected_ms: int
    historical: bool
    grade: int


@dataclass(frozen=True, slots=True)
class StoredReason:
    """Why, for machines and in words."""

    key: str
    params: dict[str, str | int | float]
    en: str
    zh_cn: str


@dataclass(frozen=True, slots=True)
class StoredLink:
    """A member (or near miss) and what joins it `to` another; `score` in thousandths."""

    hazard: str
    to: str
    score: int
    reasons: tuple[StoredReason, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What is kept of an incident beside its columns."""

    links: tuple[StoredLink, ...]
    near_misses: tuple[StoredLink, ...]
    urgency: tuple[StoredReason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """The columns that the linker owns; people's acts are not among them."""

    id: str
    site: str
    kind: str
    hazard_class: HazardClass
    zone: str
    zones: tuple[str, ...]
    priority: str
    opened_ms: int
    updated_ms: int
    drill: bool
    historical: bool
    summary_en: str
    summary_zh: str
    weights: str
    story: Story


def earliest_raised(tx: Transaction, site: str, since_ms: int) -> int:
    """When the first of the hazards was raised that were heard of since a moment: an update may be far from its raise."""
    found = tx.execute(
        "SELECT MIN(raised_ms) FROM hazard WHERE site = ? AND latest_ms >= ?", (site, since_ms)
    )
    raised_ms = integer_or_none(found[0][0])
    return since_ms if raised_ms is None else min(since_ms, raised_ms)


def raised_times(tx: Transaction, site: str, from_ms: int) -> list[int]:
    """Corrected times of raised rows from a moment on, ascending."""
    found = tx.execute(
        "SELECT corrected_ms FROM event WHERE site = ? AND lane = 'alarm' AND phase = 'raised'"
        " AND corrected_ms >= ? AND arrived_ms >= ? ORDER BY corrected_ms, id",
        (site, from_ms, from_ms),
    )
    return [integer(row[0]) for row in found]


def raised_rows(tx: Transaction, site: str, from_ms: int) -> list[RaisedRow]:
    """Raised rows from a moment on."""
    found = tx.execute(
        "SELECT e.payload, e.gateway, e.corrected_ms, e.historical, h.peak_grade FROM event e"
        " JOIN hazard h ON h.gateway = e.gateway AND h.epoch = e.epoch AND h.hazard = e.hazard"
        " WHERE e.site = ? AND e.lane = 'alarm' AND e.phase = 'raised' AND e.corrected_ms >= ?"
        " AND e.arrived_ms >= ?",
        (site, from_ms, from_ms),
    )
    return [_raised(row) for row in found]


def stored_incidents(tx: Transaction, site: str, from_ms: int) -> list[Stored]:
    """Incidents with members from a moment on."""
    found = tx.execute(
        "SELECT i.id, i.opened_ms, i.state, m.event_id FROM incident_member m"
        " JOIN incident i ON i.id = m.incident WHERE i.site = ? AND m.incident IN"
        " (SELECT incident FROM incident_member WHERE time_ms >= ?)",
        (site, from_ms),
    )
    members: dict[str, set[str]] = {}
    heads: dict[str, tuple[int, bool]] = {}
    for name, opened_ms, state, event_id in found:
        heads[text(name)] = integer(opened_ms), state != IncidentState.OPEN
        members.setdefault(text(name), set()).add(text(event_id))
    return [Stored(n, *heads[n], frozenset(m)) for n, m in sorted(members.items())]


def resolved_rows(tx: Transaction, site: str, from_ms: int) -> Mapping[str, int]:
    """Row id -> when a person resolved the incident that holds it."""
    found = tx.execute(
        "SELECT m.event_id, i.resolved_ms FROM incident_member m JOIN incident i ON i.id = m.incident"
        " WHERE i.site = ? AND i.state = 'resolved' AND i.resolved_ms >= ?",
        (site, from_ms),
    )
    return {text(event_id): integer(at) for event_id, at in found}


def save_incident(tx: Transaction, row: IncidentRow, members: Sequence[RaisedRow]) -> bool:
    """Write what the linker knows of an incident and its members; True when anything differs from what stood."""
    values = _values(row)
    before = tx.execute(f"SELECT {_COLUMNS} FROM incident WHERE id = ?", (row.id,))  # noqa: S608 - own names
    if before and tuple(before[0]) == values and _same_members(tx, row.id, members):
        return False
    insert_incident(tx, row)
    tx.execute("DELETE FROM incident_member WHERE incident = ?", (row.id,))
    tx.execute_many(
        "INSERT INTO incident_member (event_id, incident, gateway, epoch, hazard, time_ms)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO UPDATE SET incident = excluded.incident",
        [
            (m.event.id, row.id, m.gateway, m.event.epoch, m.event.data.hazard, m.corrected_ms)
            for m in members
        ],
    )
    return True


def insert_incident(tx: Transaction, row: IncidentRow) -> None:
    """Write an incident's own columns, new or over those that stood; what people did to it stays."""
    names = _COLUMNS.split(", ")
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    tx.execute(
        f"INSERT INTO incident ({_COLUMNS}, state) VALUES ({', '.join('?' * len(names))}, 'open')"  # noqa: S608
        f" ON CONFLICT (id) DO UPDATE SET {updates}, merged_into = NULL",
        _values(row),
    )


def mark_merged(tx: Transaction, incident: str, into: str) -> None:
    """An untouched incident whose rows are all in another one: kept under its id, shown no more."""
    tx.execute("UPDATE incident SET merged_into = ? WHERE id = ?", (into, incident))


def any_presence(tx: Transaction, incidents: Sequence[str]) -> bool:
    """Whether one of these incidents is of class P."""
    return any(
        tx.execute("SELECT 1 FROM incident WHERE id = ? AND class = 'p'", (name,))
        for name in incidents
    )


def add_act(
    tx: Transaction, incident: str, at_ms: int, act: str, by: str | None, note: str | None
) -> None:
    """Append to an incident's history."""
    tx.execute(
        "INSERT INTO incident_act (incident, number, at_ms, act, by_user, note)"
        " SELECT ?, COALESCE(MAX(number), 0) + 1, ?, ?, ?, ? FROM incident_act WHERE incident = ?",
        (incident, at_ms, act, by, note, incident),
    )


def latest_act(tx: Transaction, incident: str, act: str) -> str | None:
    """The note of the newest act of a kind; None when there is none."""
    found = tx.execute(
        "SELECT note FROM incident_act WHERE incident = ? AND act = ? ORDER BY number DESC LIMIT 1",
        (incident, act),
    )
    return text_or_none(found[0][0]) if found else None


_COLUMNS = (
    "id, site, kind, class, zone, zones, priority, opened_ms, updated_ms, drill, historical,"
    " summary_en, summary_zh, weights, story"
)


def _values(row: IncidentRow) -> Row:
    return (
        *(row.id, row.site, row.kind, str(row.hazard_class), row.zone),
        *(msgspec.json.encode(row.zones).decode(), row.priority, row.opened_ms, row.updated_ms),
        *(int(row.drill), int(row.historical), row.summary_en, row.summary_zh, row.weights),
        msgspec.json.encode(row.story).decode(),
    )


def _same_members(tx: Transaction, incident: str, members: Sequence[RaisedRow]) -> bool:
    found = tx.execute("SELECT event_id FROM incident_member WHERE incident = ?", (incident,))
    return {text(row[0]) for row in found} == {m.event.id for m in members}


def _raised(row: Row) -> RaisedRow:
    payload, gateway, corrected_ms, historical, grade = row
    event = msgspec.json.decode(text(payload), type=HazardEvent)
    return RaisedRow(
        event, text(gateway), integer(corrected_ms), bool(integer(historical)), integer(grade)
    )
