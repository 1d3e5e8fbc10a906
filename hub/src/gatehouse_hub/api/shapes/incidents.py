"""Incidents and their story."""

from gatehouse_hub.api.schemas import incidents
from gatehouse_hub.api.schemas.incidents import TimelineEntry, TimelineStep
from gatehouse_hub.api.shapes.hazards import hazard_to_schema, measure_to_schema
from gatehouse_hub.api.shapes.texts import in_words, instant_or_none
from gatehouse_hub.store.notifications import ConsumerFigures, NotificationRecord
from gatehouse_hub.store.records import (
    ActRecord,
    HazardRecord,
    HazardStep,
    IncidentRecord,
    IncidentStory,
    NearMissRecord,
    ReasonRecord,
)
from gatehouse_shared.instants import format_instant, from_ms
from gatehouse_shared.names import HazardClass


def incident_to_schema(record: IncidentRecord) -> incidents.Incident:
    """An incident as a list shows it."""
    return incidents.Incident(
        id=record.id,
        site=record.site,
        kind=record.kind,
        hazard_class=record.hazard_class,
        zone=record.zone,
        zones=list(record.zones),
        state=record.state,
        priority=record.priority,
        opened_at=format_instant(record.opened_at),
        updated_at=format_instant(record.updated_at),
        due_at=instant_or_none(record.due_at),
        hazards=record.hazards,
        hazards_open=record.hazards_open,
        drill=record.drill,
        historical=record.historical,
        summary=in_words(record.summary_en, record.summary_zh_cn),
        acknowledged_at=instant_or_none(record.acknowledged_at),
        acknowledged_by=record.acknowledged_by,
        resolved_at=instant_or_none(record.resolved_at),
        resolved_by=record.resolved_by,
        cause=record.cause,
        merged_into=record.merged_into,
    )


def story_to_schema(story: IncidentStory, *, exact: bool) -> incidents.IncidentDetail:
    """An incident with everything known of it; without `exact` no numbers of persons, notes, and near misses of class P."""
    near = {record.id: record for record in story.near}
    steps = [_hazard_step(step, exact=exact) for step in story.steps]
    steps += [_act(act, exact=exact) for act in story.acts]
    return incidents.IncidentDetail(
        incident=incident_to_schema(story.incident),
        members=[
            incidents.Member(
                hazard=hazard_to_schema(member, exact=exact),
                links=[
                    incidents.Link(
                        to=link.to,
                        score=link.score,
                        reasons=[reason_to_schema(reason) for reason in link.reasons],
                    )
                    for link in story.links
                    if link.hazard == member.id
                ],
            )
            for member in story.members
        ],
        timeline=sorted(steps, key=lambda entry: entry.at),
        near_misses=[
            _near_miss(miss, near[miss.hazard])
            for miss in story.near_misses
            if miss.hazard in near
            and (exact or near[miss.hazard].hazard_class is not HazardClass.PRESENCE)
        ],
        urgency=[reason_to_schema(reason) for reason in story.urgency],
        weights=story.weights,
        told=[notification_to_schema(told) for told in story.told] if exact else [],
        not_told=[
            incidents.NotTold(consumer=one.consumer, reason=one.reason) for one in story.not_told
        ]
        if exact
        else [],
    )


def reason_to_schema(reason: ReasonRecord) -> incidents.Reason:
    """A reason for machines and in words."""
    return incidents.Reason(
        key=reason.key,
        params=dict(reason.params),
        text=in_words(reason.en, reason.zh_cn),
    )


def notification_to_schema(record: NotificationRecord) -> incidents.Notification:
    """What a consumer is told."""
    over = record.ended_ms is not None
    return incidents.Notification(
        consumer=record.consumer,
        incident=record.incident,
        what=record.what,
        priority=record.priority,
        delivery=record.delivery,
        attempts=record.attempts,
        reason=record.reason,
        made_at=format_instant(from_ms(record.made_ms)),
        due_at=None if over else format_instant(from_ms(record.due_ms)),
        ended_at=None if record.ended_ms is None else format_instant(from_ms(record.ended_ms)),
    )


def figures_to_schema(figures: ConsumerFigures) -> incidents.ConsumerFigures:
    """How it goes with a consumer."""
    return incidents.ConsumerFigures(
        consumer=figures.consumer,
        waiting=figures.waiting,
        failed=figures.failed,
        sent_at=None if figures.sent_ms is None else format_instant(from_ms(figures.sent_ms)),
    )


def _near_miss(miss: NearMissRecord, hazard: HazardRecord) -> incidents.NearMiss:
    return incidents.NearMiss(
        hazard=hazard.id,
        kind=hazard.kind,
        zone=hazard.zone,
        device=hazard.device,
        at=format_instant(hazard.raised_at),
        incident=hazard.incident,
        score=miss.score,
        reasons=[reason_to_schema(reason) for reason in miss.reasons],
    )


def _hazard_step(step: HazardStep, *, exact: bool) -> TimelineEntry:
    return TimelineEntry(
        at=format_instant(step.at),
        step=TimelineStep(step.phase.value),
        hazard=step.hazard,
        phase=step.phase,
        kind=step.kind,
        zone=step.zone,
        device=step.device,
        grade=step.grade,
        measure=measure_to_schema(step.measure),
        count=step.count if exact else None,
        by=None,
        note=None,
    )


def _act(act: ActRecord, *, exact: bool) -> TimelineEntry:
    return TimelineEntry(
        at=format_instant(act.at),
        step=TimelineStep(act.act),
        hazard=None,
        phase=None,
        kind=None,
        zone=None,
        device=None,
        grade=None,
        measure=None,
        count=None,
        by=act.by,
        note=act.note if exact else None,
    )
