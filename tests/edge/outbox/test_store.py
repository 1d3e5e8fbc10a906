"""Numbers without holes, bounds that leave gaps, rows that are kept a day after the hub has them."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gatehouse_edge.errors import OutboxError
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.outbox.store import Outbox
from gatehouse_edge.ports import Batch
from gatehouse_edge.rules.observations import Moment
from gatehouse_shared.events import ClockState, GapData, GapReason
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import Row, read_rows
from gatehouse_testing.gateway_parts import START, gas, open_in, small_site, smoke

SMALL = Limits(max_rows=100, max_mib=8, max_age_days=7)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    one = open_in(tmp_path, itertools.count(1), SMALL)
    yield one
    one.close()


def bulk(outbox: Outbox, count: int, hours: float = 0.0) -> None:
    now = START + timedelta(hours=hours)
    outbox.append([gas(n, now) for n in range(count)], {}, now, ClockState.SYNCED)


def alarms(outbox: Outbox, count: int) -> None:
    findings = tuple(smoke(n, START) for n in range(count))
    RowLedger(small_site(), "gw_1", outbox).accept(Batch(findings=findings), Moment(0.0, START))


def spans(outbox: Outbox, after: int = 0, lane: Lane = Lane.BULK) -> list[tuple[int, int]]:
    rows = outbox.waiting(outbox.epoch, lane, after, 10_000, 10**9)
    return [(row.seq, row.upto) for row in rows]


def gaps(outbox: Outbox, after: int = 0) -> list[tuple[int, int, GapReason, int]]:
    found = []
    for row in outbox.waiting(outbox.epoch, Lane.BULK, after, 10_000, 10**9):
        read = read_rows(row.payload)[0]
        assert isinstance(read, Row)
        data = read.event.data
        if isinstance(data, GapData):
            found.append((data.from_seq, data.to_seq, data.reason, data.count))
    return found


def without_holes(outbox: Outbox, after: int) -> bool:
    chain = spans(outbox, after)
    return all(a[1] + 1 == b[0] for a, b in itertools.pairwise(chain)) and chain[0][0] <= after + 1


def test_numbers_start_at_one_and_have_no_holes_in_each_lane(outbox: Outbox) -> None:
    bulk(outbox, 5)
    alarms(outbox, 3)
    bulk(outbox, 2)
    assert spans(outbox) == [(n, n) for n in range(1, 8)]
    assert spans(outbox, lane=Lane.ALARM) == [(n, n) for n in range(1, 4)]


def test_what_is_over_the_bound_leaves_one_gap_that_counts_it(outbox: Outbox) -> None:
    for _ in range(10):
        bulk(outbox, 40)
    (gap,) = gaps(outbox)
    assert gap[:3] == (1, gap[3], GapReason.DROPPED_ROWS)
    assert outbox.load.rows <= 100
    assert gap[3] + outbox.load.rows - 1 == 400
    assert without_holes(outbox, 0)


def test_alarms_do_not_go_for_bulk(outbox: Outbox) -> None:
    alarms(outbox, 20)
    for _ in range(10):
        bulk(outbox, 100)
    assert spans(outbox, lane=Lane.ALARM) == [(n, n) for n in range(1, 21)]


def test_rows_on_the_wire_go_last(outbox: Outbox) -> None:
    bulk(outbox, 90)
    outbox.on_wire(outbox.epoch, Lane.BULK, 30, START)
    bulk(outbox, 40)
    assert spans(outbox)[:30] == [(n, n) for n in range(1, 31)]
    assert gaps(outbox)[0][0] == 31


def test_a_gap_that_covers_the_ack_is_sent_again(outbox: Outbox) -> None:
    """The hub went back to a number inside a range that has become one gap since."""
    bulk(outbox, 190)
    first, last, _, _ = gaps(outbox)[0]
    assert first < 5 < last
    outbox.ack(outbox.epoch, {Lane.BULK: 5}, START)
    assert spans(outbox, after=5)[0] == (first, last)


def test_old_bulk_leaves_a_gap_and_bulk_of_an_unset_clock_has_no_age(outbox: Outbox) -> None:
    bulk(outbox, 4)
    outbox.append([gas(1, START)], {}, START, ClockState.UNSYNCED)
    outbox.tidy(START + timedelta(days=7, hours=1))
    assert gaps(outbox) == [(1, 4, GapReason.DROPPED_AGE, 4)]
    assert spans(outbox) == [(1, 4), (5, 5)]


def test_acknowledged_rows_are_kept_a_day_for_a_hub_that_is_restored(outbox: Outbox) -> None:
    bulk(outbox, 20)
    outbox.ack(outbox.epoch, {Lane.BULK: 15}, START)
    outbox.tidy(START + timedelta(hours=23))
    outbox.restore(outbox.epoch, {Lane.BULK: 4}, START + timedelta(hours=23))
    assert spans(outbox, after=4) == [(n, n) for n in range(5, 21)]


def test_what_is_no_longer_kept_becomes_a_gap_of_reason_expired(outbox: Outbox) -> None:
    bulk(outbox, 20)
    outbox.ack(outbox.epoch, {Lane.BULK: 15}, START)
    outbox.tidy(START)
    outbox.tidy(START + timedelta(hours=25))
    outbox.restore(outbox.epoch, {Lane.BULK: 4}, START + timedelta(hours=25))
    assert spans(outbox, after=4) == [(5, 15), *((n, n) for n in range(16, 21))]
    assert gaps(outbox, after=4) == [(5, 15, GapReason.EXPIRED, 11)]


def test_an_ack_beyond_what_was_given_is_cut_off(outbox: Outbox) -> None:
    bulk(outbox, 3)
    outbox.ack(outbox.epoch, {Lane.BULK: 99}, START)
    bulk(outbox, 1)
    assert outbox.load.rows == 1


def test_acks_and_state_are_there_after_a_clean_end(tmp_path: Path) -> None:
    outbox = open_in(tmp_path, itertools.count(1))
    outbox.append([gas(1, START)] * 3, {"windows": b"{}"}, START, ClockState.SYNCED)
    outbox.ack(outbox.epoch, {Lane.BULK: 2}, START)
    outbox.close()
    again = open_in(tmp_path, itertools.count(9))
    assert (again.load.rows, again.state("windows"), again.epoch) == (1, b"{}", f"{1:016x}")
    again.close()


def test_rows_and_state_are_committed_together_or_not_at_all(outbox: Outbox) -> None:
    bulk(outbox, 1)
    before = (outbox.load, outbox.next_seq(Lane.BULK))
    with pytest.raises(TypeError):
        outbox.append([gas(1, START)], {"windows": object()}, START, ClockState.SYNCED)  # type: ignore[dict-item]
    assert (outbox.load, outbox.next_seq(Lane.BULK)) == before
    bulk(outbox, 1)
    assert spans(outbox) == [(1, 1), (2, 2)]


def test_another_thread_is_refused(outbox: Outbox) -> None:
    import threading

    bulk(outbox, 1)
    caught: list[BaseException] = []

    def other() -> None:
        try:
            bulk(outbox, 1)
        except OutboxError as error:
            caught.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(caught) == 1
