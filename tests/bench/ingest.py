"""Durable events a second of the real hub against bare loops, in one run: `./dev bench ingest`.

Real mosquitto, PostgreSQL with fsync, the hub as a process of its own with everything switched on. The bare loops
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
from pathlib import Path

from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.load.real import RealHub, real_hub, start_broker
from gatehouse_testing.load.rows import Community, Load
from gatehouse_testing.load.turns import (
    Turn,
    at_least,
    bare_turn,
    hub_turn,
    median_ratio,
    plain,
)
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
    turns: dict[tuple[str, str], list[Turn]] = field(
        default_factory=dict[tuple[str, str], list[Turn]]
    )

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
        brokers = [start_broker(room / f"broker_{n}") for n in range(3)]
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
        )
        for number in range(TURNS):
            print(f"turn {number + 1} of {TURNS}", file=sys.stderr, flush=True)
            for name, batch, events in BATCHES:
                bench.round(name, batch, events)
        return rates(bench) | processor_time(bench)


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


def processor_time(bench: Bench) -> dict[str, Figure]:
    """Processor microseconds an event, by process and sort of message."""
    found: dict[str, Figure] = {}
    for name, _, _ in BATCHES:
        turns = bench.turns["pg", name]
        for process in turns[0].cpu_us:
            value = statistics.median(turn.cpu_us[process] for turn in turns)
            key = f"cpu_us_{process}" if name == "batch50" else f"cpu_us_{process}_{name}"
            found[key] = plain(value, "us", f"PostgreSQL, {name}, median of {len(turns)} turns")
    return found
