"""The hub's process and its machine: real ingest, keeper, store and linker, on a simulated disk, clock and broker connection."""

import gc
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from unittest import mock

from gatehouse_hub.flows.link_loop import LinkLoop
from gatehouse_hub.ingest.inbox import Arrival
from gatehouse_hub.ingest.keeper import IngestParts
from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.ports import Database
from gatehouse_hub.store import sites
from gatehouse_hub.store.database import open_database
from gatehouse_shared.instants import to_ms
from gatehouse_shared.topics import hub_subscriptions
from gatehouse_testing.building import START
from gatehouse_testing.hub_parts import Bench, RememberingBroker
from gatehouse_testing.simulation.disk import DiedError, Disk
from gatehouse_testing.simulation.network import Session, SimulatedBroker
from gatehouse_testing.simulation.places import SITES
from gatehouse_testing.simulation.schedule import Schedule, SimulatedClock

FILES: Final = ("hub.db", "hub.db-wal")
NAME: Final = "hub"
TICK_S: Final = 1.0
LOOK_S: Final = 3.0
"""How often the linker looks for work that nobody woke it for."""


@dataclass(frozen=True, slots=True)
class HubBuild:
    """What the hub is made of; a mutant has something else here. `opened` may change the database, or stand before it."""

    worker: type[IngestWorker] = IngestWorker
    opened: Callable[[Database], Database] = lambda database: database


class _Publisher(RememberingBroker):
    """The hub's word, on its way to the broker; the hub may die with it on its lips."""

    def __init__(self, node: "HubNode") -> None:
        super().__init__()
        self._node = node

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        return self._node.publish(topic, payload, retain=retain)


@dataclass(slots=True)
class _Bench(Bench):
    connected: Callable[[], float | None] = lambda: None

    def parts(self) -> IngestParts:
        # Not super(): a dataclass with slots is made anew, and the old one is not its own base.
        return replace(Bench.parts(self), connected_s=self.connected)


