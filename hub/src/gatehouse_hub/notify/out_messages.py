"""What others may be told of a site, as topics and payloads. Pure.

Numbers are of whole quarters of an hour, from ten up and rounded to five; moments are minutes; an incident goes out under the
class of its most sensitive member, so that who may not hear of presence or help is not told by another topic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec import UNSET

from gatehouse_hub.store.records import IncidentRecord
from gatehouse_shared.events import ClockState
from gatehouse_shared.instants import floor_time, format_instant
from gatehouse_shared.out import (
    IncidentOut,
    Level,
    OutMessage,
    SiteStatusOut,
    ZoneOut,
    round_published,
)
from gatehouse_shared.topics import out, out_incident

VALID: Final = timedelta(minutes=30)
"""How long a payload holds unless it is said again; it is said again at half of it."""


@dataclass(frozen=True, slots=True)
class ZoneNow:
    """A zone's level, and the mean of the last whole quarter where one is known."""

    zone: str
    level: Level | None
    quarter_mean: float | None
    quarter_start: datetime | None


@dataclass(frozen=True, slots=True)
class SiteNow:
    """A site as others may know it."""

    site: str
    incidents: Sequence[IncidentRecord]
    zones: Sequence[ZoneNow]
    gateways: int
    gateways_online: int


def out_messages(now_at: SiteNow, now: datetime) -> Mapping[str, OutMessage]:
    """Topic -> payload of everything the site says now."""
    until = format_instant(floor_time(now + VALID, 60))
    said: dict[str, OutMessage] = {}
    for incident in now_at.incidents:
        if incident.drill:
            continue
        topic = out_incident(now_at.site, incident.hazard_class, incident.id)
        said[topic] = IncidentOut(
            valid_until=until,
            incident=incident.id,
            hazard_class=incident.hazard_class,
            kind=incident.kind,
            zone=incident.zone,
            state=incident.state,
            priority=incident.priority,
            minute=format_instant(floor_time(incident.opened_at, 60)),
        )
    for zone in now_at.zones:
        if zone.level is not None:
            said[out(now_at.site, f"zone/{zone.zone}")] = _zone(zone, until)
    said[out(now_at.site, "status")] = SiteStatusOut(
        valid_until=until,
        gateways=now_at.gateways,
        gateways_online=now_at.gateways_online,
        open_incidents=sum(1 for i in now_at.incidents if not i.drill),
        clock=ClockState.SYNCED,
    )
    return said


def _zone(zone: ZoneNow, until: str) -> ZoneOut:
    count = None if zone.quarter_mean is None else round_published(zone.quarter_mean)
    known = count is not None and zone.quarter_start is not None
    return ZoneOut(
        valid_until=until,
        zone=zone.zone,
        level=zone.level or Level.NORMAL,
        count=count if known and count is not None else UNSET,
        window_start=format_instant(zone.quarter_start) if known and zone.quarter_start else UNSET,
    )
