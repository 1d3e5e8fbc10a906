"""The linker's loop: one transaction after another while sites wait, then until it is woken or LOOK_S have passed.

A transaction links as many sites as it takes TARGET_S to link, at most SITES_MAX. When one of them cannot be linked, all are
rolled back, that one waits, longer each time, and the others are linked without it: it costs them one try. Several linkers,
in one process or many, never have the same site at once: claimed sites are locked.

A database that is away is waited for, and that is said once.
"""

import logging
import threading
from typing import Final

from gatehouse_hub.errors import StoreError, TurnFailedError
from gatehouse_hub.flows.on_turn import Linker, take_turns
from gatehouse_hub.ports import Announcer, Changed, Clock, Database, Dialect, Metrics
from gatehouse_hub.store import work
from gatehouse_shared.instants import to_ms

LOOK_S: Final = 1.0
"""How long work of another process may wait for its turn."""

SITES_MAX: Final = {Dialect.POSTGRESQL: 64, Dialect.SQLITE: 8}
"""Sites in one transaction; on SQLite ingest waits for it."""

TARGET_S: Final = 0.25

_log = logging.getLogger(__name__)


class LinkLoop:
    """One linker. `run` until `stop`; `wake` from any thread."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announcer: Announcer,
        metrics: Metrics,
        linker: Linker | None = None,
    ) -> None:
        self._database, self._clock = database, clock
        self._announcer, self._metrics = announcer, metrics
        self._linker = linker or Linker()
        self._most = SITES_MAX[database.dialect]
        self._limit = self._most
        self._failing: set[str] = set()
        self._woken = threading.Event()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Link until stopped."""
        failed = False
        while not self._stopping.is_set():
            self._woken.wait(LOOK_S)
            self._woken.clear()
            try:
                while not self._stopping.is_set() and self.turn():
                    pass
            except StoreError as error:
                if not failed:
                    _log.warning("linking waits for the database: %s", error)
                failed = True
                self._stopping.wait(LOOK_S)
            else:
                if failed:
                    _log.warning("linking goes on")
                failed = False

    def turn(self) -> bool:
        """One transaction; whether there may be more to link."""
        began_s = self._clock.monotonic_s()
        try:
            with self._database.transaction() as tx:
                turns = take_turns(tx, to_ms(self._clock.now()), self._limit, self._linker)
        except TurnFailedError as error:
            self._postpone(error)
            return True
        if not turns:
            return False
        self._failing.difference_update(turn.site for turn in turns)
        took_s = self._clock.monotonic_s() - began_s
        self._metrics.observe("link_seconds", took_s)
        self._metrics.count("sites_linked", len(turns))
        self._metrics.count("links", sum(len(turn.changed) for turn in turns))
        self._adapt(took_s / len(turns))
        for turn in turns:
            if turn.changed:
                self._announcer.tell(turn.site, Changed.INCIDENTS, presence=turn.presence)
        return True

    def wake(self) -> None:
        """There is work."""
        self._woken.set()

    def stop(self) -> None:
        """End after the turn at work."""
        self._stopping.set()
        self._woken.set()

    def _adapt(self, site_s: float) -> None:
        """Take as many sites as fit into TARGET_S, at most twice as many as last time."""
        fitting = round(TARGET_S / max(site_s, 1e-6))
        self._limit = max(1, min(self._most, self._limit * 2, fitting))

    def _postpone(self, error: TurnFailedError) -> None:
        """A site that cannot be linked waits; said once until it can."""
        if error.site not in self._failing:
            _log.error("%s", error, exc_info=error)
            self._failing.add(error.site)
        self._metrics.count("link_failures")
        with self._database.transaction() as tx:
            work.postpone(tx, error.site, to_ms(self._clock.now()))
