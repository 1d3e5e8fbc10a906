"""The HTTP application: the routes, the console, and what holds for every answer."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, FastAPI

from gatehouse_hub.api.console import install_console
from gatehouse_hub.api.guards import Guards
from gatehouse_hub.api.problems import install_problems
from gatehouse_hub.api.routes import incidents, live, operations, people, sites
from gatehouse_hub.api.schemas.parts import InvalidRequest, Problem
from gatehouse_hub.api.services import Services

API_PREFIX: Final = "/api/v1"
VERSION: Final = "1"

_REFUSALS: Final[Mapping[int | str, dict[str, Any]]] = {
    401: {"model": Problem, "description": "Not signed in"},
    403: {"model": Problem, "description": "Not allowed"},
    404: {"model": Problem, "description": "Not there, or not yours to see"},
    409: {"model": Problem, "description": "Not in this state"},
    422: {"model": InvalidRequest, "description": "Does not fit the schema"},
    429: {"model": Problem, "description": "Too often"},
    503: {"model": Problem, "description": "The database is away"},
}


def create_application() -> FastAPI:
    """The application without its services: enough to describe itself."""
    app = FastAPI(
        title="Gatehouse hub",
        version=VERSION,
        description="Sites, incidents with their reasons, and the equipment that sees. It watches places, never people.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    api = APIRouter(prefix=API_PREFIX, responses=dict(_REFUSALS))
    for part in (people.router, sites.router, incidents.router, live.router):
        api.include_router(part)
    app.include_router(api)
    app.include_router(operations.router, responses={503: _REFUSALS[503]})
    install_problems(app)
    return app


def build_application(services: Services) -> FastAPI:
    """The application as it is served."""
    app = create_application()
    app.state.services = services
    install_console(app, services.settings.static)
    app.add_middleware(Guards)
    return app


def build_bare_application(services: Services) -> FastAPI:
    """What a process without the role `api` answers: health and metrics."""
    app = FastAPI(title="Gatehouse hub", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.services = services
    app.include_router(operations.router, responses={503: _REFUSALS[503]})
    install_problems(app)
    app.add_middleware(Guards)
    return app
