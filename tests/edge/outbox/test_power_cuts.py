"""The power goes at any write: what was accepted is there afterwards, with the settings that are shipped and no lesser ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.outbox.store import Place, open_outbox
from gatehouse_shared.events import ClockState
from gatehouse_shared.names import Lane
from gatehouse_testing.gateway_parts import START, gas
from gatehouse_testing.power_cuts import cut_outboxes, normal
from gatehouse_testing.simulation.disk import DiedError, Disk, simulated_disks

SEED = 20261129
CUTS = [50, pytest.param(1_000, marks=pytest.mark.long)]


@pytest.fixture(autouse=True)
def disks() -> Iterator[None]:
    with simulated_disks():
        yield


@pytest.mark.parametrize("cuts", CUTS)
def test_no_accepted_row_is_lost_and_no_outbox_is_damaged(memory_path: Path, cuts: int) -> None:
    found = cut_outboxes(memory_path, SEED, cuts)
    print(f"seed {SEED}: {found}")
    assert (found.cuts, found.lost, found.corrupt) == (cuts, 0, 0)
    assert found.accepted > 20 * cuts


def test_normal_instead_of_full_loses_rows_and_is_caught(memory_path: Path) -> None:
    found = cut_outboxes(memory_path, SEED, 30, normal)
    assert found.lost > 0


def test_a_process_that_dies_while_it_makes_the_file_leaves_one_that_works(
    memory_path: Path,
) -> None:
    disk = Disk(memory_path)
    made = 0
    for operations in (1, 2, 3, 5, 8, 20, 500, 1_070, 1_080, 1_090, 1_100, 1_110, 1_120, 1_150):
        disk.put_back({}, ("outbox.db", "outbox.db-wal", "outbox.db-journal"))
        disk.arm(operations)
        try:
            open_outbox(place(memory_path), START)[0].close()
            made += 1
        except DiedError:
            disk.revive()
        disk.disarm()
        outbox, opened = open_outbox(place(memory_path), START)
        assert opened.salvage is None
        assert outbox.append([gas(1, START)], {}, START, ClockState.SYNCED)[0].seq == 1
        assert outbox.next_seq(Lane.BULK) == 2
        outbox.close()
    assert 0 < made < 14, "some died on the way, and some did not"


def place(folder: Path) -> Place:
    return Place(folder / "outbox.db", "riverside", "gw_1", Limits(), lambda: "0123456789abcdef")
