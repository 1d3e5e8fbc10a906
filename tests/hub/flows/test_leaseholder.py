"""Leases in a real database: shared fairly, taken over, given back, and held while a transaction lasts."""

import threading

import pytest

from gatehouse_hub.flows.leaseholder import EveryPart, Leaseholder, LeaseTimes, hold
from gatehouse_hub.leasing import Lease
from gatehouse_hub.ports import Database
from gatehouse_hub.store import leases
from gatehouse_testing.waiting import wait_until

QUICK = LeaseTimes(lease_s=0.3, round_s=0.0)
PATIENT = LeaseTimes(lease_s=60.0, round_s=0.0)


def holders(database: Database, count: int, times: LeaseTimes = PATIENT) -> list[Leaseholder]:
    return [Leaseholder(database, "ingest", 64, times) for _ in range(count)]


def rounds(*workers: Leaseholder, times: int = 3) -> None:
    for _ in range(times):
        for worker in workers:
            worker.refresh(0.0)


def test_workers_share_all_parts_and_take_what_one_gives_back(database: Database) -> None:
    workers = holders(database, 3)
    rounds(*workers)
    assert sorted(len(w.held) for w in workers) == [21, 21, 22]
    assert frozenset().union(*(w.held for w in workers)) == frozenset(range(64))
    workers[0].end()
    assert workers[0].held == frozenset()
    rounds(*workers[1:])
    assert [len(w.held) for w in workers[1:]] == [32, 32]


def test_what_a_dead_worker_held_is_taken_when_its_lease_ends(database: Database) -> None:
    dead, alive = holders(database, 2, QUICK)
    rounds(dead, alive)
    fences = {lease.number: lease.fence for lease in _leases(database)}

    def all_mine() -> bool:
        alive.refresh(0.0)
        return len(alive.held) == 64

    wait_until(all_mine, 5)
    for lease in _leases(database):
        assert lease.fence >= fences[lease.number]
    with database.transaction() as tx:
        assert dead.held_in(tx) == frozenset()


@pytest.mark.postgres
def test_a_lease_that_is_asked_for_in_a_transaction_cannot_be_lost_before_its_end(
    postgres_database: Database,
) -> None:
    database = postgres_database
    first, second = holders(database, 2, LeaseTimes(lease_s=0.05, round_s=0.0))
    first.refresh(0.0)
    taken = threading.Event()

    def take() -> None:
        while not second.held:
            second.refresh(0.0)
        taken.set()

    with database.transaction() as tx:
        mine = first.held_in(tx)
        assert len(mine) == 64
        thread = threading.Thread(target=take)
        thread.start()
        assert not taken.wait(0.5)  # expired long ago, and yet nobody else's
    assert taken.wait(10)
    thread.join(10)
    with database.transaction() as tx:
        assert first.held_in(tx) < mine


def test_over_sqlite_everything_is_ours(sqlite: Database) -> None:
    every = hold(sqlite, "ingest", 64)
    assert isinstance(every, EveryPart)
    assert not every.refresh(0.0)
    with sqlite.transaction() as tx:
        assert every.held_in(tx) == every.held == frozenset(range(64))


def _leases(database: Database) -> list[Lease]:
    with database.transaction() as tx:
        return leases.load(tx, "ingest", 64)
