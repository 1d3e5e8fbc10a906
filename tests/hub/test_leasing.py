"""Parts of work end up each with one worker, evenly, whoever joins, leaves and dies."""

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_hub.leasing import (
    NOBODY,
    Lease,
    LeaseDecision,
    LeaseReason,
    LeaseStep,
    decide,
    fair_share,
)

LEASE_MS, ROUND_MS = 3_500, 700
NAMES = ("ant", "bee", "cow", "dog", "elk")


@dataclass
class Table:
    """The table of leases, as transactions leave it."""

    parts: int
    now_ms: int = 0
    leases: dict[int, Lease] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.leases = {n: Lease(n, NOBODY, 0, 0) for n in range(self.parts)}

    def round(self, me: str) -> list[LeaseDecision]:
        until_ms = self.now_ms + LEASE_MS
        self.workers[me] = until_ms
        self.workers = {w: t for w, t in self.workers.items() if t > self.now_ms}
        known = list(self.leases.values())
        decisions = decide(me, self.workers, known, self.now_ms)
        for decision in decisions:
            old = decision.lease
            if decision.step is LeaseStep.TAKE:
                new = Lease(old.number, me, old.fence + 1, until_ms)
            elif decision.step is LeaseStep.RENEW:
                new = replace(old, until_ms=until_ms)
            else:
                new = replace(old, holder=NOBODY)
            self.leases[old.number] = new
        return decisions

    def retire(self, me: str) -> None:
        self.workers.pop(me, None)
        for n, lease in self.leases.items():
            if lease.holder == me:
                self.leases[n] = replace(lease, holder=NOBODY)

    def settle(self, alive: set[str]) -> None:
        """Everybody goes on for as long as a lease and a few rounds take."""
        for _ in range(LEASE_MS // ROUND_MS + 4):
            self.now_ms += ROUND_MS
            for name in sorted(alive, reverse=self.now_ms % 2 == 0):
                self.round(name)

    def holders(self) -> Counter[str]:
        return Counter(lease.holder for lease in self.leases.values())


MOVES = st.lists(
    st.tuples(st.sampled_from(["round", "round", "die", "retire", "wait"]), st.sampled_from(NAMES)),
    max_size=60,
)


@given(
    parts=st.sampled_from([1, 7, 64]),
    moves=MOVES,
    alive=st.sets(st.sampled_from(NAMES), min_size=1),
)
def test_whoever_joins_and_dies_every_part_has_one_holder_and_all_have_as_many(
    parts: int, moves: list[tuple[str, str]], alive: set[str]
) -> None:
    table = Table(parts)
    for what, name in moves:
        before = dict(table.leases)
        if what == "round":
            table.round(name)
        elif what == "retire":
            table.retire(name)
        elif what == "wait":
            table.now_ms += 900
        for n, lease in table.leases.items():
            old = before[n]
            changed_hands = lease.holder not in (old.holder, NOBODY)
            assert lease.fence == old.fence + changed_hands
            # Nothing is ever taken from one whose lease still runs.
            assert not changed_hands or old.holder == NOBODY or old.until_ms <= table.now_ms
    table.settle(alive)
    holders = table.holders()
    assert sum(holders.values()) == parts
    assert holders == Counter(
        {w: fair_share(w, alive, parts) for w in alive if fair_share(w, alive, parts)}
    )
    assert max(holders.values()) - min(holders.get(w, 0) for w in alive) <= 1


def test_those_that_stay_keep_all_that_is_within_their_share() -> None:
    table = Table(64)
    table.settle({"ant", "bee"})
    before = {n: lease.holder for n, lease in table.leases.items()}
    table.settle({"ant", "bee", "cow"})
    moved = [n for n, lease in table.leases.items() if lease.holder != before[n]]
    assert len(moved) == 21
    assert {table.leases[n].holder for n in moved} == {"cow"}


def test_a_worker_that_was_away_has_nothing_that_another_took() -> None:
    table = Table(8)
    table.settle({"ant"})
    fence = table.leases[3].fence
    table.settle({"bee"})
    assert table.leases[3] == Lease(3, "bee", fence + 1, table.now_ms + LEASE_MS)
    table.now_ms += 1
    assert [d.lease.number for d in table.round("ant")] == []


def test_each_decision_says_why() -> None:
    leases = [
        Lease(0, "ant", 1, 9),
        Lease(1, "ant", 1, 9),
        Lease(2, "bee", 4, 5),
        Lease(3, NOBODY, 2, 9),
    ]
    assert [(d.lease.number, d.step, d.reason) for d in decide("ant", ["bee"], leases[:3], 6)] == [
        (0, LeaseStep.RENEW, LeaseReason.MINE),
        (1, LeaseStep.RENEW, LeaseReason.MINE),
    ]
    assert [(d.lease.number, d.step, d.reason) for d in decide("cow", ["bee"], leases, 6)] == [
        (2, LeaseStep.TAKE, LeaseReason.EXPIRED),
        (3, LeaseStep.TAKE, LeaseReason.FREE),
    ]
    assert [(d.step, d.reason) for d in decide("ant", ["bee", "cow"], leases[:2], 6)] == [
        (LeaseStep.RENEW, LeaseReason.MINE),
        (LeaseStep.RELEASE, LeaseReason.SURPLUS),
    ]
