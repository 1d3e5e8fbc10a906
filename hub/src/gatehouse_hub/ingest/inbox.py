"""Messages between the broker's threads and the ingest thread: two lanes, both bounded, every gateway in its turn.

Order   alarms of all gateways, then bulk of all; in each, gateways take turns. What a gateway sends beyond its rate waits behind
        everybody else: such alarms take turns with bulk, such bulk comes last. A gateway's own messages keep their order.
Bounds  each lane holds at most `lane_messages` messages and `lane_bytes` bytes. When it is full, the gateway that fills much more
        than its share loses its newest message to a newcomer, and has its own shed at once, so that it blocks nobody. Where none
        does, the network thread waits up to `wait_s`, which slows the broker, and then the message is shed. What is shed comes
        again, because nothing acknowledged it.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Final, TypeVar

from gatehouse_hub.ingest.rates import RateLimit, Rates
from gatehouse_hub.ingest.turns import Turns

LANE_MESSAGES: Final = 20_000
LANE_BYTES: Final = 32 * 1024 * 1024
WAIT_S: Final = 3.0
MUCH: Final = 1.5
"""How many times its share of a full lane is more than a gateway should have."""

BEYOND_MAX: Final = 100
BEYOND_BYTES: Final = 256 * 1024
"""Of what is beyond rates, so much at once: whoever is within theirs and comes meanwhile waits no longer than that takes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message as it came. Of one larger than a packet `payload` is the start; `size_bytes` and `sha256` are the whole's."""

    topic: str
    payload: bytes
    retained: bool
    arrived_ms: int
    arrived_s: float
    size_bytes: int
    sha256: str | None = None

    @property
    def gateway(self) -> str:
        """The level of the topic that names the gateway; whatever stands there."""
        levels = self.topic.split("/", 4)
        return levels[3] if len(levels) > 3 else ""


class Inbox:
    """Filled by the broker's threads, emptied by one. `on_evict` is called for a message that made room for another's."""

    def __init__(
        self,
        *,
        lane_messages: int = LANE_MESSAGES,
        lane_bytes: int = LANE_BYTES,
        wait_s: float = WAIT_S,
        rate: RateLimit | None = None,
        on_evict: Callable[[], None] = lambda: None,
    ) -> None:
        self._lanes = tuple(_Lane(lane_messages, lane_bytes) for _ in range(2))
        self._rates = Rates(rate or RateLimit())
        self._wait_s, self._on_evict = wait_s, on_evict
        self._changed = threading.Condition()
        self._closed = False

    def put(self, arrival: Arrival, *, urgent: bool) -> bool:
        """Add a message; False when it was shed."""
        gateway, size = arrival.gateway, len(arrival.payload)
        lane = self._lanes[0 if urgent else 1]
        with self._changed:
            within = self._rates.allows(
                gateway,
                arrival.payload,
                urgent=urgent,
                arrived_ms=arrival.arrived_ms,
                now_s=arrival.arrived_s,
            )
            if not self._closed and not lane.has_room():
                self._make_room(lane, gateway)
            if self._closed or not lane.has_room():
                return False
            lane.add(gateway, arrival, size, within=within)
            self._changed.notify_all()
            return True

    def take(self, *, messages: int, size_bytes: int, timeout_s: float) -> list[Arrival]:
        """What waits now, in order, within the limits (at least one message); empty after `timeout_s` without any."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or any(lane.messages for lane in self._lanes), timeout_s
            )
            taken: list[Arrival] = []
            left, beyond, beyond_left = size_bytes, 0, BEYOND_BYTES
            for (arrival, size), is_beyond in self._in_order():
                taken.append(arrival)
                left -= size
                if is_beyond:
                    beyond, beyond_left = beyond + 1, beyond_left - size
                if len(taken) == messages or min(left, beyond_left) <= 0 or beyond == BEYOND_MAX:
                    break
            if taken:
                self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Wake everybody; nothing more is taken in."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def waiting(self) -> int:
        """How many messages wait."""
        with self._changed:
            return sum(lane.messages for lane in self._lanes)

    def _in_order(self) -> Iterator[tuple[tuple[Arrival, int], bool]]:
        """What waits, as it is to be taken, and whether it is beyond its gateway's rate."""
        alarm, bulk = self._lanes
        yield from zip(alarm.within.take(), repeat(False))
        yield from _alternating(
            zip(alarm.beyond.take(), repeat(True)), zip(bulk.within.take(), repeat(False))
        )
        yield from zip(bulk.beyond.take(), repeat(True))

    def _make_room(self, lane: "_Lane", gateway: str) -> None:
        """See that the lane has room, at another gateway's cost or by waiting, unless this one has too much there."""
        mine, share = lane.part_of(gateway), lane.fair_share(gateway)
        largest, most = lane.largest()
        if largest != gateway and most > MUCH * max(mine, share):
            lane.drop_newest(largest)
            self._on_evict()
        elif mine <= MUCH * share:
            self._changed.wait_for(lambda: self._closed or lane.has_room(), self._wait_s)


class _Lane:
    """Messages of one lane, within their gateways' rates and beyond."""

    def __init__(self, messages_max: int, bytes_max: int) -> None:
        self._messages_max, self._bytes_max = messages_max, bytes_max
        self.within: Turns[Arrival] = Turns()
        self.beyond: Turns[Arrival] = Turns()

    @property
    def messages(self) -> int:
        """How many wait."""
        return self.within.messages + self.beyond.messages

    def has_room(self) -> bool:
        """Whether one more may come."""
        size = self.within.size_bytes + self.beyond.size_bytes
        return self.messages < self._messages_max and size < self._bytes_max

    def add(self, gateway: str, arrival: Arrival, size: int, *, within: bool) -> None:
        """Put a message where it belongs: behind its gateway's others wherever those are."""
        turns = self.within if within and gateway not in self.beyond else self.beyond
        turns.add(gateway, arrival, size)

    def fair_share(self, gateway: str) -> float:
        """The part of the lane that each gateway might fill, this one among them; one that waits in both places counts twice."""
        new = gateway not in self.within and gateway not in self.beyond
        return 1 / (len(self.within) + len(self.beyond) + new)

    def part_of(self, gateway: str) -> float:
        """The part of the lane that a gateway fills."""
        return sum(
            self._part(turns.waiting_of(gateway), turns.bytes_of(gateway))
            for turns in (self.within, self.beyond)
        )

    def largest(self) -> tuple[str, float]:
        """The gateway that fills most of it in one place, and how much."""
        parts = (
            (gateway, self._part(messages, size))
            for turns in (self.within, self.beyond)
            for gateway, messages, size in turns.weights()
        )
        return max(parts, key=lambda one: one[1], default=("", 0.0))

    def drop_newest(self, gateway: str) -> None:
        """Forget the last message of a gateway."""
        turns = self.beyond if gateway in self.beyond else self.within
        turns.drop_newest(gateway)

    def _part(self, messages: int, size: int) -> float:
        return max(messages / self._messages_max, size / self._bytes_max)


def _alternating(first: Iterator[T], second: Iterator[T]) -> Iterator[T]:
    """One of each in turn, then the rest of the longer."""
    both = [first, second]
    while both:
        for one in list(both):
            found = next(one, None)
            if found is None:
                both.remove(one)
            else:
                yield found
