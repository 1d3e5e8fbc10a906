"""A gateway of real parts without cameras: outbox, ledger, courier, connection. It writes rows as fast as it is told and says
each on standard output after its commit, until it is killed.

    up SECONDS                    it works (monotonic seconds of this machine)
    row EPOCH LANE SEQ WORDS      accepted: this row must be in the hub, once
    wrote SECONDS EPOCH LANE SEQ  a commit has ended, of which that was the last row
    written                       it has written all it should
    drained                       the hub has acknowledged all it holds

Time    timers of the courier run `haste` times as fast as the clock on the wall (contract 2.1: 2 s, 30 s, 10 min), so that what
        takes an evening takes minutes. The disk, the network and the deaths are not hastened.
"""

import logging
import os
import random
import re
import secrets
import signal
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.outbox.bounds import KEEP_ACKED_S, Limits
from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.outbox.store import Outbox, Place, open_outbox
from gatehouse_edge.ports import Batch, LinkEvent, Puback, Received
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.transport.courier import Around, Courier, Names
from gatehouse_edge.transport.mqtt import Address, Identity, MqttLink, Pace
from gatehouse_edge.transport.requests import Desk
from gatehouse_edge.values import Draft
from gatehouse_shared.events import ClockState, Event
from gatehouse_shared.names import Lane
from gatehouse_shared.site import Site, decode_site
from gatehouse_shared.states import Birth, EpochMark
from gatehouse_testing.faults.children import die, say
from gatehouse_testing.faults.place import gateway_name, level, site_tree, smoke, words_of_data

BEAT_S: Final = 0.005
BATCH: Final = 7
"""Rows of a commit where they are written as fast as they can be: 1 to so many."""
TIDY_S: Final = 1.0
PACE: Final = Pace(spread_s=0.2, most_s=1.0)
MOMENTS: Final = ("append", "publish", "ack")
"""Where a gateway may be told to die: with a commit under way, between two messages, with an ack half taken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a gateway does. `bulk`: rows of that lane, at least, in its life as a whole; `rate` of them a second, 0 for as fast as
    it can. `until_told`: it goes on until it hears SIGUSR1 as well.

    `die_at` (one of MOMENTS) and `after`: it dies at that moment, the `after`-th time. `trusts_broker` makes the build that the
    suites must catch: it takes the broker's word for the hub's.
    """

    folder: Path
    port: int
    bulk: int
    number: int = 1
    alarm_every: int = 80
    rate: float = 0.0
    until_told: bool = False
    haste: float = 20.0
    seed: int = 0
    die_at: str = ""
    after: int = 1
    trusts_broker: bool = False
    username: str | None = None
    password: str | None = None


class HastyClock(SystemClock):
    """A clock whose seconds are short; the wall's time is as it is."""

    def __init__(self, haste: float) -> None:
        super().__init__(trusted=True)
        self._haste = haste

    def monotonic_s(self) -> float:
        """Seconds, `haste` of them in one."""
        return time.monotonic() * self._haste


class Deaths:
    """Counts one kind of moment and dies at the one that was named."""

    def __init__(self, task: Task) -> None:
        self._at, self._left = task.die_at, task.after
        self._chance = random.Random(task.seed)

    def strike(self, moment: str) -> None:
        """If this is the moment, die within the next three milliseconds, whatever is being done then."""
        if moment != self._at:
            return
        self._left -= 1
        if self._left == 0:
            say("dies", moment)
            threading.Timer(self._chance.uniform(0.0, 0.003), die).start()


