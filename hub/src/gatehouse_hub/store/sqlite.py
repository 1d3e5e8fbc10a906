"""SQLite by apsw: WAL, synchronous=FULL, one writer connection and a few readers.

Bounds  at most READERS connections read at once; a further reader waits. A writer of another process is waited
        for BUSY_MS, then StoreUnavailableError.
Source  Python's own SQLite may carry the WAL-reset bug (fixed in 3.51.3); apsw brings a fixed one.
"""

# pyright: reportUnknownMemberType=false
# apsw's stubs leave the buffer type of a binding open.

import os
import queue
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from gatehouse_hub.errors import ConflictError, StoreError, StoreUnavailableError
from gatehouse_hub.ports import Dialect, Row, Value

READERS: Final = 4
BUSY_MS: Final = 10_000
OLDEST_SAFE: Final = 3_051_003


class SqliteTransaction:
    """Statements on one connection."""

    dialect = Dialect.SQLITE

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """Run one statement; all its rows."""
        try:
            return list(self._connection.execute(sql, tuple(params)))
        except apsw.Error as error:
            raise translate(error) from error

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement once per row of parameters."""
        try:
            for _ in self._connection.executemany(sql, (tuple(r) for r in rows)):
                pass
        except apsw.Error as error:
            raise translate(error) from error

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Value]],
        conflict: str = "",
    ) -> list[Row]:
        """Insert rows by one prepared statement; what its RETURNING gives."""
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) {conflict}"  # noqa: S608 - our own names
        try:
            return list(self._connection.executemany(sql, rows))
        except apsw.Error as error:
            raise translate(error) from error

    def append(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Insert rows that are known to be new."""
        self.insert(table, columns, rows)


class SqliteDatabase:
    """One file. Opened once per process; any thread may use it."""

    dialect = Dialect.SQLITE

    def __init__(self, path: Path) -> None:
        if apsw.SQLITE_VERSION_NUMBER < OLDEST_SAFE:
            raise StoreError(
                f"SQLite {apsw.sqlite_lib_version()} can damage a database in WAL mode",
                remedy="Install apsw 3.51.3 or newer",
            )
        self._path = path
        self._writing = threading.Lock()
        self._writer_thread: int | None = None
        self._writer = self._connect(read_only=False)
        self._idle: queue.LifoQueue[apsw.Connection] = queue.LifoQueue()
        self._permits = threading.BoundedSemaphore(READERS)
        self._closed = False

    @contextmanager
    def transaction(self) -> Generator[SqliteTransaction]:
        """The one writer; waits for its turn."""
        me = threading.get_ident()
        if self._writer_thread == me:
            raise StoreError("a transaction inside a transaction of the same thread")
        with self._writing:
            self._check_open()
            self._writer_thread = me
            try:
                with _block(self._writer, "BEGIN IMMEDIATE"):
                    yield SqliteTransaction(self._writer)
            finally:
                self._writer_thread = None

    @contextmanager
    def snapshot(self) -> Generator[SqliteTransaction]:
        """One of the readers."""
        with self._permits:
            self._check_open()
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                connection = self._connect(read_only=True)
            try:
                with _block(connection, "BEGIN"):
                    yield SqliteTransaction(connection)
            finally:
                self._idle.put(connection)

    def back_up(self, target: Path) -> None:
        """Copy the whole database as it is at one moment, writers going on; the copy is on disk when this returns.

        StoreError when `target` is there already: a backup never takes another's place.
        """
        if target.exists():
            raise StoreError(
                "there is a file of this name", place=str(target), remedy="Choose a new name"
            )
        part = target.with_name(f"{target.name}.part")
        part.unlink(missing_ok=True)
        try:
            with self._permits:
                self._check_open()
                source = self._connect(read_only=True)
                copy = apsw.Connection(str(part))
                try:
                    with copy.backup("main", source, "main") as backup:
                        backup.step(-1)
                finally:
                    copy.close()
                    source.close()
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.rename(target)
            folder = os.open(target.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except (apsw.Error, OSError) as error:
            part.unlink(missing_ok=True)
            if isinstance(error, apsw.Error):
                raise translate(error, place=str(target)) from error
            raise StoreError(
                f"cannot write: {error.strerror}", place=str(target), remedy="Check path and space"
            ) from None

    def close(self) -> None:
        """Close writer and idle readers."""
        with self._writing:
            self._closed = True
            while not self._idle.empty():
                self._idle.get_nowait().close()
            self._writer.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the database is closed")

    def _connect(self, *, read_only: bool) -> apsw.Connection:
        flags = (
            apsw.SQLITE_OPEN_READONLY
            if read_only
            else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        )
        try:
            connection = apsw.Connection(str(self._path), flags=flags)
            connection.set_busy_timeout(BUSY_MS)
            if not read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except apsw.Error as error:
            raise translate(error, place=str(self._path)) from error
        return connection


@contextmanager
def _block(connection: apsw.Connection, begin: str) -> Generator[None]:
    """BEGIN … COMMIT, or ROLLBACK when anything is raised, COMMIT itself included."""
    try:
        connection.execute(begin)
    except apsw.Error as error:
        raise translate(error) from error
    try:
        yield
        connection.execute("COMMIT")
    except BaseException as error:
        if not connection.get_autocommit():
            connection.execute("ROLLBACK")
        if isinstance(error, apsw.Error):
            raise translate(error) from error
        raise


def translate(error: apsw.Error, place: str = "") -> StoreError:
    """The hub's error for SQLite's."""
    if isinstance(error, apsw.ConstraintError):
        if "UNIQUE" in str(error) or "PRIMARY KEY" in str(error):
            return ConflictError(str(error), place=place)
        return StoreError(str(error), place=place)
    if isinstance(error, apsw.BusyError | apsw.LockedError | apsw.FullError | apsw.IOError):
        return StoreUnavailableError(str(error), place=place)
    if isinstance(error, apsw.CantOpenError):
        return StoreUnavailableError(
            str(error), place=place, remedy="Check that the folder exists and may be written"
        )
    return StoreError(str(error), place=place)
