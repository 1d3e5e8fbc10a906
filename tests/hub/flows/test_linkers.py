"""Several linkers on one database: no site in two hands, nothing half done, whoever is killed."""

import subprocess
import sys
import textwrap
import threading
from collections import Counter

import msgspec
import pytest

from gatehouse_hub.flows.link_loop import LinkLoop
from gatehouse_hub.flows.on_turn import Linker, take_turns
from gatehouse_hub.ports import Database
from gatehouse_hub.store import events, sites, work
from gatehouse_hub.values import EventKey
from gatehouse_shared.wire import encode, sha256_hex
from gatehouse_testing.building import START_MS, Outbox, small_site
from gatehouse_testing.desk import HandClock
from gatehouse_testing.hub_parts import CountingMetrics, HeardAnnouncer
from gatehouse_testing.postgres import PostgresCluster
from gatehouse_testing.waiting import wait_until

NAMES = [f"court_{n}" for n in range(30)]
NOW_MS = START_MS + 60_000


def add_sites(database: Database) -> None:
    with database.transaction() as tx:
        for n, name in enumerate(NAMES):
            sites.add(tx, msgspec.structs.replace(small_site(f"gw_c{n}"), site=name), START_MS)


def raise_in_all(database: Database, seq: int) -> None:
    """One alarm more at every site."""
    rows = [Outbox(name, f"gw_c{n}").hazard(seq, at_s=seq) for n, name in enumerate(NAMES)]
    with database.transaction() as tx:
        for n, (name, event) in enumerate(zip(NAMES, rows, strict=True)):
            canonical = encode(event)
            key = EventKey(f"gw_c{n}", event.epoch, event.lane, seq)
            at_ms = START_MS + seq * 1_000
            new = events.NewRow(
                key=key, site=name, event=event, canonical=canonical, sha256=sha256_hex(canonical),
                corrected_ms=at_ms, offset=None, arrived_ms=at_ms, historical=False,
            )  # fmt: skip
            events.record(tx, [new])


def member_sites(database: Database) -> Counter[str]:
    """How many alarms of each site are in an incident."""
    with database.snapshot() as tx:
        rows = tx.execute(
            "SELECT i.site, COUNT(*) FROM incident_member m JOIN incident i ON i.id = m.incident GROUP BY i.site"
        )
    return Counter({str(site): int(str(count)) for site, count in rows})


def test_a_transaction_links_all_sites_that_it_claimed(database: Database) -> None:
    add_sites(database)
    raise_in_all(database, 1)
    with database.transaction() as tx:
        turns = take_turns(tx, NOW_MS, 20, Linker("first"))
    assert len({turn.site for turn in turns}) == 20
    assert all(len(turn.opened) == 1 for turn in turns)
    with database.snapshot() as tx:
        assert work.backlog(tx).sites == 10
        rows = tx.execute("SELECT linker, turns FROM site_turn WHERE turns > 0")
    assert rows == [("first", 1)] * 20


def test_news_of_a_site_in_hand_wait_for_the_next_turn(postgres_database: Database) -> None:
    database = postgres_database
    add_sites(database)
    raise_in_all(database, 1)
    told = threading.Event()

    def tell_more() -> None:
        raise_in_all(database, 2)
        told.set()

    with database.transaction() as tx:
        assert len(take_turns(tx, NOW_MS, 64, Linker("first"))) == 30
        thread = threading.Thread(target=tell_more)
        thread.start()
        assert told.wait(10)  # ingest does not wait for a linker
    thread.join(10)
    with database.transaction() as tx:
        assert len(take_turns(tx, NOW_MS, 64, Linker("second"))) == 30
    assert member_sites(database) == Counter(dict.fromkeys(NAMES, 2))


@pytest.mark.postgres
def test_a_site_that_one_linker_has_is_passed_over_by_the_other(
    postgres_database: Database,
) -> None:
    database = postgres_database
    add_sites(database)
    raise_in_all(database, 1)
    others: list[str] = []

    def take_rest() -> None:
        with database.transaction() as tx:
            others.extend(turn.site for turn in take_turns(tx, NOW_MS, 64, Linker("second")))

    with database.transaction() as tx:
        mine = [turn.site for turn in take_turns(tx, NOW_MS, 12, Linker("first"))]
        thread = threading.Thread(target=take_rest)
        thread.start()
        thread.join(10)
        assert sorted(mine + others) == sorted(NAMES)
    with database.snapshot() as tx:
        rows = tx.execute(
            "SELECT linker, turns, COUNT(*) FROM site_turn WHERE turns > 0 GROUP BY linker, turns ORDER BY 1"
        )
    assert rows == [("first", 1, 12), ("second", 1, 18)]


def test_one_site_that_cannot_be_linked_costs_the_others_one_try(database: Database) -> None:
    add_sites(database)
    raise_in_all(database, 1)
    with database.transaction() as tx:
        for name in (NAMES[3], NAMES[4]):
            tx.execute("UPDATE event SET payload = 'not an event' WHERE site = ?", (name,))
    metrics = CountingMetrics()
    loop = LinkLoop(database, HandClock(), HeardAnnouncer(), metrics, Linker("only"))
    while loop.turn():
        pass
    assert member_sites(database) == Counter({n: 1 for n in NAMES if n not in NAMES[3:5]})
    assert metrics.counted["link_failures"] == 2
    with database.snapshot() as tx:
        assert {p.site for p in work.peek(tx, 9)} == set(NAMES[3:5])


LINK = """
    import sys
    from gatehouse_hub.clock import SystemClock
    from gatehouse_hub.flows.link_loop import LinkLoop
    from gatehouse_hub.flows.on_turn import Linker
    from gatehouse_hub.store.database import open_database
    from gatehouse_testing.hub_parts import CountingMetrics, HeardAnnouncer
    clock = SystemClock()
    loop = LinkLoop(
        open_database(sys.argv[1], clock), clock, HeardAnnouncer(), CountingMetrics(), Linker(sys.argv[2])
    )
    print("ready", flush=True)
    loop.run()
"""


@pytest.mark.postgres
def test_linkers_that_are_killed_leave_nothing_half_done(
    postgres: PostgresCluster, postgres_database: Database
) -> None:
    database = postgres_database
    url = postgres.url(str(database_name(database)))
    add_sites(database)
    processes: list[subprocess.Popen[str]] = []

    def start(name: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(LINK), url, name],
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    def end(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait(10)
        if process.stdout:
            process.stdout.close()

    try:
        running = [start(f"linker_{n}") for n in range(3)]
        for process in running:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for seq in range(1, 31):
            raise_in_all(database, seq)
            if seq % 10 == 5:
                end(running.pop(0))
                running.append(start(f"heir_{seq}"))
        wait_until(lambda: member_sites(database) == Counter(dict.fromkeys(NAMES, 30)), 30)
    finally:
        for process in processes:
            end(process)
    with database.snapshot() as tx:
        assert work.backlog(tx).sites == 0
        twice = tx.execute(
            "SELECT event_id FROM incident_member GROUP BY event_id HAVING COUNT(*) > 1"
        )
    assert twice == []


def database_name(database: Database) -> object:
    with database.snapshot() as tx:
        return tx.execute("SELECT current_database()")[0][0]
