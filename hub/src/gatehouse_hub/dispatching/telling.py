"""Who must be told what of an incident, and why, or why not. Pure: the incident and what was told before in, verdict out.

Rule 1  a consumer hears of classes P and H only where it is named for them; one that was told of an incident which has become
        more sensitive hears that it is withdrawn, and nothing else.
Rule 2  nobody is called for a drill, nor for what came late: an incident of late rows only, or one that late rows alone have
        made more urgent.
Rule 3  an incident calls once, and once more for each step up in priority. What follows (acknowledged, resolved, part of another
        incident) goes to those who were called.
Rule 4  the name of what is told is the same however often it is decided, so that a recomputation tells nothing twice.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_shared.out import IncidentState

Priority = Literal["P1", "P2", "P3", "P4"]


class What(StrEnum):
    """What is told."""

    OPENED = "opened"
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    MERGED = "merged"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class TellReason(StrEnum):
    """Why somebody is told, or is not."""

    NEW = "new"
    MORE_URGENT = "more_urgent"
    STATE_CHANGED = "state_changed"
    IN_ANOTHER = "in_another"
    APART_AGAIN = "apart_again"
    MORE_SENSITIVE = "more_sensitive"
    NOT_ITS_SITE = "not_its_site"
    NOT_ITS_CLASS = "not_its_class"
    BELOW_ITS_PRIORITY = "below_its_priority"
    DRILL = "drill"
    HISTORICAL = "historical"
    OVER = "over"
    TOLD_ALREADY = "told_already"


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who wants to be told. `sites` empty: all of them. `min_priority`: this urgent or more, P1 being the most."""

    id: str
    sites: frozenset[str]
    classes: frozenset[HazardClass]
    min_priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An incident as it stands. So many `live_rows` of its hazards did not come late; `acts` counts what was done to it."""

    incident: str
    site: str
    hazard_class: HazardClass
    kind: HazardKind
    zone: str
    priority: Priority
    opened_ms: int
    state: IncidentState
    drill: bool
    historical: bool
    merged_into: str | None
    acts: int
    live_rows: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a consumer was told before of the same incident, oldest first in a list of them."""

    what: What
    priority: Priority
    state: IncidentState
    live_rows: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`what` to tell and the `name` that makes it one of its kind; None when nothing is told."""

    reason: TellReason
    what: What | None = None
    name: str = ""


def key_of(consumer: str, incident: str, name: str) -> str:
    """The idempotency key of what is told: the same whoever decides it, and however often."""
    body = f"notification/{consumer}/{incident}/{name}"
    return hashlib.sha256(body.encode()).hexdigest()[:32]


_STATES: Final = {
    IncidentState.OPEN: What.REOPENED,
    IncidentState.ACKNOWLEDGED: What.ACKNOWLEDGED,
    IncidentState.RESOLVED: What.RESOLVED,
}
_GONE: Final = frozenset({What.MERGED, What.WITHDRAWN})


def decide(consumer: Consumer, now: Standing, told: Sequence[Told]) -> Verdict:
    """What `consumer` must be told of an incident that is new or has changed."""
    if now.drill:
        return Verdict(TellReason.DRILL)
    if consumer.sites and now.site not in consumer.sites:
        return Verdict(TellReason.NOT_ITS_SITE)
    return _first(consumer, now) if not told else _further(consumer, now, told)


def _first(consumer: Consumer, now: Standing) -> Verdict:
    if now.hazard_class not in consumer.classes:
        return Verdict(TellReason.NOT_ITS_CLASS)
    if now.merged_into is not None or now.state is IncidentState.RESOLVED:
        return Verdict(TellReason.OVER)
    if now.priority > consumer.min_priority:
        return Verdict(TellReason.BELOW_ITS_PRIORITY)
    if now.historical:
        return Verdict(TellReason.HISTORICAL)
    return Verdict(TellReason.NEW, What.OPENED, What.OPENED)


def _further(consumer: Consumer, now: Standing, told: Sequence[Told]) -> Verdict:
    last = told[-1]
    times = sum(1 for t in told if t.what in _GONE)
    if now.hazard_class not in consumer.classes:
        if last.what is What.WITHDRAWN:
            return Verdict(TellReason.NOT_ITS_CLASS)
        return Verdict(TellReason.MORE_SENSITIVE, What.WITHDRAWN, f"{What.WITHDRAWN}/{times}")
    if now.merged_into is not None:
        if last.what in _GONE:
            return Verdict(TellReason.TOLD_ALREADY)
        return Verdict(TellReason.IN_ANOTHER, What.MERGED, f"{What.MERGED}/{times}")
    if last.what in _GONE:
        return Verdict(TellReason.APART_AGAIN, What.RETURNED, f"{What.RETURNED}/{times}")
    if now.state is not last.state:
        what = _changed(last.state, now.state)
        return Verdict(TellReason.STATE_CHANGED, what, f"{what}/{now.acts}")
    return _more_urgent(now, told)


def _changed(before: IncidentState, after: IncidentState) -> What:
    return What.REOPENED if before is IncidentState.RESOLVED else _STATES[after]


def _more_urgent(now: Standing, told: Sequence[Told]) -> Verdict:
    most = min(t.priority for t in told)
    if now.priority >= most or now.state is IncidentState.RESOLVED:
        return Verdict(TellReason.TOLD_ALREADY)
    if now.live_rows <= max(t.live_rows for t in told):
        return Verdict(TellReason.HISTORICAL)
    return Verdict(TellReason.MORE_URGENT, What.RAISED, f"{What.RAISED}/{now.priority}")
