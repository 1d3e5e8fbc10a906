"""What is past its keeping goes, and nothing else; no number is lost or stored twice for it."""

import pytest

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ingest.acks import OwedAck
from gatehouse_hub.ingest.storing import Outcome, store
from gatehouse_hub.ports import Database
from gatehouse_hub.store import progress, quarantine, retention
from gatehouse_hub.store.columns import integer, text
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.partitions import DAY_MS, STEP_MS, Keep, partition_of
from gatehouse_hub.store.retention import STEP, Retention, take_turn
from gatehouse_shared.events import Event
from gatehouse_shared.names import HazardKind
from gatehouse_testing.building import EPOCH, START_MS, Outbox, letter
from gatehouse_testing.postgres import PostgresCluster

BOX = Outbox()
KEPT = Retention()
LONGEST_MS = 430 * DAY_MS


def give(database: Database, *events: Event, arrived_ms: int = START_MS) -> Outcome:
    with database.transaction() as tx:
        return store(tx, [letter(events, arrived_ms=arrived_ms)])


def seqs(database: Database) -> set[tuple[str, int]]:
    with database.snapshot() as tx:
        return {(text(a), integer(b)) for a, b in tx.execute("SELECT lane, seq FROM event")}


def count(database: Database, table: str) -> int:
    with database.snapshot() as tx:
        return integer(tx.execute(f"SELECT COUNT(*) FROM {table}")[0][0])


def dwell(seq: int) -> Event:
    return BOX.hazard(seq, kind=HazardKind.DWELL)


def test_each_kind_goes_when_its_time_has_come(database: Database) -> None:
    give(database, dwell(1), BOX.hazard(2), BOX.count(1))
    take_turn(database, KEPT, START_MS + 12 * DAY_MS)
    assert seqs(database) == {("alarm", 1), ("alarm", 2), ("bulk", 1)}
    take_turn(database, KEPT, START_MS + 14 * DAY_MS + 1)
    assert seqs(database) == {("alarm", 2), ("bulk", 1)}
    take_turn(database, KEPT, START_MS + 90 * DAY_MS - 1)
    assert seqs(database) == {("alarm", 2), ("bulk", 1)}
    take_turn(database, KEPT, START_MS + 90 * DAY_MS + STEP_MS[Keep.BULK])
    assert seqs(database) == {("alarm", 2)}
    take_turn(database, KEPT, START_MS + LONGEST_MS)
    assert seqs(database) == set()


def test_what_was_kept_beside_presence_goes_with_it(database: Database) -> None:
    give(database, dwell(1), BOX.hazard(2))
    with database.transaction() as tx:
        for name, kind in (("p1", "p"), ("t1", "t")):
            tx.execute(
                "INSERT INTO incident (id, site, kind, class, zone, zones, state, priority, opened_ms, updated_ms, "
                "drill, historical, summary_en, summary_zh, weights, story) VALUES (?, 'testing', 'dwell', ?, 'z0', "
                "'[]', 'open', 'P3', ?, ?, 0, 0, '', '', 'w', '{}')",
                (name, kind, START_MS, START_MS),
            )
            tx.execute("INSERT INTO incident_act VALUES (?, 1, 0, 'opened', NULL, NULL)", (name,))
    take_turn(database, KEPT, START_MS + 14 * DAY_MS + 1)
    with database.snapshot() as tx:
        assert tx.execute("SELECT id FROM incident") == [("t1",)]
        assert tx.execute("SELECT incident FROM incident_act") == [("t1",)]
        assert tx.execute("SELECT kind FROM hazard") == [("camera_covered",)]


@pytest.mark.parametrize("table", ["hazard", "incident", "gap_range", "zone_count", "quarantine"])
def test_nothing_that_follows_events_grows_for_ever(database: Database, table: str) -> None:
    give(database, BOX.hazard(1), BOX.count(1), BOX.gap(4, 2, 3))
    give(database, BOX.count(1, mean=30))  # reused: quarantine
    take_turn(database, KEPT, START_MS + LONGEST_MS)
    assert count(database, table) == 0
    with database.snapshot() as tx:
        assert quarantine.unreadable_alarms(tx, "testing", 0, 5) == []


