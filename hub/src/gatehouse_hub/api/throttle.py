"""Slows down guessing: after a few wrong passwords a name from an address must wait, doubling; a busy address too.

Keys    (name, address) with FREE_TRIES tries, and the address alone with ten times as many, so that nobody can lock
        another out of their own desk from elsewhere.
Bounds  at most MAX_KEYS keys are remembered, the longest untouched go first; a wait is at most MAX_WAIT_S. Over all keys
        at most MAX_TRIES tries run in TRIES_WINDOW_S, so that forgetting keys does not make guessing cheap.
"""

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

FREE_TRIES: Final = 5
FIRST_WAIT_S: Final = 10.0
MAX_WAIT_S: Final = 900.0
FORGET_S: Final = 3_600.0
MAX_KEYS: Final = 10_000
MAX_TRIES: Final = 120
TRIES_WINDOW_S: Final = 60.0
_ADDRESS_FACTOR: Final = 10


@dataclass(slots=True)
class _Record:
    failures: int = 0
    until_s: float = 0.0
    touched_s: float = 0.0


class Throttle:
    """Says how long a try must wait. Safe from any thread; times are monotonic seconds handed in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: OrderedDict[tuple[str, ...], _Record] = OrderedDict()
        self._tries: deque[float] = deque(maxlen=MAX_TRIES)

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._records)

    def wait_s(self, name: str, address: str, now_s: float) -> float:
        """Seconds to wait before a try is looked at; 0 takes the try."""
        with self._lock:
            waits = [
                self._records[key].until_s - now_s
                for key in self._keys(name, address)
                if key in self._records
            ]
            if len(self._tries) == MAX_TRIES:
                waits.append(self._tries[0] + TRIES_WINDOW_S - now_s)
            wait = max(waits, default=0.0)
            if wait <= 0:
                self._tries.append(now_s)
            return max(wait, 0.0)

    def failed(self, name: str, address: str, now_s: float) -> None:
        """A password was wrong."""
        with self._lock:
            for key in self._keys(name, address):
                free = FREE_TRIES if len(key) == 2 else FREE_TRIES * _ADDRESS_FACTOR
                record = self._records.setdefault(key, _Record())
                if now_s - record.touched_s > FORGET_S:
                    record.failures = 0
                record.failures += 1
                record.touched_s = now_s
                over = record.failures - free
                if over >= 0:
                    record.until_s = now_s + min(MAX_WAIT_S, FIRST_WAIT_S * 2 ** min(over, 16))
                self._records.move_to_end(key)
            while len(self._records) > MAX_KEYS:
                self._records.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """A password was right: the name's failures from there are forgotten."""
        with self._lock:
            self._records.pop((name, address), None)

    @staticmethod
    def _keys(name: str, address: str) -> tuple[tuple[str, ...], ...]:
        return (name, address), (address,)
