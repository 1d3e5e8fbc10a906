"""The linker's loop: one turn after another while sites wait, then until it is woken or LOOK_S have passed.

A turn that fails rolls back, so its site waits again; the loop goes on after a pause, and says so once.
"""

import logging
import threading
from typing import Final

from gatehouse_hub.errors import StoreError, TurnFailedError
from gatehouse_hub.flows.on_turn import take_turn
from gatehouse_hub.ports import Announcer, Changed, Clock, Database, Metrics
from gatehouse_hub.store import work
from gatehouse_shared.instants import to_ms

LOOK_S: Final = 1.0
"""How long work of another process may wait for its turn."""

_log = logging.getLogger(__name__)


class LinkLoop:
    """One linker. `run` until `stop`; `wake` from any thread."""

    def __init__(
        self, database: Database, clock: Clock, announcer: Announcer, metrics: Metrics
    ) -> None:
        self._database, self._clock = database, clock
        self._announcer, self._metrics = announcer, metrics
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
        """One turn; whether there was a site to link."""
        began_s = self._clock.monotonic_s()
        try:
            with self._database.transaction() as tx:
                turn = take_turn(tx, to_ms(self._clock.now()))
        except TurnFailedError as error:
            self._postpone(error)
            return False
        self._failing.discard("" if turn is None else turn.site)
        if turn is None:
            return False
        self._metrics.observe("link_seconds", self._clock.monotonic_s() - began_s)
        self._metrics.count("links", len(turn.changed))
        if turn.changed:
            self._announcer.tell(turn.site, Changed.INCIDENTS, presence=turn.presence)
        return True

    def _postpone(self, error: TurnFailedError) -> None:
        """A site that cannot be linked waits behind all others; said once until it can."""
        if error.site not in self._failing:
            _log.error("%s", error, exc_info=error)
            self._failing.add(error.site)
        self._metrics.count("link_failures")
        with self._database.transaction() as tx:
            work.postpone(tx, error.site, to_ms(self._clock.now()))

    def wake(self) -> None:
        """There is work."""
        self._woken.set()

    def stop(self) -> None:
        """End after the turn at work."""
        self._stopping.set()
        self._woken.set()
