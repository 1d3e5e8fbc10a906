"""The outbox file: SQLite in WAL mode, one connection, one process. Opening, checking, locking.

Source  SQLite before 3.51.3 can damage a WAL file that two connections use, so there is only ever one. Settings: FULL, because
        NORMAL loses committed rows with the power; no mmap; EXCLUSIVE, so that no other process can look in at all.
Room    4 MiB are kept back inside the file (`reserve`), and the WAL is never cut shorter than that, so that `storage_full` can be
        written when the disk has no block left; see `room.py`.
"""

import ctypes
import fcntl
from pathlib import Path
from typing import IO, Final

import apsw

from gatehouse_edge.errors import OutboxError

SCHEMA_VERSION: Final = 1
SAFE_SQLITE: Final = (3, 51, 3)
PAGE_BYTES: Final = 4096
RESERVE_BYTES: Final = 4 * 1024 * 1024
CHUNK_BYTES: Final = 1024 * 1024
"""The file grows by this, blocks and all."""
_TABLES: Final = """
CREATE TABLE epochs (
    n INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE, opened_ms INTEGER NOT NULL, current INTEGER NOT NULL
);
CREATE TABLE lanes (
    n INTEGER NOT NULL, lane TEXT NOT NULL, last INTEGER NOT NULL, acked INTEGER NOT NULL, PRIMARY KEY (n, lane)
) WITHOUT ROWID;
CREATE TABLE rows (
    n INTEGER NOT NULL, lane TEXT NOT NULL, seq INTEGER NOT NULL, upto INTEGER NOT NULL, kind INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, refused INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL, PRIMARY KEY (n, lane, seq)
) WITHOUT ROWID;
CREATE TABLE acks (
    n INTEGER NOT NULL, lane TEXT NOT NULL, at_ms INTEGER NOT NULL, upto INTEGER NOT NULL, PRIMARY KEY (n, lane, at_ms)
) WITHOUT ROWID;
CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE reserve (filling BLOB NOT NULL);
"""


class DamagedError(Exception):
    """The file is there but SQLite cannot vouch for it."""


class FileLock:
    """One agent an outbox: an advisory lock on a file beside it, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: IO[str] = path.with_name(path.name + ".lock").open("a")
        except OSError as error:
            raise OutboxError(
                str(error.strerror),
                place=str(path),
                remedy="Check that the folder can be written, and that its disk has room",
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise OutboxError(
                "another process has this outbox open",
                place=str(path),
                remedy="Stop the other agent, or give this one its own `outbox.path`",
            ) from None

    def release(self) -> None:
        """Let others open the outbox; idempotent."""
        self._file.close()


def connect(path: Path, *, create: bool) -> apsw.Connection:
    """A connection with the settings of the house; tables are made in a new file.

    DamagedError when the quick check fails. OutboxError for a file of a later version, or a folder that cannot be written.
    """
    try:
        connection = apsw.Connection(str(path))
    except apsw.Error as error:
        raise OutboxError(
            str(error), place=str(path), remedy="Check that the folder exists and can be written"
        ) from None
    try:
        _set_up(connection, create=create)
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, DamagedError) as error:
        connection.close()
        raise DamagedError(str(error)) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: apsw.Connection, *, create: bool) -> None:
    connection.set_busy_timeout(0)
    chunk = ctypes.c_int(CHUNK_BYTES)
    connection.file_control("main", apsw.SQLITE_FCNTL_CHUNK_SIZE, ctypes.addressof(chunk))
    for pragma in (
        "locking_mode=EXCLUSIVE",
        f"page_size={PAGE_BYTES}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "mmap_size=0",
        f"journal_size_limit={RESERVE_BYTES}",
        "cache_size=-4096",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    if create or _is_blank(connection):
        with connection:
            connection.execute(_TABLES)
            connection.execute("INSERT INTO reserve VALUES (zeroblob(?))", (RESERVE_BYTES,))
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        return
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise DamagedError(found[0] if found else "no answer from the quick check")
    version = first_int(connection, "PRAGMA user_version")
    if version > SCHEMA_VERSION:
        raise OutboxError(
            f"written by a later version of the agent (file {version}, agent {SCHEMA_VERSION})",
            place=connection.filename,
            remedy="Install the later version again, or move the file aside",
        )
    if version != SCHEMA_VERSION:
        raise DamagedError(f"file version {version} does not exist")
    connection.execute("SELECT n, lane, last, acked FROM lanes").fetchall()


def _is_blank(connection: apsw.Connection) -> bool:
    """Whether the process that made the file died before it had made anything in it."""
    return (
        first_int(connection, "PRAGMA page_count") <= 1
        and not first_int(connection, "SELECT count(*) FROM sqlite_schema")
        and not first_int(connection, "PRAGMA user_version")
    )


def first_int(connection: apsw.Connection, sql: str, values: tuple[int | str, ...] = ()) -> int:
    """The integer in the first column of the first row; 0 where there is none."""
    row = connection.execute(sql, values).fetchone()
    return int(str(row[0])) if row is not None and row[0] is not None else 0


def sqlite_warning() -> str | None:
    """What to say about a SQLite older than the fix of the WAL-reset bug; we keep to one connection either way."""
    version = apsw.sqlite_lib_version()
    if tuple(int(part) for part in version.split(".")) >= SAFE_SQLITE:
        return None
    return f"SQLite {version} has the WAL-reset bug; the outbox keeps to one connection"
