"""Sites and how full their zones are."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from gatehouse_hub.api.schemas import parts as schema_parts
from gatehouse_hub.api.schemas import places
from gatehouse_hub.api.schemas.equipment import Sees
from gatehouse_hub.api.schemas.parts import Priority
from gatehouse_hub.api.shapes.equipment import device_states
from gatehouse_hub.api.shapes.texts import in_words, instant_or_none
from gatehouse_hub.store.quarters import QUARTER_S
from gatehouse_hub.store.records import GatewayRecord, IncidentRecord, ZoneFigure
from gatehouse_shared.names import SMALL_COUNT
from gatehouse_shared.out import round_published
from gatehouse_shared.site import Gate, Names, Site, Zone


def names_to_schema(names: Names) -> schema_parts.Names:
    """A name in the languages it has."""
    return in_words(names.get("en"), names.get("zh-CN"))


def summary_to_schema(
    site: Site,
    unresolved: Sequence[IncidentRecord],
    gateways: Iterable[GatewayRecord],
    now: datetime,
) -> places.SiteSummary:
    """A site in the list."""
    records = {record.gateway: record for record in gateways}
    blind = sum(
        state is Sees.DOWN
        for gateway in site.gateways()
        for state in device_states(site, gateway, records.get(gateway), now).values()
    )
    return places.SiteSummary(
        site=site.site,
        name=names_to_schema(site.name),
        time_zone=site.time_zone,
        open_incidents=len(unresolved),
        highest_priority=_highest(unresolved),
        gateways=len(site.gateways()),
        gateways_online=sum(record.online for record in records.values()),
        blind=blind,
    )


def _highest(incidents: Sequence[IncidentRecord]) -> Priority | None:
    first = min(incidents, key=lambda record: record.priority, default=None)
    return None if first is None else first.priority


def plan_to_schema(site: Site) -> places.SitePlan:
    """The plan of a site; neighbours are given both ways, however the file says them."""
    xs = [x for zone in site.zones for x, _ in zone.polygon]
    ys = [y for zone in site.zones for _, y in zone.polygon]
    origin = site.origin
    return places.SitePlan(
        site=site.site,
        name=names_to_schema(site.name),
        time_zone=site.time_zone,
        closes_at=site.closes_at,
        origin=None
        if origin is None
        else places.Origin(lat=origin.lat, lon=origin.lon, bearing_deg=origin.bearing_deg),
        bounds=(min(xs), min(ys), max(xs), max(ys)),
        zones=[_zone(site, zone) for zone in site.zones],
        gates=[_gate(gate) for gate in site.gates],
        devices=[
            places.PlanDevice(
                id=d.id,
                kind=d.kind,
                zone=d.zone,
                zones=sorted({v.zone for v in site.views if v.device == d.id} | {d.zone}),
                at=d.at,
                gateway=d.gateway,
            )
            for d in site.devices
        ],
    )


def _gate(gate: Gate) -> places.PlanGate:
    ends = {"id": gate.id, "from": gate.from_, "to": gate.to, "width_m": gate.width_m}
    return places.PlanGate.model_validate(ends)


def _zone(site: Site, zone: Zone) -> places.PlanZone:
    neighbours = set(zone.neighbours) | {z.id for z in site.zones if zone.id in z.neighbours}
    return places.PlanZone(
        id=zone.id,
        name=names_to_schema(zone.name),
        kind=zone.kind,
        serves=zone.serves,
        polygon=list(zone.polygon),
        storey=zone.level,
        area_m2=round(zone.area_m2, 1),
        capacity=zone.capacity,
        closed_hours=list(zone.closed_hours),
        neighbours=sorted(neighbours - {zone.id}),
    )


def zone_to_schema(figure: ZoneFigure, *, exact: bool) -> places.ZoneOccupancy:
    """How full a zone is: `exact` for operators, else as for everybody outside."""
    start, window_s = figure.window_start, figure.window_s
    if not exact:
        start, window_s = figure.quarter_start, None if figure.quarter_start is None else QUARTER_S
    return places.ZoneOccupancy(
        zone=figure.zone,
        level=figure.level,
        count=shown_count(figure.mean) if exact else published_count(figure),
        low=_bound(figure.low90, figure) if exact else None,
        high=_bound(figure.high90, figure) if exact else None,
        window_start=instant_or_none(start),
        window_s=window_s,
        age_s=figure.age_s,
        sight=sight_of(figure),
        sources=[
            places.OccupancySource(
                device=s.device, measure=s.measure, used=s.used, reason=s.reason, age_s=s.age_s
            )
            for s in figure.sources
        ],
    )


def shown_count(mean: float | None) -> int | Literal["few"] | None:
    """A number from ten up, `few` from one to nine.

    >>> [shown_count(mean) for mean in (None, 0, 0.4, 0.5, 9.4, 9.5)]
    [None, 0, 0, 'few', 'few', 10]
    """
    if mean is None:
        return None
    count = int(mean + 0.5)
    return "few" if 0 < count < SMALL_COUNT else count


def published_count(figure: ZoneFigure) -> int | None:
    """What everybody may know: a quarter of an hour, from ten up, rounded to five."""
    return None if figure.quarter_mean is None else round_published(figure.quarter_mean)


def sight_of(figure: ZoneFigure) -> places.Sight:
    """What the figure rests on."""
    if not figure.counted:
        return places.Sight.UNCOUNTED
    return places.Sight.BLIND if figure.blind else places.Sight.LIVE


def _bound(value: float | None, figure: ZoneFigure) -> int | None:
    """One end of the interval; none where the figure itself is `few`."""
    if value is None or shown_count(figure.mean) == "few":
        return None
    return int(value + 0.5)
