"""An alarm behind a week of bulk: how long until it is acknowledged once there is a connection again (requirement 1.7).

The bulk fills the outbox before; every run is a reconnection of the same gateway, with as many rows waiting and one new alarm.
"""

import contextlib
import random
import secrets
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.outbox.store import Outbox, Place, open_outbox
from gatehouse_edge.ports import Batch
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.transport.courier import Around, Courier, Names
from gatehouse_edge.transport.mqtt import Address, Identity, MqttLink, Pace
from gatehouse_edge.transport.requests import Desk
from gatehouse_shared.events import ClockState
from gatehouse_shared.names import Lane
from gatehouse_shared.site import decode_site
from gatehouse_shared.states import Birth, EpochMark
from gatehouse_testing.faults.place import gateway_name, level, site_name, site_tree, smoke
from gatehouse_testing.faults.yard import Yard

STEP: Final = 1_000
BEAT_S: Final = 0.01
ACKED_S: Final = 60.0
QUICK: Final = Pace(spread_s=0.1, most_s=1.0)


@dataclass(frozen=True, slots=True, order=True)
class FirstAlarm:
    """Seconds from the connection to the alarm's acknowledgement, and how much bulk still waited then."""

    took_s: float
    bulk_waiting: int


@dataclass
class Backlog:
    """The outbox of gateway 1 of a yard; every timer as shipped."""

    yard: Yard

    def __post_init__(self) -> None:
        place = Place(
            self.yard.folder / "backlog.db",
            site_name(1),
            gateway_name(1),
            Limits(),
            lambda: secrets.token_hex(8),
        )
        self._outbox: Outbox = open_outbox(place, datetime.now(UTC))[0]
        self._ledger = RowLedger(decode_site(site_tree(1)), gateway_name(1), self._outbox)
        self._clock = SystemClock(trusted=True)

    def fill(self, rows: int) -> None:
        """Write bulk until so many rows wait."""
        while (missing := rows - self._outbox.load.bulk_rows) > 0:
            first, now = self._outbox.next_seq(Lane.BULK), self._clock.now()
            drafts = [level(first + n, now) for n in range(min(STEP, missing))]
            self._outbox.append(drafts, {}, now, ClockState.SYNCED)

    def first_alarm(self) -> FirstAlarm:
        """Raise an alarm, connect, and wait for its acknowledgement."""
        now = self._clock.now()
        number = self._outbox.next_seq(Lane.ALARM)
        moment = Moment(self._clock.monotonic_s(), now)
        self._ledger.accept(Batch(findings=smoke(number, now)), moment)
        with self._courier() as (courier, link):
            pause, up_s = threading.Event(), None
            began_s = time.monotonic()
            while time.monotonic() - began_s < ACKED_S:
                courier.step()
                up_s = time.monotonic() if up_s is None and link.up else up_s
                if up_s is not None and self._is_acked(number):
                    return FirstAlarm(time.monotonic() - up_s, self._outbox.load.bulk_rows)
                pause.wait(BEAT_S)
        raise AssertionError(f"the alarm was not acknowledged within {ACKED_S:g} s")

    def close(self) -> None:
        """Let go of the file."""
        self._outbox.close()

    def _is_acked(self, number: int) -> bool:
        return any(m.acked >= number for m in self._outbox.marks() if m.lane is Lane.ALARM)

    @contextlib.contextmanager
    def _courier(self) -> Generator[tuple[Courier, MqttLink]]:
        names = Names(site_name(1), gateway_name(1), secrets.token_hex(8))
        link = MqttLink(
            Address("127.0.0.1", self.yard.broker.port),
            Identity(names.gateway, names.subscription, names.will),
            self._clock,
            random.random,
            pace=QUICK,
        )

        def birth(conn: int, epochs: tuple[EpochMark, ...]) -> Birth:
            return Birth(
                boot=names.boot,
                conn=conn,
                wire=0,
                epochs=epochs,
                software="0.1.0",
                config_version=0,
                model=(),
                plugins=(),
                clock=ClockState.SYNCED,
            )

        around = Around(birth, self._clock, random.random)
        courier = Courier(names, self._outbox, link, Desk(names.boot, lambda _: False), around)
        try:
            yield courier, link
        finally:
            courier.close()


def first_alarms(yard: Yard, rows: int, runs: int) -> list[FirstAlarm]:
    """So many runs, quickest first; before each, `rows` rows of bulk wait."""
    yard.start_hub()
    with contextlib.closing(Backlog(yard)) as backlog:
        found: list[FirstAlarm] = []
        for _ in range(runs):
            backlog.fill(rows)
            found.append(backlog.first_alarm())
    return sorted(found)
