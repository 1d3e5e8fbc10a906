"""Power cuts of an outbox, one life after another on the same simulated disk.

A life opens the file, works until the power goes at a drawn write or sync, and leaves what the disk kept. What was accepted (the
call had returned) must be there in the next life, and no file may be found damaged.
"""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import apsw

from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.outbox.store import Outbox, Place, open_outbox
from gatehouse_shared.errors import WireError
from gatehouse_shared.events import ClockState
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import Row, read_rows
from gatehouse_testing.gateway_parts import START, gas
from gatehouse_testing.simulation.disk import DiedError, Disk

LIVES_A_FILE: Final = 25
OPERATIONS_A_LIFE: Final = 250
Key = tuple[str, Lane, int]
Settings = Callable[[apsw.Connection], None]


def shipped(_connection: apsw.Connection) -> None:
    """The settings as they are."""


def normal(connection: apsw.Connection) -> None:
    """What must not be shipped: commits that are not synced."""
    connection.execute("PRAGMA synchronous=NORMAL")


@dataclass(slots=True)
class Cuts:
    """What came of power cuts: how many there were, rows that were accepted, rows that were lost, files found damaged."""

    cuts: int = 0
    accepted: int = 0
    lost: int = 0
    corrupt: int = 0


@dataclass(slots=True)
class OutboxLives:
    """One outbox over many lives. `settings` is applied to each opened connection."""

    folder: Path
    draw: random.Random
    settings: Settings
    found: Cuts
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    held: dict[Key, str] = field(default_factory=dict[Key, str])
    now: datetime = START
    disk: Disk = field(init=False)

    def __post_init__(self) -> None:
        self.disk = Disk(self.folder)

    def live(self) -> None:
        """One life, which ends with the power."""
        box: Outbox | None = None
        while_opening = self.draw.random() < 0.2
        if while_opening:
            self.disk.arm(self.draw.randint(1, 3 * OPERATIONS_A_LIFE), self.draw)
        try:
            box = self._open()
            if not while_opening:
                self.disk.arm(self.draw.randint(1, OPERATIONS_A_LIFE), self.draw)
            self._check(box)
            life = self.disk.life
            while True:
                self._work(box, life)
        except DiedError:
            self.found.cuts += 1
        finally:
            if box is not None:
                abandon(box)
            self.disk.revive()

    def look(self) -> None:
        """A last life with the power on."""
        self.disk.disarm()
        box = self._open()
        self._check(box)
        box.close()

    def _open(self) -> Outbox:
        place = Place(
            self.folder / "outbox.db",
            "riverside",
            "gw_1",
            Limits(max_age_days=90),
            lambda: f"{next(self.numbers):016x}",
        )
        box, opened = open_outbox(place, self.now)
        self.settings(box._db)
        if opened.salvage is not None:
            self.found.corrupt += 1
            self.held.clear()
        return box

    def _check(self, box: Outbox) -> None:
        there = rows_of(box)
        missing = [key for key, name in self.held.items() if there.get(key) != name]
        self.found.lost += len(missing)
        for key in missing:
            del self.held[key]

    def _work(self, box: Outbox, life: int) -> None:
        """Something that an agent does with its outbox."""
        draw = self.draw
        self.now += timedelta(seconds=draw.choice([1, 1, 1, 60, 4_000]))
        what = draw.random()
        if what < 0.75:
            drafts = [gas(n, self.now) for n in range(draw.choice([1, 1, 3, 40]))]
            state = {"rules": draw.randbytes(draw.choice([10, 3_000]))} if what < 0.3 else {}
            events = box.append(drafts, state, self.now, ClockState.SYNCED)
            self.disk.outlived(life)
            for event in events:
                self.held[event.epoch, event.lane, event.seq] = event.id
                self.found.accepted += 1
        elif what < 0.9:
            self._ack(box, draw.random())
        elif what < 0.98:
            box.tidy(self.now)
        else:
            # Its rows move to the new epoch under new numbers; that they do is for other tests.
            self.held.clear()
            box.start_epoch(self.now)
        self.disk.outlived(life)

    def _ack(self, box: Outbox, share: float) -> None:
        """What the hub has may go whenever the outbox likes, and is not asked for any more."""
        for mark in box.marks():
            upto = mark.acked + int((mark.last - mark.acked) * share)
            box.ack(mark.epoch, {mark.lane: upto}, self.now)
            for key in [k for k in self.held if k[:2] == (mark.epoch, mark.lane) and k[2] <= upto]:
                del self.held[key]


def cut_outboxes(folder: Path, seed: int, cuts: int, settings: Settings = shipped) -> Cuts:
    """So many power cuts, LIVES_A_FILE on each outbox."""
    found = Cuts()
    for number in range(-(-cuts // LIVES_A_FILE)):
        home = folder / str(number)
        home.mkdir()
        lives = OutboxLives(home, random.Random(f"{seed}/{number}"), settings, found)
        for _ in range(min(LIVES_A_FILE, cuts - found.cuts)):
            lives.live()
        lives.look()
        for path in home.iterdir():
            path.unlink()
    return found


def abandon(box: Outbox) -> None:
    """Let go of an outbox whose process is dead: nothing more is written."""
    box._db.close()
    box._lock.release()


def rows_of(box: Outbox) -> dict[Key, str]:
    """Every waiting row that reads, by its key."""
    found: dict[Key, str] = {}
    for mark in box.marks():
        after = mark.acked
        while rows := box.waiting(mark.epoch, mark.lane, after, 1_000, 10**9):
            for row in rows:
                try:
                    read = read_rows(row.payload)[0]
                except WireError:
                    continue
                if isinstance(read, Row):
                    found[mark.epoch, mark.lane, row.seq] = read.event.id
            after = rows[-1].upto
    return found
