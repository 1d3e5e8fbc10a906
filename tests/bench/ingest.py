"""Durable events a second of the real hub against bare loops, in one run: `./dev bench ingest`.

Real mosquitto, PostgreSQL with fsync, the hub with everything switched on: two processes on PostgreSQL, ingest and the rest, and
the one that SQLite allows. The bare loops
(`gatehouse_testing.load.bare`) subscribe, decode, insert, commit, acknowledge, and do nothing else. Hub and loop take turns
over the same bytes; a figure is the median of the turns' ratios. Events of 256 sites and 512 gateways, 64 sites a turn, 5 % of
the messages alarms. A turn is timed from the first byte published to the last row stored (the hub: to the last number
accounted for), as fast as the broker takes it, publisher included, all on the same processors.
GATEHOUSE_BENCH_TURNS sets another number of turns than 5, GATEHOUSE_BENCH_EVENTS another number of events a turn.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.load import node_red
from gatehouse_testing.load.real import RealHub, real_hub, start_broker
from gatehouse_testing.load.rows import Community, Load
from gatehouse_testing.load.turns import (
    WATCH_S,
    Turn,
    at_least,
    at_most,
    bare_latency,
    bare_turn,
    hub_latency,
    hub_turn,
    median_rate,
    median_ratio,
    plain,
)
from gatehouse_testing.load.visible import percentile
from gatehouse_testing.postgres import PostgresCluster, postgres_cluster
from gatehouse_testing.usage import load as machine_load

SITES, GATEWAYS = 256, 512
TURNS = int(os.environ.get("GATEHOUSE_BENCH_TURNS", "5"))
EVENTS = int(os.environ.get("GATEHOUSE_BENCH_EVENTS", "0"))
BATCHES = (("batch50", 50, 40_000), ("single", 1, 12_000))


@dataclass(slots=True)
class Bench:
    """Everything that runs, and the turns so far by (who, sort of message)."""

    room: Path
    cluster: PostgresCluster
    community: Community
    pg: RealHub
    sqlite: RealHub
    bare_broker: Mosquitto
    bare_url: str
    peer_broker: Mosquitto
    turns: dict[tuple[str, str], list[Turn]] = field(
        default_factory=dict[tuple[str, str], list[Turn]]
    )
    latencies: dict[str, list[list[float]]] = field(default_factory=dict[str, list[list[float]]])

    def round(self, name: str, batch: int, events: int) -> None:
        """One turn of everybody over the same bytes."""
        load = self.community.load(EVENTS or events, batch)
        file = load.write(self.room / "load")
        self._note("pg", name, hub_turn(self.pg, load, file, self.cluster.pid()))
        self._bare("pg", "paho", name, load, file)
        if batch == 1:
            self._bare("pg", "raw", name, load, file)
        self._note("sqlite", name, hub_turn(self.sqlite, load, file))
        self._bare("sqlite", "paho", name, load, file)

    def watch(self, hub_rate: float, bare_rate: float) -> None:
        """Half load on the hub, on the bare loop, and the hub's half load on the bare loop."""
        plot = self.community.plots[-1]
        for who, rate in (("hub", hub_rate), ("own", bare_rate), ("same", hub_rate)):
            load = self.community.load(round(rate / 2 * WATCH_S), 50)
            file, pace = load.write(self.room / "load"), rate / 2 / 50
            if who == "hub":
                found = hub_latency(self.pg, load, file, pace, plot)
            else:
                found = bare_latency(self.bare_broker, self.bare_url, load, file, pace, plot)
            self.latencies.setdefault(who, []).append(found)
            p50, p99 = percentile(found, 0.5), percentile(found, 0.99)
            print(
                f"  half load {who:5} p50 {p50:.1f} ms  p99 {p99:.1f} ms",
                file=sys.stderr,
                flush=True,
            )

    def _bare(self, engine: str, client: str, name: str, load: Load, file: Path) -> None:
        database = self.bare_url if engine == "pg" else str(self.room / "bare.db")
        turn = bare_turn(engine, client, self.bare_broker, database, load, file)
        self._note(f"{engine}_{client}", name, turn)

    def _note(self, who: str, name: str, turn: Turn) -> None:
        self.turns.setdefault((who, name), []).append(turn)
        told = f"{name:8} {who:12} {turn.rate:10,.0f} events/s"
        spent = "  ".join(f"{k} {v:.1f}" for k, v in turn.cpu_us.items())
        print(f"  {told}   CPU us/event: {spent}", file=sys.stderr, flush=True)


