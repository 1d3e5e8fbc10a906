"""Hazards and incidents, with the reasons that joined them."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gatehouse_hub.api.schemas.parts import (
    Instant,
    Measure,
    Names,
    Note,
    Place,
    Priority,
    Schema,
)
from gatehouse_hub.dispatching.telling import TellReason, What
from gatehouse_hub.dispatching.workflow import Cause
from gatehouse_hub.store.notifications import Delivery
from gatehouse_shared.names import HazardClass, HazardKind, Phase
from gatehouse_shared.out import IncidentState


class HazardState(StrEnum):
    """Whether a hazard still holds. `last_known`: silent for 30 min, or its gateway is dead."""

    OPEN = "open"
    CLEARED = "cleared"
    LAST_KNOWN = "last_known"


class Hazard(Schema):
    """Something wrong with a place. `id` is the event id of its raised row; `confidence` in twentieths."""

    id: str
    site: str
    kind: HazardKind
    hazard_class: HazardClass
    zone: str
    device: str
    gateway: str
    rule: str
    state: HazardState
    grade: Annotated[int, Field(ge=1, le=4, description="1 watch, 2 warn, 3 alarm, 4 critical")]
    confidence: int
    confirm_s: int
    raised_at: Instant
    updated_at: Instant
    cleared_at: Instant | None
    armed: bool
    drill: bool
    historical: bool = Field(description="Arrived more than 15 min after it was confirmed")
    count: int | None
    measure: Measure | None
    place: Place | None
    incident: str | None


class Hazards(Schema):
    """Newest first, at most 500."""

    site: str
    hazards: list[Hazard]


class Reason(Schema):
    """Why, for machines (`key`, `params`) and in words."""

    key: str
    params: dict[str, str | int | float]
    text: Names


class Incident(Schema):
    """Hazards that belong together. `due_at`: when the running clock of its state ends; null when none runs."""

    id: str
    site: str
    kind: HazardKind
    hazard_class: HazardClass = Field(description="Of the most sensitive member")
    zone: str
    zones: list[str]
    state: IncidentState
    priority: Priority
    opened_at: Instant
    updated_at: Instant
    due_at: Instant | None
    hazards: int
    hazards_open: int
    drill: bool
    historical: bool
    summary: Names
    acknowledged_at: Instant | None
    acknowledged_by: str | None
    resolved_at: Instant | None
    resolved_by: str | None
    cause: Cause | None
    merged_into: str | None = Field(description="Its hazards turned out to belong to this incident")


class Incidents(Schema):
    """Newest first. `next_before` asks for what comes after; null at the end."""

    site: str
    incidents: list[Incident]
    next_before: Instant | None


class Link(Schema):
    """What joins a member to an earlier one. `score` in thousandths; null where a rule alone decided."""

    to: str
    score: int | None
    reasons: list[Reason]


class Member(Schema):
    """A hazard of the incident and why it is in it. The first has no links."""

    hazard: Hazard
    links: list[Link]


class TimelineStep(StrEnum):
    """What happened."""

    RAISED = "raised"
    UPDATED = "updated"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    AMENDED = "amended"
    MERGE_PROPOSED = "merge_proposed"
    UNREADABLE = "unreadable"


class TimelineEntry(Schema):
    """One moment. Hazard steps name hazard, kind, zone, device and grade; acts of people name `by`."""

    at: Instant
    step: TimelineStep
    hazard: str | None
    phase: Phase | None
    kind: HazardKind | None
    zone: str | None
    device: str | None
    grade: int | None
    measure: Measure | None
    count: int | None
    by: str | None
    note: str | None


class NearMiss(Schema):
    """An event that was nearly joined, and what spoke against it."""

    hazard: str
    kind: HazardKind
    zone: str
    device: str
    at: Instant
    incident: str | None
    score: int | None
    reasons: list[Reason]


class Notification(Schema):
    """What a consumer is told of an incident. `reason`: why the last attempt failed."""

    consumer: str
    incident: str
    what: What
    priority: Priority
    delivery: Delivery
    attempts: int = Field(description="That failed")
    reason: str | None
    made_at: Instant
    due_at: Instant | None = Field(description="When it is tried next; null when it is over")
    ended_at: Instant | None = Field(description="When it arrived, or was given up")


class NotTold(Schema):
    """A consumer that is not told, and why."""

    consumer: str
    reason: TellReason


class IncidentDetail(Schema):
    """One incident with everything that is known of it. `timeline` oldest first."""

    incident: Incident
    members: list[Member]
    timeline: list[TimelineEntry]
    near_misses: list[NearMiss]
    urgency: list[Reason] = Field(description="Why it has its priority")
    weights: str = Field(description="Version of the linking weights that decided")
    told: list[Notification] = Field(description="Who was told what, oldest first; operators only")
    not_told: list[NotTold] = Field(description="Who was told nothing, and why; operators only")


class ConsumerFigures(Schema):
    """How it goes with telling a consumer of incidents of the site."""

    consumer: str
    waiting: int
    failed: int = Field(description="Given up, and still kept")
    sent_at: Instant | None = Field(description="When the last one arrived")


class Notifications(Schema):
    """Who is told of incidents, and what did not arrive: the last 100 that failed, for good or so far, newest first."""

    site: str
    consumers: list[ConsumerFigures]
    undelivered: list[Notification]


class Acknowledge(Schema):
    """Somebody has seen it. `at_site`: and is there, which ends latched hazards such as a help button."""

    at_site: bool = False
    note: Note | None = None


class Resolve(Schema):
    """It is over."""

    cause: Cause
    note: Note | None = None
