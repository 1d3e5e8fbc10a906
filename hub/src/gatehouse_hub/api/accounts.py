"""Users, tokens and the audit log, as administrators and the owners of tokens work with them.

Nobody gives more than they have: role and sites of a new user or token are within those of who makes it.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from gatehouse_hub.api.callers import Caller, Via, highest_role
from gatehouse_hub.api.problems import ProblemError
from gatehouse_hub.api.secrets import (
    HINT_CHARACTERS,
    Passwords,
    fingerprint,
    new_password,
    new_token_secret,
)
from gatehouse_hub.errors import ConflictError
from gatehouse_hub.ports import Clock, Database, Transaction
from gatehouse_hub.store import audit, tokens, users
from gatehouse_hub.store.audit import Act, AuditRecord
from gatehouse_hub.store.sessions import delete_sessions_of
from gatehouse_hub.store.tokens import TokenRecord
from gatehouse_hub.store.users import Role, Scope, UserRecord

FIRST_ADMIN = "admin"


class Accounts:
    """Users and tokens."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords) -> None:
        self._database, self._clock, self._passwords = database, clock, passwords

    def list_users(self) -> tuple[UserRecord, ...]:
        """All users by name."""
        with self._database.snapshot() as tx:
            return users.list_users(tx)

    def create_user(
        self, admin: Caller, name: str, role: Role, sites: frozenset[str] | None
    ) -> tuple[UserRecord, str]:
        """A user with a one-time password."""
        self._check_grant(admin, role, sites)
        password = new_password()
        user = UserRecord(
            name=name,
            role=role,
            sites=None if role is Role.ADMIN else sites,
            password=self._passwords.hash(password),
            must_change_password=True,
            disabled=False,
            created_at=self._clock.now(),
        )
        try:
            with self._database.transaction() as tx:
                users.insert_user(tx, user)
                self._note(tx, admin, "user.create", name, role=role.value)
        except ConflictError as error:
            raise ProblemError("conflict", "The name is taken; choose another") from error
        return user, password

    def change_user(
        self, admin: Caller, name: str, change: Callable[[UserRecord], UserRecord], *, reset: bool
    ) -> tuple[UserRecord, str | None]:
        """Apply `change`, with `reset` give a new one-time password; the user's sessions end."""
        password = new_password() if reset else None
        hashed = self._passwords.hash(password) if password else None
        with self._database.transaction() as tx:
            before = users.load_user(tx, name)
            if before is None:
                raise ProblemError("not_found")
            after = change(before)
            after = replace(after, sites=None) if after.role is Role.ADMIN else after
            self._check_grant(admin, after.role, after.sites)
            if hashed:
                after = after.with_password(hashed, must_change=True)
            users.update_user(tx, after)
            if users.count_admins(tx) == 0:
                raise ProblemError(
                    "conflict", "Somebody must stay administrator; make another one first"
                )
            delete_sessions_of(tx, name)
            self._note(
                tx, admin, "user.change", name,
                role=after.role.value, disabled=str(after.disabled), reset=str(reset),
            )  # fmt: skip
        return after, password

    def list_tokens(self, caller: Caller) -> tuple[TokenRecord, ...]:
        """The caller's tokens, for an administrator everybody's; expired ones are left out."""
        with self._database.snapshot() as tx:
            found = tokens.list_tokens(tx, None if caller.may_administer else caller.user)
        now = self._clock.now()
        return tuple(token for token in found if token.expires_at > now)

    def create_token(
        self,
        caller: Caller,
        name: str,
        scopes: frozenset[Scope],
        sites: frozenset[str] | None,
        life: timedelta,
    ) -> tuple[TokenRecord, str]:
        """A token and its secret. Tokens are made by people: a token makes none."""
        if caller.via is Via.TOKEN:
            raise ProblemError(
                "not_allowed", "Sign in to make a token; a token cannot make another"
            )
        self._check_grant(caller, highest_role(scopes), sites)
        secret, now = new_token_secret(), self._clock.now()
        token = TokenRecord(
            id=secrets.token_hex(8),
            name=name,
            hint=secret[:HINT_CHARACTERS],
            scopes=scopes,
            sites=sites,
            created_by=caller.user,
            created_at=now,
            expires_at=now + life,
            last_used_at=None,
        )
        try:
            with self._database.transaction() as tx:
                tokens.insert_token(tx, token, fingerprint(secret))
                self._note(
                    tx, caller, "token.create", token.id, name=name, scopes=" ".join(sorted(scopes))
                )
        except ConflictError as error:
            raise ProblemError("conflict", "Too many tokens; revoke one first") from error
        return token, secret

    def revoke_token(self, caller: Caller, token: str) -> None:
        """Revoke an own token, or as an administrator anybody's."""
        with self._database.transaction() as tx:
            found = tokens.load_token_by_id(tx, token)
            if found is None or not (caller.may_administer or found.created_by == caller.user):
                raise ProblemError("not_found")
            tokens.delete_token(tx, token)
            self._note(tx, caller, "token.revoke", token)

    def list_audit(self, limit: int, before: int | None) -> tuple[AuditRecord, ...]:
        """Newest first."""
        with self._database.snapshot() as tx:
            return audit.list_audit(tx, limit, before)

    def _check_grant(self, caller: Caller, role: Role, sites: frozenset[str] | None) -> None:
        if not caller.may_grant(role, sites):
            raise ProblemError(
                "not_allowed",
                "Nobody gives more than they have: choose a lower role or fewer sites",
            )

    def _note(
        self, tx: Transaction, caller: Caller, action: str, object_: str, **detail: str
    ) -> None:
        act = Act(self._clock.now(), caller.name, action, object=object_, detail=detail)
        audit.append_act(tx, act)


def ensure_first_admin(
    database: Database, clock: Clock, passwords: Passwords | None = None
) -> str | None:
    """Make the user `admin` if there is no user at all; the one-time password, to be shown once to who started the hub."""
    with database.snapshot() as tx:
        if users.count_users(tx) > 0:
            return None
    password = new_password()
    hashed = (passwords or Passwords()).hash(password)
    try:
        with database.transaction() as tx:
            if users.count_users(tx) > 0:
                return None
            users.insert_user(tx, _first_admin(hashed, clock))
            audit.append_act(tx, Act(clock.now(), "hub", "user.create", object=FIRST_ADMIN))
    except ConflictError:  # another process of the same hub was first
        return None
    return password


def reset_password(
    database: Database, clock: Clock, name: str, passwords: Passwords | None = None
) -> str | None:
    """Give a user a new one-time password and end their sessions, for who has the hub's machine; None for no such user."""
    password = new_password()
    hashed = (passwords or Passwords()).hash(password)
    with database.transaction() as tx:
        user = users.load_user(tx, name)
        if user is None:
            return None
        users.update_user(tx, replace(user.with_password(hashed, must_change=True), disabled=False))
        delete_sessions_of(tx, name)
        audit.append_act(tx, Act(clock.now(), "hub", "password.reset", object=name))
    return password


def _first_admin(hashed: str, clock: Clock) -> UserRecord:
    return UserRecord(
        name=FIRST_ADMIN,
        role=Role.ADMIN,
        sites=None,
        password=hashed,
        must_change_password=True,
        disabled=False,
        created_at=clock.now(),
    )
