"""What consumers are told: written with the incident, sent later, each row by one sender at a time.

Lease   a sender takes a row on for a while and gets the row's next fence; when it is away for longer, another takes the row on,
        and what the first says afterwards counts no more.
Order   the most urgent first; of one incident, a consumer hears one thing after the other.
Bounds  one row for each consumer and thing told; they go by `trim`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_hub.dispatching.telling import Priority, Standing, Told, What
from gatehouse_hub.ports import Dialect, Row, Transaction
from gatehouse_hub.store.columns import flag, integer, integer_or_none, priority, text, text_or_none
from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_shared.out import IncidentState

KEEP_MS: Final = 30 * 86_400_000
KEEP_PRESENCE_MS: Final = 14 * 86_400_000
"""How long what was told is remembered, from its end; of class P never longer than the rows themselves."""


class Delivery(StrEnum):
    """What became of a notification."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotification:
    """What a consumer shall be told, as it is sent (`body`, JSON)."""

    key: str
    consumer: str
    standing: Standing
    what: What
    body: str
    made_ms: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that a sender has taken on."""

    number: int
    fence: int
    key: str
    attempts: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRecord:
    """A row as people see it."""

    number: int
    key: str
    consumer: str
    site: str
    incident: str
    hazard_class: HazardClass
    what: What
    priority: Priority
    delivery: Delivery
    attempts: int
    reason: str | None
    made_ms: int
    due_ms: int
    ended_ms: int | None


def load_standing(tx: Transaction, incidents: Sequence[str]) -> list[Standing]:
    """Incidents as they stand, by id."""
    if not incidents:
        return []
    marks = ", ".join("?" * len(incidents))
    rows = tx.execute(
        "SELECT i.id, i.site, i.class, i.priority, i.state, i.drill, i.historical, i.merged_into,"  # noqa: S608
        " (SELECT COUNT(*) FROM incident_act a WHERE a.incident = i.id),"
        " (SELECT COUNT(*) FROM incident_member m JOIN event e ON e.gateway = m.gateway"
        " AND e.epoch = m.epoch AND e.hazard = m.hazard WHERE m.incident = i.id"
        " AND e.lane = 'alarm' AND e.historical = 0), i.kind, i.zone, i.opened_ms"
        f" FROM incident i WHERE i.id IN ({marks}) ORDER BY i.id",
        tuple(incidents),
    )
    return [_standing(row) for row in rows]


def load_told(tx: Transaction, incidents: Sequence[str]) -> dict[tuple[str, str], list[Told]]:
    """(incident, consumer) -> what was told, oldest first; of those that are part of it now, what called people."""
    if not incidents:
        return {}
    marks = ", ".join("?" * len(incidents))
    rows = tx.execute(
        "SELECT number, incident, consumer, what, priority, incident_state, live_rows FROM notification"  # noqa: S608
        f" WHERE incident IN ({marks}) UNION ALL"
        " SELECT n.number, i.merged_into, n.consumer, n.what, n.priority, n.incident_state, n.live_rows"
        " FROM incident i JOIN notification n ON n.incident = i.id"
        f" WHERE i.merged_into IN ({marks}) AND n.what IN ('opened', 'raised') ORDER BY 1",
        (*incidents, *incidents),
    )
    told: dict[tuple[str, str], list[Told]] = {}
    for _, incident, consumer, what, urgency, state, live_rows in rows:
        told.setdefault((text(incident), text(consumer)), []).append(
            Told(
                What(text(what)), priority(urgency), IncidentState(text(state)), integer(live_rows)
            )
        )
    return told


def add(tx: Transaction, new: Sequence[NewNotification]) -> None:
    """Write them; one whose key is there was told already."""
    tx.execute_many(
        "INSERT INTO notification (key, consumer, site, incident, class, what, priority, incident_state,"
        " live_rows, body, made_ms, due_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO NOTHING",
        [
            (
                *(n.key, n.consumer, n.standing.site, n.standing.incident),
                *(n.standing.hazard_class.value, n.what.value, n.standing.priority),
                *(n.standing.state.value, n.standing.live_rows, n.body, n.made_ms, n.made_ms),
            )
            for n in new
        ],
    )


_DUE: Final = (
    "n.consumer = ? AND n.state = 'waiting' AND n.due_ms <= ? AND n.leased_ms <= ?"
    " AND NOT EXISTS (SELECT 1 FROM notification b WHERE b.incident = n.incident"
    " AND b.consumer = n.consumer AND b.number < n.number AND b.state = 'waiting')"
)


def any_due(tx: Transaction, consumer: str, now_ms: int) -> bool:
    """Whether something can be sent to a consumer now."""
    return bool(
        tx.execute(
            f"SELECT 1 FROM notification n WHERE {_DUE} LIMIT 1",  # noqa: S608
            (consumer, now_ms, now_ms),
        )
    )


def claim(tx: Transaction, consumer: str, now_ms: int, until_ms: int) -> Claimed | None:
    """Take on the next row of a consumer until a moment; None when none is due or others have them all."""
    lock = " FOR UPDATE OF n SKIP LOCKED" if tx.dialect is Dialect.POSTGRESQL else ""
    found = tx.execute(
        f"SELECT n.number FROM notification n WHERE {_DUE} ORDER BY n.priority, n.number LIMIT 1{lock}",  # noqa: S608
        (consumer, now_ms, now_ms),
    )
    if not found:
        return None
    rows = tx.execute(
        "UPDATE notification SET leased_ms = ?, fence = fence + 1 WHERE number = ?"
        " RETURNING number, fence, key, attempts, body",
        (until_ms, integer(found[0][0])),
    )
    number, fence, key, attempts, body = rows[0]
    return Claimed(integer(number), integer(fence), text(key), integer(attempts), text(body))


def mark_sent(tx: Transaction, claimed: Claimed, now_ms: int) -> bool:
    """It has arrived. False when the row is another sender's by now."""
    rows = tx.execute(
        "UPDATE notification SET state = 'sent', ended_ms = ?, reason = NULL"
        " WHERE number = ? AND fence = ? AND state = 'waiting' RETURNING number",
        (now_ms, claimed.number, claimed.fence),
    )
    return bool(rows)


