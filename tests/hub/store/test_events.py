"""Rows are stored once, and any order of them leaves the same tables."""

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ingest.storing import store
from gatehouse_hub.ports import Database, Row
from gatehouse_hub.store import events, hazards, occupancy, sites, work
from gatehouse_hub.store.database import open_database
from gatehouse_shared.events import Event
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_testing.building import EPOCH, EPOCH_2, START_MS, Outbox, letter, small_site

LATER_MS = START_MS + 200_000
ONE = Outbox()
OTHER = Outbox(epoch=EPOCH_2)
HISTORY: tuple[Event, ...] = (
    ONE.hazard(1, at_s=0),
    ONE.hazard(2, at_s=40, hazard=1, phase=Phase.UPDATED, grade=3),
    ONE.hazard(3, at_s=50, zone="z1", kind=HazardKind.CAMERA_MOVED),
    ONE.hazard(4, at_s=90, hazard=1, phase=Phase.CLEARED, grade=3),
    ONE.count(1, at_s=0, mean=12),
    ONE.count(2, at_s=60, mean=20),
    ONE.count(3, at_s=60, mean=30, zone="z1"),
    ONE.gap(7, 4, 6),
    OTHER.hazard(1, at_s=10),
    OTHER.count(1, at_s=0, mean=14, window_s=900),
    OTHER.gap(2, 9, 10, epoch=EPOCH),
)
TABLES = {
    "event": "gateway, epoch, lane, seq, sha256, site, type, zone, corrected_ms, payload",
    "progress": "gateway, epoch, lane, upto",
    "gap_range": "gateway, epoch, lane, from_seq, to_seq, reason, rows",
    "hazard": "gateway, epoch, hazard, kind, zone, phase, grade, latest_seq, raised_ms, latest_ms",
    "zone_count": "site, zone, label, device, time_ms, window_s, mean, event_id",
    "(SELECT site, MIN(oldest_ms) AS oldest_ms FROM site_news GROUP BY site) AS news": "site, oldest_ms",
    "quarantine": "owner, sha256",
    "unreadable_alarm": "gateway, epoch, seq",
}


@contextmanager
def fresh() -> Generator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:{Path(folder) / 'hub.db'}", SystemClock())
        with database.transaction() as tx:
            sites.add(tx, small_site(), START_MS)
        yield database
        database.close()


def give(database: Database, messages: Sequence[Sequence[Event]]) -> None:
    for message in messages:
        with database.transaction() as tx:
            store(tx, [letter([event], arrived_ms=LATER_MS) for event in message])


def contents(database: Database) -> dict[str, list[Row]]:
    with database.snapshot() as tx:
        return {
            table: sorted(tx.execute(f"SELECT {columns} FROM {table}"), key=repr)
            for table, columns in TABLES.items()
        }


def in_order() -> dict[str, list[Row]]:
    with fresh() as database:
        give(database, [[event] for event in HISTORY])
        return contents(database)


EXPECTED = in_order()


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[Event]]:
    """Every row at least once, some again, in any order, cut into any batches."""
    again = draw(st.lists(st.sampled_from(HISTORY), max_size=6))
    order = draw(st.permutations([*HISTORY, *again]))
    batches: list[list[Event]] = [[]]
    for event in order:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(event)
    return batches


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deliveries())
def test_any_order_and_any_repetition_leave_the_same_tables(messages: list[list[Event]]) -> None:
    with fresh() as database:
        give(database, messages)
        assert contents(database) == EXPECTED


def test_both_engines_hold_the_same(database: Database) -> None:
    give(database, [HISTORY[::-1], HISTORY])
    assert contents(database) == EXPECTED


def test_a_row_comes_back_as_it_came(database: Database) -> None:
    give(database, [HISTORY])
    with database.snapshot() as tx:
        stored = events.alarm_rows(tx, "testing", 0, 100)
        assert [row.event for row in stored] == sorted(
            (e for e in HISTORY if e.lane is Lane.ALARM), key=lambda e: (e.time, e.id)
        )
        assert events.load(tx, HISTORY[0].id) in stored
        assert events.load(tx, "0" * 32) is None
        lane = events.lane_rows(tx, "gw_1", EPOCH, Lane.BULK, after=1, limit=2)
        assert [row.key.seq for row in lane] == [2, 3]


def test_a_late_raised_row_does_not_open_a_cleared_hazard_again(database: Database) -> None:
    give(database, [[HISTORY[3]], [HISTORY[0]]])
    with database.snapshot() as tx:
        assert hazards.open_hazards(tx, "testing") == []


def test_an_open_hazard_is_told_with_its_latest_state(database: Database) -> None:
    give(database, [[HISTORY[1]], [HISTORY[0]]])
    with database.snapshot() as tx:
        (hazard,) = hazards.open_hazards(tx, "testing")
    assert (hazard.hazard, hazard.phase, hazard.grade) == (1, Phase.UPDATED, 3)
    assert (hazard.raised_ms, hazard.latest_ms) == (START_MS, START_MS + 40_000)


def test_a_hazard_is_last_known_when_silent_or_its_gateway_is_gone() -> None:
    assert not hazards.is_last_known(0, 30 * 60_000, gateway_online=True)
    assert hazards.is_last_known(0, 30 * 60_000 + 1, gateway_online=True)
    assert hazards.is_last_known(0, 1, gateway_online=False)


def test_only_the_newest_window_of_a_zone_is_kept(database: Database) -> None:
    give(database, [HISTORY])
    with database.snapshot() as tx:
        counts = {(c.zone, c.device): c.mean for c in occupancy.zone_counts(tx, "testing")}
    assert counts == {("z0", "cam_0"): 14, ("z1", "cam_1"): 30}


def test_a_site_with_new_alarms_waits_until_it_is_cleared(database: Database) -> None:
    give(database, [[HISTORY[4]]])
    with database.transaction() as tx:
        assert work.claim(tx, 8, 0) == []
    give(database, [[HISTORY[2]], [HISTORY[0]]])
    with database.transaction() as tx:
        (pending,) = work.claim(tx, 8, 0)
        assert pending.oldest_ms == START_MS
    give(database, [[HISTORY[0]]])  # a duplicate is no work
    with database.transaction() as tx:
        assert work.claim(tx, 8, 0) == []
