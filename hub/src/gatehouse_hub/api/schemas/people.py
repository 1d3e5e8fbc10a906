"""Sessions, users, tokens and the audit log."""

from typing import Annotated, Literal

from pydantic import Field

from gatehouse_hub.api.schemas.parts import IdText, Instant, Schema
from gatehouse_hub.store.users import Role, Scope

UserName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$", examples=["night_desk"])]
Password = Annotated[str, Field(min_length=1, max_length=256)]
NewPassword = Annotated[str, Field(min_length=12, max_length=256)]
Sites = Annotated[
    list[IdText] | None, Field(max_length=256, description="Sites that may be seen; null for all")
]


class SignIn(Schema):
    """Name and password."""

    name: Annotated[str, Field(min_length=1, max_length=32)]
    password: Password


class PasswordChange(Schema):
    """The old password and one of at least 12 characters that is not the old one."""

    current: Password
    new: NewPassword


class Session(Schema):
    """Who is signed in. Send `csrf` as header `X-CSRF-Token` with every request that changes something."""

    name: str
    role: Role
    sites: Sites
    csrf: str
    must_change_password: bool = Field(
        description="Until it is changed, everything else answers 403 `password_change_required`"
    )
    expires_at: Instant


class User(Schema):
    """Somebody who may sign in."""

    name: UserName
    role: Role
    sites: Sites
    disabled: bool
    must_change_password: bool
    created_at: Instant


class UserNew(Schema):
    """A user to be made. An administrator has every site."""

    name: UserName
    role: Role
    sites: Sites


class UserChange(Schema):
    """What to change of a user; what is left out stays. Their sessions end."""

    role: Role | None = None
    sites: Sites | Literal["unchanged"] = "unchanged"
    disabled: bool | None = None
    reset_password: bool = False


class UserSecret(Schema):
    """A user with their one-time password, shown this once; null when it was not reset."""

    user: User
    password: str | None


class Users(Schema):
    """All users, by name."""

    users: list[User]


class Token(Schema):
    """A token of a program, without its secret. `hint` is its first characters."""

    id: str
    name: str
    hint: str = Field(examples=["gh_k3Qa"])
    scopes: list[Scope]
    sites: Sites
    created_at: Instant
    created_by: str
    expires_at: Instant
    last_used_at: Instant | None


class TokenNew(Schema):
    """A token to be made. It can do no more than who makes it."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3)]
    sites: Sites
    expires_days: Annotated[int, Field(ge=1, le=366)] = 90


class TokenSecret(Schema):
    """A new token with its secret, shown this once."""

    token: Token
    secret: str


class Tokens(Schema):
    """Tokens that have not been revoked: the caller's own, for an administrator everybody's."""

    tokens: list[Token]


class AuditEntry(Schema):
    """One act. `hash` chains it to the entry before it."""

    number: int
    at: Instant
    actor: str
    action: str
    site: str | None
    object: str | None
    detail: dict[str, str]
    hash: str


class Audit(Schema):
    """Newest first. `next_before` asks for what comes after; null at the end."""

    entries: list[AuditEntry]
    next_before: int | None
