"""The outbox: accepted events on disk until the hub has them. Accepted means committed.

Owner   one thread (the agent's own loop) calls it; every other gets an OutboxError. What a call changed is on disk when it
        returns, but for acknowledgements: those are written by `tidy`, since losing one only means to send again, and writing
        each would cost the flash a page an event.
Bounds  `Limits` (rows, bytes, age); what goes leaves a `gap` under the lowest number that went, so no number is ever
        unaccounted for.
Errors  OutboxError when the file cannot be written even from the room kept back.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import apsw

from gatehouse_edge.errors import OutboxError
from gatehouse_edge.outbox import renewal, trimming
from gatehouse_edge.outbox.bounds import KEEP_ACKED_S, Limits, Load, Shed, next_to_go, over_half
from gatehouse_edge.outbox.merger import Merger
from gatehouse_edge.outbox.published import Published
from gatehouse_edge.outbox.room import SPARE_PAGES, Room
from gatehouse_edge.outbox.rows import Rows
from gatehouse_edge.outbox.salvage import (
    Salvage,
    keep_aside,
    move_aside,
    resume_salvage,
    salvage_into,
)
from gatehouse_edge.outbox.schema import (
    PAGE_BYTES,
    DamagedError,
    FileLock,
    connect,
    sqlite_warning,
)
from gatehouse_edge.values import Draft, KeptRow, StreamMark
from gatehouse_shared.events import ClockState, Event, GapData, GapReason
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import Lane

EPOCHS_MAX: Final = 16
"""A birth names at most this many; older epochs that are done with are forgotten first."""

ROWS_A_PAGE: Final = 8
MERGE_STEPS: Final = 4
"""Steps of merging at a time: a few tens of milliseconds."""
MERGE_TRIES: Final = 5
"""So often is that many steps tried before bulk is dropped, should more come than `tidy` has merged."""

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """How the file was found. `salvage` when it was damaged and moved aside."""

    created: bool
    salvage: Salvage | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Whose outbox, where, how large. `new_epoch` makes 16 hex that never come again."""

    path: Path
    site: str
    gateway: str
    limits: Limits
    new_epoch: Callable[[], str]


