"""A small city on this machine: gateways that write, brokers, hub processes by role and the database, all of which may die.

What is looked at from outside: which rows were accepted, when the hub had them, and how long nothing could be written.
"""

import bisect
import contextlib
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

from gatehouse_hub.store.database import connect
from gatehouse_testing.cluster.servers import seconds
from gatehouse_testing.faults import gateway_process, hub_process
from gatehouse_testing.faults.children import Child
from gatehouse_testing.faults.gateway_process import Task
from gatehouse_testing.faults.hub_process import HubTask
from gatehouse_testing.faults.place import gateway_name
from gatehouse_testing.faults.tally import Accepted, Counts, accepted_of, count, is_linked
from gatehouse_testing.faults.yard import TAKEN_BACK, UP_S, write_hub
from gatehouse_testing.waiting import wait_until

LOOK_S: Final = 0.1
DRAIN_S: Final = 600.0
Lane = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CityPlan:
    """How large. `rate`: rows a second of all gateways; `roles`: how many hub processes of each role."""

    gateways: int = 4
    rate: float = 500.0
    roles: dict[str, int]
    haste: float = 10.0


@dataclass
class City:
    """Everything but brokers and database, which are the caller's. `database` and `broker` are where they are reached."""

    folder: Path
    database: str
    broker_of_hubs: int
    broker_of_gateways: int
    plan: CityPlan
    hubs: dict[str, Child] = field(default_factory=dict[str, Child])
    gateways: list[Child] = field(default_factory=list[Child])

    def start(self) -> None:
        """Hubs first, so that the schema is there; then the gateways."""
        config = write_hub(self.folder, self.database, self.broker_of_hubs, self.plan.gateways)
        for role, number in self.plan.roles.items():
            for n in range(1, number + 1):
                name = f"{role}_{n}"
                self.hubs[name] = Child(name, self.folder, hub_process.main)
                self.start_hub(name, config)
        for hub in self.hubs.values():
            wait_until(hub.life, 4 * UP_S, what=f"{hub.name} is up")
        for number in range(1, self.plan.gateways + 1):
            self.gateways.append(Child(gateway_name(number), self.folder, gateway_process.main))
            self.start_gateway(number)

    def start_gateway(self, number: int) -> None:
        """A new life of a gateway."""
        self.gateways[number - 1].start(
            Task(
                folder=self.folder,
                port=self.broker_of_gateways,
                bulk=1,
                number=number,
                rate=self.plan.rate / self.plan.gateways,
                until_told=True,
                haste=self.plan.haste,
            )
        )

    def start_hub(self, name: str, config: Path | None = None) -> None:
        """A new life of a hub process; the name says its role."""
        role = name.rpartition("_")[0]
        file = config or self.folder / "hub.yaml"
        self.hubs[name].start(HubTask(config=file, roles=(role,)))

    def drain(self) -> None:
        """Tell the gateways that it is enough, and wait until the hub has everything."""
        for gateway in self.gateways:
            gateway.tell(signal.SIGUSR1)
        for gateway in self.gateways:
            wait_until(lambda: gateway.last() == "drained", DRAIN_S, what=f"{gateway.name}")  # noqa: B023

    def tally(self) -> Counts:
        """End everything and count."""
        with contextlib.closing(connect(self.database)) as database:
            wait_until(lambda: is_linked(database), DRAIN_S, what="all sites are linked")
            self.end()
            taken_back = sum(g.logged(TAKEN_BACK) for g in self.gateways)
            return count(database, self.accepted()).plus(lost=taken_back)

    def accepted(self) -> Iterator[Accepted]:
        """What all gateways accepted."""
        for gateway in self.gateways:
            yield from accepted_of(gateway.name, gateway.said())

    def end(self) -> None:
        """Kill all gateways and hub processes."""
        for child in (*self.gateways, *self.hubs.values()):
            child.kill()


class Onlooker:
    """Looks at the database every LOOK_S, by a connection of its own, and remembers when each lane had come how far."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.looks: dict[Lane, tuple[list[float], list[int]]] = defaultdict(lambda: ([], []))
        self.moved_s: list[float] = []

    def __enter__(self) -> "Onlooker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(20)

    def gap_after(self, at_s: float) -> float | None:
        """How long nothing was written, from `at_s` to the first row written later; None while there is none."""
        index = bisect.bisect_right(self.moved_s, at_s + LOOK_S)
        return self.moved_s[index] - at_s if index < len(self.moved_s) else None

    def delays(
        self, wrote: Iterable[tuple[str, float, str, str, int]]
    ) -> list[tuple[float, float]]:
        """For each batch (gateway, when, epoch, lane, last number): when it was accepted, and how long until the hub had it."""
        found: list[tuple[float, float]] = []
        for gateway, at_s, epoch, lane, seq in wrote:
            times, numbers = self.looks[gateway, epoch, lane]
            index = bisect.bisect_left(numbers, seq)
            if index < len(times):
                found.append((at_s, max(0.0, times[index] - at_s)))
        return found

    def _run(self) -> None:
        connection: psycopg.Connection[tuple[str, str, str, int]] | None = None
        while not self._ending.wait(LOOK_S):
            try:
                if connection is None:
                    connection = psycopg.connect(
                        self._database, autocommit=True, connect_timeout=3,
                        target_session_attrs="read-write", tcp_user_timeout=3_000,
                    )  # fmt: skip
                rows = connection.execute(
                    "SELECT gateway, epoch, lane, upto FROM progress"
                ).fetchall()
            except psycopg.Error:
                connection = None
                continue
            self._note(rows, seconds())

    def _note(self, rows: Sequence[tuple[str, str, str, int]], at_s: float) -> None:
        moved = False
        for gateway, epoch, lane, upto in rows:
            times, numbers = self.looks[gateway, epoch, lane]
            if not numbers or upto > numbers[-1]:
                times.append(at_s)
                numbers.append(upto)
                moved = True
        if moved:
            self.moved_s.append(at_s)


def wrote_by(gateways: Iterable[Child]) -> Iterator[tuple[str, float, str, str, int]]:
    """Batches that gateways accepted: gateway, when, epoch, lane, last number."""
    for gateway in gateways:
        for line in gateway.said():
            if line.startswith("wrote "):
                _, at_s, epoch, lane, seq = line.split()
                yield gateway.name, float(at_s), epoch, lane, int(seq)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which so much of all lies; None of nothing.

    >>> percentile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def outside(
    delays: Iterable[tuple[float, float]], times: Sequence[tuple[float, float]]
) -> list[float]:
    """Delays of what was accepted outside all (from, to)."""
    return [d for at, d in delays if not any(a <= at <= b for a, b in times)]


def every(seconds_s: float, times: int, act: Callable[[int], None]) -> None:
    """Do something so many times, so far apart."""
    pause = threading.Event()
    begin_s = seconds()
    for number in range(times):
        pause.wait(max(0.0, begin_s + (number + 1) * seconds_s - seconds()))
        act(number)
