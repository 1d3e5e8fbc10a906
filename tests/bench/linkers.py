"""How many sites a second linkers see to, one a transaction and by the dozen: `./dev bench linkers`.

Real PostgreSQL with fsync. Every site has one new alarm beside a day of earlier ones; each turn links all sites once, in this
process, with one linker and nothing else running. A figure is the median of the turns, which alternate.

"""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

import msgspec

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.flows.on_turn import Linker, take_turns
from gatehouse_hub.ports import Database
from gatehouse_hub.store import events, sites
from gatehouse_hub.store.database import open_database
from gatehouse_hub.values import EventKey
from gatehouse_shared.wire import encode, sha256_hex
from gatehouse_testing.building import START_MS, Outbox, small_site
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.postgres import postgres_cluster

SITES, TURNS, EARLIER = 256, 5, 20
NOW_MS = START_MS + round(timedelta(days=1).total_seconds() * 1000)


def figures() -> dict[str, Figure]:
    """Sites a second, singly and by 64."""
    with postgres_cluster() as cluster:
        database = open_database(cluster.fresh(), SystemClock())
        with database.transaction() as tx:
            for n in range(SITES):
                site = msgspec.structs.replace(small_site(f"gw_{n}"), site=f"site_{n}")
                sites.add(tx, site, START_MS)
        for seq in range(1, EARLIER + 1):
            raise_everywhere(database, seq)
        link_all(database, 64)
        rates: dict[int, list[float]] = {1: [], 64: []}
        for turn in range(TURNS):
            for limit, found in rates.items():
                raise_everywhere(database, EARLIER + 2 * turn + (1 if limit == 1 else 2))
                found.append(link_all(database, limit))
        database.close()
    how = f"{SITES} sites, {EARLIER} to {EARLIER + 2 * TURNS} alarms a site, median of {TURNS}"
    medians = {limit: statistics.median(found) for limit, found in rates.items()}
    return {
        "linked_singly": plain(medians[1], "sites/s", how),
        "linked_by_64": plain(medians[64], "sites/s", how),
        "linked_ratio": plain(medians[64] / medians[1], "", how),
    }


def raise_everywhere(database: Database, seq: int) -> None:
    """One alarm more at every site, an hour after the last."""
    with database.transaction() as tx:
        for n in range(SITES):
            event = Outbox(f"site_{n}", f"gw_{n}").hazard(seq, at_s=3_600.0 * seq)
            canonical = encode(event)
            at_ms = START_MS + 3_600_000 * seq
            row = events.NewRow(
                key=EventKey(f"gw_{n}", event.epoch, event.lane, seq),
                site=f"site_{n}",
                event=event,
                canonical=canonical,
                sha256=sha256_hex(canonical),
                corrected_ms=at_ms,
                offset=None,
                arrived_ms=at_ms,
                historical=False,
            )
            events.record(tx, [row])


def link_all(database: Database, limit: int) -> float:
    """Link until nothing waits; sites a second."""
    linker, done = Linker(), 0
    began_s = time.perf_counter()
    while True:
        with database.transaction() as tx:
            turns = take_turns(tx, NOW_MS, limit, linker)
        if not turns:
            return done / (time.perf_counter() - began_s)
        done += len(turns)


def plain(value: float, unit: str, how: str) -> Figure:
    """A figure without a goal."""
    return {"value": round(value, 2), "unit": unit, "goal": None, "met": None, "how": how}
