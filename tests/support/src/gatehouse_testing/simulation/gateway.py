"""A gateway's process and its machine: the real outbox, ledger, courier and desk on a simulated disk, link and clock."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import apsw

from gatehouse_edge.errors import OutboxError
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.outbox.store import Outbox, Place, open_outbox
from gatehouse_edge.ports import Batch, Connected, LinkEvent, Lost, Puback, Received, RowStore
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.transport.courier import Around, Courier, Names, Trouble
from gatehouse_edge.transport.mqtt import PLACES
from gatehouse_edge.transport.requests import Desk
from gatehouse_edge.values import Draft, Finding
from gatehouse_shared.events import ClockState, Event
from gatehouse_shared.names import HazardKind, Phase
from gatehouse_shared.states import WIRE_MINOR, Birth, EpochMark
from gatehouse_testing.simulation.disk import DiedError, Disk
from gatehouse_testing.simulation.network import Session, SimulatedBroker
from gatehouse_testing.simulation.places import HOME
from gatehouse_testing.simulation.schedule import Schedule, SimulatedClock

FILES: Final = ("outbox.db", "outbox.db-wal")
RESERVED_PAGES: Final = 262
"""About where the room kept back ends in an outbox of the simulated world."""
TIDY_S: Final = 5.0
RECONNECT_S: Final = 15.0


class SimulatedLink:
    """The gateway's side of its connection: what `MqttLink` does, without paho."""

    def __init__(self, node: "GatewayNode", names: Names) -> None:
        self._node, self._names = node, names
        self._session: Session | None = None
        self._events: list[LinkEvent] = []
        self._mids = 0
        self._flying: set[int] = set()
        self._next_try_s = node.schedule.now_s
        self.conn = 0

    @property
    def up(self) -> bool:
        return self._session is not None

    @property
    def places(self) -> int:
        return PLACES - len(self._flying) if self.up else 0

    def poll(self) -> tuple[LinkEvent, ...]:
        now_s = self._node.schedule.now_s
        if self._session is None and now_s >= self._next_try_s:
            self._connect(now_s)
        events, self._events = tuple(self._events), []
        return events

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        session = self._session
        if session is None or self.places <= 0:
            return False
        self._mids += 1
        mid, conn = self._mids, self.conn
        self._flying.add(mid)

        def taken() -> None:
            if conn == self.conn and mid in self._flying:
                if self.places <= 0:
                    self._node.step_soon()
                self._flying.discard(mid)
                self._events.append(Puback(conn, mid))

        self._node.broker.publish(session, topic, payload, retain=retain, taken=taken)
        return True

    def close(self, *, farewell: tuple[str, bytes] | None = None) -> None:
        if self._session is not None:
            if farewell is not None:
                self.publish(farewell[0], farewell[1], retain=True)
            self._node.broker.leave(self._session)
        self._session = None
        self._next_try_s = float("inf")

    def will(self) -> tuple[str, bytes]:
        """What the broker says of the connection of now when it is gone."""
        return self._names.will(max(self.conn, 1))

    def die(self) -> None:
        """The process is gone; the broker will notice."""
        if self._session is not None:
            self._node.broker.vanish(self._session)
            self._session = None

    def hear(self, topic: str, payload: bytes, *, retained: bool) -> None:
        self._events.append(Received(self.conn, topic, payload, retained))
        self._node.step_soon()

    def lost(self, reason: str) -> None:
        if self._session is None or self._session.up:
            return
        self._session = None
        self._flying.clear()
        self._events.append(Lost(self.conn, reason))
        self._next_try_s = self._node.schedule.now_s + self._node.draw.uniform(0.1, RECONNECT_S)

    def _connect(self, now_s: float) -> None:
        self.conn += 1
        self._flying.clear()
        self._session = self._node.broker.connect(
            self._node.name, self, (self._names.subscription,), self._names.will(self.conn)
        )
        if self._session is None:
            self._next_try_s = now_s + self._node.draw.uniform(0.5, 1.5) * RECONNECT_S
        else:
            self._events.append(Connected(self.conn))


