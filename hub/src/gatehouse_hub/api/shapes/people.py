"""Sessions, users, tokens, audit."""

from gatehouse_hub.api.people import SignedIn
from gatehouse_hub.api.schemas import people as schemas
from gatehouse_hub.api.shapes.texts import instant_or_none
from gatehouse_hub.store.audit import AuditRecord
from gatehouse_hub.store.tokens import TokenRecord
from gatehouse_hub.store.users import UserRecord
from gatehouse_shared.instants import format_instant


def sites_to_schema(sites: frozenset[str] | None) -> list[str] | None:
    """A list in order; None for all."""
    return None if sites is None else sorted(sites)


def session_to_schema(session: SignedIn) -> schemas.Session:
    """Who is signed in."""
    return schemas.Session(
        name=session.caller.name,
        role=session.caller.role,
        sites=sites_to_schema(session.caller.sites),
        csrf=session.csrf,
        must_change_password=session.must_change_password,
        expires_at=format_instant(session.expires_at),
    )


def user_to_schema(user: UserRecord) -> schemas.User:
    """A user, without anything of their password."""
    return schemas.User(
        name=user.name,
        role=user.role,
        sites=sites_to_schema(user.sites),
        disabled=user.disabled,
        must_change_password=user.must_change_password,
        created_at=format_instant(user.created_at),
    )


def token_to_schema(token: TokenRecord) -> schemas.Token:
    """A token, without its secret."""
    return schemas.Token(
        id=token.id,
        name=token.name,
        hint=token.hint,
        scopes=sorted(token.scopes),
        sites=sites_to_schema(token.sites),
        created_at=format_instant(token.created_at),
        created_by=token.created_by,
        expires_at=format_instant(token.expires_at),
        last_used_at=instant_or_none(token.last_used_at),
    )


def audit_to_schema(entry: AuditRecord) -> schemas.AuditEntry:
    """An entry of the audit log."""
    return schemas.AuditEntry(
        number=entry.number,
        at=format_instant(entry.at),
        actor=entry.actor,
        action=entry.action,
        site=entry.site,
        object=entry.object,
        detail=dict(entry.detail),
        hash=entry.hash,
    )