class Outbox:
    """Durable queue of one gateway. Open it with `open_outbox`."""

    def __init__(self, place: Place, connection: apsw.Connection, lock: FileLock) -> None:
        self.place, self._db, self._lock = place, connection, lock
        self._owner: int | None = None
        self._rows = Rows(connection, place.site, place.gateway)
        self._on_wire: dict[tuple[str, Lane], int] = {}
        self._room = Room(connection, place.path)
        self._published = Published(self._rows)
        self._merger = Merger(self._rows, self._published.upto)

    @property
    def squeezed(self) -> bool:
        """Whether the disk is full, and rows live on the room kept back."""
        return self._room.squeezed

    @property
    def epoch(self) -> str:
        """The epoch that takes new rows."""
        return self._rows.current

    @property
    def load(self) -> Load:
        """How full it is."""
        return self._rows.load

    def oldest_ms(self) -> int | None:
        """When the oldest row that waits was written, milliseconds since 1970; None where none waits or the clock was not
        known.
        """
        return self._rows.oldest_ms()

    def next_seq(self, lane: Lane) -> int:
        """The number that the next row of a lane will get."""
        return self._rows.mark(self.epoch, lane).last + 1

    def state(self, key: str) -> bytes | None:
        """What was kept under `key` with the last rows that changed it."""
        return self._rows.state(key)

    def marks(self) -> tuple[StreamMark, ...]:
        """Every lane of every epoch in the file: the current epoch first, alarms before bulk."""
        return self._rows.marks()

    def waiting(
        self, epoch: str, lane: Lane, after: int, limit: int, max_bytes: int
    ) -> tuple[KeptRow, ...]:
        """Rows beyond `after` in order, with the gap that covers `after` first; at most `limit` rows and `max_bytes`."""
        return self._rows.waiting(epoch, lane, after, limit, max_bytes)

    def append(
        self, drafts: Sequence[Draft], state: Mapping[str, bytes], now: datetime, clock: ClockState
    ) -> tuple[Event, ...]:
        """Number the drafts, and commit them with `state`, all or nothing. Full disks are met from the room kept back."""
        pages = len(drafts) // ROWS_A_PAGE + sum(map(len, state.values())) // PAGE_BYTES
        events = self._write(lambda: self._commit(drafts, state, now, clock), now, pages)
        self._keep_within_bounds(now)
        return events

    def ack(self, epoch: str, upto: Mapping[Lane, int], now: datetime) -> None:
        """The hub has accounted for everything up to these numbers. Numbers that were never given are cut off."""
        self._own()
        for lane, number in upto.items():
            self._rows.advance(epoch, lane, number, to_ms(now))

    def restore(self, epoch: str, upto: Mapping[Lane, int], now: datetime) -> None:
        """The hub was restored and holds less: rows beyond `upto` wait again; what is no longer kept becomes a gap `expired`."""

        def go_back() -> None:
            for lane, number in upto.items():
                trimming.go_back(self._rows, epoch, lane, number, now)

        self._write(go_back, now)

    def start_epoch(self, now: datetime, *, reissue: Sequence[tuple[Lane, int]] = ()) -> int:
        """The file was rolled back: open an epoch, say again in it all that was never acknowledged, and `reissue`. How many rows.

        Hazards kept in the state move too. The old epoch is accounted for by a gap of reason `epoch`.
        """
        old = self.epoch
        count = self._write(
            lambda: self._renew(old, self.place.new_epoch(), now, reissue),
            now,
            self.load.all_bytes // PAGE_BYTES,
        )
        self._published.reload()
        self._on_wire.clear()
        return count

    def reissue(self, epoch: str, lane: Lane, seq: int, now: datetime) -> bool:
        """Say a row of a closed epoch again in the current one; False when it is no longer kept or was only a gap."""
        self._own()
        event = self._rows.event(epoch, lane, seq)
        if event is None or isinstance(event.data, GapData) or epoch == self.epoch:
            return False
        self._write(lambda: renewal.say_again(self._rows, event, epoch, now), now)
        return True

    def is_gap(self, epoch: str, lane: Lane, seq: int) -> bool:
        """Whether the row under this number is a gap."""
        event = self._rows.event(epoch, lane, seq)
        return event is not None and isinstance(event.data, GapData)

    def refuse(self, epoch: str, lane: Lane, seqs: Sequence[int], now: datetime) -> tuple[int, ...]:
        """A message of these rows could not be read by the hub. First they are encoded again and sent alone; a row that is
        refused alone becomes a gap. The numbers that became gaps.
        """
        return self._write(lambda: trimming.refuse(self._rows, epoch, lane, seqs, now), now)

    def on_wire(self, epoch: str, lane: Lane, upto: int, now: datetime) -> None:
        """Rows up to here are about to be published: they go last when rows must go, and are not merged any more."""
        self._own()
        if lane is Lane.BULK and not self._published.covers(epoch, upto):
            self._write(lambda: self._published.note(epoch, upto), now)
            self._published.reload()
        self._on_wire[epoch, lane] = upto

    def tidy(self, now: datetime) -> None:
        """Write pending acknowledgements, forget what was acknowledged a day ago, let go what is too old, merge count windows
        where much waits. Call every few seconds; a call takes a few tens of milliseconds.
        """
        self._write(lambda: self._forget(now), now)
        if over_half(self.load, self.place.limits):
            self._merge(now)
        try:
            self._room.watch()
        except (apsw.FullError, apsw.IOError) as error:
            raise self._unwritable(error) from error

    def begin(self, now: datetime, salvage: Salvage | None) -> None:
        """The first epoch of a file that was just made."""
        epoch = self.place.new_epoch()
        with self._rows.transaction():
            renewal.begin(self._rows, epoch, now, salvage)
            self._published.open_epoch(epoch)
        self._published.reload()

    def close(self) -> None:
        """Write what is pending and let go of the file; idempotent."""
        with suppress(apsw.ConnectionClosedError):
            with suppress(apsw.FullError, apsw.IOError), self._rows.transaction():
                self._rows.write_acks()
            self._room.close()
        self._lock.release()

    def _own(self) -> None:
        me = threading.get_ident()
        if self._owner is None:
            self._owner = me
        elif self._owner != me:
            raise OutboxError("the outbox belongs to another thread")

    def _write(self, job: Callable[[], T], now: datetime, pages: int = 0) -> T:
        """Do `job` in one transaction, which needs about so many pages; bulk makes room where the disk is full."""
        self._own()
        try:
            self._room.prepare(2 * pages)
            try:
                return self._once(job, now, 2 * pages)
            except apsw.FullError:
                self._room.squeeze()
                return self._once(job, now, 2 * pages)
        except (apsw.FullError, apsw.IOError, apsw.ReadOnlyError) as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: apsw.Error) -> OutboxError:
        remedy = "Free some space, or look for a disk that fails"
        return OutboxError(
            f"the disk takes nothing ({error})", place=str(self.place.path), remedy=remedy
        )

    def _once(self, job: Callable[[], T], now: datetime, pages: int) -> T:
        self._let_bulk_go(pages, now)
        with self._rows.transaction():
            return job()

    def _let_bulk_go(self, pages: int, now: datetime) -> None:
        """On the room kept back alarms have the last pages: what the hub has goes, then bulk, oldest first."""
        if not self.squeezed:
            return
        while self._room.free_pages < pages + SPARE_PAGES:
            with self._rows.transaction():
                self._rows.write_acks()
                if not trimming.let_go(self._rows, self._on_wire, now):
                    return

    def _commit(
        self, drafts: Sequence[Draft], state: Mapping[str, bytes], now: datetime, clock: ClockState
    ) -> tuple[Event, ...]:
        events = tuple(self._rows.add(draft, now, clock) for draft in drafts)
        for key, value in state.items():
            self._rows.keep_state(key, value)
        return events

    def _forget(self, now: datetime) -> None:
        self._rows.write_acks()
        trimming.forget_acked(self._rows, to_ms(now) - KEEP_ACKED_S * 1000)
        trimming.forget_epochs(self._rows, EPOCHS_MAX)
        oldest = to_ms(now - timedelta(days=self.place.limits.max_age_days))
        too_old = trimming.Shedding(Lane.BULK, trimming.FORGET_STEP, GapReason.DROPPED_AGE, oldest)
        trimming.shed(self._rows, too_old, self._on_wire, now)

    def _merge(self, now: datetime) -> bool:
        """Make fewer rows of the count windows that wait. False when all that can be is."""
        step = partial(self._merger.step, now.timestamp())
        return all(self._write(step, now) for _ in range(MERGE_STEPS))

    def _renew(self, old: str, new: str, now: datetime, reissue: Sequence[tuple[Lane, int]]) -> int:
        count = renewal.renew(self._rows, old, new, now, reissue)
        self._published.open_epoch(new)
        return count

    def _keep_within_bounds(self, now: datetime) -> None:
        tries = MERGE_TRIES
        while (going := next_to_go(self.load, self.place.limits)) is not None:
            shed, reason, count = going
            if shed is Shed.BULK and tries:
                tries = tries - 1 if self._merge(now) else 0
                continue
            if shed is Shed.ACKED:
                self._write(partial(trimming.forget_oldest_kept, self._rows, count), now)
                continue
            lane = Lane.BULK if shed is Shed.BULK else Lane.ALARM
            what = trimming.Shedding(lane, count, reason)
            if not self._write(partial(trimming.shed, self._rows, what, self._on_wire, now), now):
                return


