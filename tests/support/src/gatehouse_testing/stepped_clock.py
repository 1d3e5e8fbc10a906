"""The machine's clocks with a wall clock that the test sets. Monotonic time goes its way."""

from datetime import datetime, timedelta

from gatehouse_edge.clock import SystemClock


class SteppedClock(SystemClock):
    """Starts at `time`, the machine's own time where none is given; `step` sets it forward or back."""

    def __init__(self, time: datetime | None = None, *, known: bool = True) -> None:
        super().__init__(trusted=True)
        now = super().now()
        self.offset = timedelta() if time is None else time - now
        self.known = known

    def now(self) -> datetime:
        """The wall clock as it was set."""
        return super().now() + self.offset

    def step(self, by: timedelta) -> None:
        """Set it."""
        self.offset += by

    def synced(self) -> bool:
        """What the kernel would say."""
        return self.known
