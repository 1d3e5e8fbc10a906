"""One run: a world is built from a seed, lives, suffers, heals, and is judged."""

import gc
import logging
import random
import secrets
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from unittest import mock

from gatehouse_edge.outbox import room, schema
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_hub.store import progress, work
from gatehouse_hub.values import LaneKey
from gatehouse_shared.events import Event
from gatehouse_shared.names import Lane
from gatehouse_testing.simulation.disk import Disk, simulated_disks
from gatehouse_testing.simulation.faults import Fault, drawn, gateway_power_cut, hub_power_cut
from gatehouse_testing.simulation.gateway import GatewayBuild, GatewayNode, Listeners, Make
from gatehouse_testing.simulation.hub import HubBuild, HubNode, made_hub
from gatehouse_testing.simulation.network import SimulatedBroker, Weather
from gatehouse_testing.simulation.places import HOME, Life
from gatehouse_testing.simulation.schedule import Job, Schedule, Trace
from gatehouse_testing.simulation.truth import Truth

RESERVE_BYTES: Final = 1024 * 1024
"""The room that an outbox keeps back is a quarter of what is shipped: a run is to be quick, and full disks to be met."""
HEAL_S: Final = 7_200.0
"""How long a healed world may take until everything is acknowledged: two rounds of the slowest timer, and a clock an hour off."""


Plan = tuple[tuple[float, Fault], ...]
"""Faults, and when each strikes, in seconds of the world."""