def mark_failed(
    tx: Transaction, claimed: Claimed, reason: str, *, due_ms: int | None, now_ms: int
) -> bool:
    """It did not arrive: to be tried again at `due_ms`, or never when that is None. False as with `mark_sent`."""
    state = Delivery.FAILED if due_ms is None else Delivery.WAITING
    rows = tx.execute(
        "UPDATE notification SET state = ?, due_ms = ?, ended_ms = ?, attempts = attempts + 1,"
        " reason = ?, leased_ms = 0 WHERE number = ? AND fence = ? AND state = 'waiting' RETURNING number",
        (
            *(state.value, now_ms if due_ms is None else due_ms),
            *(now_ms if due_ms is None else None, reason, claimed.number, claimed.fence),
        ),
    )
    return bool(rows)


def retry(tx: Transaction, now_ms: int, *, consumer: str | None, number: int | None) -> int:
    """Let what was given up be tried anew; how many."""
    where, params = ["state = 'failed'"], [now_ms]
    extra: list[str | int] = []
    if consumer is not None:
        where.append("consumer = ?")
        extra.append(consumer)
    if number is not None:
        where.append("number = ?")
        extra.append(number)
    rows = tx.execute(
        "UPDATE notification SET state = 'waiting', due_ms = ?, attempts = 0, ended_ms = NULL"  # noqa: S608
        f" WHERE {' AND '.join(where)} RETURNING number",
        (*params, *extra),
    )
    return len(rows)


def trim(tx: Transaction, now_ms: int) -> int:
    """Forget what ended long ago; how many."""
    rows = tx.execute(
        "DELETE FROM notification WHERE ended_ms IS NOT NULL"
        " AND ended_ms < CASE WHEN class = 'p' THEN ? ELSE ? END RETURNING number",
        (now_ms - KEEP_PRESENCE_MS, now_ms - KEEP_MS),
    )
    return len(rows)


