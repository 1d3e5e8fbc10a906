"""Two workers on one shard, as while a lease changes hands: they stand in line, and nothing is stored twice or lost."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ingest.storing import Outcome, store
from gatehouse_hub.ports import Database
from gatehouse_hub.store import progress, sites
from gatehouse_hub.store.columns import integer
from gatehouse_hub.store.database import open_database
from gatehouse_hub.values import LaneKey
from gatehouse_shared.events import Event
from gatehouse_shared.names import Lane
from gatehouse_testing.building import EPOCH, EPOCH_2, START_MS, Outbox, letter, small_site
from gatehouse_testing.postgres import PostgresCluster
from gatehouse_testing.waiting import wait_until

ROWS = 120


def rows(box: Outbox) -> list[Event]:
    return [box.count(n, at_s=60 * n) for n in range(1, ROWS + 1)]


def batches(random: Random) -> list[list[Event]]:
    """All rows of two lanes, most of them again, in batches that mix the lanes in any order."""
    found: list[list[Event]] = []
    for box in (Outbox(), Outbox(epoch=EPOCH_2)):
        all_rows = rows(box)
        for start in range(0, ROWS, 10):
            found.append(all_rows[start : start + 10])
            found.append(all_rows[max(0, start - 5) : start + 15])
    random.shuffle(found)
    return [a + b for a, b in zip(found[::2], found[1::2], strict=True)]


def work(database: Database, batches: Sequence[Sequence[Event]]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for batch in batches:
        with database.transaction() as tx:
            outcomes.append(store(tx, [letter([event]) for event in batch]))
    return outcomes


@pytest.mark.parametrize("seed", range(3))
def test_two_workers_on_the_same_lanes_store_each_row_once(database_url: str, seed: int) -> None:
    workers = [open_database(database_url, SystemClock()) for _ in range(2)]
    with workers[0].transaction() as tx:
        sites.add(tx, small_site(), START_MS)
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(work, database, batches(Random(seed * 2 + n)))
            for n, database in enumerate(workers)
        ]
        outcomes = [outcome for job in jobs for outcome in job.result(120)]
    with workers[0].snapshot() as tx:
        assert integer(tx.execute("SELECT COUNT(*) FROM event")[0][0]) == 2 * ROWS
        for epoch in (EPOCH, EPOCH_2):
            assert progress.load(tx, LaneKey("gw_1", epoch, Lane.BULK)) == ROWS
    assert sum(outcome.stored for outcome in outcomes) == 2 * ROWS
    assert sum(outcome.refused for outcome in outcomes) == 0
    for database in workers:
        database.close()


@pytest.mark.postgres
def test_the_second_worker_waits_for_the_first_and_sees_what_it_stored(
    postgres: PostgresCluster,
) -> None:
    url = postgres.fresh()
    first, second = (open_database(url, SystemClock()) for _ in range(2))
    held, go = threading.Event(), threading.Event()

    def hold() -> Outcome:
        with first.transaction() as tx:
            outcome = store(tx, [letter([Outbox().count(1)])])
            held.set()
            assert go.wait(30)
        return outcome

    def waiting() -> bool:
        with first.snapshot() as tx:
            return bool(tx.execute("SELECT 1 FROM pg_locks WHERE NOT granted"))

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(hold)
        assert held.wait(30)
        other = pool.submit(work, second, [[Outbox().count(1), Outbox().count(2)]])
        wait_until(waiting, what="the second worker to wait")
        go.set()
        assert one.result(30).stored == 1
        (outcome,) = other.result(30)
    assert (outcome.stored, outcome.duplicates, outcome.acks[0].bulk) == (1, 1, 2)
    first.close()
    second.close()