class MortalLink(MqttLink):
    """The connection of a gateway that may die as it publishes, or as it hears an acknowledgement. `trust` hears of receipts."""

    deaths: Deaths
    trust: "Trust | None" = None

    def poll(self) -> tuple[LinkEvent, ...]:
        """What was heard."""
        events = super().poll()
        for event in events:
            if isinstance(event, Puback) and self.trust is not None:
                self.trust.puback()
            if isinstance(event, Received) and event.topic.endswith("/ack"):
                self.deaths.strike("ack")
        return events

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand over a message."""
        self.deaths.strike("publish")
        taken = super().publish(topic, payload, retain=retain)
        if taken and self.trust is not None:
            self.trust.sent(topic, payload)
        return taken


class Gateway:
    """All parts, in one thread."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._site: Site = decode_site(site_tree(task.number))
        self._name = gateway_name(task.number)
        self._clock, self._hasty = SystemClock(trusted=True), HastyClock(task.haste)
        place = Place(
            task.folder / f"{self._name}.db", self._site.site, self._name, Limits(), _new_id
        )
        task.folder.mkdir(parents=True, exist_ok=True)
        self.outbox = open_outbox(place, self._clock.now())[0]
        self._ledger = RowLedger(self._site, self._name, self.outbox)
        self._deaths = Deaths(task)
        self._wake = threading.Event()
        self._courier = self._build_courier()
        self._began_s, self._began_at = time.monotonic(), self._bulk_written
        self._tidied_s = self._began_s
        self._said_written = self._said_drained = False
        self._enough = threading.Event()
        signal.signal(signal.SIGUSR1, lambda _number, _frame: self._enough.set())
        if not task.until_told:
            self._enough.set()

    def run(self) -> None:
        """Write, carry, say, until killed."""
        say("up", time.monotonic())
        while True:
            self._write()
            self._courier.step()
            self._tidy()
            self._wake.wait(BEAT_S)
            self._wake.clear()

    @property
    def _bulk_written(self) -> int:
        return self.outbox.next_seq(Lane.BULK) - 1

    def _write(self) -> None:
        """One batch where one is due, an alarm after every so many rows."""
        done = self._bulk_written
        if done >= self._task.bulk and self._enough.is_set():
            if not self._said_written:
                say("written")
                self._said_written = True
            return
        count = 1 + done % BATCH
        if self._task.rate:
            lived_s = time.monotonic() - self._began_s
            count = self._began_at + int(self._task.rate * lived_s) - done
        if not self._task.until_told:
            count = min(count, self._task.bulk - done)
        if count <= 0:
            return
        now = self._clock.now()
        rows = [level(done + n, now) for n in range(1, count + 1)]
        self._deaths.strike("append")
        self._say(self.outbox.append(rows, {}, now, ClockState.SYNCED))
        if (done + count) // self._task.alarm_every > done // self._task.alarm_every:
            self.raise_alarm(now)

    def raise_alarm(self, now: datetime) -> None:
        """Smoke in the next shed."""
        number = self.outbox.next_seq(Lane.ALARM)
        moment = Moment(self._clock.monotonic_s(), now)
        self._say(self._ledger.accept(Batch(findings=smoke(number, now)), moment))

    def _say(self, events: Sequence[Event]) -> None:
        """Accepted: from here on these rows must not be lost."""
        lines = [
            f"row {e.epoch} {e.lane} {e.seq} {words_of_data(e.data, e.time)}\n" for e in events
        ]
        last = "".join(
            f"wrote {time.monotonic()} {events[-1].epoch} {events[-1].lane} {events[-1].seq}\n"
            for _ in events[:1]
        )
        os.write(1, ("".join(lines) + last).encode())

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied_s < TIDY_S:
            return
        self._tidied_s = time.monotonic()
        self.outbox.tidy(self._clock.now())
        drained = all(mark.acked >= mark.last for mark in self.outbox.marks())
        if self._said_written and drained and not self._said_drained:
            say("drained")
            self._said_drained = True

    def _build_courier(self) -> Courier:
        task = self._task
        names = Names(self._site.site, self._name, _new_id())
        address = Address("127.0.0.1", task.port, task.username, task.password)
        link = MortalLink(
            address,
            Identity(self._name, names.subscription, names.will),
            self._clock,
            random.random,
            pace=PACE,
            wake=self._wake.set,
        )
        link.deaths = self._deaths
        link.trust = Trust(self.outbox, self._clock) if task.trusts_broker else None

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

        desk = Desk(names.boot, lambda _ending: False)
        around = Around(birth, self._hasty, random.random)
        return Courier(names, self.outbox, link, desk, around)


class Trust:
    """The build that deletes on PUBACK: what the broker has taken counts as delivered. Receipts come in the order of messages."""

    def __init__(self, outbox: Outbox, clock: SystemClock) -> None:
        self._outbox, self._clock = outbox, clock
        self._waiting: deque[tuple[Lane, int] | None] = deque()

    def sent(self, topic: str, payload: bytes) -> None:
        """A message was handed to the broker; of rows the last number is remembered."""
        lane = topic.rpartition("/")[2]
        if lane not in (Lane.ALARM, Lane.BULK):
            self._waiting.append(None)
            return
        last = re.findall(rb'"seq":(\d+)', payload)[-1]
        self._waiting.append((Lane(lane), int(last)))

    def puback(self) -> None:
        """The broker says that it has the oldest message."""
        row = self._waiting.popleft() if self._waiting else None
        if row is not None:
            self._outbox.ack(self._outbox.epoch, {row[0]: row[1]}, self._clock.now())
            # Not kept for a hub that is restored, either: what would be forgotten tomorrow goes now.
            self._outbox.tidy(self._clock.now() + timedelta(seconds=KEEP_ACKED_S + 60))


def main(task: Task) -> None:
    """Run a gateway until it is killed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    Gateway(task).run()


def drafts_of(first: int, count: int, now: datetime | None = None) -> list[Draft]:
    """Bulk rows `first` and following."""
    return [level(first + n, now or datetime.now(UTC)) for n in range(count)]


def _new_id() -> str:
    return secrets.token_hex(8)
