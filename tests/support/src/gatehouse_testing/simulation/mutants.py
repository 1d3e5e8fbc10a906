"""Defects that the simulator must find. Each is the product with one promise broken, as small as it can be.

A simulator that finds nothing proves something only because it finds these.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from unittest import mock

from gatehouse_edge.outbox.store import Outbox
from gatehouse_edge.ports import LinkEvent, Puback
from gatehouse_edge.transport.courier import Courier
from gatehouse_edge.values import KeptRow
from gatehouse_hub.ingest import storing
from gatehouse_hub.ingest.acks import OwedAck
from gatehouse_hub.ingest.storing import Outcome
from gatehouse_hub.ingest.worker import Batch, IngestWorker
from gatehouse_hub.ports import Database, Transaction
from gatehouse_hub.store import events
from gatehouse_hub.values import EventKey
from gatehouse_shared.events import GapData
from gatehouse_shared.names import Lane
from gatehouse_testing.simulation.gateway import GatewayBuild, set_pragma
from gatehouse_testing.simulation.hub import HubBuild
from gatehouse_testing.simulation.world import Build


class DeletesOnPuback(Courier):
    """Takes the broker's word for the hub's."""

    def _hear(self, event: LinkEvent, at: float) -> None:
        super()._hear(event, at)
        if isinstance(event, Puback):
            for (epoch, lane), upto in self._sent.items():
                self._store.ack(epoch, {lane: upto}, self._clock.now())


class AcksBeforeCommit(IngestWorker):
    """Tells before the transaction has ended."""

    def _write(self, batch: Batch) -> Outcome:
        with self._parts.database.transaction() as tx:
            outcome = storing.store(tx, batch.letters, batch.returned)
            self._tell(outcome)
            self._send_acks()
        return outcome


class AcksAboveStored(IngestWorker):
    """Acknowledges up to the highest number that came, holes or none."""

    def _write(self, batch: Batch) -> Outcome:
        outcome = super()._write(batch)
        highest: dict[tuple[str, str, Lane], int] = {}
        for letter in batch.letters:
            for row in letter.reading.rows:
                lane = (row.key.gateway, row.key.epoch, row.key.lane)
                highest[lane] = max(highest.get(lane, 0), row.key.seq)
        outcome.acks = [
            OwedAck(
                ack.gateway,
                ack.epoch,
                max(ack.alarm, highest.get((ack.gateway, ack.epoch, Lane.ALARM), 0)),
                max(ack.bulk, highest.get((ack.gateway, ack.epoch, Lane.BULK), 0)),
            )
            for ack in outcome.acks
        ]
        return outcome


class LooksAtTheKeyFirst(IngestWorker):
    """A gap whose key is there already is taken for a duplicate, range and all."""

    def _write(self, batch: Batch) -> Outcome:
        with self._parts.database.snapshot() as tx:
            letters = [
                replace(
                    letter,
                    reading=replace(
                        letter.reading,
                        rows=tuple(
                            row
                            for row in letter.reading.rows
                            if not (isinstance(row.event.data, GapData) and _is_there(tx, row.key))
                        ),
                    ),
                )
                for letter in batch.letters
            ]
        return super()._write(replace(batch, letters=letters))


class StoresTwice(IngestWorker):
    """Asks of no row whether it is there already. Needs `without_keys`: SQLite has a key of its own to say no with."""

    def _write(self, batch: Batch) -> Outcome:
        with mock.patch.object(storing, "find_known", return_value={}):
            return super()._write(batch)


def without_keys(database: Database) -> Database:
    """The same database, in which rows have no unique key."""
    with database.transaction() as tx:
        tx.execute("ALTER TABLE event RENAME TO event_before")
        tx.execute("CREATE TABLE event AS SELECT * FROM event_before")
        tx.execute("DROP TABLE event_before")
    return database


def _is_there(tx: Transaction, key: object) -> bool:
    gateway, epoch, lane, seq = (getattr(key, n) for n in ("gateway", "epoch", "lane", "seq"))
    return bool(events.hashes(tx, [EventKey(gateway, epoch, lane, seq)]))


class _SkipsOne:
    """An outbox that begins one row too far when a lane starts again at its ack."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._begun: set[tuple[str, Lane, int]] = set()

    def __getattr__(self, name: str) -> object:
        return getattr(self._outbox, name)

    def waiting(
        self, epoch: str, lane: Lane, after: int, limit: int, max_bytes: int
    ) -> tuple[KeptRow, ...]:
        again = (epoch, lane, after) in self._begun
        self._begun.add((epoch, lane, after))
        return self._outbox.waiting(epoch, lane, after + again, limit, max_bytes)


MUTANTS: Final[Mapping[str, Build]] = {
    "deletes_on_puback": Build(GatewayBuild(courier=DeletesOnPuback)),
    "acks_before_commit": Build(hub=HubBuild(worker=AcksBeforeCommit)),
    "acks_above_stored": Build(hub=HubBuild(worker=AcksAboveStored)),
    "synchronous_normal": Build(
        GatewayBuild(opened=lambda outbox: set_pragma(outbox, "synchronous=NORMAL"))
    ),
    "stores_twice": Build(hub=HubBuild(worker=StoresTwice, opened=without_keys)),
    "window_from_the_wrong_number": Build(GatewayBuild(carried=_SkipsOne)),  # type: ignore[arg-type]
    "key_before_gap": Build(hub=HubBuild(worker=LooksAtTheKeyFirst)),
}
"""Every mutant by its name."""
