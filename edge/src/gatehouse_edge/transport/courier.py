"""Carries rows from the outbox to the hub, and the hub's word back. One `step` does all there is to do now.

Proof   rows of an epoch that the file brought along are held back until the hub has acknowledged our birth for it: only then
        is it known that the file was not rolled back. A hub that says nothing for HOLD_S gets them all the same; should the
        file have been rolled back after all, the hub's `key_reused` tells, and those rows are said again under a new epoch.
Bounds  MESSAGES_MAX published messages are remembered for nacks; everything else is bounded by the outbox and the window.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gatehouse_edge.errors import OutboxError
from gatehouse_edge.ports import Clock, Connected, Link, LinkEvent, Received, RowStore
from gatehouse_edge.transport import acks, hearing, window
from gatehouse_edge.transport.acks import Heard, Verdict
from gatehouse_edge.transport.hearing import Hearing
from gatehouse_edge.transport.requests import Desk, Now
from gatehouse_edge.transport.window import Room, WindowState
from gatehouse_edge.values import KeptRow, StreamMark
from gatehouse_shared.commands import NACKS, Ack, MessageNack, Nack, RowNack
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.names import HazardKind, Lane
from gatehouse_shared.states import Birth, Death, EpochMark
from gatehouse_shared.topics import gateway_subscription, parse_topic, up
from gatehouse_shared.wire import (
    PACKET_MAX_BYTES,
    ROWS_MAX,
    decode,
    decode_one_of,
    encode,
    sha256_hex,
)

BIRTH_EVERY_S: Final = 30.0
HOLD_S: Final = 30.0
REUSED_WAIT_S: Final = 1.0
MESSAGES_MAX: Final = 512
EPOCHS_IN_BIRTH: Final = 16
_ROOM_BYTES: Final = PACKET_MAX_BYTES - 4_096

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something about the outbox that people at the site should know: a kind of equipment hazard, and a sentence for the log."""

    kind: HazardKind
    reason: str


