"""Users: who may sign in, with which role, at which sites.

Bound   at most MAX_USERS, kept by `insert_user`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from gatehouse_hub.errors import ConflictError
from gatehouse_hub.ports import Row, Transaction
from gatehouse_hub.store.columns import flag, integer, text, text_or_none
from gatehouse_shared.instants import from_ms, to_ms

MAX_USERS: Final = 1_000


class Role(StrEnum):
    """What a user may do at the sites given to them."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Scope(StrEnum):
    """What a token may do: `read` as a viewer, `operate` as an operator, `admin` as an administrator."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """A user. `sites` None: every site. `password` is the argon2id hash, and stays out of `repr`."""

    name: str
    role: Role
    sites: frozenset[str] | None
    password: str
    must_change_password: bool
    disabled: bool
    created_at: datetime

    def __repr__(self) -> str:
        return f"UserRecord({self.name!r}, {self.role})"

    def with_password(self, hashed: str, *, must_change: bool) -> "UserRecord":
        """The same user with another password."""
        return replace(self, password=hashed, must_change_password=must_change)


_COLUMNS: Final = "name, role, sites, password, must_change, disabled, created_ms"


def encode_sites(sites: frozenset[str] | None) -> str | None:
    """Column of a set of sites."""
    return None if sites is None else msgspec.json.encode(sorted(sites)).decode()


def decode_sites(column: str | None) -> frozenset[str] | None:
    """Set of sites of a column."""
    return None if column is None else frozenset(msgspec.json.decode(column, type=list[str]))


def _user(row: Row) -> UserRecord:
    name, role, sites, password, must_change, disabled, created_ms = row
    return UserRecord(
        name=text(name),
        role=Role(text(role)),
        sites=decode_sites(text_or_none(sites)),
        password=text(password),
        must_change_password=flag(must_change),
        disabled=flag(disabled),
        created_at=from_ms(integer(created_ms)),
    )


def count_users(tx: Transaction) -> int:
    """How many users there are."""
    return integer(tx.execute("SELECT count(*) FROM person")[0][0])


def load_user(tx: Transaction, name: str) -> UserRecord | None:
    """One user."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM person WHERE name = ?", (name,))  # noqa: S608 - our own names
    return _user(rows[0]) if rows else None


def list_users(tx: Transaction) -> tuple[UserRecord, ...]:
    """All users by name."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM person ORDER BY name LIMIT ?", (MAX_USERS,))  # noqa: S608 - our own names
    return tuple(_user(row) for row in rows)


def insert_user(tx: Transaction, user: UserRecord) -> None:
    """A new user. ConflictError when the name is taken or the hub is full."""
    if count_users(tx) >= MAX_USERS:
        raise ConflictError(f"there are {MAX_USERS} users already")
    marks = ", ".join("?" * 7)
    tx.execute(f"INSERT INTO person ({_COLUMNS}) VALUES ({marks})", _values(user))  # noqa: S608 - our own names


def update_user(tx: Transaction, user: UserRecord) -> None:
    """Everything of a user but their name and age."""
    tx.execute(
        "UPDATE person SET role = ?, sites = ?, password = ?, must_change = ?, disabled = ? WHERE name = ?",
        (*_values(user)[1:6], user.name),
    )


def _values(user: UserRecord) -> tuple[str | int | None, ...]:
    return (
        user.name,
        user.role.value,
        encode_sites(user.sites),
        user.password,
        int(user.must_change_password),
        int(user.disabled),
        to_ms(user.created_at),
    )


def count_admins(tx: Transaction) -> int:
    """Administrators who may sign in."""
    rows = tx.execute(
        "SELECT count(*) FROM person WHERE role = ? AND disabled = 0", (Role.ADMIN.value,)
    )
    return integer(rows[0][0])
