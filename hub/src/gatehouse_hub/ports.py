"""What the hub's stages ask of the world: a database, a clock, a way to publish, a place to count.

The implementations are in `store/` (database), `clock.py`, `ingest/mqtt.py` (publisher) and `metrics`
at the rim. Everything here is safe to call from any thread.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Protocol

Value = str | int | float | bytes | None
"""What a column holds. Booleans are the integers 0 and 1, times are integer milliseconds since 1970."""

Row = tuple[Value, ...]
"""One row of an answer; read it with `gatehouse_hub.store.columns`, which checks the types."""


class Dialect(StrEnum):
    """Which SQL the few unlike statements are written in."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class Transaction(Protocol):
    """Statements that stand or fall together. Parameters are `?` in both dialects."""

    @property
    def dialect(self) -> Dialect:
        """The database's dialect."""
        ...

    def execute(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """Run one statement; all its rows (bound them with LIMIT where the number grows)."""
        ...

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement once per row of parameters."""
        ...

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Value]],
        conflict: str = "",
    ) -> list[Row]:
        """Insert rows in one statement; what its RETURNING gives.

        Text and integers only. `conflict` is what follows the rows: ON CONFLICT …, RETURNING …. An update on conflict touches
        a row once: no two of `rows` have one key. All names are from our own code, never from outside.
        """
        ...

    def append(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Insert rows that are known to be new, the fastest way. ConflictError when one is not; text and integers only."""
        ...


class Database(Protocol):
    """A database with its schema up to date. Raises StoreError and its kinds, no driver's own error."""

    @property
    def dialect(self) -> Dialect:
        """SQLite or PostgreSQL."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Read and write. Commits durably at the end of the block, rolls back on any exception.

        SQLite has one writer: keep the block short. PostgreSQL runs them side by side at READ COMMITTED.
        Not to be opened inside another of the same thread.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Transaction]:
        """Read only, all statements seeing one state. Never waits for a writer."""
        ...

    def close(self) -> None:
        """Close every connection. Later use raises StoreError."""
        ...


class Clock(Protocol):
    """Time, to be handed in."""

    def now(self) -> datetime:
        """Aware UTC now."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start, never going back."""
        ...


class Publisher(Protocol):
    """Sends to the broker. Nothing depends on it arriving: what matters is said again."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand over one message at QoS 1; False when there is no connection or its window is full."""
        ...


class Changed(StrEnum):
    """What a listener may want to read again."""

    OCCUPANCY = "occupancy"
    HAZARDS = "hazards"
    INCIDENTS = "incidents"
    GATEWAYS = "gateways"


class Announcer(Protocol):
    """Told after a commit that something of a site is new. Must not block and must not raise."""

    def tell(self, site: str, what: Changed, *, presence: bool = False) -> None:
        """Something of `site` changed; `presence` when class P may be among it. Hazards always may."""
        ...


class Metrics(Protocol):
    """Counters and gauges by name; the rim gives them to Prometheus. Label values are of closed sets."""

    def count(self, name: str, amount: int = 1, labels: Mapping[str, str] | None = None) -> None:
        """Add to a counter."""
        ...

    def observe(self, name: str, seconds: float) -> None:
        """Add one duration to a histogram."""
        ...

    def set(self, name: str, value: float) -> None:
        """Set a gauge."""
        ...