def test_a_gap_above_the_ack_is_never_forgotten(database: Database) -> None:
    give(database, BOX.gap(9, 4, 8))
    take_turn(database, KEPT, START_MS + LONGEST_MS)
    outcome = give(
        database, BOX.count(1), BOX.count(2), BOX.count(3), arrived_ms=START_MS + LONGEST_MS
    )
    assert outcome.acks == [OwedAck("gw_1", EPOCH, 0, 9)]


def test_a_row_that_comes_again_after_its_keeping_is_no_new_row(database: Database) -> None:
    give(database, dwell(1), BOX.hazard(2))
    later_ms = START_MS + 15 * DAY_MS
    take_turn(database, KEPT, later_ms)
    again = give(database, dwell(1), BOX.hazard(2), arrived_ms=later_ms)
    assert (again.stored, again.duplicates, again.outlived) == (0, 1, 1)
    assert again.acks == [OwedAck("gw_1", EPOCH, 2, 0)]
    assert seqs(database) == {("alarm", 2)}


def test_another_row_under_a_key_whose_row_is_gone_is_never_dropped(database: Database) -> None:
    give(database, dwell(1))
    later_ms = START_MS + 20 * DAY_MS
    take_turn(database, KEPT, later_ms)
    younger = BOX.hazard(1, at_s=19 * DAY_MS // 1000)
    outcome = give(database, younger, arrived_ms=later_ms)
    assert (outcome.stored, outcome.refused) == (0, 1)
    with database.snapshot() as tx:
        assert [a.key.seq for a in quarantine.unreadable_alarms(tx, "testing", 0, 5)] == [1]


def test_rows_that_go_above_the_ack_do_not_hold_it_up(database: Database) -> None:
    give(database, BOX.hazard(1), dwell(3), BOX.hazard(4), dwell(5))
    later_ms = START_MS + 15 * DAY_MS
    take_turn(database, KEPT, later_ms)
    with database.snapshot() as tx:
        assert progress.load_gaps(tx, "gw_1", 10) == []
    outcome = give(database, BOX.hazard(2), arrived_ms=later_ms)
    assert outcome.acks == [OwedAck("gw_1", EPOCH, 5, 0)]
    again = give(database, dwell(3), arrived_ms=later_ms)
    assert (again.stored, again.outlived) == (0, 1)


def test_many_rows_go_in_small_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert STEP == 1_000
    monkeypatch.setattr(retention, "STEP", 10)
    for n in range(1, 26):
        give(database, Outbox(epoch=f"{n:016x}").gap(2, 1, 1))
    gone = take_turn(database, KEPT, START_MS + LONGEST_MS)
    assert gone["gap_range"] == 25
    monkeypatch.setattr(retention, "STEPS_MAX", 2)
    for n in range(1, 26):
        give(database, Outbox(epoch=f"{n:016x}").gap(4, 3, 3), arrived_ms=START_MS)
    assert take_turn(database, KEPT, START_MS + LONGEST_MS)["gap_range"] == 20


@pytest.mark.postgres
def test_tables_are_dropped_and_not_emptied(postgres: PostgresCluster) -> None:
    database = open_database(postgres.fresh(), SystemClock())
    give(database, dwell(1), BOX.hazard(2), BOX.count(1))
    now_ms = START_MS + 15 * DAY_MS
    name = partition_of(Keep.PRESENCE, START_MS).name
    with database.snapshot() as tx:
        assert tx.execute("SELECT to_regclass(?)::text", (name,)) == [(name,)]
    assert take_turn(database, KEPT, now_ms)["partitions"] == 1
    with database.snapshot() as tx:
        assert tx.execute("SELECT to_regclass(?)::text", (name,)) == [(None,)]
    database.close()
