"""A gateway's real outbox and courier against a hub's real ingest and store; only the broker between them is the test's hand."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gatehouse_edge.clock import FixedClock
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_hub.store import gateways, progress, quarantine
from gatehouse_hub.values import LaneKey, Presence
from gatehouse_shared.events import ClockState
from gatehouse_shared.names import Lane
from gatehouse_testing.building import START
from gatehouse_testing.counting import DAWN, count_windows
from gatehouse_testing.gateway_parts import Gateway
from gatehouse_testing.pairing import Pair, names, open_hub


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    (tmp_path / "gateway").mkdir()
    database = open_hub(f"sqlite:{tmp_path / 'hub.db'}")
    pair = Pair(tmp_path, Gateway(tmp_path / "gateway", clock=FixedClock(START)), database)
    pair.gateway.link.connect()
    yield pair
    pair.gateway.stop()
    pair.database.close()


def test_rows_are_held_until_the_hub_has_them_and_are_there_once(pair: Pair) -> None:
    pair.alarm(5)
    pair.gateway.append_bulk(150)
    pair.live(5, up=False)
    pair.live(5, down=False)  # the hub has them, the gateway does not know
    held = pair.rows(Lane.ALARM)
    assert len(held) == 5
    pair.settle()
    assert pair.rows(Lane.ALARM) == held
    assert len(pair.rows(Lane.BULK)) == 150
    assert pair.rules() == names(5)


def test_an_outbox_put_back_to_an_older_copy_loses_no_new_alarm(pair: Pair) -> None:
    pair.alarm(3)
    pair.settle()
    box, copy = pair.folder / "gateway" / "outbox.db", pair.folder / "copy.db"
    pair.gateway.stop()
    shutil.copy(box, copy)
    pair.gateway.start()
    pair.gateway.link.connect()
    pair.alarm(4)
    pair.settle()
    pair.gateway.stop()
    for path in box.parent.glob("outbox.db-*"):
        path.unlink()
    shutil.copy(copy, box)
    pair.gateway.start()
    pair.gateway.link.connect()
    pair.alarm(10)
    pair.settle()
    assert pair.rules() == names(17)
    with pair.database.snapshot() as tx:
        assert quarantine.unreadable_alarms(tx, "riverside", 0, 10) == []


def test_rows_that_had_to_go_are_accounted_for_by_a_gap(pair: Pair) -> None:
    pair.gateway.stop()
    pair.gateway.limits = Limits(max_rows=30, max_mib=8, max_age_days=7)
    pair.gateway.start()
    pair.gateway.append_bulk(100)
    pair.alarm()
    pair.gateway.link.connect()
    pair.settle()
    assert pair.rules() == names(1)
    with pair.database.snapshot() as tx:
        gaps = progress.load_gaps(tx, "gw_1", 100)
    missing = {n for gap in gaps for n in range(gap.from_seq, gap.to_seq + 1)}
    stored = {seq for _, seq in pair.rows(Lane.BULK)}
    assert missing
    assert missing | stored == set(range(1, max(stored) + 1))


def test_a_hub_restored_to_yesterday_gets_back_what_it_lacks(pair: Pair) -> None:
    pair.alarm(3)
    pair.settle()
    pair.database.close()
    shutil.copy(pair.folder / "hub.db", pair.folder / "yesterday.db")
    pair.database = open_hub(f"sqlite:{pair.folder / 'hub.db'}")
    pair.start_hub()
    pair.alarm(4)
    pair.gateway.append_bulk(20)
    pair.settle()
    before = (pair.rows(Lane.ALARM), pair.rows(Lane.BULK))
    pair.database.close()
    pair.database = open_hub(f"sqlite:{pair.folder / 'yesterday.db'}")
    pair.start_hub()
    pair.alarm()
    pair.gateway.link.lose()
    pair.gateway.link.connect()
    pair.live(30)
    pair.settle()
    assert pair.rules() == names(8)
    assert pair.rows(Lane.BULK) == before[1]
    assert set(before[0]) <= set(pair.rows(Lane.ALARM))


def test_the_gateway_is_seen_its_clock_measured_and_its_death_noticed(pair: Pair) -> None:
    pair.live(40)
    with pair.database.snapshot() as tx:
        gateway = gateways.load(tx, "gw_1")
    assert gateway is not None
    assert gateway.presence is Presence.ONLINE
    assert gateway.offset is not None
    assert abs(gateway.offset.offset_ms) <= gateway.offset.uncertainty_ms
    pair.live(60, up=False)
    with pair.database.snapshot() as tx:
        gateway = gateways.load(tx, "gw_1")
    assert gateway is not None
    assert gateway.presence is Presence.OFFLINE


def test_merged_counts_arrive_as_quarters_and_every_number_is_accounted_for(pair: Pair) -> None:
    gateway = pair.gateway
    for now, drafts in count_windows(1, 90):
        if drafts:
            gateway.outbox.append(drafts, {}, now, ClockState.SYNCED)
    gateway.stop()
    gateway.limits = Limits(max_rows=1_000, max_mib=8)
    gateway.start()
    for _ in range(40):
        gateway.outbox.tidy(DAWN + timedelta(minutes=100))
    last = gateway.outbox.next_seq(Lane.BULK) - 1
    gateway.link.connect()
    pair.settle()
    stored = pair.rows(Lane.BULK)
    assert len(stored) < 0.7 * last
    with pair.database.snapshot() as tx:
        gaps = progress.load_gaps(tx, "gw_1", 1_000)
        upto = progress.load(tx, LaneKey("gw_1", gateway.outbox.epoch, Lane.BULK))
        assert not quarantine.load_newest(tx, gateway=None, before=None, limit=10)
    assert {gap.reason for gap in gaps} == {"merged"}
    assert len(stored) - len(gaps) + sum(gap.rows for gap in gaps) == upto == last