def count_left(tx: Transaction) -> dict[Delivery, int]:
    """How many wait, and how many were given up."""
    rows = tx.execute(
        "SELECT state, COUNT(*) FROM notification WHERE state <> 'sent' GROUP BY state"
    )
    return {Delivery(text(state)): integer(count) for state, count in rows}


@dataclass(frozen=True, slots=True)
class ConsumerFigures:
    """How it goes with telling a consumer of a site."""

    consumer: str
    waiting: int
    failed: int
    sent_ms: int | None


def load_figures(
    tx: Transaction, site: str, consumers: Sequence[str]
) -> tuple[ConsumerFigures, ...]:
    """Of these consumers, what waits, what was given up, and when the last one arrived."""
    rows = tx.execute(
        "SELECT consumer, state, COUNT(*) FROM notification WHERE site = ? AND state <> 'sent'"
        " GROUP BY consumer, state",
        (site,),
    )
    left = {(text(c), Delivery(text(s))): integer(n) for c, s, n in rows}
    found: list[ConsumerFigures] = []
    for consumer in consumers:
        last = tx.execute(
            "SELECT MAX(ended_ms) FROM notification WHERE consumer = ? AND site = ? AND state = 'sent'",
            (consumer, site),
        )
        found.append(
            ConsumerFigures(
                consumer,
                left.get((consumer, Delivery.WAITING), 0),
                left.get((consumer, Delivery.FAILED), 0),
                integer_or_none(last[0][0]),
            )
        )
    return tuple(found)


_COLUMNS: Final = (
    "number, key, consumer, site, incident, class, what, priority, state, attempts, reason, made_ms,"
    " due_ms, ended_ms"
)


def load_of_incident(tx: Transaction, incident: str, limit: int) -> tuple[NotificationRecord, ...]:
    """What was told of an incident, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM notification WHERE incident = ? ORDER BY number LIMIT ?"  # noqa: S608
    return tuple(_record(row) for row in tx.execute(sql, (incident, limit)))


def load_undelivered(
    tx: Transaction, site: str | None, limit: int
) -> tuple[NotificationRecord, ...]:
    """What did not arrive yet, though it was tried, or never will; newest first."""
    where = "" if site is None else "site = ? AND "
    params = (limit,) if site is None else (site, limit)
    sql = (
        f"SELECT {_COLUMNS} FROM notification WHERE {where}"  # noqa: S608
        "(state = 'failed' OR (state = 'waiting' AND attempts > 0)) ORDER BY number DESC LIMIT ?"
    )
    return tuple(_record(row) for row in tx.execute(sql, params))


def _standing(row: Row) -> Standing:
    return Standing(
        incident=text(row[0]),
        site=text(row[1]),
        hazard_class=HazardClass(text(row[2])),
        kind=HazardKind(text(row[10])),
        zone=text(row[11]),
        priority=priority(row[3]),
        opened_ms=integer(row[12]),
        state=IncidentState(text(row[4])),
        drill=flag(row[5]),
        historical=flag(row[6]),
        merged_into=text_or_none(row[7]),
        acts=integer(row[8]),
        live_rows=integer(row[9]),
    )


def _record(row: Row) -> NotificationRecord:
    return NotificationRecord(
        number=integer(row[0]),
        key=text(row[1]),
        consumer=text(row[2]),
        site=text(row[3]),
        incident=text(row[4]),
        hazard_class=HazardClass(text(row[5])),
        what=What(text(row[6])),
        priority=priority(row[7]),
        delivery=Delivery(text(row[8])),
        attempts=integer(row[9]),
        reason=text_or_none(row[10]),
        made_ms=integer(row[11]),
        due_ms=integer(row[12]),
        ended_ms=integer_or_none(row[13]),
    )
