"""What to publish now: windows and timers of the lanes. Pure: state and time in, state and batches out; chance is an argument.

Window  per lane of an epoch, in rows beyond the last acknowledgement: alarm 100; bulk 1,000 rows in at most 20 messages.
Timers  what stays unacknowledged is published again from the first missing row: alarm after 2 s, doubling to 30 s; bulk after
        30 s, doubling to 10 min; each +-50 %. An acknowledgement that moves on sets the timer back to its start.
Order   alarms of every epoch come first; no bulk is published while an alarm waits, and never more than the connection has
        room for.
Bounds  one entry per lane of the outbox's epochs (at most 16 epochs).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gatehouse_edge.values import StreamMark
from gatehouse_shared.names import Lane

Key = tuple[str, Lane]


@dataclass(frozen=True, slots=True)
class LaneRules:
    """How a lane is sent. `first_s` and `most_s` bound the time to the next try."""

    rows: int
    messages: int
    first_s: float
    most_s: float


RULES: Final[Mapping[Lane, LaneRules]] = {
    Lane.ALARM: LaneRules(rows=100, messages=100, first_s=2.0, most_s=30.0),
    Lane.BULK: LaneRules(rows=1_000, messages=20, first_s=30.0, most_s=600.0),
}
JITTER: Final = 0.5


@dataclass(frozen=True, slots=True)
class Flight:
    """One lane on the wire: the last number of each published message beyond the ack, with its rows; when to try again."""

    acked: int = 0
    messages: tuple[tuple[int, int], ...] = ()
    wait_s: float = 0.0
    due_at: float = 0.0

    @property
    def rows(self) -> int:
        """Rows on the wire."""
        return sum(rows for _, rows in self.messages)

    @property
    def upto(self) -> int:
        """The highest number on the wire; the ack where there is none."""
        return max(self.acked, self.messages[-1][0]) if self.messages else self.acked


@dataclass(frozen=True, slots=True)
class WindowState:
    """All lanes on the wire of one connection. Start afresh with every connection: what was sent on another is not on this
    one.
    """

    flights: Mapping[Key, Flight] = field(default_factory=dict[Key, Flight])


@dataclass(frozen=True, slots=True)
class Room:
    """What may be published of one lane now: rows beyond `after`, at most `rows` of them in at most `messages`."""

    epoch: str
    lane: Lane
    after: int
    rows: int
    messages: int


def advance(
    state: WindowState, marks: Sequence[StreamMark], at: float, chance: Callable[[], float]
) -> WindowState:
    """Take in the acknowledgements that the outbox knows, and let lanes whose time has come start again at the ack.

    `chance` gives 0 to 1.
    """
    flights: dict[Key, Flight] = {}
    for mark in marks:
        key = (mark.epoch, mark.lane)
        flight = state.flights.get(key, Flight(acked=mark.acked))
        if mark.acked != flight.acked:
            flight = _acknowledged(flight, mark, at, chance)
        if flight.messages and at >= flight.due_at:
            flight = replace(flight, messages=())
        flights[key] = flight
    return WindowState(flights)


def next_room(state: WindowState, marks: Sequence[StreamMark], places: int) -> Room | None:
    """The lane that may publish next; None when nothing waits, all windows are full, or the connection has no place left."""
    if places <= 0:
        return None
    waiting = [mark for mark in marks if mark.acked < mark.last]
    alarms = [mark for mark in waiting if mark.lane is Lane.ALARM]
    for mark in alarms or waiting:
        flight = state.flights.get((mark.epoch, mark.lane), Flight(acked=mark.acked))
        rules = RULES[mark.lane]
        rows = rules.rows - flight.rows
        messages = min(rules.messages - len(flight.messages), places)
        if flight.upto < mark.last and rows > 0 and messages > 0:
            return Room(mark.epoch, mark.lane, flight.upto, rows, messages)
    return None


def published(
    state: WindowState, room: Room, upto: int, rows: int, at: float, chance: Callable[[], float]
) -> WindowState:
    """A message of `rows` rows of that lane went out; its last row accounts for numbers to `upto`.

    No rows: there is nothing to read up to there (numbers that were lost and wait for their gap), so the lane waits like the
    rest.
    """
    key = (room.epoch, room.lane)
    flight = state.flights.get(key, Flight(acked=room.after))
    if not flight.messages:
        rules = RULES[room.lane]
        wait_s = min(flight.wait_s * 2, rules.most_s) if flight.wait_s else rules.first_s
        flight = replace(flight, wait_s=wait_s, due_at=at + jittered(wait_s, chance))
    flight = replace(flight, messages=(*flight.messages, (upto, rows)))
    return WindowState({**state.flights, key: flight})


def next_due(state: WindowState) -> float | None:
    """When the next timer ends."""
    return min((f.due_at for f in state.flights.values() if f.messages), default=None)


def jittered(wait_s: float, chance: Callable[[], float]) -> float:
    """The wait, +-50 %."""
    return wait_s * (1 - JITTER + 2 * JITTER * chance())


def _acknowledged(
    flight: Flight, mark: StreamMark, at: float, chance: Callable[[], float]
) -> Flight:
    if mark.acked < flight.acked:
        return Flight(acked=mark.acked)
    left = tuple(message for message in flight.messages if message[0] > mark.acked)
    first_s = RULES[mark.lane].first_s
    wait_s, due_at = (first_s, at + jittered(first_s, chance)) if left else (0.0, 0.0)
    return Flight(acked=mark.acked, messages=left, wait_s=wait_s, due_at=due_at)
