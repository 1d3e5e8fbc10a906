"""Incidents as people see and handle them: the queue, one incident with its story, and the acts of operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from gatehouse_hub.dispatching.clocks import due_ms
from gatehouse_hub.dispatching.workflow import Action, Cause, Decision, decide
from gatehouse_hub.ports import Row, Transaction, Value
from gatehouse_hub.store.columns import flag, integer, integer_or_none, priority, text, text_or_none
from gatehouse_hub.store.incidents import StoredReason, Story, add_act
from gatehouse_hub.store.records import (
    ActRecord,
    IncidentRecord,
    LinkRecord,
    NearMissRecord,
    ReasonRecord,
)
from gatehouse_shared.instants import from_ms, to_ms
from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_shared.out import IncidentState

_SELECT: Final = """
    SELECT i.id, i.site, i.kind, i.class, i.zone, i.zones, i.state, i.priority, i.opened_ms,
        i.updated_ms, i.drill, i.historical, i.summary_en, i.summary_zh, i.acknowledged_ms,
        i.acknowledged_by, i.resolved_ms, i.resolved_by, i.cause,
        (SELECT COUNT(*) FROM incident_member m WHERE m.incident = i.id),
        (SELECT COUNT(*) FROM incident_member m JOIN hazard h ON h.gateway = m.gateway
            AND h.epoch = m.epoch AND h.hazard = m.hazard
            WHERE m.incident = i.id AND h.phase <> 'cleared'),
        i.merged_into
    FROM incident i
