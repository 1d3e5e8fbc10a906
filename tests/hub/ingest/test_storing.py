"""One transaction for a batch: what is in the tables afterwards, and what may be told."""

import pytest

from gatehouse_hub.ingest.acks import OwedAck
from gatehouse_hub.ingest.storing import Letter, Outcome, store
from gatehouse_hub.ports import Database
from gatehouse_hub.store import events, progress, quarantine, work
from gatehouse_hub.values import Offset, Sample
from gatehouse_shared.commands import RowNack
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import BadRow, encode, sha256_hex
from gatehouse_testing.building import EPOCH, EPOCH_2, START_MS, Outbox, letter, row_key

BOX = Outbox()


def give(database: Database, *letters: Letter) -> Outcome:
    with database.transaction() as tx:
        return store(tx, letters)


def refused_row(seq: int, lane: Lane = Lane.ALARM) -> BadRow:
    event = BOX.hazard(seq) if lane is Lane.ALARM else BOX.count(seq)
    raw = encode(event).replace(b"cam_0", b"cam_9")
    return BadRow(
        row_key(event), RefusalReason.UNKNOWN_NAME, "no such device", raw, sha256_hex(raw)
    )


def test_acks_say_how_far_both_lanes_are_stored(database: Database) -> None:
    first = give(database, letter([BOX.hazard(1), BOX.hazard(2), BOX.count(1), BOX.count(3)]))
    assert (first.stored, first.acks) == (4, [OwedAck("gw_1", EPOCH, 2, 1)])
    then = give(database, letter([BOX.count(2)]))
    assert then.acks == [OwedAck("gw_1", EPOCH, 2, 3)]


def test_rows_that_are_all_there_already_are_acked_again(database: Database) -> None:
    rows = letter([BOX.hazard(1), BOX.count(1)])
    give(database, rows)
    again = give(database, rows, rows)
    assert (again.stored, again.duplicates) == (0, 4)
    assert again.acks == [OwedAck("gw_1", EPOCH, 1, 1)]
    assert again.hazard_sites == set()


def test_a_gap_lets_the_ack_pass_and_a_late_row_is_kept_all_the_same(database: Database) -> None:
    give(database, letter([BOX.count(1), BOX.count(5)]))
    gap = give(database, letter([BOX.gap(6, 2, 4)]))
    assert gap.acks == [OwedAck("gw_1", EPOCH, 0, 6)]
    late = give(database, letter([BOX.count(3)]))
    assert (late.stored, late.acks) == (1, [OwedAck("gw_1", EPOCH, 0, 6)])
    with database.snapshot() as tx:
        (known,) = progress.load_gaps(tx, "gw_1", 10)
    assert (known.from_seq, known.to_seq, known.reason) == (2, 4, "dropped_rows")


def test_a_gap_may_close_another_epoch_of_its_gateway(database: Database) -> None:
    give(database, letter([BOX.count(2)]))
    outcome = give(database, letter([Outbox(epoch=EPOCH_2).gap(1, 1, 9, epoch=EPOCH)]))
    assert outcome.acks == [OwedAck("gw_1", EPOCH, 0, 9), OwedAck("gw_1", EPOCH_2, 0, 1)]


def test_a_range_counts_even_where_its_own_row_is_refused(database: Database) -> None:
    give(database, letter([BOX.count(4)]))
    outcome = give(database, letter([BOX.gap(4, 1, 3)]))  # the key is a count's already
    assert outcome.refused == 1
    assert outcome.acks == [OwedAck("gw_1", EPOCH, 0, 4)]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_key_with_another_content_is_quarantined_and_an_alarm_calls_the_linker(
    database: Database, at_once: bool
) -> None:
    first, other = letter([BOX.hazard(1, grade=2)]), letter([BOX.hazard(1, grade=3)])
    if at_once:
        outcome = give(database, first, other)
    else:
        give(database, first)
        with database.transaction() as tx:
            assert work.claim(tx, 5, 0)
        outcome = give(database, other)
    reused = RefusalReason.KEY_REUSED
    nack = RowNack(epoch=EPOCH, lane=Lane.ALARM, seq=1, reason=reused)
    assert outcome.nacks == [("gw_1", nack)]
    assert outcome.acks == [OwedAck("gw_1", EPOCH, 1, 0)]
    with database.transaction() as tx:
        (kept,) = quarantine.load_newest(tx, gateway="gw_1", before=None, limit=5)
        assert (kept.reason, kept.payload) == (reused, encode(BOX.hazard(1, grade=3)))
        assert [a.reason for a in quarantine.unreadable_alarms(tx, "testing", 0, 5)] == [reused]
        assert [p.site for p in work.claim(tx, 5, 0)] == ["testing"]
        (stored,) = events.alarm_rows(tx, "testing", 0, 10)
        assert stored.event == BOX.hazard(1, grade=2)


def test_a_reused_bulk_key_opens_nothing(database: Database) -> None:
    give(database, letter([BOX.count(1, mean=12)]))
    assert give(database, letter([BOX.count(1, mean=30)])).refused == 1
    with database.snapshot() as tx:
        assert quarantine.unreadable_alarms(tx, "testing", 0, 5) == []


def test_a_refused_row_is_accounted_for_and_no_alarm_is_hidden(database: Database) -> None:
    outcome = give(
        database, letter([BOX.hazard(1), BOX.hazard(3)], bad=[refused_row(2)]),
        letter([BOX.count(2)], bad=[refused_row(1, Lane.BULK)]),
    )  # fmt: skip
    assert outcome.acks == [OwedAck("gw_1", EPOCH, 3, 2)]
    assert {(n.lane, n.seq) for _, n in outcome.nacks if isinstance(n, RowNack)} == {
        (Lane.ALARM, 2),
        (Lane.BULK, 1),
    }
    with database.snapshot() as tx:
        (unreadable,) = quarantine.unreadable_alarms(tx, "testing", 0, 5)
        assert (unreadable.key.seq, unreadable.reason) == (2, RefusalReason.UNKNOWN_NAME)
        assert progress.load_gaps(tx, "gw_1", 10) == []


def test_offset_and_lateness_are_frozen_when_the_row_comes(database: Database) -> None:
    ahead = Sample(Offset(2_000, 9), True)
    late_ms = START_MS + 20 * 60_000
    give(database, letter([BOX.hazard(1)], sample=ahead, arrived_ms=late_ms))
    give(database, letter([BOX.hazard(1)], sample=None, arrived_ms=late_ms + 1))
    give(database, letter([BOX.hazard(2)], sample=None, arrived_ms=late_ms))
    with database.snapshot() as tx:
        first, second = events.alarm_rows(tx, "testing", 0, 10)
    assert (first.corrected_ms, first.offset_ms, first.historical) == (
        START_MS - 2_000,
        2_000,
        True,
    )
    assert (second.corrected_ms, second.offset_ms, second.historical) == (START_MS, None, False)
