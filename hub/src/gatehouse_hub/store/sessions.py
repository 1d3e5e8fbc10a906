"""Sessions of signed-in users, by the hash of their cookie.

Bound   at most MAX_SESSIONS a user: the oldest ends. Expired ones go whenever a new one comes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store.columns import integer, text
from gatehouse_hub.store.users import UserRecord, load_user
from gatehouse_shared.instants import from_ms, to_ms

MAX_SESSIONS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A session and whose it is."""

    sha256: str
    user: UserRecord
    csrf: str
    expires_at: datetime


def load_session(tx: Transaction, sha256: str, now: datetime) -> SessionRecord | None:
    """The session with this cookie, unless it has expired or its user is gone or disabled."""
    rows = tx.execute(
        "SELECT name, csrf, expires_ms FROM session WHERE sha256 = ? AND expires_ms > ?",
        (sha256, to_ms(now)),
    )
    if not rows:
        return None
    name, csrf, expires_ms = rows[0]
    user = load_user(tx, text(name))
    if user is None or user.disabled:
        return None
    return SessionRecord(
        sha256=sha256, user=user, csrf=text(csrf), expires_at=from_ms(integer(expires_ms))
    )


def insert_session(tx: Transaction, session: SessionRecord, now: datetime) -> None:
    """A new session; expired ones and the user's oldest beyond the bound go."""
    tx.execute("DELETE FROM session WHERE expires_ms <= ?", (to_ms(now),))
    tx.execute(
        "DELETE FROM session WHERE name = ? AND sha256 NOT IN"
        " (SELECT sha256 FROM session WHERE name = ? ORDER BY created_ms DESC, sha256 LIMIT ?)",
        (session.user.name, session.user.name, MAX_SESSIONS - 1),
    )
    tx.execute(
        "INSERT INTO session (sha256, name, csrf, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?)",
        (session.sha256, session.user.name, session.csrf, to_ms(now), to_ms(session.expires_at)),
    )


def delete_session(tx: Transaction, sha256: str) -> None:
    """End one session."""
    tx.execute("DELETE FROM session WHERE sha256 = ?", (sha256,))


def delete_sessions_of(tx: Transaction, name: str) -> None:
    """End every session of a user."""
    tx.execute("DELETE FROM session WHERE name = ?", (name,))