"""


@dataclass(frozen=True, slots=True)
class MemberKey:
    """A hazard of an incident, as its gateway knows it."""

    gateway: str
    epoch: str
    hazard: int


def list_incidents(
    tx: Transaction,
    site: str,
    *,
    states: Sequence[IncidentState],
    presence: bool,
    limit: int,
    before_ms: int | None,
) -> tuple[IncidentRecord, ...]:
    """Incidents of a site in the given states, newest first; `presence` False leaves class P out."""
    where = ["i.site = ?", "i.merged_into IS NULL", f"i.state IN ({', '.join('?' * len(states))})"]
    params: list[Value] = [site, *(str(state) for state in states)]
    if not presence:
        where.append("i.class <> 'p'")
    if before_ms is not None:
        where.append("i.opened_ms < ?")
        params.append(before_ms)
    sql = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY i.opened_ms DESC, i.id LIMIT ?"
    return tuple(_record(row) for row in tx.execute(sql, (*params, limit)))


def load_incident(tx: Transaction, incident: str) -> IncidentRecord | None:
    """One incident under its own id, also one whose rows are all in another now (`merged_into`)."""
    rows = tx.execute(f"{_SELECT} WHERE i.id = ?", (incident,))
    return _record(rows[0]) if rows else None


def load_story(tx: Transaction, incident: str) -> tuple[Story, str]:
    """(why its members belong together, version of the weights)."""
    row = tx.execute("SELECT story, weights FROM incident WHERE id = ?", (incident,))[0]
    return msgspec.json.decode(text(row[0]), type=Story), text(row[1])


def member_ids(tx: Transaction, incident: str) -> tuple[str, ...]:
    """Event ids of the raised rows, in order of time."""
    rows = tx.execute(
        "SELECT event_id FROM incident_member WHERE incident = ? ORDER BY time_ms, event_id",
        (incident,),
    )
    return tuple(text(row[0]) for row in rows)


def member_keys(tx: Transaction, incident: str) -> tuple[MemberKey, ...]:
    """The hazards of an incident, as their gateways know them."""
    rows = tx.execute(
        "SELECT gateway, epoch, hazard FROM incident_member WHERE incident = ? ORDER BY time_ms, event_id",
        (incident,),
    )
    return tuple(MemberKey(text(g), text(e), integer(h)) for g, e, h in rows)


def load_acts(tx: Transaction, incident: str) -> tuple[ActRecord, ...]:
    """What was done, oldest first; at most 500."""
    rows = tx.execute(
        "SELECT at_ms, act, by_user, note FROM incident_act WHERE incident = ? ORDER BY number LIMIT 500",
        (incident,),
    )
    return tuple(
        ActRecord(
            at=from_ms(integer(at)), act=text(act), by=text_or_none(by), note=text_or_none(note)
        )
        for at, act, by, note in rows
    )


def link_records(story: Story) -> tuple[LinkRecord, ...]:
    """Links as the API shows them."""
    return tuple(
        LinkRecord(hazard=link.hazard, to=link.to, score=link.score, reasons=_reasons(link.reasons))
        for link in story.links
    )


def near_miss_records(story: Story) -> tuple[NearMissRecord, ...]:
    """Near misses as the API shows them: `hazard` is the row of the other incident."""
    return tuple(
        NearMissRecord(hazard=miss.to, score=miss.score, reasons=_reasons(miss.reasons))
        for miss in story.near_misses
    )


def take_action(  # noqa: PLR0913 - who, when, what, why and a note are one act
    tx: Transaction,
    incident: str,
    action: Action,
    *,
    by: str,
    at: datetime,
    cause: Cause | None = None,
    note: str | None = None,
) -> Decision | None:
    """Carry out what an operator decided; None when there is no such incident."""
    found = tx.execute(
        "SELECT state FROM incident WHERE id = ? AND merged_into IS NULL", (incident,)
    )
    if not found:
        return None
    decision = decide(IncidentState(text(found[0][0])), action, cause)
    if not decision.changed:
        return decision
    at_ms = to_ms(at)
    if action is Action.ACKNOWLEDGE:
        tx.execute(
            "UPDATE incident SET state = ?, acknowledged_ms = ?, acknowledged_by = ? WHERE id = ?",
            (str(decision.status), at_ms, by, incident),
        )
    elif action is Action.RESOLVE:
        tx.execute(
            "UPDATE incident SET state = ?, resolved_ms = ?, resolved_by = ?, cause = ? WHERE id = ?",
            (str(decision.status), at_ms, by, str(cause), incident),
        )
    else:
        tx.execute(
            "UPDATE incident SET state = ?, resolved_ms = NULL, resolved_by = NULL, cause = NULL"
            " WHERE id = ?",
            (str(decision.status), incident),
        )
    add_act(tx, incident, at_ms, _ACT_NAMES[action], by, note)
    return decision


_ACT_NAMES: Final = {
    Action.ACKNOWLEDGE: "acknowledged",
    Action.RESOLVE: "resolved",
    Action.REOPEN: "reopened",
}


def _reasons(reasons: Sequence[StoredReason]) -> tuple[ReasonRecord, ...]:
    return tuple(ReasonRecord(key=r.key, params=r.params, en=r.en, zh_cn=r.zh_cn) for r in reasons)


def _record(row: Row) -> IncidentRecord:
    state, urgency, opened_ms = IncidentState(text(row[6])), priority(row[7]), integer(row[8])
    acknowledged_ms, resolved_ms = integer_or_none(row[14]), integer_or_none(row[16])
    due = due_ms(state, urgency, opened_ms, acknowledged_ms)
    return IncidentRecord(
        id=text(row[0]),
        site=text(row[1]),
        kind=HazardKind(text(row[2])),
        hazard_class=HazardClass(text(row[3])),
        zone=text(row[4]),
        zones=msgspec.json.decode(text(row[5]), type=tuple[str, ...]),
        state=state,
        priority=urgency,
        opened_at=from_ms(opened_ms),
        updated_at=from_ms(integer(row[9])),
        due_at=None if due is None else from_ms(due),
        hazards=integer(row[19]),
        hazards_open=integer(row[20]),
        drill=flag(row[10]),
        historical=flag(row[11]),
        summary_en=text(row[12]),
        summary_zh_cn=text(row[13]),
        acknowledged_at=None if acknowledged_ms is None else from_ms(acknowledged_ms),
        acknowledged_by=text_or_none(row[15]),
        resolved_at=None if resolved_ms is None else from_ms(resolved_ms),
        resolved_by=text_or_none(row[17]),
        cause=None if row[18] is None else Cause(text(row[18])),
        merged_into=text_or_none(row[21]),
    )
