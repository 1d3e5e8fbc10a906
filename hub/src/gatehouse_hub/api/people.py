"""Signing in and out, and finding who a cookie or a token belongs to.

A session lasts SESSION and no longer. Role, sites and `disabled` are read anew with every request, so a change of rights
holds at once. A token can do no more than its maker can now, and nothing once they are disabled.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from gatehouse_hub.api.callers import Caller, Via, highest_role, lesser_role, shared_sites
from gatehouse_hub.api.problems import ProblemError
from gatehouse_hub.api.secrets import (
    TOKEN_PREFIX,
    Passwords,
    fingerprint,
    new_session_secret,
)
from gatehouse_hub.api.throttle import Throttle
from gatehouse_hub.ports import Clock, Database, Transaction
from gatehouse_hub.store.audit import Act, append_act
from gatehouse_hub.store.sessions import (
    SessionRecord,
    delete_session,
    delete_sessions_of,
    insert_session,
    load_session,
)
from gatehouse_hub.store.tokens import load_token, mark_used
from gatehouse_hub.store.users import UserRecord, load_user, update_user

SESSION: Final = timedelta(hours=13)
"""A night shift and its hand-over."""

USED_STEP: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session: who, and what proves that a request comes from its page."""

    caller: Caller
    csrf: str
    must_change_password: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session and the secret of its cookie, which is kept nowhere else."""

    session: SignedIn
    secret: str

    def __repr__(self) -> str:
        return f"Opened({self.session.caller.name!r})"


class People:
    """Who is calling."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords) -> None:
        self._database, self._clock, self._passwords = database, clock, passwords
        self._throttle = Throttle()

    def sign_in(self, name: str, password: str, address: str) -> Opened:
        """Open a session. Raises the problems `wrong_credentials` and `too_many_tries`."""
        self._wait_for_turn(name, address)
        with self._database.snapshot() as tx:
            user = load_user(tx, name)
        right = self._passwords.matches(user.password if user else None, password)
        if user is None or user.disabled or not right:
            self._fail(name, address)
            raise ProblemError("wrong_credentials")
        self._throttle.succeeded(name, address)
        with self._database.transaction() as tx:
            opened = self._open(tx, user)
            append_act(
                tx, Act(self._clock.now(), name, "session.open", detail={"address": address})
            )
        return opened

    def sign_out(self, session: SignedIn) -> None:
        """End a session."""
        with self._database.transaction() as tx:
            delete_session(tx, session.caller.handle)
            append_act(tx, Act(self._clock.now(), session.caller.name, "session.close"))

    def change_password(self, session: SignedIn, current: str, new: str, address: str) -> Opened:
        """Change the password, end all sessions of the user and open a new one."""
        name = session.caller.name
        self._wait_for_turn(name, address)
        with self._database.snapshot() as tx:
            user = load_user(tx, name)
        if user is None or not self._passwords.matches(user.password, current):
            self._fail(name, address)
            raise ProblemError("wrong_credentials", "The current password is wrong")
        if new == current or name in new.lower():
            raise ProblemError(
                "conflict", "Choose a password that is new and does not hold the name"
            )
        hashed = self._passwords.hash(new)
        with self._database.transaction() as tx:
            user = load_user(tx, name)
            if user is None:
                raise ProblemError("sign_in_required")
            user = user.with_password(hashed, must_change=False)
            update_user(tx, user)
            delete_sessions_of(tx, name)
            opened = self._open(tx, user)
            append_act(tx, Act(self._clock.now(), name, "password.change", object=name))
        return opened

    def find_session(self, secret: str) -> SignedIn | None:
        """Whose cookie it is."""
        with self._database.snapshot() as tx:
            record = load_session(tx, fingerprint(secret), self._clock.now())
        return None if record is None else signed_in(record)

    def find_token(self, secret: str) -> Caller | None:
        """Whose token it is."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        now = self._clock.now()
        with self._database.snapshot() as tx:
            token = load_token(tx, fingerprint(secret), now)
            maker = load_user(tx, token.created_by) if token else None
        if token is None or maker is None or maker.disabled:
            return None
        if token.last_used_at is None or now - token.last_used_at >= USED_STEP:
            with self._database.transaction() as tx:
                mark_used(tx, token.id, now)
        return Caller(
            name=f"{maker.name}/{token.name}",
            user=maker.name,
            role=lesser_role(highest_role(token.scopes), maker.role),
            sites=shared_sites(token.sites, maker.sites),
            via=Via.TOKEN,
            handle=token.id,
        )

    def write_down(self, caller: Caller, action: str, *, site: str, object_: str) -> None:
        """Add an act to the audit log."""
        with self._database.transaction() as tx:
            append_act(tx, Act(self._clock.now(), caller.name, action, site=site, object=object_))

    def _open(self, tx: Transaction, user: UserRecord) -> Opened:
        secret, now = new_session_secret(), self._clock.now()
        record = SessionRecord(
            sha256=fingerprint(secret),
            user=user,
            csrf=new_session_secret(),
            expires_at=now + SESSION,
        )
        insert_session(tx, record, now)
        return Opened(signed_in(record), secret)

    def _wait_for_turn(self, name: str, address: str) -> None:
        wait_s = self._throttle.wait_s(name, address, self._clock.monotonic_s())
        if wait_s > 0:
            raise ProblemError("too_many_tries", headers={"Retry-After": str(ceil(wait_s))})

    def _fail(self, name: str, address: str) -> None:
        """Count and write down a wrong password; the throttle bounds how often. A name nobody has may be a password."""
        self._throttle.failed(name, address, self._clock.monotonic_s())
        with self._database.transaction() as tx:
            known = name if load_user(tx, name) else "unknown"
            append_act(
                tx, Act(self._clock.now(), known, "session.refused", detail={"address": address})
            )


def signed_in(record: SessionRecord) -> SignedIn:
    """A session as the routes see it."""
    user = record.user
    caller = Caller(
        name=user.name,
        user=user.name,
        role=user.role,
        sites=user.sites,
        via=Via.SESSION,
        handle=record.sha256,
    )
    return SignedIn(
        caller=caller,
        csrf=record.csrf,
        must_change_password=user.must_change_password,
        expires_at=record.expires_at,
    )
