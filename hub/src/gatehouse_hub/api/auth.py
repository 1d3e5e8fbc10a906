"""Who is calling: a session cookie or a bearer token, never both. Dependencies for the routes.

Every state-changing request over a session must come from our own origin and carry the session's CSRF token.
"""

import hmac
from typing import Annotated, Final

from fastapi import Depends, Path, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from gatehouse_hub.api.callers import Caller
from gatehouse_hub.api.origins import is_own_origin
from gatehouse_hub.api.people import SignedIn
from gatehouse_hub.api.problems import ProblemError
from gatehouse_hub.api.services import Services, ServicesDep
from gatehouse_shared.site import Site

SESSION_COOKIE: Final = "gatehouse_session"
CSRF_HEADER: Final = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SITE_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$"

# The parameters that use these only describe the OpenAPI document; the values are read from the request.
cookie_scheme = APIKeyCookie(name=SESSION_COOKIE, scheme_name="session", auto_error=False)
bearer_scheme = HTTPBearer(scheme_name="token", auto_error=False)


def require_own_origin(request: Request, services: ServicesDep) -> None:
    """Refuse a state-changing request that a browser sent for another site."""
    if request.method in SAFE_METHODS:
        return
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    fetch_site = request.headers.get("sec-fetch-site")
    if not is_own_origin(origin, host, fetch_site, services.settings.public_urls):
        raise ProblemError("foreign_origin")


def signed_in(
    request: Request,
    services: ServicesDep,
    _cookie: Annotated[str | None, Security(cookie_scheme)] = None,
) -> SignedIn:
    """The session of this request, with CSRF checked; a password that must be changed is no obstacle here."""
    secret = request.cookies.get(SESSION_COOKIE)
    session = services.people.find_session(secret) if secret else None
    if session is None:
        raise ProblemError("sign_in_required")
    if request.method not in SAFE_METHODS:
        require_own_origin(request, services)
        sent = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(sent.encode(), session.csrf.encode()):
            raise ProblemError("csrf")
    return session


def find_caller(
    request: Request,
    services: ServicesDep,
    _cookie: Annotated[str | None, Security(cookie_scheme)] = None,
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(bearer_scheme)] = None,
) -> Caller:
    """Who is calling. 401 when nobody proved it, 403 while their password must be changed."""
    header = request.headers.get("authorization")
    if header is not None:
        return _token_caller(header, services)
    session = signed_in(request, services)
    if session.must_change_password:
        raise ProblemError("password_change_required")
    return session.caller


def _token_caller(header: str, services: Services) -> Caller:
    scheme, _, secret = header.partition(" ")
    caller = services.people.find_token(secret) if scheme.lower() == "bearer" else None
    if caller is None:
        raise ProblemError(
            "sign_in_required", "The token is unknown, revoked or expired; make a new one"
        )
    return caller


SessionDep = Annotated[SignedIn, Depends(signed_in)]
CallerDep = Annotated[Caller, Depends(find_caller)]


def find_operator(caller: CallerDep) -> Caller:
    """A caller who may act."""
    if not caller.may_operate:
        raise ProblemError("not_allowed")
    return caller


def find_admin(caller: CallerDep) -> Caller:
    """A caller who may make users."""
    if not caller.may_administer:
        raise ProblemError("not_allowed")
    return caller


OperatorDep = Annotated[Caller, Depends(find_operator)]
AdminDep = Annotated[Caller, Depends(find_admin)]


def require_site(caller: Caller, services: Services, site: str) -> Site:
    """The site file. One and the same 404 for a site that is not there and one that is not theirs."""
    found = services.places.load_site(site) if caller.may_see_site(site) else None
    if found is None:
        raise ProblemError("not_found")
    return found


SitePath = Annotated[str, Path(pattern=SITE_PATTERN, description="Id of a site")]


def find_site(caller: CallerDep, services: ServicesDep, site: SitePath) -> Site:
    """The site of the path."""
    return require_site(caller, services, site)


SiteDep = Annotated[Site, Depends(find_site)]
