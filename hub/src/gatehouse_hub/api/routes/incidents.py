"""Incidents: the list, one with its story, acknowledge and resolve."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from gatehouse_hub.api.auth import CallerDep, OperatorDep, SiteDep, find_operator
from gatehouse_hub.api.callers import Caller
from gatehouse_hub.api.desk import RefusedActError
from gatehouse_hub.api.problems import ProblemError, answer
from gatehouse_hub.api.schemas.incidents import (
    Acknowledge,
    Incident,
    IncidentDetail,
    Incidents,
    Notifications,
    Resolve,
)
from gatehouse_hub.api.services import Services, ServicesDep
from gatehouse_hub.api.shapes.incidents import (
    figures_to_schema,
    incident_to_schema,
    notification_to_schema,
    story_to_schema,
)
from gatehouse_hub.store.records import IncidentRecord
from gatehouse_shared.instants import format_instant
from gatehouse_shared.names import HazardClass
from gatehouse_shared.out import IncidentState

router = APIRouter(tags=["incidents"])
IncidentPath = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="Id of an incident")]
NOT_FOUND_HERE = "There is no such incident, or it is not yours to see"


@router.get(
    "/sites/{site}/notifications",
    response_model=Notifications,
    dependencies=[Depends(find_operator)],
)
def list_notifications(services: ServicesDep, site: SiteDep) -> Response:
    """Who is told of incidents of the site, and what did not arrive. Operators only."""
    figures, left = services.desk.list_undelivered(site.site)
    return answer(
        Notifications(
            site=site.site,
            consumers=[figures_to_schema(one) for one in figures],
            undelivered=[notification_to_schema(record) for record in left],
        )
    )


@router.get("/sites/{site}/incidents", response_model=Incidents)
def list_incidents(
    caller: CallerDep,
    services: ServicesDep,
    site: SiteDep,
    state: Annotated[list[IncidentState] | None, Query(max_length=3)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[datetime | None, Query(description="Opened before")] = None,
) -> Response:
    """Incidents of a site, newest first; without `state` all of them. Viewers get none of class P."""
    if before is not None and before.tzinfo is None:
        raise ProblemError("invalid", "Give `before` with its zone, as in 2026-05-04T16:00:00Z")
    records = services.desk.list_incidents(
        site.site,
        states=tuple(state or IncidentState),
        presence=caller.may_operate,
        limit=limit,
        before=before,
    )
    last = records[-1].opened_at if len(records) == limit else None
    return answer(
        Incidents(
            site=site.site,
            incidents=[incident_to_schema(record) for record in records],
            next_before=format_instant(last) if last else None,
        )
    )


@router.get("/incidents/{incident}", response_model=IncidentDetail)
def get_incident(caller: CallerDep, services: ServicesDep, incident: IncidentPath) -> Response:
    """One incident: members and why they are in it, what happened when, what was nearly joined."""
    record = require_incident(caller, services, incident)
    story = services.desk.load_story(record)
    return answer(story_to_schema(story, exact=caller.may_operate))


@router.post("/incidents/{incident}/acknowledge", response_model=Incident)
def acknowledge(
    caller: OperatorDep, services: ServicesDep, incident: IncidentPath, body: Acknowledge
) -> Response:
    """Somebody has seen it. Twice does no harm."""
    record = require_incident(caller, services, incident)
    try:
        after = services.desk.acknowledge(
            record, by=caller.name, at_site=body.at_site, note=body.note
        )
    except RefusedActError as error:
        raise ProblemError("conflict") from error
    return answer(incident_to_schema(after))


@router.post("/incidents/{incident}/resolve", response_model=Incident)
def resolve(
    caller: OperatorDep, services: ServicesDep, incident: IncidentPath, body: Resolve
) -> Response:
    """It is over, and this is what it was. Twice does no harm; the first cause stays."""
    record = require_incident(caller, services, incident)
    try:
        after = services.desk.resolve(record, by=caller.name, cause=body.cause, note=body.note)
    except RefusedActError as error:
        raise ProblemError("conflict") from error
    return answer(incident_to_schema(after))


def require_incident(caller: Caller, services: Services, incident: str) -> IncidentRecord:
    """The incident, if the caller may see its site and its class; else the same 404 as for none."""
    record = services.desk.load_incident(incident)
    if (
        record is None
        or not caller.may_see_site(record.site)
        or (record.hazard_class is HazardClass.PRESENCE and not caller.may_operate)
    ):
        raise ProblemError("not_found", NOT_FOUND_HERE)
    return record
