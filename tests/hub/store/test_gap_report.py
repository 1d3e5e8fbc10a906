"""What came through of a gateway is said as it is: complete, on its way, or gone and why."""

import msgspec
import pytest

from gatehouse_hub.ingest.storing import Letter, store
from gatehouse_hub.ports import Database
from gatehouse_hub.store import gateways, progress
from gatehouse_hub.store.gap_report import GAPS_MAX, GapReport, covered, load_report
from gatehouse_hub.store.progress import OUTLIVED, QUARANTINED, Gap
from gatehouse_hub.values import LaneKey
from gatehouse_shared.events import GapReason
from gatehouse_shared.names import Lane
from gatehouse_shared.states import EpochMark
from gatehouse_testing.building import EPOCH, EPOCH_2, START_MS, Outbox, birth, letter

BULK = LaneKey("gw_1", EPOCH, Lane.BULK)
BOX = Outbox()


def give(database: Database, *letters: Letter) -> None:
    with database.transaction() as tx:
        store(tx, letters)


def gap(database: Database, *gaps: Gap) -> None:
    with database.transaction() as tx:
        marks = progress.lock(tx, {g.lane for g in gaps})
        progress.add_gaps(tx, marks, gaps)
        progress.settle(tx, marks)


def born(database: Database, *marks: EpochMark) -> None:
    told = msgspec.structs.replace(birth(), epochs=marks)
    with database.transaction() as tx:
        gateways.save_births(tx, [("gw_1", told)])


def report(database: Database) -> GapReport:
    with database.snapshot() as tx:
        found = load_report(tx, "testing", "gw_1")
    assert found is not None
    return found


def test_a_gateway_never_heard_of_has_no_lanes_and_another_sites_has_no_report(
    database: Database,
) -> None:
    assert (report(database).lanes, report(database).missing) == ((), 0)
    with database.snapshot() as tx:
        assert load_report(tx, "other", "gw_1") is None
        assert load_report(tx, "testing", "gw_9") is None


def test_rows_without_a_hole_are_complete(database: Database) -> None:
    give(database, letter([BOX.hazard(1), *(BOX.count(n) for n in range(1, 6))]))
    lanes = {lane.lane: lane for lane in report(database).lanes}
    bulk = lanes[Lane.BULK]
    assert (bulk.last, bulk.upto, bulk.stored, bulk.unaccounted, bulk.waiting) == (5, 5, 5, 0, 0)
    assert lanes[Lane.ALARM].stored == 1
    assert (report(database).missing, report(database).gaps) == (0, ())


def test_holes_are_unaccounted_until_their_rows_or_a_gap_come(database: Database) -> None:
    give(database, letter([BOX.count(n) for n in (1, 2, 5, 6, 9)]))
    (lane,) = report(database).lanes
    assert (lane.upto, lane.last, lane.unaccounted) == (2, 9, 4)
    give(database, letter([BOX.count(3), BOX.count(4)]))
    assert report(database).lanes[0].unaccounted == 2
    give(database, letter([BOX.gap(10, 7, 8)]))
    found = report(database)
    assert (found.lanes[0].unaccounted, found.lanes[0].upto, found.missing) == (0, 10, 2)


def test_what_the_gateway_told_of_and_has_not_sent_is_waiting(database: Database) -> None:
    give(database, letter([BOX.count(1), BOX.count(2)]))
    born(
        database,
        EpochMark(epoch=EPOCH, alarm_last=3, bulk_last=40),
        EpochMark(epoch=EPOCH_2, alarm_last=0, bulk_last=1),
    )
    waiting = {(lane.epoch, lane.lane): lane.waiting for lane in report(database).lanes}
    assert waiting == {(EPOCH, Lane.ALARM): 3, (EPOCH, Lane.BULK): 38, (EPOCH_2, Lane.BULK): 1}


def test_a_gap_says_how_many_why_and_between_which_moments(database: Database) -> None:
    give(database, letter([BOX.count(1, at_s=-600), BOX.count(6, at_s=-300)]))
    gap(database, Gap(BULK, 2, 5, GapReason.DROPPED_BYTES.value, 4, START_MS + 1))
    (found,) = report(database).gaps
    assert (found.from_seq, found.to_seq, found.count, found.reason) == (2, 5, 4, GapReason.DROPPED_BYTES)  # fmt: skip
    assert (found.after_ms, found.before_ms) == (START_MS - 600_000, START_MS - 300_000)


@pytest.mark.parametrize("reason", [GapReason.MERGED, GapReason.EPOCH])
def test_what_is_merged_or_said_again_is_not_missing(database: Database, reason: GapReason) -> None:
    gap(database, Gap(BULK, 1, 5, reason.value, 4, START_MS))
    assert (report(database).missing, len(report(database).gaps)) == (0, 1)


def test_a_gap_that_grew_counts_once(database: Database) -> None:
    dropped = GapReason.DROPPED_ROWS.value
    gap(
        database,
        Gap(BULK, 1, 5, dropped, 5, START_MS),
        Gap(BULK, 1, 9, dropped, 9, START_MS + 5),
        Gap(LaneKey("gw_1", EPOCH, Lane.ALARM), 1, 2, GapReason.LOST.value, 2, START_MS),
    )
    found = report(database)
    assert found.missing == 11
    assert [(g.lane, g.to_seq) for g in found.gaps] == [(Lane.BULK, 9), (Lane.ALARM, 2)]


def test_refused_and_outlived_rows_are_no_gaps(database: Database) -> None:
    gap(
        database,
        Gap(BULK, 1, 1, QUARANTINED, 1, START_MS),
        Gap(BULK, 2, 8, OUTLIVED, 7, START_MS),
    )
    found = report(database)
    assert (found.gaps, found.missing, found.lanes[0].quarantined) == ((), 0, 1)
    assert found.lanes[0].unaccounted == 0


def test_of_many_gaps_the_newest_are_listed_and_all_are_counted(database: Database) -> None:
    lost = GapReason.LOST.value
    many = [Gap(BULK, 2 * n + 1, 2 * n + 1, lost, 1, START_MS + n) for n in range(GAPS_MAX + 5)]
    gap(database, *many)
    found = report(database)
    assert (len(found.gaps), found.more_gaps, found.missing) == (GAPS_MAX, True, GAPS_MAX + 5)
    assert found.gaps[0].from_seq == 2 * (GAPS_MAX + 4) + 1


@pytest.mark.parametrize(
    ("upto", "stretches", "count"),
    [(0, [], 0), (2, [(1, 2)], 0), (2, [(1, 9), (3, 4), (9, 10)], 8), (0, [(5, 5), (7, 7)], 2)],
)
def test_overlapping_stretches_count_each_number_once(
    upto: int, stretches: list[tuple[int, int]], count: int
) -> None:
    assert covered(upto, stretches) == count