class HubNode:
    """The hub, on or off. `database`, `worker` and `linker` exist while it is on.

    `on_publish` sees each message before it goes. `die_before_ack` kills the hub between a commit and its ack, `die_before_turn`
    between the ack and the linker's turn.
    """

    def __init__(
        self,
        disk: Disk,
        schedule: Schedule,
        broker: SimulatedBroker,
        build: HubBuild,
        on_publish: Callable[[str, bytes], None],
    ) -> None:
        self.schedule, self._broker, self._build = schedule, broker, build
        self.draw = schedule.draw(NAME)
        self.clock = SimulatedClock(schedule)
        self.disk = disk
        self.on = False
        self.die_before_ack = False
        self.die_before_turn = False
        self.restores = 0
        self.link_failures = 0
        self._on_publish = on_publish
        self._starts = 0
        self._session: Session | None = None
        self._connected_s: float | None = None
        self._stepping_s: float | None = None
        self._linking = False
        self._looked_s = 0.0
        self._woken = 0

    def start(self) -> None:
        """The process starts."""
        if self.on:
            return
        self.disk.revive()
        self._starts += 1
        try:
            self._open()
        except DiedError:
            self._gone("dies at its start")

    def stop(self) -> None:
        """A clean end."""
        if self.on:
            self.schedule.say(NAME, "stops")
            self.on = False
            self._starts += 1
            self._leave()
            self._bench.database.close()

    def die(self, *, power: bool) -> None:
        """Killed, or without power, now."""
        if self.on:
            self.disk.die(self.draw if power else None)
            self._gone("loses its power" if power else "is killed")

    def reconnect(self) -> None:
        """Connect to the broker as soon as it can be reached."""
        if not self.on or self._session is not None:
            return
        self._session = self._broker.connect(NAME, self, hub_subscriptions(), None)
        if self._session is None:
            starts = self._starts
            wait_s = self.draw.uniform(1.0, 5.0)
            self.schedule.after(wait_s, lambda: starts == self._starts and self.reconnect())
        else:
            self._connected_s = self.schedule.now_s

    def hear(self, topic: str, payload: bytes, *, retained: bool) -> None:
        if not self.on:
            return
        arrival = Arrival(
            topic=topic,
            payload=payload,
            retained=retained,
            arrived_ms=self.clock.now_ms,
            arrived_s=self.clock.monotonic_s(),
            size_bytes=len(payload),
        )
        self._bench.inbox.put(arrival, urgent=not topic.endswith("/bulk"))
        self._step_after(self.draw.uniform(0.0, 0.03))

    def lost(self, reason: str) -> None:
        if self._session is not None and not self._session.up:
            self._session, self._connected_s = None, None
            self.schedule.say(NAME, "disconnected", reason)
            self.reconnect()

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """What the hub says; False without a connection."""
        if self._session is None or not self._session.up:
            return False
        if self.die_before_ack and topic.endswith("/down/ack"):
            self.die_before_ack = False
            self.disk.die()
            raise DiedError("killed between commit and ack")
        self._on_publish(topic, payload)
        self._broker.publish(self._session, topic, payload, retain=retain, taken=lambda: None)
        return True

    @property
    def quiet(self) -> bool:
        """Whether it is on and nothing waits to be stored or linked."""
        return self.on and not self._bench.inbox.waiting() and not self._linking

    def _open(self) -> None:
        database = self._build.opened(
            open_database(f"sqlite:{self.disk.folder / FILES[0]}", self.clock)
        )
        self.database = database
        self._bench = _Bench(database, connected=lambda: self._connected_s)
        self._bench.clock = self.clock  # type: ignore[assignment]  # turned by the schedule, not by a test
        self._bench.broker = _Publisher(self)
        self.worker = self._bench.worker(self._build.worker)
        self.linker = LinkLoop(database, self.clock, self._bench.announcer, self._bench.metrics)
        self._woken = 0
        self.on = True
        self.schedule.say(NAME, "starts")
        self.reconnect()
        self._step_after(0.0)

    def _step_after(self, seconds: float) -> None:
        at_s = self.schedule.now_s + seconds
        if self._stepping_s is not None and self._stepping_s <= at_s:
            return
        self._stepping_s = at_s
        starts = self._starts

        def turn() -> None:
            if self._starts == starts and self._stepping_s == at_s:
                self._stepping_s = None
                self._working(self._step)
                if self.on:
                    self._step_after(TICK_S if not self._bench.inbox.waiting() else 0.01)

        self.schedule.after(seconds, turn)

    def _step(self) -> None:
        self.worker.step(0.0)
        now_s = self.schedule.now_s
        woken = self._bench.woken != self._woken
        if woken and self.die_before_turn:
            self.die_before_turn = False
            self.disk.die()
            raise DiedError("killed between ack and turn")
        if (woken or now_s >= self._looked_s + LOOK_S) and not self._linking:
            self._woken, self._looked_s, self._linking = self._bench.woken, now_s, True
            starts = self._starts
            self.schedule.after(
                self.draw.uniform(0.0, 0.3), lambda: starts == self._starts and self._link()
            )

    def _link(self) -> None:
        self._linking = False
        self._working(self._turns)

    def _turns(self) -> None:
        while self.linker.turn():
            pass
        self.link_failures += self._bench.metrics.counted.pop("link_failures", 0)

    def _working(self, job: Callable[[], None]) -> None:
        if not self.on:
            return
        life = self.disk.life
        try:
            job()
            self.disk.outlived(life)
        except DiedError as died:
            self._gone(f"dies: {died}")

    def _leave(self) -> None:
        if self._session is not None:
            self._broker.vanish(self._session)
        self._session, self._connected_s = None, None
        self._stepping_s, self._linking = None, False

    def _gone(self, how: str) -> None:
        self.schedule.say(NAME, how)
        was_on, self.on = self.on, False
        self._starts += 1
        self._leave()
        if was_on:
            self._bench.database.close()
        else:
            gc.collect()  # what was open when it died at its start


_MADE: dict[str, bytes] = {}


def made_hub(folder: Path, clock: SimulatedClock) -> None:
    """Put the database of a new hub that knows both sites into a folder. Made once a process, since every hub begins alike."""
    if not _MADE:
        # Its id is no seed's: the first world of a process would draw it, and the others would not.
        with mock.patch.object(secrets, "token_hex", return_value="c0ffee0123456789"):
            database = open_database(f"sqlite:{folder / FILES[0]}", clock)
        with database.transaction() as tx:
            for site in SITES:
                sites.add(tx, site, to_ms(START))
        database.close()
        _MADE[FILES[0]] = (folder / FILES[0]).read_bytes()
    (folder / FILES[0]).write_bytes(_MADE[FILES[0]])
