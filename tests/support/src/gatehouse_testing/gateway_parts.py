"""Parts of a gateway for tests: a small site, an outbox in a folder, a link that the test holds in its hand, a courier over
both.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatehouse_edge.clock import FixedClock
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.outbox.store import Outbox, Place, open_outbox
from gatehouse_edge.ports import Connected, LinkEvent, Lost, Puback, Received
from gatehouse_edge.transport.courier import Around, Courier, Names, Trouble
from gatehouse_edge.transport.requests import Desk, Ending
from gatehouse_edge.values import Draft, Finding
from gatehouse_shared.events import ClockState, ReadingData
from gatehouse_shared.names import HazardKind, Lane, Phase, Quantity
from gatehouse_shared.site import Site, decode_site
from gatehouse_shared.states import Birth, EpochMark

START = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
PLACES = 50


def small_site(rules: int = 20) -> Site:
    """A shed with a smoke sensor, `rules` rules on it, a gas meter and a button, all of gw_1."""
    return decode_site(
        {
            "site": "riverside",
            "name": {"en": "Riverside"},
            "time_zone": "Asia/Shanghai",
            "zones": [
                {
                    "id": "shed_2",
                    "name": {"en": "Shed 2"},
                    "kind": "shed",
                    "serves": "shared",
                    "polygon": [[0, 0], [10, 0], [10, 5], [0, 5]],
                }
            ],
            "devices": [
                {
                    "id": "smoke_1",
                    "kind": "smoke",
                    "zone": "shed_2",
                    "at": [5, 2],
                    "gateway": "gw_1",
                },
                {"id": "gas_1", "kind": "gas", "zone": "shed_2", "at": [5, 3], "gateway": "gw_1"},
                {
                    "id": "button_1",
                    "kind": "button",
                    "zone": "shed_2",
                    "at": [1, 1],
                    "gateway": "gw_1",
                },
            ],
        }
    )


def smoke(number: int | str, time: datetime, phase: Phase = Phase.RAISED) -> Finding:
    """A finding of rule `smoke_{number}`."""
    return Finding(
        rule=f"smoke_{number}",
        zone="shed_2",
        device="smoke_1",
        kind=HazardKind.FIRE_SMOKE,
        phase=phase,
        time=time,
    )


def gas(value: int, time: datetime) -> Draft:
    """A bulk row."""
    data = ReadingData(device="gas_1", quantity=Quantity.GAS, value=value % 100)
    return Draft(Lane.BULK, time, data)


def epochs() -> "itertools.count[int]":
    """Numbers of which to make epochs and boots."""
    return itertools.count(1)


def open_in(
    folder: Path,
    numbers: Iterator[int],
    limits: Limits | None = None,
    now: datetime = START,
) -> Outbox:
    """The outbox in a folder, new or as it was left."""
    place = Place(
        folder / "outbox.db",
        "riverside",
        "gw_1",
        limits or Limits(),
        lambda: f"{next(numbers):016x}",
    )
    return open_outbox(place, now)[0]


class HandLink:
    """A Link whose other end is the test: `out` holds what was published, `hear` brings a message in."""

    def __init__(self) -> None:
        self.conn, self.up = 0, False
        self.out: deque[tuple[str, bytes]] = deque()
        self.flying = 0
        self._events: deque[LinkEvent] = deque()

    @property
    def places(self) -> int:
        return PLACES - self.flying if self.up else 0

    def poll(self) -> tuple[LinkEvent, ...]:
        events = tuple(self._events)
        self._events.clear()
        return events

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        if self.places <= 0:
            return False
        self.flying += 1
        self.out.append((topic, payload))
        return True

    def close(self, *, farewell: tuple[str, bytes] | None = None) -> None:
        self.up = False

    def connect(self) -> None:
        self.conn += 1
        self.up, self.flying = True, 0
        self._events.append(Connected(self.conn))

    def lose(self) -> None:
        """The connection breaks; what was on its way is gone."""
        self.up = False
        self.out.clear()
        self._events.clear()
        self._events.append(Lost(self.conn, "the test pulled the plug"))

    def hear(self, topic: str, payload: bytes) -> None:
        self._events.append(Received(self.conn, topic, payload, False))

    def puback_all(self) -> None:
        """The broker takes everything, and that proves nothing."""
        self._events.append(Puback(self.conn, 0))
        self.flying = 0


@dataclass
class Gateway:
    """Ledger, outbox and courier of gw_1 in a folder. `chance` is always one half."""

    folder: Path
    numbers: "itertools.count[int]" = field(default_factory=epochs)
    limits: Limits | None = None
    clock: FixedClock = field(default_factory=lambda: FixedClock(START))
    link: HandLink = field(default_factory=HandLink)
    troubles: list[Trouble] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A process start."""
        self.outbox = open_in(self.folder, self.numbers, self.limits, self.clock.now())
        self.ledger = RowLedger(small_site(), "gw_1", self.outbox)
        self.link = HandLink()
        names = Names("riverside", "gw_1", f"{next(self.numbers):016x}")
        around = Around(self._birth(names.boot), self.clock, lambda: 0.5)
        desk = Desk(names.boot, lambda ending: self.endings.append(ending) is None)
        self.courier = Courier(names, self.outbox, self.link, desk, around)

    def stop(self) -> None:
        """A clean end."""
        self.outbox.close()

    def step(self) -> None:
        """One turn of the loop."""
        self.troubles += self.courier.step()

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.at += seconds
        self.clock.time += timedelta(seconds=seconds)

    def append_bulk(self, count: int) -> None:
        """So many readings."""
        drafts = [gas(n, self.clock.now()) for n in range(count)]
        self.outbox.append(drafts, {}, self.clock.now(), ClockState.SYNCED)

    def _birth(self, boot: str):
        def birth(conn: int, said: tuple[EpochMark, ...]) -> Birth:
            return Birth(
                boot=boot,
                conn=conn,
                wire=0,
                epochs=said,
                software="0.1.0",
                config_version=0,
                model=(),
                plugins=(),
                clock=ClockState.SYNCED,
            )

        return birth
