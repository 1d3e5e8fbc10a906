"""Incidents for the routes: the queue, one with its story, and the acts of operators, each told to who listens."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from gatehouse_hub.dispatching.workflow import Action, Cause
from gatehouse_hub.flows.on_operator import ask_gateways
from gatehouse_hub.flows.telling import explain, tell
from gatehouse_hub.live.broadcast import Broadcast, Change, ChangeKind
from gatehouse_hub.ports import Clock, Database, Transaction
from gatehouse_hub.store import desk, notifications, views
from gatehouse_hub.store.audit import Act, append_act
from gatehouse_hub.store.consumers import load_consumers
from gatehouse_hub.store.incidents import StoredReason
from gatehouse_hub.store.notifications import ConsumerFigures, NotificationRecord
from gatehouse_hub.store.records import IncidentRecord, IncidentStory, ReasonRecord
from gatehouse_shared.instants import to_ms
from gatehouse_shared.out import IncidentState

TOLD_MAX: Final = 200
"""Notifications shown of one incident."""


UNDELIVERED_MAX: Final = 100


class RefusedActError(Exception):
    """The workflow has no such step from here."""


class Desk:
    """The incidents of every site. Checks no rights: the routes do."""

    def __init__(self, database: Database, clock: Clock, broadcast: Broadcast) -> None:
        self._database, self._clock, self._broadcast = database, clock, broadcast

    def list_incidents(
        self,
        site: str,
        *,
        states: tuple[IncidentState, ...],
        presence: bool,
        limit: int,
        before: datetime | None,
    ) -> tuple[IncidentRecord, ...]:
        """Newest first, opened before `before`; `presence` False leaves class P out."""
        before_ms = None if before is None else to_ms(before)
        with self._database.snapshot() as tx:
            return desk.list_incidents(
                tx, site, states=states, presence=presence, limit=limit, before_ms=before_ms
            )

    def load_incident(self, incident: str) -> IncidentRecord | None:
        """One incident; for one that was merged, the one it is in now."""
        with self._database.snapshot() as tx:
            return desk.load_incident(tx, incident)

    def load_story(self, record: IncidentRecord) -> IncidentStory:
        """An incident with everything known of it."""
        now = self._clock.now()
        with self._database.snapshot() as tx:
            story, weights = desk.load_story(tx, record.id)
            misses = desk.near_miss_records(story)
            return IncidentStory(
                incident=record,
                members=views.incident_hazards(tx, record.id, now),
                links=desk.link_records(story),
                steps=views.incident_steps(tx, record.id),
                acts=desk.load_acts(tx, record.id),
                near_misses=misses,
                near=views.hazards_by_id(tx, [miss.hazard for miss in misses], now),
                urgency=_reasons(story.urgency),
                weights=weights,
                told=notifications.load_of_incident(tx, record.id, TOLD_MAX),
                not_told=explain(tx, record.id),
            )

    def list_undelivered(
        self, site: str
    ) -> tuple[tuple[ConsumerFigures, ...], tuple[NotificationRecord, ...]]:
        """Who is told of incidents of a site, and what did not arrive."""
        with self._database.snapshot() as tx:
            names = [c.id for c in load_consumers(tx) if not c.sites or site in c.sites]
            figures = notifications.load_figures(tx, site, names)
            return figures, notifications.load_undelivered(tx, site, UNDELIVERED_MAX)

    def acknowledge(
        self, record: IncidentRecord, *, by: str, at_site: bool, note: str | None
    ) -> IncidentRecord:
        """Somebody has seen it; `at_site` tells the gateways that hold its hazards. Twice does no harm."""
        with self._database.transaction() as tx:
            after = self._take(tx, record, Action.ACKNOWLEDGE, by, None, note)
            if at_site:
                members = desk.member_keys(tx, record.id)
                ask_gateways(tx, record.site, members, self._clock.now())
        self._tell(after)
        return after

    def resolve(
        self, record: IncidentRecord, *, by: str, cause: Cause, note: str | None
    ) -> IncidentRecord:
        """It is over. RefusedActError where the workflow has no such step."""
        with self._database.transaction() as tx:
            after = self._take(tx, record, Action.RESOLVE, by, cause, note)
        self._tell(after)
        return after

    def _take(
        self,
        tx: Transaction,
        record: IncidentRecord,
        action: Action,
        by: str,
        cause: Cause | None,
        note: str | None,
    ) -> IncidentRecord:
        now = self._clock.now()
        decision = desk.take_action(tx, record.id, action, by=by, at=now, cause=cause, note=note)
        if decision is None or decision.refused is not None:
            raise RefusedActError
        if decision.changed:
            name = f"incident.{action.value}"
            append_act(tx, Act(now, by, name, site=record.site, object=record.id))
            tell(tx, [record.id], to_ms(now))
        return desk.load_incident(tx, record.id) or record

    def _tell(self, record: IncidentRecord) -> None:
        self._broadcast.publish(
            Change(
                kind=ChangeKind.INCIDENT,
                site=record.site,
                at=self._clock.now(),
                id=record.id,
                zone=record.zone,
                hazard_kind=record.kind,
                hazard_class=record.hazard_class,
                state=record.state,
                priority=record.priority,
            )
        )


def _reasons(reasons: Iterable[StoredReason]) -> tuple[ReasonRecord, ...]:
    return tuple(ReasonRecord(r.key, r.params, r.en, r.zh_cn) for r in reasons)
