"""Lets go what is past its keeping, and makes the partitions of the days ahead: at the start, then every LOOK_S.

Several processes may do it at once: each step is a transaction of its own that finds its work anew.
"""

import logging
import threading
from typing import Final

from gatehouse_hub.errors import StoreError
from gatehouse_hub.ports import Clock, Database, Metrics
from gatehouse_hub.store.retention import Retention, take_turn
from gatehouse_shared.instants import to_ms

LOOK_S: Final = 600.0

_log = logging.getLogger(__name__)


class RetentionLoop:
    """`run` until `stop`."""

    def __init__(
        self, database: Database, retention: Retention, clock: Clock, metrics: Metrics
    ) -> None:
        self._database, self._retention = database, retention
        self._clock, self._metrics = clock, metrics
        self._stopping = threading.Event()

    def run(self) -> None:
        """Take turns until stopped. What could not go, because the database is away or a table in use, goes later."""
        failed = False
        while not self._stopping.is_set():
            try:
                gone = take_turn(self._database, self._retention, to_ms(self._clock.now()))
            except StoreError as error:
                if not failed:
                    _log.warning("what is past its keeping waits: %s", error)
                failed = True
            else:
                if failed:
                    _log.warning("what was past its keeping is gone")
                failed = False
                self._metrics.count("retention_gone", sum(gone.values()))
            self._stopping.wait(LOOK_S)

    def stop(self) -> None:
        """End after the turn at work."""
        self._stopping.set()
