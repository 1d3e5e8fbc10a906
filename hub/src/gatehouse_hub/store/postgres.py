"""PostgreSQL by psycopg 3: a small pool of connections, transactions at READ COMMITTED.

Bounds   at most CONNECTIONS at once; a further user waits. A connection that broke is dropped, the next use opens
         a new one; its transaction raised StoreUnavailableError and kept nothing.
Leader   only a server that may be written to is used, also for reading: one that has lost its lead counts as away. A server that
         falls silent is given up after SILENT_S.
Durable  synchronous_commit is switched on per connection, whatever the server's default: an ack follows a COMMIT.
"""

import queue
import re
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec
import psycopg
from psycopg import errors as pg

from gatehouse_hub.errors import ConflictError, StoreError, StoreUnavailableError
from gatehouse_hub.ports import Dialect, Row, Value
from gatehouse_hub.store.statements import to_psycopg

CONNECTIONS: Final = 8
CONNECT_S: Final = 10
SILENT_S: Final = 15
_ENCODER: Final = msgspec.json.Encoder()
_CSV: Final = r"(FORMAT csv, NULL 'null', ESCAPE '\')"
_ESCAPE: Final = re.compile(rb'\\(?:["\\bfnrt]|u00[0-9a-f]{2})')
_CONTROLS: Final = {
    b"\\b": b"\b", b"\\t": b"\t", b"\\n": b"\n", b"\\f": b"\f", b"\\r": b"\r",
}  # fmt: skip

Connection = psycopg.Connection[Row]


class PostgresTransaction:
    """Statements on one connection."""

    dialect = Dialect.POSTGRESQL

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """Run one statement; all its rows."""
        try:
            cursor = self._connection.execute(to_psycopg(sql).encode(), tuple(params))
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise translate(error) from error

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement once per row of parameters, in a pipeline."""
        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(to_psycopg(sql).encode(), [tuple(r) for r in rows])
        except psycopg.Error as error:
            raise translate(error) from error

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Value]],
        conflict: str = "",
    ) -> list[Row]:
        """Insert rows in one statement with one JSON parameter: several times faster than a statement per row."""
        if not rows:
            return []
        names = ", ".join(columns)
        sql = (
            f"INSERT INTO {table} ({names}) SELECT {names} "  # noqa: S608 - our own names
            f"FROM json_populate_recordset(NULL::{table}, %s::json) {conflict}"
        )
        payload = _ENCODER.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()
        try:
            cursor = self._connection.execute(sql.encode(), (payload,))
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise translate(error) from error

    def append(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Insert rows by COPY, straight into the table: nothing is parsed twice."""
        if not rows:
            return
        sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN {_CSV}"
        try:
            with self._connection.cursor() as cursor, cursor.copy(sql.encode()) as copy:
                copy.write(copy_lines(rows))
        except psycopg.Error as error:
            raise translate(error) from error


def copy_lines(rows: Sequence[Sequence[Value]]) -> bytes:
    r"""Rows for COPY in CSV with NULL 'null' and ESCAPE '\': JSON arrays without their brackets are just that.

    But for control characters, which JSON escapes in words that CSV does not know: they are written as they are.

    >>> copy_lines([("a", 1, None), ('say "so"', 2, "null")]).decode().splitlines()
    ['"a",1,null', '"say \\"so\\"",2,"null"']
    """
    lines = b"\n".join([_ENCODER.encode(row)[1:-1] for row in rows])
    if b"\\" in lines.replace(b'\\"', b""):
        lines = _ESCAPE.sub(_unescape, lines)
    return lines


def _unescape(found: re.Match[bytes]) -> bytes:
    """A control character for its escape; a quote or backslash stays escaped."""
    escape = found[0]
    if escape.startswith(b"\\u"):
        return bytes([int(escape[2:], 16)])
    return _CONTROLS.get(escape, escape)


class PostgresDatabase:
    """One database. Any thread may use it."""

    dialect = Dialect.POSTGRESQL

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._permits = threading.BoundedSemaphore(CONNECTIONS)
        self._local = threading.local()
        self._closed = False

    @contextmanager
    def transaction(self) -> Generator[PostgresTransaction]:
        """Read and write at READ COMMITTED."""
        with self._begin("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") as connection:
            yield PostgresTransaction(connection)

    @contextmanager
    def snapshot(self) -> Generator[PostgresTransaction]:
        """Read only, one state for all statements."""
        with self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield PostgresTransaction(connection)

    def close(self) -> None:
        """Close the idle connections; those in use close when they come back."""
        self._closed = True
        while not self._idle.empty():
            self._idle.get_nowait().close()

    @contextmanager
    def _begin(self, begin: str) -> Generator[Connection]:
        if getattr(self._local, "busy", False):
            raise StoreError("a transaction inside a transaction of the same thread")
        with self._permits:
            connection = self._take(begin)
            self._local.busy = True
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                _roll_back(connection)
                if isinstance(error, psycopg.Error):
                    raise translate(error) from error
                raise
            finally:
                self._local.busy = False
                self._give(connection)

    def _take(self, begin: str) -> Connection:
        """A connection with its transaction begun; one that died while idle is replaced."""
        if self._closed:
            raise StoreError("the database is closed")
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                break
            try:
                connection.execute(begin.encode())
            except psycopg.Error:
                connection.close()
            else:
                return connection
        try:
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                prepare_threshold=3,
                connect_timeout=CONNECT_S,
                target_session_attrs="read-write",
                tcp_user_timeout=SILENT_S * 1000,
                keepalives_idle=SILENT_S // 3,
                keepalives_interval=SILENT_S // 3,
                keepalives_count=2,
            )
            connection.execute("SET synchronous_commit TO on")
            connection.execute("SET TIME ZONE 'UTC'")
            connection.execute(begin.encode())
        except psycopg.Error as error:
            raise translate(error) from error
        return connection

    def _give(self, connection: Connection) -> None:
        if self._closed or connection.closed or connection.broken:
            connection.close()
        else:
            self._idle.put(connection)


def _roll_back(connection: Connection) -> None:
    if connection.closed or connection.broken:
        return
    try:
        connection.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()


def translate(error: psycopg.Error) -> StoreError:
    """The hub's error for PostgreSQL's. The address is never in it: it may hold a password."""
    message = str(error).strip()
    if isinstance(error, pg.UniqueViolation):
        return ConflictError(message)
    if isinstance(
        error,
        pg.SerializationFailure
        | pg.DeadlockDetected
        | pg.LockNotAvailable
        | pg.DiskFull
        | pg.TooManyConnections
        | pg.AdminShutdown
        | pg.CannotConnectNow
        | pg.ReadOnlySqlTransaction
        | psycopg.InterfaceError,
    ):
        return StoreUnavailableError(message)
    if isinstance(error, psycopg.OperationalError):
        return StoreUnavailableError(
            message, remedy="Check that PostgreSQL runs and may be reached"
        )
    return StoreError(message)
