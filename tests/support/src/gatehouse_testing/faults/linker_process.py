"""A linker in a process of its own, which tells what it claims.

up
claims SECONDS SITE…          from here to the next line these sites are its own (monotonic seconds of this machine)
leaves SECONDS                its transaction is about to end
"""

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.flows.link_loop import LinkLoop
from gatehouse_hub.live.broadcast import Broadcast
from gatehouse_hub.live.metrics import PrometheusMetrics
from gatehouse_hub.ports import Database, Dialect, Transaction
from gatehouse_hub.store import work
from gatehouse_hub.store.database import connect
from gatehouse_testing.faults.children import say


@dataclass(frozen=True, slots=True)
class LinkerTask:
    """The address of the database."""

    database: str


class TellingDatabase:
    """A database that tells when a transaction in which sites were claimed is about to end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.claimed = False

    @property
    def dialect(self) -> Dialect:
        """As the real one."""
        return self._database.dialect

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """As the real one."""
        with self._database.transaction() as tx:
            try:
                yield tx
            finally:
                if self.claimed:
                    say("leaves", time.monotonic())
                self.claimed = False

    @contextmanager
    def snapshot(self) -> Generator[Transaction]:
        """As the real one."""
        with self._database.snapshot() as tx:
            yield tx

    def close(self) -> None:
        """As the real one."""
        self._database.close()


def main(task: LinkerTask) -> None:
    """Link until killed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    clock = SystemClock()
    database = TellingDatabase(connect(task.database))
    claim = work.claim

    def telling_claim(tx: Transaction, limit: int, now_ms: int) -> list[work.Pending]:
        found = claim(tx, limit, now_ms)
        if found:
            database.claimed = True
            say("claims", time.monotonic(), *(pending.site for pending in found))
        return found

    work.claim = telling_claim
    say("up")
    LinkLoop(database, clock, Broadcast(clock), PrometheusMetrics()).run()
