"""Power cuts of a hub's store on SQLite: what was acknowledged is there afterwards, and the file is whole."""

import random
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import apsw

from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.ports import Database
from gatehouse_hub.store import progress, sites
from gatehouse_hub.store.database import open_database
from gatehouse_hub.values import LaneKey
from gatehouse_shared.commands import Ack
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import decode, encode
from gatehouse_testing.building import (
    EPOCH,
    START_MS,
    Outbox,
    arrival,
    birth,
    rows_arrival,
    small_site,
)
from gatehouse_testing.hub_parts import Bench, TurnedClock
from gatehouse_testing.power_cuts import LIVES_A_FILE, Cuts, Settings, shipped
from gatehouse_testing.simulation.disk import DiedError, Disk

OPERATIONS_A_LIFE = 300
BOX = Outbox()


@dataclass(slots=True)
class HubLives:
    """One store over many lives. `acked` is the highest number of each lane that ever went out."""

    folder: Path
    draw: random.Random
    settings: Settings
    found: Cuts
    acked: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))
    at_s: float = 0.0
    disk: Disk = field(init=False)

    def __post_init__(self) -> None:
        self.disk = Disk(self.folder)

    def live(self) -> None:
        """One life, which ends with the power."""
        while_opening = self.draw.random() < 0.2
        if while_opening:
            self.disk.arm(self.draw.randint(1, OPERATIONS_A_LIFE), self.draw)
        database: Database | None = None
        try:
            database = self._open()
            if not while_opening:
                self.disk.arm(self.draw.randint(1, OPERATIONS_A_LIFE), self.draw)
            self._work(database)
        except DiedError:
            self.found.cuts += 1
        finally:
            if database is not None:
                database.close()
            self.disk.revive()

    def look(self) -> None:
        """A last life with the power on."""
        self.disk.disarm()
        self._open().close()

    def _open(self) -> Database:
        life = self.disk.life
        database = open_database(f"sqlite:{self.folder / 'hub.db'}", TurnedClock())
        try:
            with database.transaction() as tx:
                sites.add(tx, small_site(), START_MS)
            self.disk.outlived(life)
            self.settings(writer_of(database))
            with database.snapshot() as tx:
                if tx.execute("PRAGMA quick_check(1)") != [("ok",)]:
                    self.found.corrupt += 1
                for lane, upto in self.acked.items():
                    there = progress.load(tx, LaneKey("gw_1", EPOCH, lane))
                    self.found.lost += max(0, upto - there)
                    self.acked[lane] = min(upto, there)
        except BaseException:
            database.close()
            raise
        return database

    def _work(self, database: Database) -> None:
        life = self.disk.life
        bench = Bench(database)
        bench.clock.at_s = self.at_s
        bench.broker.on_publish = self._published
        worker: IngestWorker = bench.worker()
        bench.give(arrival("state", encode(birth(conn=self.disk.life + 1)), at_s=self.at_s))
        for _ in count():
            for lane in Lane:
                first = self.acked[lane] + 1
                numbers = range(first, first + self.draw.choice([1, 2, 20, 80]))
                make = BOX.hazard if lane is Lane.ALARM else BOX.count
                bench.give(rows_arrival([make(n, at_s=60 * n) for n in numbers], at_s=self.at_s))
            bench.turn(worker, 0.5, step_s=0.25)
            self.at_s = bench.clock.at_s
            self.disk.outlived(life)

    def _published(self, topic: str, payload: bytes) -> None:
        if not topic.endswith("/down/ack") or self.disk.dead:
            return
        ack = decode(payload, Ack)
        for lane, upto in ((Lane.ALARM, ack.alarm), (Lane.BULK, ack.bulk)):
            self.found.accepted += max(0, upto - self.acked[lane])
            self.acked[lane] = max(self.acked[lane], upto)


def cut_hubs(folder: Path, seed: int, cuts: int, settings: Settings = shipped) -> Cuts:
    """So many power cuts, LIVES_A_FILE on each store."""
    found = Cuts()
    for number in range(-(-cuts // LIVES_A_FILE)):
        home = folder / str(number)
        home.mkdir()
        lives = HubLives(home, random.Random(f"{seed}/{number}"), settings, found)
        for _ in range(min(LIVES_A_FILE, cuts - found.cuts)):
            lives.live()
        lives.look()
        for path in home.iterdir():
            path.unlink()
    return found


def writer_of(database: Database) -> apsw.Connection:
    """The connection on which a SQLite store writes."""
    writer = getattr(database, "_writer")  # noqa: B009 - not the port's business, but the test's
    assert isinstance(writer, apsw.Connection)
    return writer
