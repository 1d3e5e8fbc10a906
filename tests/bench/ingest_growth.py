"""How the hub grows: `./dev bench ingest_growth`.

workers  1, 2 and 4 ingest processes, and one for the other roles, taking the load of 100, 1,000 and 10,000 gateways: durable
         events a second, p99 from publishing to the API at half of that, memory of all processes. Messages of 10.
stored   processor time an event, hub and database, with 1, 5 and 20 million events stored before: made by SQL, as of the last
         seven days. Flat means within 20 %.
GATEHOUSE_BENCH_GATEWAYS sets one number of gateways, GATEHOUSE_BENCH_STORED one number of millions (0: none).
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.load.prefill import prefill
from gatehouse_testing.load.real import RealHub, start_broker
from gatehouse_testing.load.rows import Community
from gatehouse_testing.load.turns import (
    WATCH_S,
    Turn,
    at_most,
    hub_latency,
    hub_turn,
    median_rate,
    plain,
)
from gatehouse_testing.load.visible import percentile
from gatehouse_testing.postgres import PostgresCluster, postgres_cluster
from gatehouse_testing.usage import load as machine_load

FLEETS = (100, 1_000, 10_000)
WORKERS = (1, 2, 4)
STORED = (1, 5, 20)
EVENTS, TURNS, BATCH = 20_000, 3, 10
FREE_GIB = 30
"""Twenty million events take about 17 GiB while they are made; what is left must stay left."""


def figures() -> dict[str, Figure]:
    """Rates by workers and gateways, cost by what is stored."""
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        room.chmod(0o755)
        cluster = stack.enter_context(postgres_cluster())
        found: dict[str, Figure] = {}
        for gateways in asked("GATEHOUSE_BENCH_GATEWAYS", FLEETS):
            for workers in WORKERS:
                found |= by_workers(room, cluster, gateways, workers)
        return found | by_stored(room, cluster)


def asked(name: str, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    """One number from the environment, or all."""
    one = os.environ.get(name)
    return otherwise if one is None else tuple(n for n in (int(one),) if n)


def say(words: str) -> None:
    """Show how far we are."""
    print(f"  {words}", file=sys.stderr, flush=True)


def by_workers(
    room: Path, cluster: PostgresCluster, gateways: int, workers: int
) -> dict[str, Figure]:
    """Rate and memory of one arrangement."""
    name = f"{workers}w_{gateways}gw"
    sites = max(1, gateways // 20)
    parts = {f"ingest_{n}": "ingest" for n in range(workers)} | {"rest": "linking,notify,api"}
    broker = start_broker(room / f"broker_{name}")
    hub = RealHub(room / name, cluster.fresh(), broker, Community(sites, gateways), parts)
    try:
        hub.start()
        turns: list[Turn] = []
        for _ in range(TURNS):
            load = hub.community.load(EVENTS, BATCH, sites=sites)
            turns.append(hub_turn(hub, load, load.write(room / "load"), cluster.pid()))
        rate, memory = median_rate(turns), hub.memory_mib()
        load = hub.community.load(round(rate / 2 * WATCH_S), BATCH, sites=sites)
        file = load.write(room / "load")
        p99 = percentile(
            hub_latency(hub, load, file, rate / 2 / BATCH, hub.community.plots[-1]), 0.99
        )
        say(f"{name}: {rate:,.0f} events/s, p99 {p99:.1f} ms, {memory:.0f} MiB")
        how = (
            f"{workers} ingest processes and one for the rest, {gateways} gateways of {sites} sites, median of "
            f"{TURNS} turns of {EVENTS} events, load {machine_load():.1f}"
        )
        return {
            f"events_s_{name}": plain(rate, "events/s", how),
            f"memory_{name}_mib": plain(memory, "MiB", how),
            f"p99_{name}_ms": plain(
                p99, "ms", f"to be seen in the API, at half of that rate; {how}"
            ),
        }
    finally:
        hub.stop()
        broker.stop()


def by_stored(room: Path, cluster: PostgresCluster) -> dict[str, Figure]:
    """Processor time an event with ever more events stored."""
    wanted = asked("GATEHOUSE_BENCH_STORED", STORED)
    if not wanted:
        return {}
    free_gib = shutil.disk_usage(cluster.folder).free / 2**30
    if free_gib < FREE_GIB:
        return {"cost_flat_ratio": plain(None, "", f"only {free_gib:.0f} GiB are free")}
    broker = start_broker(room / "broker_stored")
    hub = RealHub(room / "stored", cluster.fresh(), broker, Community(128, 256))
    found: dict[str, Figure] = {}
    costs: list[float] = []
    stored = 0
    try:
        hub.start()
        for millions in wanted:
            began = time.monotonic()
            prefill(hub.url, (millions * 1_000_000) - stored, first=stored, tell=say)
            stored = millions * 1_000_000
            say(f"{millions} million stored after {time.monotonic() - began:.0f} s")
            turns: list[Turn] = []
            for _ in range(TURNS + 2):
                load = hub.community.load(EVENTS, BATCH)
                turns.append(hub_turn(hub, load, load.write(room / "load"), cluster.pid()))
            cost = statistics.median(turn.cpu_us["all"] + turn.cpu_us["db"] for turn in turns)
            costs.append(cost)
            how = (
                f"hub and database, median of {len(turns)} turns of {EVENTS} events, "
                f"{median_rate(turns):,.0f} events/s, {size_gib(hub.url):.1f} GiB, load {machine_load():.1f}"
            )
            found[f"cost_us_at_{millions}m"] = plain(cost, "us", how)
            say(f"{millions} million: {cost:.0f} us an event")
    finally:
        hub.stop()
        broker.stop()
    ratio = max(costs) / min(costs)
    how = "dearest over cheapest of " + ", ".join(f"{m} M" for m in wanted)
    return found | {"cost_flat_ratio": at_most(ratio, 1.2, "", how)}


def size_gib(url: str) -> float:
    """Size of the database."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row
    return float(row[0]) / 2**30
