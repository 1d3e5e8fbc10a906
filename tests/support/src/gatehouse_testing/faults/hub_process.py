"""A real hub in a process that may die between the COMMIT of its rows and their acknowledgement, or before that COMMIT.

    up                     it listens
    dies MOMENT            the next instruction is its last

The hub is the product's; only its database is wrapped, so that the moment of death can be chosen. The moment `ack_first` makes
the build that the suites must catch: it takes rows for stored that are only written, says so, and dies before the COMMIT.
"""

import logging
import signal
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gatehouse_hub import app
from gatehouse_hub.config import HubConfig, choose_roles, load_config
from gatehouse_hub.flows import leaseholder
from gatehouse_hub.ingest import acks
from gatehouse_hub.pipeline import Role
from gatehouse_hub.ports import Clock, Database, Dialect, Row, Transaction, Value
from gatehouse_hub.store.database import open_database
from gatehouse_testing.faults.children import die, say

MOMENTS: Final = ("before_commit", "after_commit")
"""Where a hub may be told to die."""
ACK_FIRST: Final = "ack_first"
BRIEF: Final = leaseholder.LeaseTimes(lease_s=0.8, round_s=0.2)
ACK_S: Final = 0.5
"""How long a hub that acknowledges first lives on: its word is out by then."""


class NotCommittedError(Exception):
    """Rolls back what the caller takes for committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubTask:
    """Which configuration, and when to die: at `die_at` of the `after`-th transaction that wrote rows; "" for never."""

    config: Path
    die_at: str = ""
    after: int = 1
    roles: tuple[str, ...] = ("ingest", "linking")


class MortalTransaction:
    """A transaction that remembers whether rows of gateways were written in it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx, self.wrote = tx, False

    @property
    def dialect(self) -> Dialect:
        """As the real one."""
        return self._tx.dialect

    def execute(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """As the real one."""
        return self._tx.execute(sql, params)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """As the real one."""
        self._tx.execute_many(sql, rows)

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Value]],
        conflict: str = "",
    ) -> list[Row]:
        """As the real one."""
        return self._tx.insert(table, columns, rows, conflict)

    def append(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """As the real one: rows of events go in by it."""
        self.wrote = self.wrote or (table.startswith("event") and bool(rows))
        self._tx.append(table, columns, rows)


class MortalDatabase:
    """A database whose process dies round a COMMIT."""

    def __init__(self, database: Database, task: HubTask) -> None:
        self._database, self._task = database, task
        self._left = task.after

    @property
    def dialect(self) -> Dialect:
        """As the real one."""
        return self._database.dialect

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """As the real one, perhaps the last."""
        last = False
        try:
            with self._database.transaction() as tx:
                mortal = MortalTransaction(tx)
                yield mortal
                last = mortal.wrote and self._is_last()
                if last and self._task.die_at == "before_commit":
                    self._die()
                if last and self._task.die_at == ACK_FIRST:
                    raise NotCommittedError
        except NotCommittedError:
            threading.Timer(ACK_S, self._die).start()
        if last and self._task.die_at == "after_commit":
            self._die()

    @contextmanager
    def snapshot(self) -> Generator[Transaction]:
        """As the real one."""
        with self._database.snapshot() as tx:
            yield tx

    def close(self) -> None:
        """As the real one."""
        self._database.close()

    def _is_last(self) -> bool:
        self._left -= 1
        return self._left == 0

    def _die(self) -> None:
        say("dies", self._task.die_at)
        die()


def quick(config: HubConfig, roles: tuple[str, ...]) -> HubConfig:
    """Over PostgreSQL: some roles only, since API and console make the start slow, and with leases that soon expire.

    The dead do not give their shards back; a successor that waited for the lease each time would make hours of minutes.
    """
    if config.database.startswith("sqlite:"):
        return config

    def brief(**_given: float) -> leaseholder.LeaseTimes:
        return BRIEF

    leaseholder.hold.__globals__["LeaseTimes"] = brief
    return choose_roles(config, map(Role, roles))


def main(task: HubTask) -> None:
    """Run a hub until it is ended or killed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ending.set())

    def open_mortal(url: str, clock: Clock) -> Database:
        return MortalDatabase(open_database(url, clock), task)

    app.__dict__["open_database"] = open_mortal
    if task.die_at == ACK_FIRST:
        # Without the pause between acknowledgements: the word is out before a later batch corrects it.
        acks.__dict__["INTERVAL_S"] = 0.0
    hub = app.Hub(quick(load_config(task.config), task.roles))
    hub.start()
    say("up", hub.url)
    ending.wait()
    hub.stop()
