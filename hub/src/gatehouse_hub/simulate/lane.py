"""One lane of a simulated outbox: what waits, what is on its way, when it is sent again. Pure: time is passed in.

Source  contract, section 2.1: windows in rows beyond the last ack, at most so many messages, re-sent after a delay that doubles,
        +-50 %. Rows are kept until they are acked: the outbox of a gateway that nobody restores.
Bounds  WAITING_MAX rows wait; `add` says no beyond, and the caller counts what did not happen.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from gatehouse_shared.names import Lane

WAITING_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class LaneRule:
    """How far a lane runs ahead of its ack, and when it loses patience (seconds)."""

    rows: int
    messages: int
    first_s: float
    most_s: float


RULES: Final = {
    Lane.ALARM: LaneRule(rows=100, messages=100, first_s=2.0, most_s=30.0),
    Lane.BULK: LaneRule(rows=1_000, messages=20, first_s=30.0, most_s=600.0),
}


@dataclass(slots=True)
class SimLane:
    """Rows `acked + 1` to `last`, as bytes; those up to `sent` are on their way."""

    lane: Lane
    jitter: Callable[[], float]
    last: int = 0
    acked: int = 0
    sent: int = 0
    rows: deque[bytes] = field(default_factory=deque[bytes])
    on_way: deque[int] = field(default_factory=deque[int])
    delay_s: float = 0.0
    due_s: float | None = None

    def add(self, raw: bytes) -> bool:
        """A row happened; False when no more may wait."""
        if len(self.rows) >= WAITING_MAX:
            return False
        self.rows.append(raw)
        self.last += 1
        return True

    def take(self, now_s: float, batch: int) -> Iterator[bytes]:
        """The messages that the window lets out now, each of up to `batch` rows."""
        rule = RULES[self.lane]
        while self.sent < self.last and len(self.on_way) < rule.messages:
            room = self.acked + rule.rows - self.sent
            size = min(batch, self.last - self.sent, room)
            if size <= 0:
                return
            at = self.sent - self.acked
            raws = [self.rows[n] for n in range(at, at + size)]
            self.sent += size
            self.on_way.append(self.sent)
            if self.due_s is None:
                self._wait(now_s, rule.first_s)
            yield raws[0] if size == 1 else b"[" + b",".join(raws) + b"]"

    def ack(self, upto: int, now_s: float) -> int:
        """Everything up to `upto` is accounted for; how many rows that frees. Lower or higher than we know changes nothing."""
        freed = min(upto, self.last) - self.acked
        if freed <= 0:
            return 0
        for _ in range(freed):
            self.rows.popleft()
        self.acked += freed
        self.sent = max(self.sent, self.acked)
        while self.on_way and self.on_way[0] <= self.acked:
            self.on_way.popleft()
        if self.sent == self.acked:
            self.due_s = None
        else:
            self._wait(now_s, RULES[self.lane].first_s)
        return freed

    def lose_patience(self, now_s: float) -> bool:
        """Send again from the last ack when no ack came in time; whether that is so now."""
        if self.due_s is None or now_s < self.due_s:
            return False
        delay_s = min(self.delay_s * 2, RULES[self.lane].most_s)
        self.start_over()
        self._wait(now_s, delay_s)
        return True

    def start_over(self) -> None:
        """What was on its way is held to be lost, as after a lost connection."""
        self.sent = self.acked
        self.on_way.clear()
        self.due_s = None

    def _wait(self, now_s: float, delay_s: float) -> None:
        self.delay_s = delay_s
        self.due_s = now_s + delay_s * (0.5 + self.jitter())
