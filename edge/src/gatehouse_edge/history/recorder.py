"""Keeps what the rules are told, a minute at a time. Never in the way: whatever fails here is said once, and the agent goes on.

Bounds  one minute in memory, and WAITING_MAX minutes more while the file is being read.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import apsw

from gatehouse_edge.history.block import Block
from gatehouse_edge.history.forms import time_cs
from gatehouse_edge.history.store import Bounds, SignalStore, give_up
from gatehouse_edge.history.writing import BlockWriter
from gatehouse_edge.ports import Heard
from gatehouse_edge.rules.observations import Moment

BLOCK_S: Final = 60.0
WAITING_MAX: Final = 10
AGAIN_S: Final = 600.0
"""How long after it was given up for the outbox's sake the file is begun anew, at the earliest."""

log = logging.getLogger(__name__)


class SignalRecorder:
    """A Witness that writes. `open_store` opens the file at `path`."""

    def __init__(
        self,
        path: Path,
        bounds: Bounds,
        by_sample: Mapping[str, frozenset[str]],
        setup: bytes,
    ) -> None:
        self._path, self._bounds, self._by_sample, self._setup = path, bounds, by_sample, setup
        self._writer = BlockWriter(by_sample)
        self._waiting: deque[tuple[Block, int]] = deque(maxlen=WAITING_MAX)
        self._store: SignalStore | None = None
        self._last: Moment | None = None
        self._failed = False
        self._not_before = float("-inf")
        self.blocks = 0
        self.bytes = 0

    def heard(self, step: Heard) -> None:
        """One step of the rules."""
        now = step.now
        began = self._writer.at_s
        if began is not None and (now.at - began >= BLOCK_S or self._writer.full):
            self._finish()
        self._attempt("keep", lambda: self._writer.take(step))
        self._last = now

    def squeezed(self, now: Moment) -> None:
        """The outbox lives on its last room: the file is given up, and not begun anew for a while."""
        if self._not_before < now.at:
            if self._path.exists():
                log.warning("%s: given up, the outbox needs the room", self._path)
            self._not_before = now.at + AGAIN_S
            self.close()
            self._waiting.clear()
            give_up(self._path)

    def close(self) -> None:
        """Write what there is, and let go of the file; idempotent."""
        self._finish()
        if self._store is not None:
            self._attempt("close", self._store.close)
            self._store = None

    def _finish(self) -> None:
        block, last = self._writer.built(), self._last
        self._writer = BlockWriter(self._by_sample)
        if block is None or last is None:
            return
        self._waiting.append((block, time_cs(last.time)))
        if last.at >= self._not_before:
            self._attempt("write", self._write)

    def _write(self) -> None:
        if self._store is None:
            first = self._waiting[0][0]
            self._store = SignalStore(self._path, self._bounds, self._setup, first.time_cs)
        while self._waiting:
            self.bytes += self._store.write(*self._waiting[0])
            self.blocks += 1
            self._waiting.popleft()

    def _attempt(self, what: str, act: Callable[[], None]) -> None:
        """Do it; what fails is said when it begins and when it is over."""
        try:
            act()
        except apsw.BusyError:
            return
        except Exception as error:  # noqa: BLE001 - signals are a convenience; nothing here may stop an alarm
            if not self._failed:
                log.error("%s: cannot %s signals: %s", self._path, what, error)
            self._failed = True
            if isinstance(error, apsw.CorruptError | apsw.NotADBError) and self._store is not None:
                self._store.close()
                self._store = None
        else:
            if self._failed and what == "write":
                self._failed = False
                log.info("%s: signals are kept again", self._path)
