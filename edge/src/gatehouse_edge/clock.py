"""The only wall clock of the agent."""

import ctypes
import time
from datetime import UTC, datetime
from typing import Final

_ADJTIMEX_BYTES: Final = 512
"""More than `struct timex` has on any architecture; all zero asks and sets nothing."""
_TIME_ERROR: Final = 5
"""What adjtimex(2) answers while nobody has set the clock."""


class SystemClock:
    """The machine's clocks. `trusted`: somebody else keeps the wall clock right (the host of a container), so the kernel is
    not asked.
    """

    def __init__(self, *, trusted: bool = False) -> None:
        self._trusted = trusted

    def now(self) -> datetime:
        """Aware UTC now."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start, never going back."""
        return time.monotonic()

    def synced(self) -> bool:
        """Whether the kernel says that a time source has set the clock; False where it cannot say."""
        if self._trusted:
            return True
        try:
            state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_ADJTIMEX_BYTES)))
        except (AttributeError, OSError):
            return False
        return 0 <= state < _TIME_ERROR


class FixedClock:
    """A clock that its owner moves: media time in `analyze`, and tests. Starts at `time` and `at` seconds."""

    def __init__(self, time: datetime, at: float = 0.0, *, synced: bool = True) -> None:
        self.time, self.at, self.known = time, at, synced

    def now(self) -> datetime:
        """The time it was set to."""
        return self.time

    def monotonic_s(self) -> float:
        """The seconds it was set to."""
        return self.at

    def synced(self) -> bool:
        """What it was told."""
        return self.known