def open_outbox(place: Place, now: datetime) -> tuple[Outbox, Opened]:
    """Open, create or salvage the outbox of a gateway. OutboxError when another process has it, or the folder is not usable."""
    lock = FileLock(place.path)
    warning = sqlite_warning()
    if warning:
        log.warning("%s", warning)
    created = not place.path.exists() or place.path.stat().st_size == 0
    try:
        return _open_locked(place, now, lock, created=created)
    except (apsw.FullError, apsw.IOError) as error:
        if created:  # half made, it would be taken for a damaged one
            for suffix in ("", "-wal"):
                place.path.with_name(place.path.name + suffix).unlink(missing_ok=True)
        lock.release()
        raise OutboxError(
            f"the disk takes nothing ({error})", place=str(place.path), remedy="Free some space"
        ) from error
    except BaseException:
        lock.release()
        raise


def _open_locked(
    place: Place, now: datetime, lock: FileLock, *, created: bool
) -> tuple[Outbox, Opened]:
    salvage: Salvage | None = None
    resume_salvage(place.path)
    try:
        connection = connect(place.path, create=created)
    except DamagedError as damage:
        log.error("outbox %s is damaged (%s); its rows are saved", place.path, damage)
        aside = move_aside(place.path)
        connection = connect(place.path, create=True)
        salvage = salvage_into(connection, aside, place.gateway)
    outbox = Outbox(place, connection, lock)
    # Without an epoch it is as good as new: whoever made it died before the first one was committed.
    created = not outbox.epoch
    if created:
        outbox.begin(now, salvage)
    kept = keep_aside(place.path, now)
    if kept is not None:
        log.error("the damaged outbox lies in %s", kept)
    if salvage is not None and kept is not None:
        salvage = replace(salvage, aside=kept)
    return outbox, Opened(created, salvage)