@dataclass(frozen=True, slots=True)
class Names:
    """Whose rows: the site and the gateway, and the random id of this process start."""

    site: str
    gateway: str
    boot: str

    @property
    def subscription(self) -> str:
        """What this gateway reads."""
        return gateway_subscription(self.site, self.gateway)

    def will(self, conn: int) -> tuple[str, bytes]:
        """Topic and bytes of the death of one connection."""
        return up(self.site, self.gateway, "state"), encode(Death(boot=self.boot, conn=conn))


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that may still be refused by its hash."""

    epoch: str
    lane: Lane
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """What the courier needs of its process: `birth` makes the birth for a connection (its number, the marks of the epochs)."""

    birth: Callable[[int, tuple[EpochMark, ...]], Birth]
    clock: Clock
    chance: Callable[[], float]


class Courier:
    """One gateway's rows on their way. One thread."""

    def __init__(
        self, names: Names, store: RowStore, link: Link, desk: Desk, around: Around
    ) -> None:
        self._names, self._store, self._link, self._desk = names, store, link, desk
        self._birth, self._clock, self._chance = around.birth, around.clock, around.chance
        self._started_s = self._clock.monotonic_s()
        self._window = WindowState()
        self._sent: dict[tuple[str, Lane], int] = {}
        self._messages: OrderedDict[str, Sent] = OrderedDict()
        self._heard: dict[str, Heard] = {}
        self._attested: set[str] = set()
        self._hold_until_s: float | None = None
        self._birth_due_s: float | None = None
        self._reused: dict[tuple[str, Lane, int], None] = {}
        self._reused_due_s = 0.0
        self._troubles: list[Trouble] = []
        self._hearing = Hearing()

    @property
    def hub_is_silent(self) -> bool:
        """Whether the broker takes what is sent, and the hub acknowledges nothing of it."""
        return self._hearing.silent

    def step(self) -> tuple[Trouble, ...]:
        """Hear, judge, publish. What people should know of it."""
        at = self._clock.monotonic_s()
        for event in self._link.poll():
            self._hear(event, at)
        if self._reused and at >= self._reused_due_s:
            self._reused_due_s = at + REUSED_WAIT_S
            self._say_reused_again()
        if self._link.up:
            if self._birth_due_s is not None and at >= self._birth_due_s:
                self._publish_birth(at)
            self._publish_rows(at)
        self._listen(at)
        troubles, self._troubles = tuple(self._troubles), []
        return troubles

    def introduce(self) -> None:
        """Say the birth again: something in it is not as it was."""
        self._birth_due_s = self._clock.monotonic_s()

    def announce(self) -> None:
        """Something that the birth says has changed: say it again."""
        self._birth_due_s = self._clock.monotonic_s()

    def close(self) -> None:
        """Say goodbye and end the connection."""
        self._link.close(farewell=self._names.will(self._link.conn))

    def _listen(self, at: float) -> None:
        """Say when the hub falls silent, and when it is heard again."""
        flying = any(flight.messages for flight in self._window.flights.values())
        waiting = self._link.up and (flying or self._birth_due_s is not None)
        was, self._hearing = self._hearing, hearing.step(self._hearing, waiting=waiting, at=at)
        if self._hearing.silent and not was.silent:
            log.error(
                "the broker takes what is sent, but the hub has acknowledged nothing for %.0f s. Look whether the hub runs,"
                " knows gateway %s, and whether the broker lets it write %s",
                hearing.SILENT_S,
                self._names.gateway,
                up(self._names.site, self._names.gateway, "#"),
            )

    def _hear(self, event: LinkEvent, at: float) -> None:
        if isinstance(event, Connected):
            self._window = WindowState()
            self._messages.clear()
            self._birth_due_s = at
            if self._hold_until_s is None:
                self._hold_until_s = at + HOLD_S
        elif isinstance(event, Received):
            topic = parse_topic(event.topic)
            if (
                topic is not None
                and topic.direction == "down"
                and topic.gateway == self._names.gateway
            ):
                self._hear_hub(topic.leaf, event.payload, at)

    def _hear_hub(self, leaf: str, payload: bytes, at: float) -> None:
        verb = leaf.removeprefix("request/")
        try:
            if leaf == "ack":
                self._hear_ack(decode(payload, Ack), at)
            elif leaf == "nack":
                self._hear_nack(decode_one_of(payload, NACKS), at)
            elif verb != leaf:
                self._answer(verb, payload, at)
        except WireError as error:
            log.warning("the hub's %s does not read: %s", leaf.partition("/")[0], error)
        except OutboxError as error:
            log.error("the hub's %s is not taken in: %s", leaf.partition("/")[0], error)

    def _answer(self, verb: str, payload: bytes, at: float) -> None:
        uptime_ms = int((at - self._started_s) * 1000)
        now = Now(self._clock.now(), self._clock.synced(), uptime_ms)
        answer = self._desk.answer(verb, payload, now)
        if answer is not None:
            topic = up(self._names.site, self._names.gateway, f"response/{verb}")
            self._link.publish(topic, answer)

    def _hear_ack(self, ack: Ack, at: float) -> None:
        verdict, self._heard[ack.epoch] = acks.judge(
            ack,
            boot=self._names.boot,
            marks=self._store.marks(),
            sent=self._sent,
            heard=self._heard.get(ack.epoch, Heard()),
            at=at,
        )
        if verdict in (Verdict.FOREIGN, Verdict.STALE):
            del self._heard[ack.epoch]
            return
        if self._hearing.silent:
            log.warning("the hub acknowledges again")
        self._hearing = hearing.answered(self._hearing, at)
        now = self._clock.now()
        self._birth_due_s = None
        if verdict is Verdict.ROLLED_BACK:
            log.error(
                "the hub holds more of epoch %s than this outbox: it was rolled back", ack.epoch
            )
            self._start_epoch(())
            return
        self._attested.add(ack.epoch)
        if verdict is Verdict.ASK_AGAIN:
            self._birth_due_s = at + acks.TWICE_S + 0.1
        elif verdict is Verdict.HUB_RESTORED:
            log.warning("the hub was restored; sending again from %s", acks.numbers(ack))
            self._store.restore(ack.epoch, acks.numbers(ack), now)
        if verdict is not Verdict.ASK_AGAIN:
            self._store.ack(ack.epoch, acks.numbers(ack), now)

    def _hear_nack(self, nack: Nack, at: float) -> None:
        if isinstance(nack, RowNack):
            reused = nack.reason is RefusalReason.KEY_REUSED
            if reused and self._store.is_gap(nack.epoch, nack.lane, nack.seq):
                return  # a row that the hub has went here to make room: its gap is recorded all the same
            log.error(
                "row %s/%s/%d is in quarantine: %s", nack.epoch, nack.lane, nack.seq, nack.reason
            )
            if reused and len(self._reused) < MESSAGES_MAX:
                self._reused[nack.epoch, nack.lane, nack.seq] = None
                self._reused_due_s = at + REUSED_WAIT_S
            return
        self._hear_unreadable(nack)

    def _hear_unreadable(self, nack: MessageNack) -> None:
        sent = self._messages.pop(nack.sha256, None)
        if sent is None:
            return
        log.error("the hub cannot read a message of %d rows: %s", len(sent.seqs), nack.reason)
        gone = self._store.refuse(sent.epoch, sent.lane, sent.seqs, self._clock.now())
        flights = dict(self._window.flights)
        flights.pop((sent.epoch, sent.lane), None)
        self._window = WindowState(flights)
        if gone and sent.lane is Lane.ALARM:
            reason = f"{len(gone)} alarm rows could not be read by the hub and were given up"
            self._troubles.append(Trouble(HazardKind.TAMPER, reason))

    def _say_reused_again(self) -> None:
        """Keys that the hub holds with other content: the file was rolled back, or its rows were written twice."""
        current = self._store.epoch
        own = tuple((lane, seq) for epoch, lane, seq in self._reused if epoch == current)
        if own:
            log.error("the hub holds other rows under our numbers: the outbox was rolled back")
            self._start_epoch(own)
            self._reused = {key: None for key in self._reused if key[0] != current}
        for epoch, lane, seq in tuple(self._reused):
            self._store.reissue(epoch, lane, seq, self._clock.now())
            del self._reused[epoch, lane, seq]

    def _start_epoch(self, reissue: Sequence[tuple[Lane, int]]) -> None:
        count = self._store.start_epoch(self._clock.now(), reissue=reissue)
        self._window = WindowState()
        self._birth_due_s = self._clock.monotonic_s()
        reason = f"the outbox was rolled back; {count} rows are said again in a new epoch"
        self._troubles.append(Trouble(HazardKind.OUTBOX_RESET, reason))

    def _publish_birth(self, at: float) -> None:
        marks = self._store.marks()
        epochs = list(dict.fromkeys(mark.epoch for mark in marks))[:EPOCHS_IN_BIRTH]
        said = tuple(self._epoch_mark(epoch, marks) for epoch in epochs)
        payload = encode(self._birth(self._link.conn, said))
        if self._link.publish(
            up(self._names.site, self._names.gateway, "state"), payload, retain=True
        ):
            self._birth_due_s = at + BIRTH_EVERY_S

    def _epoch_mark(self, epoch: str, marks: Sequence[StreamMark]) -> EpochMark:
        lasts = {
            mark.lane: mark.last if epoch in self._attested else acks.provable(mark, self._sent)
            for mark in marks
            if mark.epoch == epoch
        }
        return EpochMark(epoch=epoch, alarm_last=lasts[Lane.ALARM], bulk_last=lasts[Lane.BULK])

    def _publish_rows(self, at: float) -> None:
        marks = tuple(mark for mark in self._store.marks() if self._may_send(mark, at))
        self._window = window.advance(self._window, marks, at, self._chance)
        while (room := window.next_room(self._window, marks, self._link.places)) is not None:
            last = next(m.last for m in marks if (m.epoch, m.lane) == (room.epoch, room.lane))
            if not self._publish_message(room, last, at):
                return

    def _may_send(self, mark: StreamMark, at: float) -> bool:
        fresh = mark.held == 0 and mark.acked == 0
        held_long = self._hold_until_s is not None and at >= self._hold_until_s
        return fresh or mark.epoch in self._attested or held_long

    def _publish_message(self, room: Room, last: int, at: float) -> bool:
        """One message from the room's lane. False when the connection would not take it."""
        limit = min(room.rows, ROWS_MAX)
        rows = _one_message(
            self._store.waiting(room.epoch, room.lane, room.after, limit, _ROOM_BYTES)
        )
        if rows:
            payload = _join(rows)
            key = (room.epoch, room.lane)
            last = rows[-1].upto
            self._store.on_wire(room.epoch, room.lane, last, self._clock.now())
            if not self._link.publish(
                up(self._names.site, self._names.gateway, room.lane), payload
            ):
                return False
            self._sent[key] = max(self._sent.get(key, 0), last)
            self._remember(payload, Sent(room.epoch, room.lane, tuple(row.seq for row in rows)))
        self._window = window.published(self._window, room, last, len(rows), at, self._chance)
        return True

    def _remember(self, payload: bytes, sent: Sent) -> None:
        self._messages[sha256_hex(payload)] = sent
        if len(self._messages) > MESSAGES_MAX:
            self._messages.popitem(last=False)


def _one_message(rows: Sequence[KeptRow]) -> Sequence[KeptRow]:
    """The first rows that may travel together: a row that was refused goes alone."""
    for index, row in enumerate(rows):
        if row.solo:
            return rows[: max(index, 1)]
    return rows


def _join(rows: Sequence[KeptRow]) -> bytes:
    """The bytes of one message: stored rows are canonical already."""
    if len(rows) == 1:
        return rows[0].payload
    return b"[" + b",".join(row.payload for row in rows) + b"]"
