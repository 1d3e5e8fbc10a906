"""The database port keeps its promises on SQLite and on PostgreSQL."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.errors import ConfigError, ConflictError, StoreError, StoreUnavailableError
from gatehouse_hub.ports import Database, Transaction
from gatehouse_hub.store.database import connect, open_database, store_id
from gatehouse_hub.store.postgres import PostgresDatabase
from gatehouse_hub.store.sqlite import READERS
from gatehouse_testing.postgres import PostgresCluster


def put(tx: Transaction, name: str, value: str = "x") -> None:
    tx.execute("INSERT INTO meta (name, value) VALUES (?, ?)", (name, value))


def names(database: Database) -> set[str]:
    with database.snapshot() as tx:
        return {str(row[0]) for row in tx.execute("SELECT name FROM meta")} - {"store_id"}


def test_a_block_that_ends_is_kept_and_one_that_raises_is_not(database: Database) -> None:
    with database.transaction() as tx:
        put(tx, "kept")
    with pytest.raises(ConflictError), database.transaction() as tx:
        tx.execute_many("INSERT INTO meta (name, value) VALUES (?, 'x')", [("lost",), ("kept",)])
    assert names(database) == {"kept"}


def test_what_is_kept_is_there_after_opening_again(database_url: str) -> None:
    first = open_database(database_url, SystemClock())
    with first.transaction() as tx:
        put(tx, "kept")
        epoch = store_id(tx)
    first.close()
    again = open_database(database_url, SystemClock())
    with again.snapshot() as tx:
        assert store_id(tx) == epoch
    assert names(again) == {"kept"}
    again.close()


def test_a_key_that_is_taken_is_a_conflict_and_leaves_nothing(database: Database) -> None:
    with database.transaction() as tx:
        put(tx, "once")
    with pytest.raises(ConflictError), database.transaction() as tx:
        put(tx, "once")
    assert names(database) == {"once"}


def test_a_statement_that_is_wrong_is_a_store_error(database: Database) -> None:
    with pytest.raises(StoreError), database.transaction() as tx:
        tx.execute("SELECT nothing FROM nowhere")


def test_insert_gives_back_exactly_the_keys_that_went_in(database: Database) -> None:
    with database.transaction() as tx:
        put(tx, "old")
        rows = [("old", "1"), ("new", "quotes \" and ' and \\ and ü"), ("new", "2")]
        conflict = "ON CONFLICT (name) DO NOTHING RETURNING name"
        assert tx.insert("meta", ("name", "value"), rows, conflict) == [("new",)]
        assert tx.insert("meta", ("name", "value"), [], conflict) == []
        assert tx.execute("SELECT value FROM meta WHERE name = ?", ("new",)) == [(rows[1][1],)]


def test_append_takes_any_text_and_refuses_a_key_that_is_there(database: Database) -> None:
    strange = (
        'tab\t, line\n, \r\b\f\x01 \x1f, quotes " and \' and \\ and \\n and \\N and \\" null and ü'
    )
    with database.transaction() as tx:
        tx.append("meta", ("name", "value"), [("a", strange), ("b", ""), ("null", "null")])
        tx.append("meta", ("name", "value"), [])
    with pytest.raises(ConflictError), database.transaction() as tx:
        tx.append("meta", ("name", "value"), [("c", "new"), ("a", "again")])
    with database.snapshot() as tx:
        assert tx.execute("SELECT value FROM meta WHERE name = 'a'") == [(strange,)]
    assert names(database) == {"a", "b", "null"}


def test_question_and_percent_signs_in_text_are_text(database: Database) -> None:
    with database.snapshot() as tx:
        assert tx.execute("SELECT '?%s%', ? -- ? 100 %", ("a",)) == [("?%s%", "a")]


def test_a_transaction_inside_another_is_refused(database: Database) -> None:
    with (
        pytest.raises(StoreError, match="inside"),
        database.transaction(),
        database.transaction(),
    ):
        pass
    with database.transaction() as tx:
        put(tx, "still works")


def test_a_snapshot_does_not_see_what_commits_meanwhile(database: Database) -> None:
    begun, written = threading.Event(), threading.Event()

    def read() -> tuple[int, int]:
        with database.snapshot() as tx:
            before = len(tx.execute("SELECT name FROM meta"))
            begun.set()
            assert written.wait(10)
            return before, len(tx.execute("SELECT name FROM meta"))

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        assert begun.wait(10)
        with database.transaction() as tx:
            put(tx, "meanwhile")
        written.set()
        before, after = reading.result(10)
    assert before == after


def test_a_snapshot_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError), database.snapshot() as tx:
        put(tx, "sneaked")


def test_many_threads_lose_no_write(database: Database) -> None:
    def write(n: int) -> None:
        with database.transaction() as tx:
            put(tx, f"row {n}")
        names(database)

    with ThreadPoolExecutor(READERS * 3) as pool:
        list(pool.map(write, range(60)))
    assert len(names(database)) == 60


def test_two_processes_may_open_a_new_database_at_once(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_database(database_url, SystemClock()), range(4)))
    ids = set()
    for database in opened:
        with database.snapshot() as tx:
            ids.add(store_id(tx))
        database.close()
    assert len(ids) == 1


def test_a_database_of_a_newer_hub_is_refused(database_url: str) -> None:
    database = open_database(database_url, SystemClock())
    with database.transaction() as tx:
        tx.execute("INSERT INTO schema_version VALUES (9000, 'later', 'x', 0)")
    database.close()
    with pytest.raises(StoreError, match="version 9000"):
        open_database(database_url, SystemClock())


def test_a_version_that_was_applied_may_not_change(database_url: str) -> None:
    database = open_database(database_url, SystemClock())
    with database.transaction() as tx:
        tx.execute("UPDATE schema_version SET sha256 = 'other' WHERE version = 1")
    database.close()
    with pytest.raises(StoreError, match="is not the one that was applied"):
        open_database(database_url, SystemClock())


def test_a_closed_database_says_so(database_url: str) -> None:
    database = open_database(database_url, SystemClock())
    database.close()
    with pytest.raises(StoreError, match="closed"), database.transaction():
        pass


@pytest.mark.parametrize("url", ["", "sqlite:", "mysql://x", "hub.db"])
def test_an_address_of_no_known_kind_is_refused_with_a_remedy(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:PATH or postgresql"):
        connect(url)


def test_sqlite_is_durable_in_wal_mode_and_safe_from_the_reset_bug(tmp_path: Path) -> None:
    database = open_database(f"sqlite:{tmp_path / 'hub.db'}", SystemClock())
    with database.transaction() as tx:
        assert tx.execute("PRAGMA synchronous") == [(2,)]
        assert tx.execute("PRAGMA journal_mode") == [("wal",)]
    database.close()
    assert apsw.SQLITE_VERSION_NUMBER >= 3_051_003


@pytest.mark.postgres
def test_a_commit_in_postgresql_is_durable_whatever_the_server_says(
    postgres: PostgresCluster,
) -> None:
    url = postgres.fresh() + "?options=-csynchronous_commit%3Doff"
    database = PostgresDatabase(url)
    with database.transaction() as tx:
        assert tx.execute("SHOW synchronous_commit") == [("on",)]
    database.close()


@pytest.mark.postgres
def test_after_postgresql_comes_back_so_do_we() -> None:
    from gatehouse_testing.postgres import postgres_cluster

    with postgres_cluster() as cluster:
        database = open_database(cluster.fresh(), SystemClock())
        with database.transaction() as tx:
            put(tx, "before")
        cluster.stop("immediate")
        with pytest.raises(StoreUnavailableError), database.transaction() as tx:
            put(tx, "during")
        cluster.start()
        with database.transaction() as tx:
            put(tx, "after")
        assert names(database) == {"before", "after"}
        database.close()