@dataclass(frozen=True, slots=True)
class Build:
    """What the world is made of: the product, or a mutant of it."""

    gateway: GatewayBuild = field(default_factory=GatewayBuild)
    hub: HubBuild = field(default_factory=HubBuild)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run."""

    seed: int
    violations: tuple[str, ...]
    hash: str
    events: int
    rows: int
    faults: Counter[str]
    healed_s: float
    lines: tuple[str, ...]


class World:
    """Two sites, three gateways, a broker and a hub."""

    def __init__(
        self, seed: int, folder: Path, build: Build, trace: Trace, plan: Plan | None
    ) -> None:
        self.schedule = Schedule(seed, trace)
        self.draw = self.schedule.draw("world")
        self.broker = SimulatedBroker(self.schedule)
        self.truth = Truth(lambda: self.hub.database)
        self.faults: Counter[str] = Counter()
        self.length_s = self.draw.uniform(40, 160)
        chance = self.schedule.draw("faults")
        self._plan = plan or tuple(
            (chance.uniform(5, self.length_s), drawn(chance)) for _ in range(chance.randint(2, 8))
        )
        planned = {fault for _, fault in self._plan}
        self._nonsense = False
        (folder / "hub").mkdir()
        self.hub = HubNode(
            Disk(folder / "hub", forgets=hub_power_cut in planned),
            self.schedule,
            self.broker,
            build.hub,
            self.truth.hear_hub,
        )
        made_hub(folder / "hub", self.hub.clock)
        listeners = Listeners(self._accepted, self.truth.look_at)
        self.gateways: list[GatewayNode] = []
        self._lives: dict[str, Life] = {}
        for name in HOME:
            home = folder / name
            home.mkdir()
            limits = Limits(max_rows=self.draw.choice([20, 60, 1_000_000]), max_mib=8)
            disk = Disk(home, forgets=gateway_power_cut in planned)
            make = Make(build.gateway, listeners, limits)
            node = GatewayNode(name, disk, self.schedule, self.broker, make)
            node.clock.skew_s = self.draw.choice([0.0, 0.0, 2.0, -3.0, 900.0])
            self.gateways.append(node)
            self._lives[name] = Life(name, self.schedule.draw(f"life {name}"))

    def run(self) -> float:
        """All of it. How long it took to heal, in seconds of the world."""
        self.hub.start()
        for node in self.gateways:
            self.later(self.draw.uniform(0, 10), node.start)
            self._live(node)
        chance = self.schedule.draw("strikes")
        for at_s, fault in self._plan:
            self._strike(at_s, fault, random.Random(chance.getrandbits(64)))
        self.schedule.run_until(self.length_s, self._failed)
        if not self.truth.violations:
            self._heal()
        return self.schedule.now_s - self.length_s

    def later(self, seconds: float, job: Job) -> None:
        """Something that happens in a while, and at the latest when the world heals."""
        left_s = max(0.0, self.length_s - self.schedule.now_s)
        self.schedule.after(min(seconds, left_s), job)

    def some_gateway(self, draw: random.Random) -> GatewayNode:
        """One of them."""
        return draw.choice(self.gateways)

    def clear_weather(self) -> None:
        """The network is well again."""
        self.broker.weather = Weather()

    def tell_nonsense(self, node: GatewayNode, lane: Lane) -> None:
        """A row that the hub will refuse gets past the rules."""
        if node.on:
            number = node.outbox.next_seq(Lane.ALARM)
            self._nonsense = True
            node.tell([self._lives[node.name].nonsense(lane, node.clock.now(), number)])
            self._nonsense = False

    def _accepted(self, node: GatewayNode, events: tuple[Event, ...]) -> None:
        for event in events:
            self.schedule.say(node.name, "accepts", f"{event.lane} {event.seq} {event.id}")
        self.truth.accept(node, events, nonsense=self._nonsense)

    def _live(self, node: GatewayNode) -> None:
        life = self._lives[node.name]
        pace_s = life.draw.choice([2.0, 5.0, 15.0])

        def happen() -> None:
            if self.schedule.now_s < self.length_s:
                self.schedule.after(life.draw.expovariate(1 / pace_s), happen)
            now = node.clock.now()
            if life.draw.random() < 0.35:
                node.say(life.finding(now))
            else:
                node.tell(life.readings(now))

        self.schedule.after(life.draw.expovariate(1 / pace_s), happen)

    def _strike(self, at_s: float, fault: Fault, own: random.Random) -> None:
        def strike() -> None:
            self.faults[fault.__name__] += 1
            self.schedule.say("fault", fault.__name__)
            fault(self, own)

        self.schedule.after(at_s, strike)

    def _heal(self) -> None:
        """Nothing goes wrong any more; time passes until all is quiet."""
        self.schedule.say("world", "heals")
        self.clear_weather()
        self.broker.lose_next.clear()
        self.hub.die_before_ack = self.hub.die_before_turn = False
        for name in sorted(self.broker.cut_off):
            self.broker.mend(name)
        for disk in (self.hub.disk, *(node.disk for node in self.gateways)):
            disk.disarm()
            disk.full = False
        self.hub.start()
        for node in self.gateways:
            node.start()
        quiet = self.schedule.run_until(
            self.length_s + HEAL_S, lambda: self._failed() or self._settled()
        )
        if not quiet:
            self.truth.violations.append(f"not settled: {self._open_ends()}")
        if not self.truth.violations:
            self.truth.judge(self.gateways)
        if self.hub.link_failures:
            self.truth.violations.append(f"{self.hub.link_failures} turns of the linker failed")

    def _failed(self) -> bool:
        return bool(self.truth.violations)

    def _settled(self) -> bool:
        if not self.hub.quiet or self.broker.on_the_way:
            return False
        for node in self.gateways:
            if not node.on or any(m.acked != m.last for m in node.outbox.marks()):
                return False
        with self.hub.database.snapshot() as tx:
            if work.backlog(tx).sites:
                return False
            return all(
                progress.load(tx, LaneKey(node.name, mark.epoch, mark.lane)) >= mark.last
                for node in self.gateways
                for mark in node.outbox.marks()
            )

    def _open_ends(self) -> list[str]:
        ends = [] if self.hub.quiet else ["the hub is not quiet"]
        ends += [f"{node.name} is off" for node in self.gateways if not node.on]
        with self.hub.database.snapshot() as tx:
            for node in self.gateways:
                for mark in node.outbox.marks() if node.on else ():
                    upto = progress.load(tx, LaneKey(node.name, mark.epoch, mark.lane))
                    if mark.acked < mark.last or upto < mark.last:
                        ends.append(f"{mark}: the hub accounts for {upto}")
        return ends

    def end(self) -> None:
        """Everybody stops."""
        self.hub.disk.disarm()
        for node in self.gateways:
            node.disk.disarm()
        for node in self.gateways:
            node.stop()
        self.hub.stop()


def simulate(
    seed: int, build: Build | None = None, *, wanted: bool = False, plan: Plan | None = None
) -> Outcome:
    """Run the world of one seed. `wanted`: keep the lines of the trace; `plan`: these faults instead of drawn ones."""
    trace = Trace(wanted)
    with _world(seed, build or Build(), trace, plan) as world:
        healed_s = world.run()
        violations = tuple(world.truth.violations)
        return Outcome(
            seed,
            violations,
            trace.hash,
            world.schedule.events,
            len(world.truth.rows),
            world.faults,
            healed_s,
            tuple(trace.lines),
        )


@contextmanager
def _world(seed: int, build: Build, trace: Trace, plan: Plan | None) -> Generator[World]:
    """The world of a seed, on disks in memory, with every name drawn from the seed."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    names = random.Random(f"{seed}/names")
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            tempfile.TemporaryDirectory(dir=memory) as folder,
            simulated_disks(),
            mock.patch.object(secrets, "token_hex", lambda n=32: names.randbytes(n).hex()),
            mock.patch.object(schema, "RESERVE_BYTES", RESERVE_BYTES),
            mock.patch.object(room, "RESERVE_BYTES", RESERVE_BYTES),
        ):
            world = World(seed, Path(folder), build, trace, plan)
            try:
                yield world
            finally:
                world.end()
                del world
                gc.collect()
    finally:
        logging.disable(level)
