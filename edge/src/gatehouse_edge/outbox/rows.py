"""Rows, lanes and epochs of an open outbox file: the SQL. Every writing call expects a transaction round it.

Chain   above `acked`, the rows of a lane follow each other without a hole: each begins where the one before ended (`upto` + 1).
        Gaps of this epoch (`kind` 1) end beyond their own number; gaps about another epoch (`kind` 2) are never shed.
Memory  marks and load are kept beside the file, so that nothing is counted twice; `transaction` puts them back when it fails.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import apsw
import msgspec

from gatehouse_edge.outbox.bounds import Load
from gatehouse_edge.values import Draft, KeptRow, StreamMark
from gatehouse_shared.events import ClockState, Event, GapData, GapReason
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import build_event, encode

ROW, GAP, GAP_ELSEWHERE = 0, 1, 2
ACK_STEP_MS: Final = 60_000
"""Acknowledgements are remembered by the minute, for the 24 h that rows are kept."""
_COVERING: Final = (
    "SELECT seq, upto, payload, refused FROM rows WHERE n=? AND lane=? AND seq<=?"
    " ORDER BY seq DESC LIMIT 1"
)
_BEYOND: Final = "SELECT seq, upto, payload, refused FROM rows WHERE n=? AND lane=? AND seq>? ORDER BY seq LIMIT ?"
_FIRST: Final = "SELECT created_ms FROM rows WHERE n=? AND lane=? AND seq>? ORDER BY seq LIMIT 1"
_EMPTY: Final = Load(0, 0, 0, 0, 0, 0)
_DECODER: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)


@dataclass(slots=True)
class LaneState:
    """One lane of one epoch; `n` is the epoch's number in the file."""

    n: int
    last: int
    acked: int
    held: int
    acked_ms: int = 0
    dirty: bool = False


