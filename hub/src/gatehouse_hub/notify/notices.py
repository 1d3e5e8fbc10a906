"""What a consumer is sent: what section 6 of the contract lets out of the hub, and nothing beside it. Pure."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from gatehouse_hub.dispatching.telling import Standing, What
from gatehouse_shared.ids import EventId, Id
from gatehouse_shared.instants import Instant, floor_time, format_instant, from_ms
from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_shared.out import IncidentState


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing told of one incident. `notification` is the idempotency key; `minute` is when the incident opened.

    A notice that an incident is withdrawn names it and says nothing else of it.
    """

    notification: str
    what: What
    site: Id
    incident: EventId
    hazard_class: HazardClass | UnsetType = UNSET
    kind: HazardKind | UnsetType = UNSET
    zone: Id | UnsetType = UNSET
    state: IncidentState | UnsetType = UNSET
    priority: Literal["P1", "P2", "P3", "P4"] | UnsetType = UNSET
    minute: Instant | UnsetType = UNSET
    merged_into: EventId | UnsetType = UNSET


def write_notice(key: str, now: Standing, what: What) -> Notice:
    """What is told of an incident as it stands."""
    if what is What.WITHDRAWN:
        return Notice(notification=key, what=what, site=now.site, incident=now.incident)
    return Notice(
        notification=key,
        what=what,
        site=now.site,
        incident=now.incident,
        hazard_class=now.hazard_class,
        kind=now.kind,
        zone=now.zone,
        state=now.state,
        priority=now.priority,
        minute=format_instant(floor_time(from_ms(now.opened_ms), 60)),
        merged_into=now.merged_into or UNSET,
    )
