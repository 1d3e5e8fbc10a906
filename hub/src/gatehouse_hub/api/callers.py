"""Who is calling, and what they may see and do. Pure; how they proved it is in `auth.py`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_hub.store.users import Role, Scope


class Via(StrEnum):
    """How a caller proved who they are."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word, no secret


_RANK: Final = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}
ROLE_OF_SCOPE: Final = {
    Scope.READ: Role.VIEWER,
    Scope.OPERATE: Role.OPERATOR,
    Scope.ADMIN: Role.ADMIN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user or a token of theirs. `sites` None: every site. `handle` finds the session or token again."""

    name: str
    user: str
    role: Role
    sites: frozenset[str] | None
    via: Via
    handle: str

    def may_see_site(self, site: str) -> bool:
        """Whether the site was given to them."""
        return self.sites is None or site in self.sites

    @property
    def may_operate(self) -> bool:
        """Whether they acknowledge, resolve, and see presence and small numbers."""
        return self.role is not Role.VIEWER

    @property
    def may_administer(self) -> bool:
        """Whether they make users and see everybody's tokens."""
        return self.role is Role.ADMIN

    def may_grant(self, role: Role, sites: frozenset[str] | None) -> bool:
        """Whether they may give `role` at `sites`: nobody gives more than they have."""
        if _RANK[role] > _RANK[self.role]:
            return False
        return self.sites is None or (sites is not None and sites <= self.sites)


def highest_role(scopes: frozenset[Scope]) -> Role:
    """The role that a token's scopes amount to."""
    return max((ROLE_OF_SCOPE[s] for s in scopes), key=_RANK.__getitem__)


def lesser_role(one: Role, other: Role) -> Role:
    """The role that may do less."""
    return min(one, other, key=_RANK.__getitem__)


def shared_sites(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """Sites in both; None for every site.

    >>> shared_sites(None, frozenset({"a"})) == shared_sites(frozenset({"a", "b"}), frozenset({"a"}))
    True
    """
    if one is None or other is None:
        return other if one is None else one
    return one & other
