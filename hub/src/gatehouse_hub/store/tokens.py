"""API tokens, by the hash of their secret.

Bound   at most MAX_TOKENS a user, kept by `insert_token`; expired ones go whenever a new one comes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from gatehouse_hub.errors import ConflictError
from gatehouse_hub.ports import Row, Transaction
from gatehouse_hub.store.columns import integer, integer_or_none, text, text_or_none
from gatehouse_hub.store.users import Scope, decode_sites, encode_sites
from gatehouse_shared.instants import from_ms, to_ms

MAX_TOKENS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token. `hint`: first characters of its secret. `created_by`: the user whose rights bound its own."""

    id: str
    name: str
    hint: str
    scopes: frozenset[Scope]
    sites: frozenset[str] | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


_COLUMNS: Final = "id, name, hint, scopes, sites, owner, created_ms, expires_ms, used_ms"


def _token(row: Row) -> TokenRecord:
    id_, name, hint, scopes, sites, owner, created_ms, expires_ms, used_ms = row
    used = integer_or_none(used_ms)
    return TokenRecord(
        id=text(id_),
        name=text(name),
        hint=text(hint),
        scopes=frozenset(Scope(s) for s in msgspec.json.decode(text(scopes), type=list[str])),
        sites=decode_sites(text_or_none(sites)),
        created_by=text(owner),
        created_at=from_ms(integer(created_ms)),
        expires_at=from_ms(integer(expires_ms)),
        last_used_at=None if used is None else from_ms(used),
    )


def load_token(tx: Transaction, sha256: str, now: datetime) -> TokenRecord | None:
    """The token with this secret, unless it has expired."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM token WHERE sha256 = ? AND expires_ms > ?",  # noqa: S608 - our own names
        (sha256, to_ms(now)),
    )
    return _token(rows[0]) if rows else None


def load_token_by_id(tx: Transaction, id_: str) -> TokenRecord | None:
    """The token with this id, expired or not."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM token WHERE id = ?", (id_,))  # noqa: S608 - our own names
    return _token(rows[0]) if rows else None


def list_tokens(tx: Transaction, owner: str | None) -> tuple[TokenRecord, ...]:
    """Tokens of one user, or everybody's, newest first, at most ten users' worth."""
    where, params = ("WHERE owner = ?", (owner,)) if owner is not None else ("", ())
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM token {where} ORDER BY created_ms DESC, id LIMIT ?",  # noqa: S608 - our own names
        (*params, 10 * MAX_TOKENS),
    )
    return tuple(_token(row) for row in rows)


def insert_token(tx: Transaction, token: TokenRecord, sha256: str) -> None:
    """A new token. ConflictError when its user has too many."""
    tx.execute("DELETE FROM token WHERE expires_ms <= ?", (to_ms(token.created_at),))
    count = tx.execute("SELECT count(*) FROM token WHERE owner = ?", (token.created_by,))
    if integer(count[0][0]) >= MAX_TOKENS:
        raise ConflictError(f"{token.created_by} has {MAX_TOKENS} tokens already")
    tx.execute(
        f"INSERT INTO token ({_COLUMNS}, sha256) VALUES ({', '.join('?' * 10)})",  # noqa: S608 - our own names
        (
            token.id,
            token.name,
            token.hint,
            msgspec.json.encode(sorted(s.value for s in token.scopes)).decode(),
            encode_sites(token.sites),
            token.created_by,
            to_ms(token.created_at),
            to_ms(token.expires_at),
            None,
            sha256,
        ),
    )


def mark_used(tx: Transaction, id_: str, now: datetime) -> None:
    """Remember when a token was used last."""
    tx.execute("UPDATE token SET used_ms = ? WHERE id = ?", (to_ms(now), id_))


def delete_token(tx: Transaction, id_: str) -> None:
    """Revoke a token."""
    tx.execute("DELETE FROM token WHERE id = ?", (id_,))