def figures() -> dict[str, Figure]:
    """Ratios to the bare loops, and processor time an event by process."""
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        room.chmod(0o755)  # the broker becomes another user
        cluster = stack.enter_context(postgres_cluster())
        brokers = [start_broker(room / f"broker_{n}") for n in range(4)]
        for broker in brokers:
            stack.callback(broker.stop)
        community = Community(SITES, GATEWAYS)
        pg = real_hub(room / "pg", cluster.fresh(), brokers[0], community)
        sqlite = real_hub(room / "sqlite", f"sqlite:{room / 'hub.db'}", brokers[1], community)
        bench = Bench(
            room,
            cluster,
            community,
            stack.enter_context(pg),
            stack.enter_context(sqlite),
            brokers[2],
            cluster.fresh(),
            brokers[3],
        )
        for number in range(TURNS):
            print(f"turn {number + 1} of {TURNS}", file=sys.stderr, flush=True)
            for name, batch, events in BATCHES:
                bench.round(name, batch, events)
        hub_rate = median_rate(bench.turns["pg", "batch50"])
        bare_rate = median_rate(bench.turns["pg_paho", "batch50"])
        for _ in range(TURNS):
            bench.watch(hub_rate, bare_rate)
        found = rates(bench) | latency(bench) | peer(bench)
        bench.pg.stop()
        return found | processor_time(bench, brokers[0])


def latency(bench: Bench) -> dict[str, Figure]:
    """The 99th percentile of all probes, hub over bare loop, each at half of its own most; and both at the hub's."""
    pooled = {who: list(chain.from_iterable(turns)) for who, turns in bench.latencies.items()}
    p99 = {who: percentile(found, 0.99) for who, found in pooled.items()}
    p50 = {who: percentile(found, 0.5) for who, found in pooled.items()}
    count = sum(len(turn) for turn in bench.latencies["hub"])
    words = ", ".join(f"{who} {p50[who]:.1f} / {p99[who]:.1f} ms" for who in p99)
    how = f"p50 / p99 of {count} probes each: {words}; load {machine_load():.1f}"
    return {
        "p99_ratio_half_load": at_most(p99["hub"] / p99["own"], 3.0, "", how),
        "p99_ratio_same_load": plain(p99["hub"] / p99["same"], "", how),
        "p99_half_load_ms": plain(p99["hub"], "ms", how),
    }


def peer(bench: Bench) -> dict[str, Figure]:
    """The hub on SQLite over Node-RED on SQLite, batches of 50."""
    try:
        home = node_red.install()
    except node_red.NodeRedMissingError as why:
        return {"nodered_ratio": plain(None, "", f"Node-RED could not be installed: {why}")}
    ours: list[Turn] = []
    theirs: list[Turn] = []
    peer = node_red.NodeRed.start(home, bench.room / "node_red", bench.peer_broker)
    try:
        for _ in range(TURNS):
            load = bench.community.load(EVENTS or 20_000, 50)
            file = load.write(bench.room / "load")
            ours.append(hub_turn(bench.sqlite, load, file))
            theirs.append(peer.turn(load, file))
            print(f"  Node-RED {theirs[-1].rate:,.0f} events/s", file=sys.stderr, flush=True)
    finally:
        peer.stop()
    ratio, words = median_ratio(ours, theirs)
    how = f"{words}; {', '.join(node_red.PACKAGES)}, it acknowledges before it stores"
    return {"nodered_ratio": at_least(ratio, 6.0, "", how)}


def rates(bench: Bench) -> dict[str, Figure]:
    """The hub over the bare loops."""
    found: dict[str, Figure] = {}
    for key, ours, theirs, name, goal in (
        ("pg_batch50_ratio", "pg", "pg_paho", "batch50", 0.6),
        ("pg_single_ratio", "pg", "pg_paho", "single", 0.8),
        ("pg_single_raw_ratio", "pg", "pg_raw", "single", None),
        ("sqlite_batch50_ratio", "sqlite", "sqlite_paho", "batch50", 0.5),
        ("sqlite_single_ratio", "sqlite", "sqlite_paho", "single", None),
    ):
        ratio, words = median_ratio(bench.turns[ours, name], bench.turns[theirs, name])
        how = f"{words}, load {machine_load():.1f}"
        found[key] = plain(ratio, "", how) if goal is None else at_least(ratio, goal, "", how)
    return found


def processor_time(bench: Bench, broker: Mosquitto) -> dict[str, Figure]:
    """Processor microseconds an event of a hub whose roles are processes of their own."""
    parts = {"ingest": "ingest", "linker": "linking", "front": "notify,api"}
    url = bench.cluster.fresh()
    hub = RealHub(bench.room / "roles", url, broker, bench.community, parts)
    found: dict[str, Figure] = {}
    try:
        hub.start()
        for name, batch, events in BATCHES:
            turns: list[Turn] = []
            for _ in range(3):
                load = bench.community.load(EVENTS or events, batch)
                file = load.write(bench.room / "load")
                turns.append(hub_turn(hub, load, file, bench.cluster.pid()))
            suffix = "" if name == "batch50" else f"_{name}"
            for process in turns[0].cpu_us:
                value = statistics.median(turn.cpu_us[process] for turn in turns)
                how = f"a process for each role, {name}, median of {len(turns)} turns of {events} events"
                found[f"cpu_us_{process}{suffix}"] = plain(value, "us", how)
    finally:
        hub.stop()
    return found
