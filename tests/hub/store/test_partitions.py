"""Rows lie by how long they are kept; on PostgreSQL in a table for each stretch of time, made before it is needed."""

import pytest

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ingest.storing import store
from gatehouse_hub.ports import Database, Transaction
from gatehouse_hub.store import partitions
from gatehouse_hub.store.columns import text
from gatehouse_hub.store.database import NEXT, connect, migrate, migrations, open_database
from gatehouse_hub.store.partitions import AHEAD, DAY_MS, STEP_MS, Keep, keep_of, partition_of
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import HazardKind, Lane
from gatehouse_testing.building import START_MS, Outbox, letter
from gatehouse_testing.postgres import PostgresCluster

BOX = Outbox()


def tables_of(tx: Transaction) -> dict[str, int]:
    """How many rows lie in each table."""
    rows = tx.execute("SELECT tableoid::regclass::text, COUNT(*) FROM event GROUP BY 1")
    return {text(name): int(str(count)) for name, count in rows}


@pytest.mark.parametrize("keep", Keep)
def test_the_tables_of_a_kind_follow_each_other_without_gap_or_overlap(keep: Keep) -> None:
    first = partition_of(keep, START_MS)
    assert first.from_ms <= START_MS < first.to_ms
    assert partition_of(keep, first.to_ms).from_ms == first.to_ms
    assert partition_of(keep, first.from_ms - 1).to_ms == first.from_ms
    assert first.to_ms - first.from_ms == STEP_MS[keep]
    assert STEP_MS[keep] % DAY_MS == 0, "the name holds a day, so no two tables have one name"


def test_presence_is_kept_apart_from_other_alarms() -> None:
    assert keep_of(Lane.ALARM, BOX.hazard(1, kind=HazardKind.DWELL).data) is Keep.PRESENCE
    assert keep_of(Lane.ALARM, BOX.hazard(1, kind=HazardKind.FIRE_SMOKE).data) is Keep.ALARM
    assert keep_of(Lane.ALARM, BOX.gap(1, 2, 3, lane=Lane.ALARM).data) is Keep.ALARM
    assert keep_of(Lane.BULK, BOX.count(1).data) is Keep.BULK


def test_what_a_row_is_kept_as_stands_with_it(database: Database) -> None:
    with database.transaction() as tx:
        store(tx, [letter([BOX.hazard(1, kind=HazardKind.DWELL), BOX.hazard(2), BOX.count(1)])])
        rows = tx.execute("SELECT lane, seq, keep FROM event ORDER BY lane, seq")
    assert rows == [("alarm", 1, "presence"), ("alarm", 2, "alarm"), ("bulk", 1, "bulk")]


@pytest.mark.postgres
def test_a_row_makes_the_table_that_it_needs(postgres: PostgresCluster) -> None:
    database = open_database(postgres.fresh(), SystemClock())
    with database.transaction() as tx:
        store(tx, [letter([BOX.hazard(1, kind=HazardKind.DWELL), BOX.hazard(2), BOX.count(1)])])
        assert tables_of(tx) == {partition_of(keep, START_MS).name: 1 for keep in Keep}
    database.close()


@pytest.mark.postgres
def test_tables_are_made_ahead_and_only_once(postgres: PostgresCluster) -> None:
    database = open_database(postgres.fresh(), SystemClock())
    now_ms = to_ms(SystemClock().now())
    with database.transaction() as tx:
        for keep in Keep:
            made = partitions.attached(tx, keep)
            assert len(made) == AHEAD + 1
            assert made[0] == partition_of(keep, now_ms)
        assert partitions.ensure_ahead(tx, now_ms) == 0
        assert partitions.ensure_ahead(tx, now_ms + STEP_MS[Keep.PRESENCE]) == 1
    database.close()


@pytest.mark.postgres
def test_a_query_of_one_lane_leaves_out_the_tables_of_the_other(postgres: PostgresCluster) -> None:
    database = open_database(postgres.fresh(), SystemClock())
    with database.snapshot() as tx:
        plan = tx.execute("EXPLAIN SELECT 1 FROM event WHERE site = 'x' AND lane = 'alarm'")
        assert "event_bulk" not in repr(plan)
        plan = tx.execute("EXPLAIN SELECT 1 FROM event WHERE lane = 'bulk' AND type = 'count'")
        assert "event_alarm" not in repr(plan)
        plan = tx.execute(
            "EXPLAIN SELECT 1 FROM event WHERE lane = 'alarm' AND arrived_ms >= ?",
            (to_ms(SystemClock().now()) + STEP_MS[Keep.PRESENCE],),
        )
        assert repr(plan).count("event_presence_") == AHEAD
    database.close()


OLD = (
    "INSERT INTO event (gateway, epoch, lane, seq, id, sha256, site, type, kind, time_ms, corrected_ms, "
    "arrived_ms, historical, payload) VALUES ('gw_1', 'e', ?, ?, ?, 'h', 'testing', ?, ?, 0, 0, 0, 0, '{}')"
)


def open_old(url: str) -> Database:
    """A database as it was before there were partitions."""
    database = connect(url)
    with database.transaction() as tx:
        tx.execute(
            "CREATE TABLE schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL,"
            " applied_ms BIGINT NOT NULL)"
        )
        for old in (m for m in migrations(database.dialect) if m.version < 30):
            tx.execute(old.sql)
            tx.execute(
                "INSERT INTO schema_version VALUES (?, ?, ?, 0)",
                (old.version, old.name, old.sha256),
            )
    return database


def test_what_was_there_before_stays_and_is_not_stored_again(database_url: str) -> None:
    database = open_old(database_url)
    rows = [("alarm", 1, "a1", "hazard", "dwell"), ("alarm", 2, "a2", "hazard", "fire_smoke")]
    rows += [("bulk", n, f"b{n}", "count", "") for n in range(1, 5)]
    with database.transaction() as tx:
        tx.execute_many(OLD, rows)
        tx.execute(
            "INSERT INTO progress (gateway, epoch, lane, upto) VALUES ('gw_1', 'e', 'bulk', 2)"
        )
    migrate(database, START_MS)
    with database.snapshot() as tx:
        assert tx.execute("SELECT lane, seq FROM event ORDER BY lane, seq") == [r[:2] for r in rows]
        assert tx.execute("SELECT upto, top FROM progress") == [(2, 4)]
        kept = {text(row[0]) for row in tx.execute("SELECT keep FROM event")}
    assert kept in ({"legacy"}, {"presence", "alarm", "bulk"})
    database.close()


@pytest.mark.postgres
def test_a_migration_that_was_interrupted_goes_on_where_it_was(postgres: PostgresCluster) -> None:
    database = open_old(postgres.fresh())
    with database.transaction() as tx:
        tx.execute_many(OLD, [("bulk", n, f"b{n}", "count", "") for n in range(1, 5)])
        tx.execute("CREATE TABLE event_bulk (in_the_way BIGINT)")
    version = next(m for m in migrations(database.dialect) if m.version == 30)
    assert version.sql.count(NEXT) == len(version.steps) - 1 > 1
    with pytest.raises(Exception, match="event_bulk"):
        migrate(database, START_MS)
    with database.transaction() as tx:
        assert tx.execute("SELECT MAX(step) FROM schema_step WHERE version = 30") == [(2,)]
        tx.execute("DROP TABLE event_bulk")
    migrate(database, START_MS)
    with database.snapshot() as tx:
        assert tables_of(tx) == {"event_legacy": 4}
    database.close()
