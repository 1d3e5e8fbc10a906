"""Sites: the list, the plan, occupancy, hazards, equipment, quarantine."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from gatehouse_hub.api.auth import SITE_PATTERN, CallerDep, SiteDep, find_operator
from gatehouse_hub.api.problems import ProblemError, answer
from gatehouse_hub.api.schemas import equipment, incidents, places
from gatehouse_hub.api.services import ServicesDep
from gatehouse_hub.api.shapes.equipment import (
    gateway_to_schema,
    quarantine_to_schema,
    report_to_schema,
)
from gatehouse_hub.api.shapes.hazards import hazard_to_schema
from gatehouse_hub.api.shapes.places import plan_to_schema, summary_to_schema, zone_to_schema
from gatehouse_shared.instants import format_instant

HAZARDS_MAX = 500
Limit = Annotated[int, Query(ge=1, le=200)]
GatewayPath = Annotated[str, Path(pattern=SITE_PATTERN, description="Id of a gateway")]
router = APIRouter(tags=["sites"])


@router.get("/sites", response_model=places.Sites)
def list_sites(caller: CallerDep, services: ServicesDep) -> Response:
    """The sites that the caller may see."""
    now = services.clock.now()
    found: list[places.SiteSummary] = []
    for name in services.places.names():
        site = services.places.load_site(name) if caller.may_see_site(name) else None
        if site is None:
            continue
        unresolved = services.places.list_unresolved(name, presence=caller.may_operate)
        gateways = services.places.list_gateways(name)
        found.append(summary_to_schema(site, unresolved, gateways, now))
    return answer(places.Sites(sites=found))


@router.get("/sites/{site}", response_model=places.SitePlan)
def get_plan(site: SiteDep) -> Response:
    """The plan of a site."""
    return answer(plan_to_schema(site))


@router.get("/sites/{site}/occupancy", response_model=places.Occupancy)
def get_occupancy(caller: CallerDep, services: ServicesDep, site: SiteDep) -> Response:
    """How full each zone is now. A viewer sees levels and rounded quarters of an hour."""
    now = services.clock.now()
    figures = services.places.read_zones(site, now)
    zones = [zone_to_schema(figure, exact=caller.may_operate) for figure in figures]
    return answer(places.Occupancy(site=site.site, as_of=format_instant(now), zones=zones))


@router.get("/sites/{site}/hazards", response_model=incidents.Hazards)
def list_hazards(
    caller: CallerDep,
    services: ServicesDep,
    site: SiteDep,
    is_open: Annotated[
        bool | None, Query(alias="open", description="Only open ones, or only cleared ones")
    ] = None,
) -> Response:
    """Hazards of a site, newest first. Viewers get none of class P."""
    records = services.places.list_hazards(
        site.site, is_open=is_open, presence=caller.may_operate, limit=HAZARDS_MAX
    )
    rows = [hazard_to_schema(record, exact=caller.may_operate) for record in records]
    return answer(incidents.Hazards(site=site.site, hazards=rows))


@router.get("/sites/{site}/gateways", response_model=equipment.Gateways)
def list_gateways(services: ServicesDep, site: SiteDep) -> Response:
    """Every gateway of the site file, also those never heard of."""
    now = services.clock.now()
    records = {r.gateway: r for r in services.places.list_gateways(site.site)}
    rows = [
        gateway_to_schema(site, gateway, records.get(gateway), now)
        for gateway in sorted(set(site.gateways()) | records.keys())
    ]
    return answer(equipment.Gateways(site=site.site, as_of=format_instant(now), gateways=rows))


@router.get("/sites/{site}/gateways/{gateway}/gaps", response_model=equipment.GapReport)
def get_gaps(services: ServicesDep, site: SiteDep, gateway: GatewayPath) -> Response:
    """What of a gateway's rows is here, on its way, or gone, and why."""
    report = services.places.read_gaps(site.site, gateway)
    if report is None:
        raise ProblemError("not_found", "The site has no such gateway")
    return answer(report_to_schema(report, site.site, services.clock.now()))


@router.get(
    "/sites/{site}/quarantine",
    response_model=equipment.Quarantine,
    dependencies=[Depends(find_operator)],
)
def list_quarantine(
    services: ServicesDep,
    site: SiteDep,
    limit: Limit = 50,
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """What was refused and why, without its content. Operators only."""
    records = services.places.list_quarantine(site.site, limit=limit, before=before)
    return answer(
        equipment.Quarantine(
            site=site.site,
            rows=[quarantine_to_schema(record) for record in records],
            next_before=records[-1].id if len(records) == limit else None,
        )
    )
