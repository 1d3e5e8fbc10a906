"""The ingest thread: takes what has come, stores it in one transaction, and only then says so.

    inbox -> open -> store (COMMIT) -> acks, nacks, listeners
                  -> keeper: presence, clock, requests

Group commit without linger: whatever waits when the last commit is done makes the next batch. A database that is away
costs nothing but time: the batch is tried again until it is stored, the inbox fills, the gateways keep their rows.

Bounds  BATCH_MESSAGES messages or BATCH_BYTES bytes a transaction.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from gatehouse_hub.errors import StoreError, StoreUnavailableError
from gatehouse_hub.ingest import storing
from gatehouse_hub.ingest.acks import AckBook
from gatehouse_hub.ingest.inbox import Arrival
from gatehouse_hub.ingest.keeper import GatewayKeeper, IngestParts
from gatehouse_hub.ingest.late_alarms import LateAlarms, looks_late
from gatehouse_hub.ingest.opening import AnswerCame, Opened, StateCame, open_arrival
from gatehouse_hub.ingest.storing import Letter, Outcome, ReturnedLetter
from gatehouse_hub.ports import Changed
from gatehouse_hub.store import requests
from gatehouse_shared.commands import Ack, Response, TimeResponse
from gatehouse_shared.instants import format_instant
from gatehouse_shared.states import Birth

BATCH_MESSAGES: Final = 500
BATCH_BYTES: Final = 1024 * 1024
IDLE_S: Final = 0.25
RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Batch:
    """What a round writes."""

    letters: list[Letter] = field(default_factory=list[Letter])
    returned: list[ReturnedLetter] = field(default_factory=list[ReturnedLetter])
    births: list[tuple[str, Birth]] = field(default_factory=list[tuple[str, Birth]])
    responses: list[tuple[str, Response]] = field(default_factory=list[tuple[str, Response]])

    def __len__(self) -> int:
        return len(self.letters) + len(self.returned) + len(self.births) + len(self.responses)

    def halve(self) -> "tuple[Batch, Batch]":
        """Two batches with half of each kind; of two or more parts neither gets all."""
        a = len(self.letters) // 2
        # Where one kind is odd its greater half goes one way, where another is, the other way.
        b = (len(self.returned) + len(self.letters) % 2) // 2
        c = (len(self.births) + (len(self.letters) + len(self.returned)) % 2) // 2
        d = (len(self) // 2) - a - b - c
        return (
            Batch(self.letters[:a], self.returned[:b], self.births[:c], self.responses[:d]),
            Batch(self.letters[a:], self.returned[b:], self.births[c:], self.responses[d:]),
        )


class IngestWorker:
    """One thread's work. `run` until `stop`; `step` does one round, for tests."""

    def __init__(self, parts: IngestParts) -> None:
        self._parts = parts
        self._keeper = GatewayKeeper(parts)
        self._acks = AckBook()
        self._late = LateAlarms()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until stopped. A database that is away at the start or between rounds is waited for."""
        away = False
        while not self._stopping.is_set():
            try:
                self.step()
            except StoreUnavailableError as error:
                if not away:
                    _log.warning("the database is away: %s", error)
                away = True
                self._stopping.wait(RETRY_S[-1])
            else:
                if away:
                    _log.warning("the database is back")
                away = False
        try:
            self._keeper.end()
        except StoreError as error:
            _log.warning("the shards of this worker are free only when its leases end: %s", error)

    def load(self) -> None:
        """Read what the store knows of the gateways; before the first `step`."""
        self._keeper.refresh(self._parts.now())

    def stop(self) -> None:
        """End after the round at work; what is not stored comes again."""
        self._stopping.set()
        self._parts.inbox.close()

    def step(self, timeout_s: float = IDLE_S) -> None:
        """One round."""
        self._keeper.refresh(self._parts.now())
        wait_s = self._acks.wait_s(self._parts.clock.monotonic_s())
        arrivals = self._parts.inbox.take(
            messages=BATCH_MESSAGES,
            size_bytes=BATCH_BYTES,
            timeout_s=timeout_s if wait_s is None else min(timeout_s, wait_s),
        )
        settled = self._settle_late()
        if arrivals or settled:
            began_s = self._parts.clock.monotonic_s()
            for outcome in self._commit(self._sort(arrivals, settled)):
                self._tell(outcome)
            took_s = self._parts.clock.monotonic_s() - began_s
            self._parts.metrics.observe("ingest_batch_seconds", took_s)
        self._send_acks()
        self._keeper.tick()

    def _settle_late(self) -> list[Arrival]:
        """Late alarms that have waited long enough for their gateway's clock."""
        waiting = self._late.gateways()
        measured = {g for g in waiting if self._keeper.sample(g) is not None}
        return self._late.release(measured, self._parts.clock.monotonic_s())

    def _waits(self, letter: Letter, arrival: Arrival) -> bool:
        """Whether a message waits until its gateway's clock was asked for."""
        now_s = self._parts.clock.monotonic_s()
        gateway = letter.sender.gateway
        if not (looks_late(letter) and self._late.hold(gateway, arrival, now_s)):
            return False
        self._keeper.ask_time(gateway)
        return True

    def _sort(self, arrivals: Sequence[Arrival], settled: Sequence[Arrival] = ()) -> Batch:
        """What is to be written. `settled` messages have waited and go in as they are."""
        batch = Batch()
        for number, arrival in enumerate((*settled, *arrivals)):
            opened = self._open(arrival)
            if isinstance(opened, Letter):
                self._keeper.heard(opened.sender.gateway, arrival)
                if number < len(settled) or not self._waits(opened, arrival):
                    batch.letters.append(opened)
            elif isinstance(opened, ReturnedLetter):
                batch.returned.append(opened)
            elif isinstance(opened, StateCame):
                self._sort_state(opened, batch)
            elif isinstance(opened, AnswerCame):
                self._sort_answer(opened, batch)
        return batch

    def _open(self, arrival: Arrival) -> Opened | None:
        """Read one arrival. Its site file may have to come from a database that is away: waited for like a commit."""
        for attempt in count():
            try:
                return open_arrival(arrival, self._keeper.sender, self._keeper.sample)
            except StoreUnavailableError as error:
                if attempt == 0:
                    _log.warning("the database is away, messages wait: %s", error)
                if self._stopping.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)]):
                    break
        return None

    def _sort_state(self, came: StateCame, batch: Batch) -> None:
        if not isinstance(came.state, Birth):
            self._keeper.take_death(came.sender, came.state, came.arrival)
        elif self._keeper.take_birth(came.sender, came.state, came.arrival):
            batch.births.append((came.sender.gateway, came.state))

    def _sort_answer(self, came: AnswerCame, batch: Batch) -> None:
        if isinstance(came.answer, TimeResponse):
            self._keeper.take_time(came.sender, came.answer, came.arrival)
        else:
            batch.responses.append((came.sender.gateway, came.answer))

    def _commit(self, batch: Batch) -> list[Outcome]:
        """Store a batch, however long it takes; one that the database refuses is tried by halves."""
        for attempt in count():
            try:
                outcome = self._write(batch)
            except StoreUnavailableError as error:
                if attempt == 0:
                    _log.warning("the database is away, rows wait: %s", error)
                if self._stopping.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)]):
                    break
            except StoreError:
                return self._commit_parts(batch)
            else:
                if attempt:
                    _log.warning("the database is back")
                return [outcome]
        return []

    def _commit_parts(self, batch: Batch) -> list[Outcome]:
        """One of the parts is refused: it is found by halving, in some ten transactions for hundreds of parts."""
        if len(batch) > 1:
            return [outcome for half in batch.halve() for outcome in self._commit(half)]
        self._parts.metrics.count("ingest_failures")
        whose = [letter.sender.gateway for letter in batch.letters]
        _log.exception("the store refuses a message of %s; it is not acknowledged", whose)
        return []

    def _write(self, batch: Batch) -> Outcome:
        with self._parts.database.transaction() as tx:
            outcome = storing.store(tx, batch.letters, batch.returned)
            born = [
                (gateway, mark.epoch) for gateway, birth in batch.births for mark in birth.epochs
            ]
            outcome.acks += storing.load_acks(tx, born)
            now_ms = self._parts.now().ms
            for gateway, response in batch.responses:
                requests.answer(tx, response.request, gateway, response.outcome, now_ms)
        return outcome

    def _tell(self, outcome: Outcome) -> None:
        """The transaction is committed: now it may be known."""
        for ack in outcome.acks:
            self._acks.owe(ack)
        for gateway, nack in outcome.nacks:
            self._keeper.send(gateway, "nack", nack)
        metrics = self._parts.metrics
        metrics.count("events_stored", outcome.stored)
        metrics.count("events_duplicate", outcome.duplicates)
        metrics.count("events_outlived", outcome.outlived)
        metrics.count("events_refused", outcome.refused)
        for site in sorted(outcome.occupancy_sites):
            self._parts.announcer.tell(site, Changed.OCCUPANCY)
        for site in sorted(outcome.hazard_sites):
            self._parts.announcer.tell(site, Changed.HAZARDS)
        if outcome.hazard_sites:
            self._parts.on_work()

    def _send_acks(self) -> None:
        """Send the acks that are due; one that the broker does not take stays owed."""
        now_s = self._parts.clock.monotonic_s()
        for gateway, owed in self._acks.due(now_s):
            boot = self._keeper.boot(gateway)
            if boot is None:
                # Nobody to name. The gateway tells its birth every 30 s until an ack names its boot.
                self._acks.sent(gateway, now_s)
                continue
            hub_time = format_instant(self._parts.clock.now())
            messages = [
                Ack(boot=boot, epoch=o.epoch, alarm=o.alarm, bulk=o.bulk, hub_time=hub_time)
                for o in owed
            ]
            if all(self._keeper.send(gateway, "ack", message) for message in messages):
                self._acks.sent(gateway, now_s)
                self._parts.metrics.count("acks", len(messages))
            else:
                self._acks.postponed(gateway, now_s)
