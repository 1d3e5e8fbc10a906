"""A gateway's real outbox and courier against a hub's real ingest and store; only the broker between them is the test's hand."""

from dataclasses import dataclass, field
from pathlib import Path

from gatehouse_edge.ports import Batch
from gatehouse_edge.rules.observations import Moment
from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ingest.inbox import Arrival
from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.ports import Database
from gatehouse_hub.store import events, sites
from gatehouse_hub.store.database import open_database
from gatehouse_shared.events import HazardData
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import Lane
from gatehouse_testing.building import START
from gatehouse_testing.gateway_parts import Gateway, small_site, smoke
from gatehouse_testing.hub_parts import Bench


def open_hub(url: str) -> Database:
    """A hub's store that knows the gateway's site."""
    database = open_database(url, SystemClock())
    with database.transaction() as tx:
        sites.add(tx, small_site(), to_ms(START))
    return database


@dataclass(slots=True)
class Pair:
    """A gateway and a hub. `carry` is the broker for one moment; nothing it holds outlives the call."""

    folder: Path
    gateway: Gateway
    database: Database
    bench: Bench = field(init=False)
    worker: IngestWorker = field(init=False)
    raised: int = 0

    def __post_init__(self) -> None:
        self.start_hub()

    def start_hub(self) -> None:
        self.bench = Bench(self.database)
        self.worker = self.bench.worker()

    def alarm(self, count: int = 1) -> None:
        for _ in range(count):
            clock = self.gateway.clock
            batch = Batch(findings=(smoke(self.raised, clock.now()),))
            self.gateway.ledger.accept(batch, Moment(clock.at, clock.time))
            self.raised += 1

    def carry(self, *, up: bool = True, down: bool = True) -> None:
        """Everything published goes to the hub, what it says comes back; either way can be cut."""
        link = self.gateway.link
        clock = self.bench.clock
        clock.at_s = (self.gateway.clock.now() - START).total_seconds()
        while link.out:
            topic, payload = link.out.popleft()
            if up:
                self.bench.give(
                    Arrival(
                        topic=topic,
                        payload=payload,
                        retained=False,
                        arrived_ms=clock.now_ms,
                        arrived_s=clock.at_s,
                        size_bytes=len(payload),
                    )
                )
        link.puback_all()
        self.worker.step(0)
        for topic, payload in self.bench.broker.sent:
            if down:
                link.hear(topic, payload)
        self.bench.broker.sent.clear()
        self.gateway.step()

    def live(self, turns: int, *, seconds: float = 2.0, up: bool = True, down: bool = True) -> None:
        for _ in range(turns):
            self.gateway.wait(seconds)
            self.gateway.step()
            self.carry(up=up, down=down)

    def settle(self) -> None:
        """Until everything is acknowledged."""
        for _ in range(200):
            self.live(1, seconds=7.0)
            if all(mark.acked == mark.last for mark in self.gateway.outbox.marks()):
                return
        raise AssertionError(self.gateway.outbox.marks())

    def rows(self, lane: Lane) -> list[tuple[str, int]]:
        with self.database.snapshot() as tx:
            found = tx.execute(
                "SELECT epoch, seq FROM event WHERE gateway = 'gw_1' AND lane = ? ORDER BY epoch, seq",
                (lane,),
            )
        return [(str(epoch), int(str(seq))) for epoch, seq in found]

    def rules(self) -> set[str]:
        """The rules whose hazards the hub knows. An open hazard goes on in a new epoch, so a rule may have several rows."""
        with self.database.snapshot() as tx:
            stored = events.alarm_rows(tx, "riverside", 0, 1_000)
        return {r.event.data.rule for r in stored if isinstance(r.event.data, HazardData)}


def names(count: int) -> set[str]:
    return {f"smoke_{n}" for n in range(count)}
