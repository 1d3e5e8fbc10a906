"""The file of kept signals: a block a minute, in a SQLite file of its own beside the outbox.

Writing  one commit a minute, from the agent's own loop. With a rollback journal, so that `rehearse` may read while the agent
         writes; never with a WAL. A crash or a power cut loses the minute that was not yet written, never the file.
Room     bounded in days and bytes, oldest first. Where the disk has less than `FREE_LEAST_BYTES` left nothing is written, and
         when the outbox lives on its last room, the file is given up: alarms go before a rehearsal.
Rights   readable by the agent's own user only (0600).
Errors   HistoryError, for opening and reading. A damaged file is moved aside by the writer, and a new one begun.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import apsw

from gatehouse_edge.errors import EdgeError
from gatehouse_edge.history.block import Block, BlockError, decode, encode

FREE_LEAST_BYTES: Final = 64 * 1024 * 1024
PAGE_BYTES: Final = 4096
DAY_CS: Final = 86_400 * 100
TRIM_STEP: Final = 60
"""Minutes that go at once when room is needed."""
SCHEMA_VERSION: Final = 1
_TABLES: Final = """
CREATE TABLE sessions (n INTEGER PRIMARY KEY, began_cs INTEGER NOT NULL, setup BLOB NOT NULL);
CREATE TABLE blocks (
    n INTEGER PRIMARY KEY, session INTEGER NOT NULL, from_cs INTEGER NOT NULL, to_cs INTEGER NOT NULL, block BLOB NOT NULL
);
CREATE INDEX blocks_by_time ON blocks (from_cs);
"""


class HistoryError(EdgeError):
    """The file of signals cannot be opened or read."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept."""

    days: int
    max_bytes: int
    free_least_bytes: int = FREE_LEAST_BYTES


@dataclass(frozen=True, slots=True)
class KeptBlock:
    """One minute as it lies in the file; `from_cs` and `to_cs` since 1970 by the clock of then."""

    session: int
    from_cs: int
    to_cs: int
    block: Block


class SignalStore:
    """The writing side. Every method may raise apsw.Error or OSError; the recorder meets them."""

    def __init__(self, path: Path, bounds: Bounds, setup: bytes, began_cs: int) -> None:
        self._path, self._bounds = path, bounds
        self._db = _created(path)
        try:
            with self._db:
                self._db.execute(
                    "INSERT INTO sessions (began_cs, setup) VALUES (?, ?)", (began_cs, setup)
                )
            self._session = self._db.last_insert_rowid()
        except BaseException:
            self._db.close()
            raise

    def write(self, block: Block, to_cs: int) -> int:
        """Add a minute and let the oldest go; the bytes of the minute. 0 where the disk is too full to add anything."""
        if shutil.disk_usage(self._path.parent).free < self._bounds.free_least_bytes:
            return 0
        packed = encode(block)
        with self._db:
            self._db.execute(
                "INSERT INTO blocks (session, from_cs, to_cs, block) VALUES (?, ?, ?, ?)",
                (self._session, block.time_cs, to_cs, packed),
            )
            self._trim(to_cs)
        return len(packed)

    def close(self) -> None:
        """Let go of the file; idempotent."""
        self._db.close()

    def _trim(self, now_cs: int) -> None:
        oldest = now_cs - self._bounds.days * DAY_CS
        self._db.execute("DELETE FROM blocks WHERE to_cs < ?", (oldest,))
        while self._used() > self._bounds.max_bytes:
            self._db.execute(
                "DELETE FROM blocks WHERE n IN (SELECT n FROM blocks ORDER BY n LIMIT ?)",
                (TRIM_STEP,),
            )
            if self._db.changes() == 0:
                break
        self._db.execute(
            "DELETE FROM sessions WHERE n < ? AND n NOT IN (SELECT DISTINCT session FROM blocks)",
            (self._session,),
        )
        self._db.execute("PRAGMA incremental_vacuum").fetchall()

    def _used(self) -> int:
        pages = _number(self._db, "PRAGMA page_count") - _number(self._db, "PRAGMA freelist_count")
        return pages * PAGE_BYTES


class SignalReader:
    """The reading side: a file that an agent may be writing to at this moment."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise HistoryError(
                "there are no kept signals",
                place=str(path),
                remedy="Let the agent run for a while, with `signals.days` above 0",
            )
        try:
            self._db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            self._db.set_busy_timeout(10_000)
            version = _number(self._db, "PRAGMA user_version")
        except apsw.Error as error:
            raise HistoryError(
                str(error), place=str(path), remedy="Read it as the agent's own user"
            ) from None
        if version != SCHEMA_VERSION:
            self._db.close()
            raise HistoryError(
                f"written in form {version}; this agent reads {SCHEMA_VERSION}", place=str(path)
            )
        self._path = path

    def span(self) -> tuple[int, int] | None:
        """From when to when there is something, since 1970; None where there is nothing."""
        row = self._db.execute("SELECT min(from_cs), max(to_cs) FROM blocks").fetchone()
        if row is None or row[0] is None:
            return None
        return cast("int", row[0]), cast("int", row[1])

    def setup(self, session: int) -> bytes:
        """What was set up when a session began."""
        row = self._db.execute("SELECT setup FROM sessions WHERE n = ?", (session,)).fetchone()
        return b"{}" if row is None else cast("bytes", row[0])

    def numbers(self, from_cs: int, to_cs: int) -> list[int]:
        """The minutes that touch a time, in the order they were written."""
        rows = self._db.execute(
            "SELECT n FROM blocks WHERE to_cs >= ? AND from_cs <= ? ORDER BY n", (from_cs, to_cs)
        )
        return [cast("int", row[0]) for row in rows]

    def block(self, number: int) -> KeptBlock | None:
        """One minute; None where it has gone meanwhile, or cannot be read."""
        row = self._db.execute(
            "SELECT session, from_cs, to_cs, block FROM blocks WHERE n = ?", (number,)
        ).fetchone()
        if row is None:
            return None
        session, from_cs, to_cs, packed = cast("tuple[int, int, int, bytes]", row)
        try:
            return KeptBlock(session, from_cs, to_cs, decode(packed))
        except BlockError:
            return None

    def blocks(self, numbers: list[int]) -> Iterator[KeptBlock]:
        """These minutes, without those that cannot be read."""
        for number in numbers:
            if (block := self.block(number)) is not None:
                yield block

    def close(self) -> None:
        """Let go of the file; idempotent."""
        self._db.close()


def give_up(path: Path) -> None:
    """Remove the file, to make room for what matters more."""
    for name in (path, path.with_name(path.name + "-journal")):
        with suppress(OSError):
            name.unlink(missing_ok=True)


def _created(path: Path) -> apsw.Connection:
    try:
        return _opened(path)
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError):
        path.replace(path.with_name(path.name + ".damaged"))
        return _opened(path)


def _opened(path: Path) -> apsw.Connection:
    fresh = not path.exists() or path.stat().st_size == 0
    if fresh:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(0)
        if fresh:
            for pragma in (f"page_size={PAGE_BYTES}", "auto_vacuum=INCREMENTAL"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            with connection:
                connection.execute(_TABLES)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        for pragma in ("journal_mode=TRUNCATE", "synchronous=NORMAL", "cache_size=-512"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("SELECT session, from_cs, to_cs, block FROM blocks LIMIT 1").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _number(connection: apsw.Connection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return cast("int", row[0]) if row is not None else 0