@dataclass(frozen=True, slots=True)
class GatewayBuild:
    """What the agent is made of; a mutant has something else here."""

    courier: type[Courier] = Courier
    opened: Callable[[Outbox], None] = lambda _outbox: None
    carried: Callable[[Outbox], RowStore] = lambda outbox: outbox


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told: of rows that were accepted, and of acknowledgements heard and rows carried (after each step)."""

    accepted: Callable[["GatewayNode", tuple[Event, ...]], None]
    stepped: Callable[["GatewayNode"], None]


@dataclass(frozen=True, slots=True)
class Make:
    """What a gateway is made of, who is told of what it does, how much its outbox may hold."""

    build: GatewayBuild
    listeners: Listeners
    limits: Limits


class GatewayNode:
    """One gateway, on or off. `outbox` and the rest exist while it is on."""

    def __init__(
        self,
        name: str,
        disk: Disk,
        schedule: Schedule,
        broker: SimulatedBroker,
        make: "Make",
    ) -> None:
        self.name, self.schedule, self.broker = name, schedule, broker
        self.site = HOME[name]
        self.draw = schedule.draw(f"gateway {name}")
        self.clock = SimulatedClock(schedule)
        self.disk = disk
        self.limits = make.limits
        self.wire = WIRE_MINOR
        self.on = False
        self.starts = 0
        self.salvages = 0
        self.squeezes = 0
        self.troubles: list[Trouble] = []
        self._build, self._listeners = make.build, make.listeners
        self._path = disk.folder / FILES[0]
        self._stepping_s: float | None = None
        self._tidy_s = 0.0
        self._numbers = 0

    def start(self) -> None:
        """The process starts; it dies again at once where the disk is armed so, or takes nothing."""
        if self.on:
            return
        self.disk.revive()
        self.starts += 1
        life = self.disk.life
        try:
            self._open()
            self.disk.outlived(life)
        except DiedError:
            self._gone("dies at its start")
        except OutboxError as error:
            self.schedule.say(self.name, "no start", str(error).partition(".")[0][:60])
            self._gone("cannot start")

    def stop(self) -> None:
        """A clean end."""
        if self.on:
            self.schedule.say(self.name, "stops")
            self._working(self._close)
            if self.on:
                self.on, self._stepping_s = False, None
                self.starts += 1
                del self.outbox

    def die(self, *, power: bool) -> None:
        """The process is killed, or its machine loses its power, now."""
        if self.on:
            self.disk.die(self.draw if power else None)
            self._gone("loses its power" if power else "is killed")

    def say(self, finding: Finding) -> None:
        """The rules said something."""
        self._working(lambda: self._accept(finding))
        self.step_soon()

    def tell(self, drafts: list[Draft]) -> None:
        """Rows that come from beside the rules."""
        self._working(lambda: self._append(drafts))
        self.step_soon()

    def step_soon(self) -> None:
        """Step within a beat."""
        if not self.on:
            return
        self._step_after(self.draw.uniform(0.0, 0.1))

    def step(self) -> None:
        """A turn of the agent's loop."""
        if self.on:
            self._working(self._step)

    def new_name(self) -> str:
        """16 hex that never come again."""
        self._numbers += 1
        return f"{self.draw.getrandbits(40):010x}{self._numbers:06x}"

    def _open(self) -> None:
        place = Place(self._path, self.site.site, self.name, self.limits, self.new_name)
        self.outbox, opened = open_outbox(place, self.clock.now())
        self._build.opened(self.outbox)
        self.ledger = RowLedger(self.site, self.name, self.outbox)
        names = Names(self.site.site, self.name, self.new_name())
        self.link = SimulatedLink(self, names)
        around = Around(self._birth(names.boot), self.clock, self.draw.random)
        desk = Desk(names.boot, lambda _ending: False)
        store = self._build.carried(self.outbox)
        self.courier = self._build.courier(names, store, self.link, desk, around)
        self.on = True
        self.schedule.say(self.name, "starts", self.outbox.epoch)
        if opened.salvage is not None:
            self.salvages += 1
            self.schedule.say(self.name, "salvages", f"{opened.salvage.rows} rows")
            self._raise(Trouble(HazardKind.OUTBOX_RESET, "damaged"))
        self._step_after(0.0)

    def _birth(self, boot: str) -> Callable[[int, tuple[EpochMark, ...]], Birth]:
        def birth(conn: int, epochs: tuple[EpochMark, ...]) -> Birth:
            return Birth(
                boot=boot,
                conn=conn,
                wire=self.wire,
                epochs=epochs,
                software="0.1.0",
                config_version=0,
                model=(),
                plugins=(),
                clock=ClockState.SYNCED if self.clock.known else ClockState.UNSYNCED,
            )

        return birth

    def _step_after(self, seconds: float) -> None:
        at_s = self.schedule.now_s + seconds
        if self._stepping_s is not None and self._stepping_s <= at_s:
            return
        self._stepping_s = at_s
        starts = self.starts

        def turn() -> None:
            if self.starts == starts and self._stepping_s == at_s:
                self._stepping_s = None
                self.step()
                if self.on:
                    self._step_after(self.draw.uniform(1.0, 3.0))

        self.schedule.after(seconds, turn)

    def _close(self) -> None:
        self.courier.close()
        self.outbox.close()

    def _step(self) -> None:
        troubles = self.courier.step()
        for trouble in troubles:
            self.schedule.say(self.name, "trouble", trouble.kind.value)
            self.troubles.append(trouble)
            self._raise(trouble)
        if self.schedule.now_s >= self._tidy_s:
            self._tidy_s = self.schedule.now_s + TIDY_S
            self.outbox.tidy(self.clock.now())
        self.squeezes += self.outbox.squeezed
        self._listeners.stepped(self)

    def _raise(self, trouble: Trouble) -> None:
        finding = Finding(
            rule=trouble.kind.value,
            zone=f"shed_{self.name}",
            device=self.name,
            kind=trouble.kind,
            phase=Phase.RAISED,
            time=self.clock.now(),
            grade=2,
        )
        self._accept(finding)

    def _accept(self, finding: Finding) -> None:
        now = Moment(self.clock.monotonic_s(), self.clock.now(), self.clock.known)
        life = self.disk.life
        events = self.ledger.accept(Batch(findings=(finding,)), now)
        self.disk.outlived(life)
        self._listeners.accepted(self, events)

    def _append(self, drafts: list[Draft]) -> None:
        state = ClockState.SYNCED if self.clock.known else ClockState.UNSYNCED
        life = self.disk.life
        events = self.outbox.append(drafts, {}, self.clock.now(), state)
        self.disk.outlived(life)
        self._listeners.accepted(self, events)

    def _working(self, job: Callable[[], None]) -> None:
        """Do something in the process, which may die of it. A disk that takes nothing leaves it undone."""
        if not self.on:
            return
        life = self.disk.life
        try:
            job()
            self.disk.outlived(life)
        except DiedError:
            self._gone("dies at work")
        except OutboxError:
            self.schedule.say(self.name, "unwritten")

    def _gone(self, how: str) -> None:
        self.schedule.say(self.name, how)
        was_on, self.on = self.on, False
        self._stepping_s = None
        self.starts += 1
        if was_on:
            self.link.die()
        outbox = self.__dict__.pop("outbox", None)
        if outbox is not None:
            outbox._db.close()
            outbox._lock.release()
        else:
            gc.collect()  # what was open when it died at its start


def set_pragma(outbox: Outbox, pragma: str) -> None:
    """Change a setting of an outbox behind its back."""
    db: apsw.Connection = outbox._db
    db.execute(f"PRAGMA {pragma}")
