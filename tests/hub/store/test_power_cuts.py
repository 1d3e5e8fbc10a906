"""The power goes at any write of a hub on SQLite: what was acknowledged is there afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_testing.power_cuts import normal
from gatehouse_testing.power_cuts_hub import cut_hubs
from gatehouse_testing.simulation.disk import simulated_disks

SEED = 20261129
CUTS = [50, pytest.param(1_000, marks=pytest.mark.long)]


@pytest.fixture(autouse=True)
def disks() -> Iterator[None]:
    with simulated_disks():
        yield


@pytest.mark.parametrize("cuts", CUTS)
def test_no_acknowledged_row_is_lost_and_no_store_is_damaged(memory_path: Path, cuts: int) -> None:
    found = cut_hubs(memory_path, SEED, cuts)
    print(f"seed {SEED}: {found}")
    assert (found.cuts, found.lost, found.corrupt) == (cuts, 0, 0)
    assert found.accepted > 20 * cuts


def test_normal_instead_of_full_loses_rows_and_is_caught(memory_path: Path) -> None:
    assert cut_hubs(memory_path, SEED, 20, normal).lost > 0
