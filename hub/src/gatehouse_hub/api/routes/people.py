"""Signing in and out, users, tokens, the audit log."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from gatehouse_hub.api.auth import (
    SESSION_COOKIE,
    AdminDep,
    CallerDep,
    SessionDep,
    find_admin,
    require_own_origin,
)
from gatehouse_hub.api.people import SignedIn
from gatehouse_hub.api.problems import answer
from gatehouse_hub.api.schemas import people as schemas
from gatehouse_hub.api.services import Services, ServicesDep
from gatehouse_hub.api.shapes.people import (
    audit_to_schema,
    session_to_schema,
    token_to_schema,
    user_to_schema,
)
from gatehouse_hub.store.users import UserRecord

router = APIRouter(tags=["people"])
NamePath = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$", description="Name of a user")
]
TokenPath = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="Id of a token")]


@router.post("/session", response_model=schemas.Session, dependencies=[Depends(require_own_origin)])
def sign_in(request: Request, services: ServicesDep, body: schemas.SignIn) -> Response:
    """Sign in: sets the session cookie. 429 after too many wrong passwords."""
    opened = services.people.sign_in(body.name, body.password, _address(request))
    return _with_cookie(services, opened.session, opened.secret)


@router.get("/session", response_model=schemas.Session)
def get_session(session: SessionDep) -> Response:
    """Who is signed in, and the CSRF token after a reload."""
    return answer(session_to_schema(session))


@router.delete("/session", status_code=204, response_class=Response)
def sign_out(session: SessionDep, services: ServicesDep) -> Response:
    """Sign out. Live streams of the session end within a minute."""
    services.people.sign_out(session)
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
    return response


@router.post("/session/password", response_model=schemas.Session)
def change_password(
    request: Request, session: SessionDep, services: ServicesDep, body: schemas.PasswordChange
) -> Response:
    """Change the password. Ends the user's other sessions and gives this one a new cookie and CSRF token."""
    opened = services.people.change_password(session, body.current, body.new, _address(request))
    return _with_cookie(services, opened.session, opened.secret)


@router.get("/users", response_model=schemas.Users, dependencies=[Depends(find_admin)])
def list_users(services: ServicesDep) -> Response:
    """All users. Administrators only, as all of `/users`."""
    users = [user_to_schema(user) for user in services.accounts.list_users()]
    return answer(schemas.Users(users=users))


@router.post("/users", response_model=schemas.UserSecret, status_code=201)
def create_user(admin: AdminDep, services: ServicesDep, body: schemas.UserNew) -> Response:
    """Make a user with a one-time password."""
    user, password = services.accounts.create_user(admin, body.name, body.role, _sites(body.sites))
    return answer(schemas.UserSecret(user=user_to_schema(user), password=password), 201)


@router.patch("/users/{name}", response_model=schemas.UserSecret)
def change_user(
    admin: AdminDep, services: ServicesDep, name: NamePath, body: schemas.UserChange
) -> Response:
    """Change role or sites, disable, or give a new one-time password. The user's sessions end."""

    def change(user: UserRecord) -> UserRecord:
        sites = user.sites if body.sites == "unchanged" else _sites(body.sites)
        disabled = user.disabled if body.disabled is None else body.disabled
        return replace(user, role=body.role or user.role, sites=sites, disabled=disabled)

    user, password = services.accounts.change_user(admin, name, change, reset=body.reset_password)
    return answer(schemas.UserSecret(user=user_to_schema(user), password=password))


@router.get("/tokens", response_model=schemas.Tokens)
def list_tokens(caller: CallerDep, services: ServicesDep) -> Response:
    """The caller's tokens; for an administrator everybody's."""
    tokens = services.accounts.list_tokens(caller)
    return answer(schemas.Tokens(tokens=[token_to_schema(token) for token in tokens]))


@router.post("/tokens", response_model=schemas.TokenSecret, status_code=201)
def create_token(caller: CallerDep, services: ServicesDep, body: schemas.TokenNew) -> Response:
    """Make a token for a program. Its secret is shown this once."""
    token, secret = services.accounts.create_token(
        caller,
        body.name,
        frozenset(body.scopes),
        _sites(body.sites),
        timedelta(days=body.expires_days),
    )
    return answer(schemas.TokenSecret(token=token_to_schema(token), secret=secret), 201)


@router.delete("/tokens/{token}", status_code=204, response_class=Response)
def revoke_token(caller: CallerDep, services: ServicesDep, token: TokenPath) -> Response:
    """Revoke a token at once."""
    services.accounts.revoke_token(caller, token)
    return Response(status_code=204)


@router.get("/audit", response_model=schemas.Audit, dependencies=[Depends(find_admin)])
def list_audit(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """Who did what, newest first. Administrators only."""
    entries = services.accounts.list_audit(limit, before)
    return answer(
        schemas.Audit(
            entries=[audit_to_schema(entry) for entry in entries],
            next_before=entries[-1].number if len(entries) == limit else None,
        )
    )


def _address(request: Request) -> str:
    """Where the request came from, as uvicorn found it (behind a proxy: as the trusted proxy said)."""
    return request.client.host if request.client else "unknown"


def _sites(sites: list[str] | None) -> frozenset[str] | None:
    return None if sites is None else frozenset(sites)


def _with_cookie(services: Services, session: SignedIn, secret: str) -> Response:
    response = answer(session_to_schema(session))
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        path="/",
        httponly=True,
        samesite="strict",
        secure=services.settings.secure_cookie,
    )
    return response
