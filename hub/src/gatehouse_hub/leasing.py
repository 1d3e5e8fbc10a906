"""Who does what of work that is divided into numbered parts, when workers join, leave and die. Pure.

Share   every live worker has the same number of parts, or one more: the first in the order of names have the odd ones.
Rule    a worker renews what it holds, gives up what is beyond its share, and takes what is free or has expired, as much as
        its share lacks. Nobody takes from a live worker, so parts move only when their holder gives them up or dies.
Fence   grows whenever a part gets another holder: who holds an older number holds nothing.
Time    milliseconds by one clock for all: the database's.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

NOBODY = ""


class LeaseStep(StrEnum):
    """What a worker does with a part."""

    RENEW = "renew"
    TAKE = "take"
    RELEASE = "release"


class LeaseReason(StrEnum):
    """Why."""

    MINE = "mine"
    FREE = "free"
    EXPIRED = "expired"
    SURPLUS = "surplus"


@dataclass(frozen=True, slots=True)
class Lease:
    """One part: who holds it until when. `holder` is NOBODY when it was given up."""

    number: int
    holder: str
    fence: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class LeaseDecision:
    """What to do with one part."""

    lease: Lease
    step: LeaseStep
    reason: LeaseReason


def fair_share(me: str, workers: Collection[str], parts: int) -> int:
    """How many parts `me` should have among the live workers, itself one of them.

    >>> [fair_share(name, ("a", "b", "c"), 64) for name in "abc"]
    [22, 21, 21]
    """
    names = sorted({*workers, me})
    each, odd = divmod(parts, len(names))
    return each + (names.index(me) < odd)


def decide(
    me: str, workers: Collection[str], leases: Sequence[Lease], now_ms: int
) -> list[LeaseDecision]:
    """What `me` does with which parts; parts that are others' are not among them."""
    share = fair_share(me, workers, len(leases))
    mine = [lease for lease in leases if lease.holder == me]
    decisions = [LeaseDecision(x, LeaseStep.RENEW, LeaseReason.MINE) for x in mine[:share]]
    decisions += [LeaseDecision(x, LeaseStep.RELEASE, LeaseReason.SURPLUS) for x in mine[share:]]
    open_to_all = [x for x in leases if x.holder == NOBODY or x.until_ms <= now_ms]
    wanted = [x for x in open_to_all if x.holder != me][: max(0, share - len(mine))]
    decisions += [LeaseDecision(x, LeaseStep.TAKE, _why_open(x)) for x in wanted]
    return decisions


def _why_open(lease: Lease) -> LeaseReason:
    return LeaseReason.FREE if lease.holder == NOBODY else LeaseReason.EXPIRED