class Rows:
    """The tables of one connection. Marks are read at once, and not again."""

    def __init__(self, db: apsw.Connection, site: str, gateway: str) -> None:
        self.db, self._site, self._gateway = db, site, gateway
        self.current = ""
        self.epochs: dict[str, int] = {}
        self.lanes: dict[tuple[str, Lane], LaneState] = {}
        self.load = _EMPTY
        self.clock = ClockState.UNSYNCED
        self.reload()

    def reload(self) -> None:
        """Read marks and load from the file."""
        self.epochs.clear()
        self.lanes.clear()
        for n, epoch, current in self.db.execute("SELECT n, epoch, current FROM epochs ORDER BY n"):
            self.epochs[epoch] = n
            self.current = epoch if current else self.current
        names = {n: epoch for epoch, n in self.epochs.items()}
        for n, lane, last, acked in self.db.execute("SELECT n, lane, last, acked FROM lanes"):
            state = LaneState(n, last, acked, held=last)
            self.lanes[names[state.n], Lane(lane)] = state
        self.count()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All or nothing, in the file and in what is remembered beside it."""
        before = (self.current, dict(self.epochs), self.load)
        lanes = {key: replace(state) for key, state in self.lanes.items()}
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            if not self.db.get_autocommit():  # a full disk has rolled back by itself
                self.db.execute("ROLLBACK")
            self.current, self.epochs, self.load = before
            self.lanes = lanes
            raise

    def mark(self, epoch: str, lane: Lane) -> StreamMark:
        """One lane of one epoch. KeyError for an epoch that is not in the file."""
        state = self.lanes[epoch, lane]
        return StreamMark(epoch, lane, state.acked, state.last, state.held, epoch == self.current)

    def marks(self) -> tuple[StreamMark, ...]:
        """All of them: the current epoch first, then the oldest."""
        epochs = sorted(self.epochs, key=lambda e: (e != self.current, self.epochs[e]))
        return tuple(self.mark(epoch, lane) for epoch in epochs for lane in Lane)

    def state(self, key: str) -> bytes | None:
        """What is kept under a key."""
        row = self.db.execute("SELECT value FROM state WHERE key=?", (key,)).fetchone()
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def keep_state(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`."""
        self.db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, value))

    def open_epoch(self, epoch: str, now: datetime) -> None:
        """Start an epoch; it is the current one from now on."""
        self.db.execute("UPDATE epochs SET current=0")
        self.add_epoch(epoch, to_ms(now), current=True)
        self.current = epoch

    def add_epoch(self, epoch: str, opened_ms: int, *, current: bool) -> None:
        """An epoch with empty lanes."""
        self.db.execute(
            "INSERT INTO epochs (epoch, opened_ms, current) VALUES (?, ?, ?)",
            (epoch, opened_ms, int(current)),
        )
        n = self.db.last_insert_rowid()
        self.epochs[epoch] = n
        for lane in Lane:
            self.lanes[epoch, lane] = LaneState(n, 0, 0, 0)
            self.db.execute("INSERT INTO lanes VALUES (?, ?, 0, 0)", (n, lane))

    def add(self, draft: Draft, now: datetime, clock: ClockState) -> Event:
        """Give a draft the next number of its lane in the current epoch, and write it."""
        self.clock = clock
        state = self.lanes[self.current, draft.lane]
        event = self.build(self.current, state.last + 1, draft, clock)
        state.last += 1
        self.db.execute(
            "UPDATE lanes SET last=? WHERE n=? AND lane=?", (state.last, state.n, draft.lane)
        )
        self.insert(event, to_ms(now) if clock is ClockState.SYNCED else 0)
        return event

    def waiting(
        self, epoch: str, lane: Lane, after: int, limit: int, max_bytes: int
    ) -> tuple[KeptRow, ...]:
        """Rows that account for numbers beyond `after`; never fewer than one where there is one."""
        n = self.lanes[epoch, lane].n
        found = [row for row in self.db.execute(_COVERING, (n, lane, after)) if row[1] > after]
        found += self.db.execute(_BEYOND, (n, lane, after, limit))
        kept: list[KeptRow] = []
        size = 0
        for seq, upto, payload, refused in found[:limit]:
            size += len(payload)
            if kept and size > max_bytes:
                break
            kept.append(KeptRow(seq, upto, payload, bool(refused)))
        return tuple(kept)

    def oldest_ms(self) -> int | None:
        """When the first waiting row of any lane was written; None where there is none, or the clock was not known."""
        found: list[int] = []
        for (_, lane), state in self.lanes.items():
            row = self.db.execute(_FIRST, (state.n, lane, state.acked)).fetchone()
            found += [row[0]] if row is not None and row[0] else []
        return min(found, default=None)

    def event(self, epoch: str, lane: Lane, seq: int) -> Event | None:
        """The event of one row; None when it is not kept or does not read."""
        state = self.lanes.get((epoch, lane))
        if state is None:
            return None
        row = self.db.execute(
            "SELECT payload FROM rows WHERE n=? AND lane=? AND seq=?", (state.n, lane, seq)
        ).fetchone()
        return None if row is None else read_event(row[0])

    def events_after(
        self, epoch: str, lane: Lane, after: int, limit: int
    ) -> list[tuple[int, Event]]:
        """(seq, event) of rows that are no gaps, beyond `after`; what does not read is left out."""
        found = self.db.execute(
            "SELECT seq, payload FROM rows WHERE n=? AND lane=? AND seq>? AND kind=0"
            " ORDER BY seq LIMIT ?",
            (self.lanes[epoch, lane].n, lane, after, limit),
        )
        read = ((seq, read_event(payload)) for seq, payload in found)
        return [(seq, event) for seq, event in read if event is not None]

    def advance(self, epoch: str, lane: Lane, upto: int, now_ms: int) -> bool:
        """Note an acknowledgement in memory; `write_acks` makes it last. Whether it was news."""
        state = self.lanes.get((epoch, lane))
        if state is None:
            return False
        upto = min(upto, state.last)
        if upto <= state.acked:
            return False
        rows, size = self.span_load(state.n, lane, state.acked + 1, upto)
        self.load = shift(self.load, lane, -rows, -size, kept=True)
        state.acked, state.acked_ms, state.dirty = upto, now_ms, True
        return True

    def write_acks(self) -> None:
        """Write the acknowledgements noted so far."""
        for (_, lane), state in self.lanes.items():
            if state.dirty:
                minute = state.acked_ms // ACK_STEP_MS * ACK_STEP_MS
                self.db.execute(
                    "UPDATE lanes SET acked=? WHERE n=? AND lane=?", (state.acked, state.n, lane)
                )
                self.db.execute(
                    "INSERT OR REPLACE INTO acks VALUES (?, ?, ?, ?)",
                    (state.n, lane, minute, state.acked),
                )
                state.dirty = False

    def put_gap(
        self,
        epoch: str,
        lane: Lane,
        span: tuple[int, int],
        reason: GapReason,
        now: datetime,
        count: int,
    ) -> None:
        """A gap over `span` (both ends in it) that takes the first number of its own range. `count` events are lost with it."""
        data = GapData(from_seq=span[0], to_seq=span[1], reason=reason, count=count)
        event = self.build(epoch, span[0], Draft(lane, now, data), self.clock)
        self.insert(event, to_ms(now))

    def build(self, epoch: str, seq: int, draft: Draft, clock: ClockState) -> Event:
        """The event of a draft under a key."""
        event = build_event(
            site=self._site,
            gateway=self._gateway,
            epoch=epoch,
            lane=draft.lane,
            seq=seq,
            time=draft.time,
            clock=draft.clock or clock,
            data=draft.data,
        )
        if draft.subject is None:
            return event
        return msgspec.structs.replace(event, subject=draft.subject)

    def insert(self, event: Event, created_ms: int) -> None:
        """Write a row; `created_ms` 0 while the clock is not known."""
        payload = encode(event)
        kind, upto = kind_of(event)
        self.db.execute(
            "INSERT INTO rows (n, lane, seq, upto, kind, created_ms, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self.epochs[event.epoch], event.lane, event.seq, upto, kind, created_ms, payload),
        )
        self.load = shift(self.load, event.lane, 1, len(payload))

    def rewrite(self, event: Event, created_ms: int) -> None:
        """Another content for a row that waits and was never published."""
        payload, n = encode(event), self.epochs[event.epoch]
        _, before = self.span_load(n, event.lane, event.seq, event.seq)
        self.db.execute(
            "UPDATE rows SET payload=?, created_ms=? WHERE n=? AND lane=? AND seq=?",
            (payload, created_ms, n, event.lane, event.seq),
        )
        self.load = shift(self.load, event.lane, 0, len(payload) - before)

    def span_load(self, n: int, lane: Lane, first: int, last: int) -> tuple[int, int]:
        """(rows, bytes) numbered `first` to `last`."""
        row = self.db.execute(
            "SELECT count(*), coalesce(sum(length(payload)), 0) FROM rows"
            " WHERE n=? AND lane=? AND seq BETWEEN ? AND ?",
            (n, lane, first, last),
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    def count(self) -> None:
        """Count everything in the file; at opening, and after rare changes of many rows."""
        load = _EMPTY
        for (_, lane), state in self.lanes.items():
            total = self.span_load(state.n, lane, 0, state.last)
            kept = self.span_load(state.n, lane, 0, state.acked)
            load = shift(load, lane, total[0] - kept[0], total[1] - kept[1])
            load = replace(
                load, kept_rows=load.kept_rows + kept[0], kept_bytes=load.kept_bytes + kept[1]
            )
        self.load = load


def shift(load: Load, lane: Lane, rows: int, size: int, *, kept: bool = False) -> Load:
    """The load after `rows` of `size` bytes came to wait (or, negative, went); `kept`: what went is kept."""
    if lane is Lane.ALARM:
        load = replace(load, alarm_rows=load.alarm_rows + rows, alarm_bytes=load.alarm_bytes + size)
    else:
        load = replace(load, bulk_rows=load.bulk_rows + rows, bulk_bytes=load.bulk_bytes + size)
    if kept:
        load = replace(load, kept_rows=load.kept_rows - rows, kept_bytes=load.kept_bytes - size)
    return load


def kind_of(event: Event) -> tuple[int, int]:
    """(kind, upto) of a row."""
    data = event.data
    if not isinstance(data, GapData):
        return ROW, event.seq
    if isinstance(data.epoch, str):
        return GAP_ELSEWHERE, event.seq
    # A gap that takes a number of its own range ends that range; one that came later accounts for itself only.
    return (GAP, data.to_seq) if data.from_seq == event.seq else (GAP_ELSEWHERE, event.seq)


def read_event(payload: object) -> Event | None:
    """The event of a payload; None when the bytes have gone bad."""
    if not isinstance(payload, bytes):
        return None
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
