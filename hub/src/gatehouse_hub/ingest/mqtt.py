"""The broker, seen from the hub: two connections that only listen and hand over, one of them also speaks.

Lanes   alarms, states and answers come on one connection, bulk on the other, so that a flood of bulk delays no alarm.
Shards  `listen` says which shards to read.
Watch   every `LinkTimes.watch_s` it is looked whether each connection's thread lives and moves.
"""

import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gatehouse_hub.ingest.connection import STOP_S, Broker, Connection, LinkTimes
from gatehouse_hub.ingest.inbox import Arrival, Inbox
from gatehouse_hub.ports import Clock
from gatehouse_shared.ids import shard_name
from gatehouse_shared.instants import to_ms
from gatehouse_shared.topics import hub_subscriptions
from gatehouse_shared.wire import PACKET_MAX_BYTES, sha256_hex


@dataclass(frozen=True, slots=True)
class Door:
    """What every message passes on its way in: it gets its time of arrival, and only its start is kept if it is too large."""

    inbox: Inbox
    clock: Clock
    on_shed: Callable[[], None]
    urgent: bool

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Hand a message to the ingest thread, waiting a while where it must."""
        too_large = len(payload) > PACKET_MAX_BYTES
        arrival = Arrival(
            topic=topic,
            payload=payload[:PACKET_MAX_BYTES] if too_large else payload,
            retained=retained,
            arrived_ms=to_ms(self.clock.now()),
            arrived_s=self.clock.monotonic_s(),
            size_bytes=len(payload),
            sha256=sha256_hex(payload) if too_large else None,
        )
        if not self.inbox.put(arrival, urgent=self.urgent):
            self.on_shed()


class BrokerLink:
    """The connections of a hub. `publish` and `listen` may be called from any thread. Without an inbox it only speaks."""

    def __init__(
        self,
        broker: Broker,
        inbox: Inbox | None,
        clock: Clock,
        on_shed: Callable[[], None],
        times: LinkTimes | None = None,
    ) -> None:
        times = times or LinkTimes()
        name = f"gatehouse-hub-{secrets.token_hex(4)}"

        def connect(lane: str) -> Connection:
            door = Door(inbox, clock, on_shed, urgent=lane == "alarm") if inbox else None
            return Connection(f"{name}-{lane}", broker, door.take if door else None, clock, times)

        self._first = connect("alarm")
        self._second = connect("bulk") if inbox else None
        self._watch_s = times.watch_s
        self._stopping = threading.Event()
        self._watching = threading.Thread(target=self._watch, name=f"{name}-watch", daemon=True)

    def start(self) -> None:
        """Connect, now or as soon as there is a broker."""
        for connection in self._connections():
            connection.start()
        self._watching.start()

    def stop(self) -> None:
        """Say goodbye and end the threads."""
        self._stopping.set()
        if self._watching.is_alive():
            self._watching.join(STOP_S)
        for connection in self._connections():
            connection.stop()

    def listen(self, shards: Iterable[int]) -> None:
        """Read these shards and no others."""
        first: set[str] = set()
        second: set[str] = set()
        for shard in shards:
            alarm, bulk, state, response = hub_subscriptions(shard_name(shard))
            first |= {alarm, state, response}
            second.add(bulk)
        self._first.listen(first)
        if self._second is not None:
            self._second.listen(second)

    def connected_s(self) -> float | None:
        """Since when (monotonic) all connections listen; None while one of them does not."""
        since = [connection.listening_s for connection in self._connections()]
        known = [s for s in since if s is not None]
        return max(known) if len(known) == len(since) else None

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand over one message at QoS 1; False when there is no connection or too much waits."""
        return self._first.publish(topic, payload, retain=retain)

    def _connections(self) -> list[Connection]:
        return [self._first] if self._second is None else [self._first, self._second]

    def _watch(self) -> None:
        while not self._stopping.wait(self._watch_s):
            for connection in self._connections():
                connection.check()
