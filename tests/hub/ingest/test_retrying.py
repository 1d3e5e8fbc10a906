"""A person looks at quarantine and tries again."""

from dataclasses import replace

from gatehouse_hub.ingest.retrying import RetryOutcome, retry
from gatehouse_hub.ports import Database
from gatehouse_hub.store import events, quarantine, sites
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.wire import PACKET_MAX_BYTES
from gatehouse_testing.building import START_MS, Outbox, arrival, rows_arrival
from gatehouse_testing.hub_parts import Bench, TurnedClock
from gatehouse_testing.sites import row_of_zones

CLOCK = TurnedClock()
ROW = Outbox().hazard(1, zone="z2")


def refuse(database: Database) -> None:
    bench = Bench(database)
    worker = bench.worker()
    bench.give(rows_arrival([ROW]), arrival("alarm", b"junk"), arrival("state", b"rubbish"))
    worker.step(0)


def test_what_is_still_wrong_stays_as_it_was(database: Database) -> None:
    refuse(database)
    tried = retry(database, CLOCK, gateway="gw_1", number=None)
    assert {(r.outcome, r.why) for r in tried} == {
        (RetryOutcome.NOT_ROWS, RefusalReason.NOT_JSON),
        (RetryOutcome.STILL_REFUSED, RefusalReason.NOT_JSON),
        (RetryOutcome.STILL_REFUSED, RefusalReason.UNKNOWN_NAME),
    }
    with database.snapshot() as tx:
        kept = quarantine.load_newest(tx, gateway="gw_1", before=None, limit=50)
    assert [k.seen for k in kept] == [1, 1, 1]


def test_what_a_newer_site_file_allows_is_accepted_and_leaves(database: Database) -> None:
    refuse(database)
    with database.transaction() as tx:
        sites.add(tx, row_of_zones(["moving", "parking", "lane"]), START_MS + 1)
    with database.snapshot() as tx:
        kept = quarantine.load_newest(tx, gateway="gw_1", before=None, limit=50)
    (number,) = [k.number for k in kept if k.key is not None]
    (tried,) = retry(database, CLOCK, gateway=None, number=number)
    assert tried.outcome is RetryOutcome.ACCEPTED
    with database.snapshot() as tx:
        stored = events.load(tx, ROW.id)
        assert quarantine.load(tx, number) is None
    assert stored is not None
    assert stored.event == ROW
    assert retry(database, CLOCK, gateway=None, number=number) == []


def test_a_key_that_is_taken_by_now_is_refused_and_nothing_of_the_try_stays(
    database: Database,
) -> None:
    refuse(database)
    with database.transaction() as tx:
        sites.add(tx, row_of_zones(["moving", "parking", "lane"]), START_MS + 1)
    bench = Bench(database)
    worker = bench.worker()
    bench.give(rows_arrival([Outbox().hazard(1)]))
    worker.step(0)
    with database.snapshot() as tx:
        before = quarantine.load_newest(tx, gateway="gw_1", before=None, limit=50)
    tried = retry(database, CLOCK, gateway="gw_1", number=None)
    assert (RetryOutcome.STILL_REFUSED, RefusalReason.KEY_REUSED) in {
        (r.outcome, r.why) for r in tried
    }
    with database.snapshot() as tx:
        assert quarantine.load_newest(tx, gateway="gw_1", before=None, limit=50) == before


def test_a_message_of_which_only_the_start_was_kept_cannot_be_tried(database: Database) -> None:
    bench = Bench(database)
    worker = bench.worker()
    start = arrival("alarm", b"x" * PACKET_MAX_BYTES)
    bench.give(replace(start, size_bytes=PACKET_MAX_BYTES * 40, sha256="a" * 64))
    worker.step(0)
    (tried,) = retry(database, CLOCK, gateway="gw_1", number=None)
    assert tried.outcome is RetryOutcome.CUT_OFF
