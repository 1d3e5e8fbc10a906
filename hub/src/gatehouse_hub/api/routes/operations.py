"""For those who run the hub: health and metrics."""

from ipaddress import ip_address

from fastapi import APIRouter, Request, Response

from gatehouse_hub.api.auth import find_caller
from gatehouse_hub.api.problems import ProblemError, answer
from gatehouse_hub.api.schemas.parts import Health
from gatehouse_hub.api.services import ServicesDep

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(tags=["operations"])


@router.get("/healthz", response_model=Health)
def get_health(services: ServicesDep) -> Response:
    """Open to everybody; says nothing but that the hub answers and its store can be read."""
    if not services.healthy():
        raise ProblemError("store_away", headers={"Retry-After": "5"})
    return answer(Health(status="ok"))


@router.get(
    "/metrics",
    response_class=Response,
    openapi_extra={"security": [{"token": []}, {"session": []}]},
)
def get_metrics(request: Request, services: ServicesDep) -> Response:
    """Prometheus metrics: over all sites, so for those who may see all. With `open_metrics` also for this machine."""
    if not (services.settings.open_metrics and _is_direct_loopback(request)):
        caller = find_caller(request, services)
        if caller.sites is not None:
            raise ProblemError(
                "not_allowed", "Metrics are over all sites; use a token for all sites"
            )
    return Response(services.metrics(), media_type=METRICS_TYPE)


def _is_direct_loopback(request: Request) -> bool:
    """Whether the request was made on this machine and not passed on by a proxy."""
    if request.client is None or {"forwarded", "x-forwarded-for", "via"} & set(request.headers):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
