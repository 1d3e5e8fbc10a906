"""Messages between the broker's threads and the ingest thread: two lanes, both bounded, alarms first.

Bounds  each lane holds at most LANE_MESSAGES messages and LANE_BYTES bytes. When a lane is full the network thread waits
        up to `wait_s`, which slows the broker, and then the message is shed: its gateway sends it again, because
        nothing acknowledged it.
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

LANE_MESSAGES: Final = 20_000
LANE_BYTES: Final = 16 * 1024 * 1024
WAIT_S: Final = 3.0


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


class Inbox:
    """Filled by the broker's threads, emptied by one."""

    def __init__(
        self,
        *,
        lane_messages: int = LANE_MESSAGES,
        lane_bytes: int = LANE_BYTES,
        wait_s: float = WAIT_S,
    ) -> None:
        self._lane_messages, self._lane_bytes, self._wait_s = lane_messages, lane_bytes, wait_s
        self._lanes: tuple[deque[Arrival], deque[Arrival]] = (deque(), deque())
        self._bytes = [0, 0]
        self._changed = threading.Condition()
        self._closed = False

    def put(self, arrival: Arrival, *, urgent: bool) -> bool:
        """Add a message; False when it was shed."""
        lane = 0 if urgent else 1
        with self._changed:
            there = self._changed.wait_for(
                lambda: self._closed or self._has_room(lane), self._wait_s
            )
            if not there or self._closed:
                return False
            self._lanes[lane].append(arrival)
            self._bytes[lane] += len(arrival.payload)
            self._changed.notify_all()
            return True

    def take(self, *, messages: int, size_bytes: int, timeout_s: float) -> list[Arrival]:
        """What waits now, urgent first, within the limits (at least one message); empty after `timeout_s` without any."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or any(self._lanes), timeout_s)
            taken: list[Arrival] = []
            left = size_bytes
            for lane, waiting in enumerate(self._lanes):
                while waiting and len(taken) < messages and (left > 0 or not taken):
                    arrival = waiting.popleft()
                    self._bytes[lane] -= len(arrival.payload)
                    left -= len(arrival.payload)
                    taken.append(arrival)
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
            return sum(len(lane) for lane in self._lanes)

    def _has_room(self, lane: int) -> bool:
        return len(self._lanes[lane]) < self._lane_messages and self._bytes[lane] < self._lane_bytes
