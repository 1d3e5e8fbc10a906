"""The ports of the hub's ingest as a test holds them: a clock to turn, a broker that remembers, listeners that count."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from gatehouse_hub.flows.leaseholder import EveryPart, Holding
from gatehouse_hub.ingest.inbox import Arrival, Inbox
from gatehouse_hub.ingest.keeper import IngestParts
from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.ports import Changed, Database
from gatehouse_shared.ids import SHARDS
from gatehouse_shared.instants import to_ms
from gatehouse_shared.wire import decode
from gatehouse_testing.building import START

T = TypeVar("T", bound=msgspec.Struct)


class TurnedClock:
    """Stands still until it is turned. Monotonic zero is START."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.at_s)

    def monotonic_s(self) -> float:
        return self.at_s

    @property
    def now_ms(self) -> int:
        return to_ms(self.now())


@dataclass(slots=True)
class RememberingBroker:
    """Takes what is published; `connected` False refuses it. `on_publish` sees each message as it goes out."""

    connected: bool = True
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    on_publish: Callable[[str, bytes], None] = lambda _topic, _payload: None

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        if self.connected:
            self.on_publish(topic, payload)
            self.sent.append((topic, payload))
        return self.connected

    def take(self, leaf: str, kind: type[T]) -> list[T]:
        """What went out under a leaf of `down/` since it was last asked for, oldest first."""
        ending = f"/down/{leaf}"
        found = [decode(payload, kind) for topic, payload in self.sent if topic.endswith(ending)]
        self.sent = [(t, p) for t, p in self.sent if not t.endswith(ending)]
        return found


class CountingMetrics:
    """Counts by name."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def count(self, name: str, amount: int = 1, labels: Mapping[str, str] | None = None) -> None:
        self.counted[name] += amount

    def observe(self, name: str, seconds: float) -> None:
        self.counted[name] += 1

    def set(self, name: str, value: float) -> None:
        self.counted[name] = round(value)


class HeardAnnouncer:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Changed]] = []

    def tell(self, site: str, what: Changed, *, presence: bool = False) -> None:
        self.told.append((site, what))


@dataclass(slots=True)
class Bench:
    """An ingest worker with everything round it in the test's hands."""

    database: Database
    clock: TurnedClock = field(default_factory=TurnedClock)
    broker: RememberingBroker = field(default_factory=RememberingBroker)
    metrics: CountingMetrics = field(default_factory=CountingMetrics)
    announcer: HeardAnnouncer = field(default_factory=HeardAnnouncer)
    inbox: Inbox = field(default_factory=Inbox)
    holding: Holding = field(default_factory=lambda: EveryPart(SHARDS))
    listened: list[frozenset[int]] = field(default_factory=list)
    woken: int = 0

    def parts(self) -> IngestParts:
        return IngestParts(
            database=self.database,
            inbox=self.inbox,
            publisher=self.broker,
            clock=self.clock,
            metrics=self.metrics,
            announcer=self.announcer,
            connected_s=lambda: 0.0 if self.broker.connected else None,
            on_work=self._wake,
            holding=self.holding,
            listen=self.listened.append,
        )

    def worker(self, make: Callable[[IngestParts], IngestWorker] = IngestWorker) -> IngestWorker:
        """A worker as it is after its start."""
        worker = make(self.parts())
        worker.load()
        return worker

    def give(self, *arrivals: Arrival) -> None:
        """Put messages in the inbox."""
        for arrival in arrivals:
            assert self.inbox.put(arrival, urgent=not arrival.topic.endswith("/bulk"))

    def turn(self, worker: IngestWorker, seconds: float, *, step_s: float = 1.0) -> None:
        """Let time pass, one round a step."""
        end_s = self.clock.at_s + seconds
        while self.clock.at_s < end_s - 1e-9:
            self.clock.at_s = min(end_s, self.clock.at_s + step_s)
            worker.step(0.0)

    def _wake(self) -> None:
        self.woken += 1
