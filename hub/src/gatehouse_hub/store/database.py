"""Opening the hub's database: an address in, a database with its schema up to date out.

`sqlite:PATH` is the embedded default, `postgresql://…` the engine that scales. Migrations are the SQL files of
`store/migrations`, one per version, named `NNNN_name.sql`, each applied once in the order of their numbers, each in one
transaction under a lock, so that two processes may start at once. What one dialect needs beyond that stands in
`NNNN_name.sqlite.sql` or `NNNN_name.postgresql.sql` and runs right after. A file that was applied never changes.

A line NEXT cuts a file into steps with a transaction each, so that what takes long holds no lock that writers need. A step
that was taken is remembered: an upgrade that was interrupted goes on where it was.
"""

import hashlib
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from gatehouse_hub.errors import ConfigError, StoreError
from gatehouse_hub.ports import Clock, Database, Dialect, Transaction
from gatehouse_hub.store import partitions
from gatehouse_hub.store.columns import integer, text
from gatehouse_hub.store.postgres import PostgresDatabase
from gatehouse_hub.store.sqlite import SqliteDatabase
from gatehouse_hub.store.statements import to_dialect
from gatehouse_shared.instants import to_ms

MIGRATION_LOCK: Final = 4_725_701
"""Number of PostgreSQL's advisory lock for migrations."""

_VERSIONS: Final = """
    CREATE TABLE IF NOT EXISTS schema_version (
        version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms BIGINT NOT NULL
    )
"""


NEXT: Final = "-- next transaction\n"

_STEPS: Final = """
    CREATE TABLE IF NOT EXISTS schema_step (
        version BIGINT NOT NULL, step BIGINT NOT NULL, PRIMARY KEY (version, step)
    )
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One version of the schema, in the words of one dialect."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Hash of the text, kept beside the version."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def steps(self) -> list[str]:
        """Its transactions."""
        return self.sql.split(NEXT)


def open_database(url: str, clock: Clock) -> Database:
    """Open `sqlite:PATH` or `postgresql://…` and bring its schema up to date.

    Raises ConfigError for an address of neither kind, StoreUnavailableError when the database is away, StoreError when
    it was written by a newer hub.
    """
    database = connect(url)
    try:
        migrate(database, to_ms(clock.now()))
    except BaseException:
        database.close()
        raise
    return database


def connect(url: str) -> Database:
    """The database at `url`, its schema untouched."""
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        path = Path(rest)
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteDatabase(path)
    if scheme in ("postgresql", "postgres"):
        return PostgresDatabase(url)
    raise ConfigError(
        f"the hub knows no database of kind {scheme!r}",
        place="database",
        remedy="Write sqlite:PATH or postgresql://USER@HOST/NAME",
    )


def back_up(url: str, target: Path) -> None:
    """A consistent copy of a SQLite database while the hub goes on. ConfigError for PostgreSQL, which has better means."""
    database = connect(url)
    try:
        if not isinstance(database, SqliteDatabase):
            raise ConfigError(
                "PostgreSQL is backed up by its own tools",
                place="database",
                remedy="Use pg_basebackup with archived WAL, or pg_dump; see hub/docs/store.md",
            )
        database.back_up(target)
    finally:
        database.close()


def migrations(dialect: Dialect) -> tuple[Migration, ...]:
    """Every version of the schema in order."""
    folder = files("gatehouse_hub.store") / "migrations"
    texts = {
        f.name: f.read_text(encoding="utf-8") for f in folder.iterdir() if f.name.endswith(".sql")
    }
    found: list[Migration] = []
    for name in sorted(n for n in texts if n.count(".") == 1):
        stem = name.removesuffix(".sql")
        sql = texts[name] + texts.get(f"{stem}.{dialect}.sql", "")
        number, _, title = stem.partition("_")
        found.append(Migration(int(number), title, to_dialect(sql, dialect)))
    return tuple(found)


def migrate(database: Database, now_ms: int) -> None:
    """Apply what is missing, a step at a time; make sure that the store has its id and the partitions of these days."""
    known = {m.version: m for m in migrations(database.dialect)}
    with _locked(database) as tx:
        tx.execute(to_dialect(_VERSIONS, tx.dialect))
        tx.execute(to_dialect(_STEPS, tx.dialect))
        applied = _applied(tx)
    check_applied(known, applied)
    for version in sorted(known.keys() - applied.keys()):
        _apply(database, known, known[version], now_ms)
    with _locked(database) as tx:
        tx.execute(
            "INSERT INTO meta (name, value) VALUES ('store_id', ?) ON CONFLICT (name) DO NOTHING",
            (secrets.token_hex(8),),
        )
        partitions.ensure_ahead(tx, now_ms)


def _apply(
    database: Database, known: dict[int, Migration], migration: Migration, now_ms: int
) -> None:
    """The steps of one version that were not taken yet. Another process may be at the same: the lock is taken for each."""
    for number, sql in enumerate(migration.steps):
        with _locked(database) as tx:
            check_applied(known, _applied(tx))
            done = "SELECT 1 FROM schema_version WHERE version = ?"
            begun = "SELECT 1 FROM schema_step WHERE version = ? AND step >= ?"
            if tx.execute(done, (migration.version,)) or tx.execute(
                begun, (migration.version, number)
            ):
                continue
            tx.execute(sql)
            tx.execute(
                "INSERT INTO schema_step (version, step) VALUES (?, ?)", (migration.version, number)
            )
            if number == len(migration.steps) - 1:
                tx.execute(
                    "INSERT INTO schema_version (version, name, sha256, applied_ms) VALUES (?, ?, ?, ?)",
                    (migration.version, migration.name, migration.sha256, now_ms),
                )


@contextmanager
def _locked(database: Database) -> Generator[Transaction]:
    """A transaction in which no other process migrates."""
    with database.transaction() as tx:
        if tx.dialect is Dialect.POSTGRESQL:
            tx.execute("SELECT pg_advisory_xact_lock(?)", (MIGRATION_LOCK,))
        yield tx


def _applied(tx: Transaction) -> dict[int, str]:
    return {
        integer(version): text(sha256)
        for version, sha256 in tx.execute("SELECT version, sha256 FROM schema_version")
    }


def check_applied(known: dict[int, Migration], applied: dict[int, str]) -> None:
    """Refuse a database of a newer hub, and one whose history is not ours. Raises StoreError."""
    unknown = sorted(applied.keys() - known.keys())
    if unknown:
        raise StoreError(
            f"the database has schema version {unknown[-1]}, this hub knows {max(known)}",
            remedy="Start the newer hub that wrote it, or restore a backup from before",
        )
    for version, sha256 in sorted(applied.items()):
        if known[version].sha256 != sha256:
            raise StoreError(
                f"schema version {version} ({known[version].name}) is not the one that was applied",
                remedy="Use the release that made this database, or start with a new one",
            )


def store_id(tx: Transaction) -> str:
    """The id of this database, made once: the epoch of the hub's own events."""
    return text(tx.execute("SELECT value FROM meta WHERE name = 'store_id'")[0][0])
