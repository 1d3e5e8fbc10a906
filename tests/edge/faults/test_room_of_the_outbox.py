"""An outbox on a disk without a block left, a real one: alarms stay, bulk that goes is named, and it mends itself."""

import contextlib
import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gatehouse_edge.errors import OutboxError
from gatehouse_edge.outbox.hazards import Hazards, Speaker
from gatehouse_edge.outbox.store import Outbox
from gatehouse_edge.values import Draft
from gatehouse_shared.events import ClockState, GapData, GapReason
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import Row, read_rows
from gatehouse_testing.gateway_parts import START, gas, open_in, small_site, smoke
from gatehouse_testing.small_disk import SmallDisk, small_disk

ALARM = (
    Speaker(small_site(), "gw_1").say(Hazards(), [smoke(1, START)], epoch="0" * 16, first=1).drafts
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 24) as disk:
        yield disk


def append(outbox: Outbox, drafts: list[Draft] | tuple[Draft, ...]) -> None:
    outbox.append(drafts, {}, START, ClockState.SYNCED)


def chain(outbox: Outbox, lane: Lane) -> list[Row]:
    """All that waits of a lane; asserts that no number is missing."""
    rows: list[Row] = []
    after = 0
    while kept := outbox.waiting(outbox.epoch, lane, after, 1_000, 10**9):
        for row in kept:
            assert row.seq == after + 1
            after = row.upto
            read = read_rows(row.payload)[0]
            assert isinstance(read, Row)
            rows.append(read)
    assert after == outbox.next_seq(lane) - 1
    return rows


def lives_on_little(outbox: Outbox, disk: SmallDisk, turns: int) -> int:
    """Writes far more bulk than the room kept back holds, an alarm each turn; how many rows of bulk."""
    for turn in range(turns):
        append(outbox, [gas(n, START) for n in range(100)])
        append(outbox, ALARM)
        if turn % 10 == 0:
            outbox.tidy(START)
            disk.fill()
    return 100 * turns


@pytest.mark.parametrize(
    "when", ["new", "after_a_restart", "without_its_wal", "closed_when_it_filled_up"]
)
def test_alarms_stay_and_bulk_that_goes_is_named(disk: SmallDisk, when: str) -> None:
    numbers = itertools.count(1)
    outbox = open_in(disk.folder, numbers)
    append(outbox, [gas(n, START) for n in range(100)])
    if when != "new":
        outbox.close()
    if when == "without_its_wal":
        (disk.folder / "outbox.db-wal").unlink()
    if when == "closed_when_it_filled_up":
        assert disk.fill() == 0
    outbox = outbox if when == "new" else open_in(disk.folder, numbers)
    assert disk.fill() == 0
    written = 100 + lives_on_little(outbox, disk, 150)
    assert outbox.squeezed
    assert len(chain(outbox, Lane.ALARM)) == 150
    bulk = [row.event.data for row in chain(outbox, Lane.BULK)]
    gaps = [data for data in bulk if isinstance(data, GapData)]
    assert {gap.reason for gap in gaps} == {GapReason.DROPPED_BYTES}
    assert len(bulk) - len(gaps) + sum(gap.count for gap in gaps) == written
    assert written / 4 < len(bulk) < written
    assert len(gaps) < 10
    disk.relieve()
    outbox.tidy(START)
    assert not outbox.squeezed
    outbox.close()


def test_what_the_hub_has_goes_before_anything_that_waits(disk: SmallDisk) -> None:
    outbox = open_in(disk.folder, itertools.count(1))
    disk.fill()
    for _ in range(150):
        append(outbox, [gas(n, START) for n in range(100)])
        outbox.ack(outbox.epoch, {Lane.BULK: outbox.next_seq(Lane.BULK) - 1}, START)
    assert outbox.squeezed
    append(outbox, [gas(1, START)])
    assert len(chain_after(outbox)) == 1
    outbox.close()


def chain_after(outbox: Outbox) -> list[object]:
    """What waits in the bulk lane beyond the acknowledgement."""
    acked = next(m.acked for m in outbox.marks() if m.lane is Lane.BULK)
    return list(outbox.waiting(outbox.epoch, Lane.BULK, acked, 1_000, 10**9))


def test_every_other_write_is_met_as_well(disk: SmallDisk) -> None:
    outbox = open_in(disk.folder, itertools.count(1))
    append(outbox, ALARM)
    disk.fill()
    lives_on_little(outbox, disk, 20)
    first = outbox.epoch
    outbox.ack(first, {Lane.ALARM: 5}, START)
    outbox.restore(first, {Lane.ALARM: 3}, START)
    outbox.refuse(first, Lane.BULK, [10], START)
    assert outbox.refuse(first, Lane.BULK, [10], START) == (10,)
    outbox.start_epoch(START)
    assert outbox.epoch != first
    outbox.reissue(first, Lane.ALARM, 1, START)
    outbox.tidy(START + timedelta(days=8))
    outbox.close()


def test_a_full_disk_at_the_start_is_known_and_lived_with(disk: SmallDisk) -> None:
    numbers = itertools.count(1)
    outbox = open_in(disk.folder, numbers)
    disk.fill()
    lives_on_little(outbox, disk, 10)
    outbox.close()
    disk.fill()
    again = open_in(disk.folder, numbers)
    assert again.squeezed
    lives_on_little(again, disk, 10)
    assert len(chain(again, Lane.ALARM)) == 20
    again.close()


def test_on_a_disk_that_was_full_from_the_first_day_it_says_so_and_begins_once_there_is_room(
    disk: SmallDisk,
) -> None:
    disk.fill()
    with pytest.raises(OutboxError):
        open_in(disk.folder, itertools.count(1))
    disk.relieve()
    outbox = open_in(disk.folder, itertools.count(1))
    assert [p.name for p in disk.folder.iterdir() if "damaged" in p.name] == []
    append(outbox, ALARM)
    outbox.close()


def test_a_copy_put_back_beside_a_later_wal_is_the_copy(disk: SmallDisk) -> None:
    numbers = itertools.count(1)
    outbox = open_in(disk.folder, numbers)
    append(outbox, ALARM)
    outbox.close()
    copy = (disk.folder / "outbox.db").read_bytes()
    outbox = open_in(disk.folder, numbers)
    for _ in range(5):
        append(outbox, ALARM)
    outbox.close()
    (disk.folder / "outbox.db").write_bytes(copy)
    with contextlib.closing(open_in(disk.folder, numbers)) as back:
        assert len(chain(back, Lane.ALARM)) == 1
