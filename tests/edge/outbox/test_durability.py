"""What was accepted is there after the process was killed; what is damaged is saved as far as it reads, and never collides."""

import itertools
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_edge.errors import OutboxError
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.outbox.store import Opened, Outbox, Place, open_outbox
from gatehouse_shared.errors import WireError
from gatehouse_shared.events import ClockState, GapData
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import Row, read_rows
from gatehouse_testing.gateway_parts import START, gas, open_in
from gatehouse_testing.kinds import each, those


def rows_of(outbox) -> dict[tuple[str, str, int], str]:
    found: dict[tuple[str, str, int], str] = {}
    for mark in outbox.marks():
        after = 0
        while rows := outbox.waiting(mark.epoch, mark.lane, after, 1_000, 10**9):
            for row in rows:
                try:
                    read = read_rows(row.payload)[0]
                except WireError:
                    continue  # a flipped bit in its text: the hub refuses it, and no key is mistaken
                if not isinstance(read, Row):
                    continue
                found[mark.epoch, str(mark.lane), row.seq] = read.event.id
            after = rows[-1].upto
    return found


def killed_writer(folder: Path, start: int, lines: int) -> list[list[str]]:
    """Lines of a writer that was killed after it had said so many; whole lines only."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "gatehouse_testing.outbox_writer", str(folder), str(start)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(lines)]
    writer.send_signal(signal.SIGKILL)
    said += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    return [line.split() for line in said if line.endswith("\n")]


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.long)])
def test_rows_accepted_before_a_kill_are_all_there_and_none_is_there_twice(
    tmp_path: Path, kills: int
) -> None:
    drawn = random.Random(20260504)
    accepted: dict[tuple[str, str, int], str] = {}
    for start in range(kills):
        for epoch, lane, seq, event_id in killed_writer(tmp_path, start, drawn.randint(1, 120)):
            key = (epoch, lane, int(seq))
            assert accepted.setdefault(key, event_id) == event_id
    outbox = open_in(tmp_path, itertools.count(10**6))
    found = rows_of(outbox)
    assert accepted.items() <= found.items()
    assert len(set(found.values())) == len(found)
    for mark in outbox.marks():
        numbers = [seq for epoch, lane, seq in found if (epoch, lane) == (mark.epoch, mark.lane)]
        assert sorted(numbers) == list(range(1, mark.last + 1))
    outbox.close()


def test_a_second_agent_is_refused(tmp_path: Path) -> None:
    outbox = open_in(tmp_path, itertools.count(1))
    with pytest.raises(OutboxError, match="another process"):
        open_in(tmp_path, itertools.count(1))
    outbox.close()
    open_in(tmp_path, itertools.count(1)).close()


def damaged(folder: Path, seed: int) -> tuple[Opened, dict[tuple[str, str, int], str], Outbox]:
    """An outbox with 100 flipped bytes, opened again; what it held before, and the outbox."""
    outbox = open_in(folder, itertools.count(1))
    outbox.append([gas(n, START) for n in range(400)], {"rules": b"{}"}, START, ClockState.SYNCED)
    before = rows_of(outbox)
    outbox.close()
    path = folder / "outbox.db"
    content = bytearray(path.read_bytes())
    drawn = random.Random(seed)
    if seed % 3 == 0:  # anywhere, the first page too
        places = [0, *(drawn.randrange(len(content)) for _ in range(99))]
    else:  # few, but all of them where the rows are
        places = [drawn.randrange(len(content) - 30 * 4096, len(content)) for _ in range(8)]
    for place in places:
        content[place] ^= 1 << drawn.randrange(8)
    path.write_bytes(content)
    place = Place(path, "riverside", "gw_1", Limits(), lambda: f"{0xF000 + seed:016x}")
    outbox, opened = open_outbox(place, START)
    return opened, before, outbox


@pytest.mark.parametrize("seed", range(15))
def test_a_damaged_outbox_opens_and_every_number_is_a_row_or_in_a_gap(
    tmp_path: Path, seed: int
) -> None:
    opened, before, outbox = damaged(tmp_path, seed)
    found = rows_of(outbox)
    epoch = f"{1:016x}"
    kept = {key for key in found if key[0] == epoch}
    assert all(found[key] == before[key] for key in kept), "a saved row is the row that was written"
    if opened.salvage is not None:
        lost = {
            number
            for gap in opened.salvage.lost
            if (gap.epoch, gap.lane) == (epoch, Lane.BULK)
            for number in range(gap.first, gap.last + 1)
        }
        assert outbox.epoch != epoch
        if kept or lost:
            top = max([seq for _, _, seq in kept] + list(lost))
            assert {seq for _, _, seq in kept} | lost == set(range(1, top + 1))
        rows = [
            read_rows(row.payload)[0]
            for row in outbox.waiting(outbox.epoch, Lane.BULK, 0, 1_000, 10**9)
        ]
        gaps = those(GapData, (row.event.data for row in each(Row, rows)))
        assert len(gaps) == len(opened.salvage.lost)
    outbox.append([gas(1, START)], {}, START, ClockState.SYNCED)
    outbox.close()


def test_most_rows_of_a_lightly_damaged_outbox_are_saved(tmp_path: Path) -> None:
    saved = []
    for seed in range(6):
        folder = tmp_path / str(seed)
        folder.mkdir()
        opened, _, outbox = damaged(folder, seed)
        outbox.close()
        saved.append(400 if opened.salvage is None else opened.salvage.rows)
    assert sorted(saved)[len(saved) // 2] >= 200, saved


def test_a_file_that_is_no_database_is_put_aside_and_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"not a database at all" * 1000)
    place = Place(tmp_path / "outbox.db", "riverside", "gw_1", Limits(), lambda: "ab" * 8)
    outbox, opened = open_outbox(place, START)
    assert opened.salvage is not None
    assert (opened.salvage.rows, opened.salvage.aside.exists()) == (0, True)
    outbox.append([gas(1, START)], {}, START, ClockState.SYNCED)
    outbox.close()


def test_a_full_disk_is_met_from_the_room_kept_back_and_is_over_when_there_is_room(
    tmp_path: Path,
) -> None:
    outbox = open_in(tmp_path, itertools.count(1))
    pages = outbox._db.pragma("page_count")
    outbox._db.pragma("max_page_count", pages + 20)
    for _ in range(12):
        outbox.append([gas(n, START) for n in range(100)], {}, START, ClockState.SYNCED)
        if outbox.squeezed:
            break
    assert outbox.squeezed
    outbox.append([gas(n, START) for n in range(500)], {}, START, ClockState.SYNCED)
    outbox.tidy(START)
    assert outbox.squeezed, "there is no room yet"
    outbox._db.pragma("max_page_count", pages + 10_000)
    outbox.tidy(START)
    assert not outbox.squeezed
    last = outbox.next_seq(Lane.BULK) - 1
    outbox.ack(outbox.epoch, {Lane.BULK: last}, START)
    assert outbox.load.rows == 0
    outbox.close()
