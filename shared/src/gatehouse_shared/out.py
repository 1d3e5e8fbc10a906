"""Section 6: what others may see. Levels and minutes instead of numbers and moments; every payload says until when it holds."""

from enum import IntEnum, StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_shared.events import ClockState
from gatehouse_shared.ids import EventId, Id
from gatehouse_shared.instants import Instant
from gatehouse_shared.names import HazardClass, HazardKind


class Level(IntEnum):
    """How full a zone is: the ladder of grades, 0 when below all of them."""

    NORMAL = 0
    WATCH = 1
    WARN = 2
    ALARM = 3
    CRITICAL = 4


class IncidentState(StrEnum):
    """Where an incident is on the desk, as far as others need to know."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class OutMessage(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """`valid_until`: the hub clears the topic then."""

    valid_until: Instant


class IncidentOut(OutMessage, frozen=True, kw_only=True):
    """One incident, without positions, reasons or numbers; `minute` is when it opened, floored to the minute."""

    incident: EventId
    hazard_class: HazardClass
    kind: HazardKind
    zone: Id
    state: IncidentState
    priority: Literal["P1", "P2", "P3", "P4"]
    minute: Instant


class ZoneOut(OutMessage, frozen=True, kw_only=True):
    """A zone's level now; `count` over the last whole quarter of an hour, from ten up and rounded to five."""

    zone: Id
    level: Level
    count: Annotated[int, Meta(ge=10, le=1_000_000, multiple_of=5)] | UnsetType = UNSET
    window_start: Instant | UnsetType = UNSET


class SiteStatusOut(OutMessage, frozen=True, kw_only=True):
    """How the site's equipment does."""

    gateways: Annotated[int, Meta(ge=0, le=1024)]
    gateways_online: Annotated[int, Meta(ge=0, le=1024)]
    open_incidents: Annotated[int, Meta(ge=0, le=100_000)]
    clock: ClockState


def round_published(count: float) -> int | None:
    """A number for others: None below ten, else the nearest five.

    >>> [round_published(n) for n in (9, 10, 12, 13, 99)]
    [None, 10, 10, 15, 100]
    """
    return None if count < 10 else int((count + 2.5) // 5) * 5
