"""What happens to a cluster: the leader dies again and again, any process dies, the network is cut.


The full lengths are those of the requirements; a caller that has less time makes them shorter and says so.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.cluster.city import (
    City,
    CityPlan,
    Onlooker,
    every,
    outside,
    percentile,
    wrote_by,
)
from gatehouse_testing.cluster.servers import (
    Databases,
    Member,
    Proxy,
    databases,
    proxy,
    seconds,
    start_proxy,
)
from gatehouse_testing.cluster.tcp import way_to
from gatehouse_testing.deployed import deployed
from gatehouse_testing.faults.tally import Counts
from gatehouse_testing.ports import speaks_mqtt
from gatehouse_testing.rabbitmq import Epmd, RabbitNode
from gatehouse_testing.waiting import wait_until

READY_S: Final = 120.0
RETURN_S: Final = 180.0
LEADER_S: Final = 45.0
"""How long after the death of a leader rows are not counted as on time."""
OTHER_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Story:
    """What came of a scenario. `gaps_s`: how long nothing was written after each death of the leader."""

    counts: Counts
    took_s: float
    kills: int = 0
    gaps_s: list[float] = field(default_factory=list[float])
    p99_s: float | None = None
    p99_outside_s: float | None = None
    drained_s: float | None = None

    def __str__(self) -> str:
        def said(name: str, value: float | None) -> str:
            return "" if value is None else f", {name} {value:.1f} s"

        counts = self.counts
        return (
            f"{self.kills} kills, {counts.rows} rows; lost {counts.lost}, duplicated {counts.duplicated}, "
            f"unaccounted {counts.unaccounted}; {self.took_s:.0f} s"
            + said("gap p95", percentile(self.gaps_s, 0.95))
            + said("longest", max(self.gaps_s, default=None))
            + said("p99", self.p99_s)
            + said("p99 outside failover", self.p99_outside_s)
            + said("drained in", self.drained_s)
        )


@contextlib.contextmanager
def behind_proxy(
    folder: Path, brokers: list[int], apis: list[int]
) -> Generator[tuple[Databases, Proxy]]:
    """The database cluster behind HAProxy."""
    folder.mkdir(parents=True, exist_ok=True)
    with databases() as found:
        front = proxy(folder, found.members, brokers, apis)
        start_proxy(front)
        try:
            yield found, front
        finally:
            front.program.kill()


def kill_leaders(folder: Path, kills: int, *, rate: float = 100.0) -> Story:
    """Requirement 3.1: the leader of the database dies while rows come in; the next one only when a standby has caught up."""
    began_s = seconds()
    with (
        behind_proxy(folder, [], []) as (found, front),
        _mosquitto(folder) as broker,
    ):
        plan = CityPlan(gateways=2, rate=rate, roles={"ingest": 1, "linking": 1})
        city = City(folder, front.database, broker.port, broker.port, plan)
        with contextlib.ExitStack() as stack:
            stack.callback(city.end)
            city.start()
            onlooker = stack.enter_context(Onlooker(front.database))
            gaps = [kill_leader(found, onlooker) for _ in range(kills)]
            city.drain()
            counts = city.tally()
    return Story(counts, seconds() - began_s, kills, gaps)


def kill_leader(found: Databases, onlooker: Onlooker) -> float:
    """Kill the leader, bring the member back, wait for a standby; how long nothing was written."""
    wait_until(found.ready, READY_S, what="a leader with a standby that has all")
    leader = wait_until(found.leader, READY_S)
    at_s = seconds()
    leader.kill()
    gap = wait_until(lambda: onlooker.gap_after(at_s), RETURN_S, what="rows are written again")
    leader.program.start()
    return gap


def kill_any(
    folder: Path, length_s: float, *, seed: int, rate: float = 500.0, every_s: float = 20.0
) -> Story:
    """Requirement 3.2: three brokers, three ingest, three linkers, two API; every 20 s one of all processes dies."""
    began_s, drawn = seconds(), Random(seed)
    with brokers(folder / "rabbit") as nodes:
        ports = [node.port for node in nodes]
        with behind_proxy(folder, ports, []) as (found, front):
            roles = {"ingest": 3, "linking": 3, "api": 2}
            plan = CityPlan(gateways=4, rate=rate, roles=roles)
            city = City(folder, front.database, front.broker_port, front.broker_port, plan)
            with contextlib.ExitStack() as stack:
                stack.callback(city.end)
                city.start()
                onlooker = stack.enter_context(Onlooker(front.database))
                victims = Victims(city, found, nodes, drawn)
                every(every_s, int(length_s / every_s), victims.kill_one)
                victims.raise_all()
                city.drain()
                delays = onlooker.delays(wrote_by(city.gateways))
                counts = city.tally()
    return Story(
        counts,
        seconds() - began_s,
        len(victims.times),
        p99_s=percentile([d for _, d in delays], 0.99),
        p99_outside_s=percentile(outside(delays, victims.times), 0.99),
    )


@dataclass
class Victims:
    """All processes of a city that may die, one at a time; who died last is brought back before the next one goes."""

    city: City
    found: Databases
    nodes: list[RabbitNode]
    drawn: Random
    times: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    _down: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])

    def kill_one(self, _number: int) -> None:
        """One of them, by chance; members of the database and brokers only while the others are whole."""
        self.raise_all()
        kinds: list[Callable[[], float | None]] = [
            self._hub,
            self._gateway,
            self._broker,
            self._member,
        ]
        at_s, took_s = seconds(), None
        while took_s is None:
            took_s = self.drawn.choice(kinds)()
        self.times.append((at_s - OTHER_S, at_s + took_s))

    def raise_all(self) -> None:
        """Bring back who is down."""
        down, self._down = self._down, []
        for start in down:
            start()

    def _hub(self) -> float:
        name = self.drawn.choice(sorted(self.city.hubs))
        self.city.hubs[name].kill()
        self._down.append(lambda: self.city.start_hub(name))
        return OTHER_S

    def _gateway(self) -> float:
        number = self.drawn.randrange(len(self.city.gateways))
        self.city.gateways[number].kill()
        self._down.append(lambda: self.city.start_gateway(number + 1))
        return OTHER_S

    def _broker(self) -> float | None:
        if not all(speaks_mqtt(node.port) for node in self.nodes):
            return None
        node = self.drawn.choice(self.nodes)
        node.kill()
        self._down.append(node.launch)
        return 2 * OTHER_S

    def _member(self) -> float | None:
        if not self.found.ready():
            return None
        member: Member = self.drawn.choice(self.found.members)
        leads = member is self.found.leader()
        member.kill()
        self._down.append(member.program.start)
        return LEADER_S if leads else 2 * OTHER_S


def cut_gateways(folder: Path, database: str, outage_s: float) -> Story:
    """Requirement 3.3: no way between gateways and broker; then how long until all that waited is in the hub."""
    return _cut(folder, database, outage_s, hubs=False)


def cut_database(folder: Path, database: str, outage_s: float) -> Story:
    """Requirement 3.3: no way between the hub and its database."""
    return _cut(folder, database, outage_s, hubs=True)


def isolate_broker(folder: Path, database: str, outage_s: float) -> Story:
    """Requirement 3.3: one of three brokers is there for nobody, as behind a dead switch: all its processes stand still."""
    began_s = seconds()
    with brokers(folder / "rabbit") as nodes:
        plan = CityPlan(gateways=2, rate=100.0, roles={"ingest": 1, "linking": 1}, haste=5.0)
        city = City(folder, database, nodes[0].port, nodes[1].port, plan)
        with contextlib.ExitStack() as stack:
            stack.callback(city.end)
            city.start()
            onlooker = stack.enter_context(Onlooker(database))
            wait_until(lambda: onlooker.moved_s, READY_S, what="rows come in")
            process = nodes[2].process
            assert process is not None
            os.killpg(process.pid, signal.SIGSTOP)
            stack.callback(_go_on, process.pid)
            threading.Event().wait(outage_s)
            _go_on(process.pid)
            healed_s = seconds()
            city.drain()
            drained_s = seconds() - healed_s
            counts = city.tally()
    return Story(counts, seconds() - began_s, drained_s=drained_s)


def _cut(folder: Path, database: str, outage_s: float, *, hubs: bool) -> Story:
    began_s = seconds()
    port = int(database.rpartition(":")[2].partition("/")[0])
    with (
        _mosquitto(folder) as broker,
        way_to(port if hubs else broker.port) as way,
    ):
        plan = CityPlan(gateways=2, rate=100.0, roles={"ingest": 1, "linking": 1}, haste=5.0)
        there = database.replace(f":{port}/", f":{way.port}/") if hubs else database
        gateways = broker.port if hubs else way.port
        city = City(folder, there, broker.port, gateways, plan)
        with contextlib.ExitStack() as stack:
            stack.callback(city.end)
            city.start()
            onlooker = stack.enter_context(Onlooker(database))
            wait_until(lambda: onlooker.moved_s, READY_S, what="rows come in")
            way.cut()
            threading.Event().wait(outage_s)
            way.heal()
            healed_s = seconds()
            city.drain()
            drained_s = seconds() - healed_s
            counts = city.tally()
    return Story(counts, seconds() - began_s, drained_s=drained_s)


@contextlib.contextmanager
def brokers(folder: Path) -> Generator[list[RabbitNode]]:
    """Three RabbitMQ with the settings of `deploy/`, but that nobody needs a name to enter."""
    settings = deployed("rabbitmq/rabbitmq.conf", {"anonymous = false": "anonymous = true"})
    lines = tuple(line for line in settings.splitlines() if line and not line.startswith("#"))
    names = [f"rabbit_{n}" for n in range(1, 4)]
    epmd = Epmd().start()
    nodes = [RabbitNode(folder / name, epmd, name, names, extra=lines) for name in names]
    try:
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait()
        yield nodes
    finally:
        for node in nodes:
            node.kill()
        epmd.stop()


@contextlib.contextmanager
def _mosquitto(folder: Path) -> Generator[Mosquitto]:
    broker = Mosquitto(folder / "broker").start()
    try:
        yield broker
    finally:
        broker.stop()


def _go_on(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGCONT)
