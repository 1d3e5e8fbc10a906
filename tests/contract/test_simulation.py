"""Nothing lost, nothing twice: seeds of a simulated world, in which everything goes wrong that a seed can draw.

A failing seed is lived again with `./dev simulate SEED`.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.store import progress, sites
from gatehouse_hub.store.database import open_database
from gatehouse_hub.values import LaneKey
from gatehouse_shared.names import Lane
from gatehouse_testing.building import EPOCH, START_MS, Outbox, rows_arrival, small_site
from gatehouse_testing.hub_parts import Bench, TurnedClock
from gatehouse_testing.simulation.hunting import first_found, hunt
from gatehouse_testing.simulation.mutants import MUTANTS
from gatehouse_testing.simulation.world import simulate

ENOUGH = 20
"""Seeds within which a mutant must be found."""
RARE = "key_before_gap"
"""A defect for which a row, a lost ack, a restart and a full outbox must meet: it has a test to itself."""

ONE_SEED = """
import sys
from gatehouse_testing.simulation.world import simulate
print(simulate(int(sys.argv[1])).hash)
"""


@pytest.mark.parametrize("seeds", [40, pytest.param(500, marks=pytest.mark.long)])
def test_no_seed_loses_doubles_or_hides_anything(seeds: int) -> None:
    haul = hunt(range(seeds))
    print(haul.report())
    assert haul.failed == [], haul.report()
    assert haul.seeds == seeds
    assert haul.rows > 100 * seeds


def test_a_seed_is_lived_again_exactly() -> None:
    hashes = {simulate(4711).hash for _ in range(10)}
    assert len(hashes) == 1
    # Another process has other hashes of strings, and so another order of sets.
    other = subprocess.run(
        [sys.executable, "-c", ONE_SEED, "4711"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert other.stdout.split() == list(hashes)


def test_seeds_differ() -> None:
    assert len({simulate(seed).hash for seed in range(3)}) == 3


@pytest.mark.parametrize("mutant", sorted(set(MUTANTS) - {RARE}))
def test_a_broken_promise_is_found(mutant: str) -> None:
    found = first_found(mutant, range(ENOUGH))
    assert found is not None
    print(f"{mutant}: seed {found.seed}: {found.violations[0]}")


@pytest.mark.parametrize(("worker", "upto"), [(IngestWorker, 10), (MUTANTS[RARE].hub.worker, 5)])
def test_a_gap_counts_though_its_key_is_a_row_already(
    tmp_path: Path, worker: type[IngestWorker], upto: int
) -> None:
    clock, box = TurnedClock(), Outbox()
    database = open_database(f"sqlite:{tmp_path / 'hub.db'}", clock)
    with database.transaction() as tx:
        sites.add(tx, small_site(), START_MS)
    bench = Bench(database, clock)
    ingest = bench.worker(worker)
    bench.give(rows_arrival([box.count(n) for n in range(1, 6)]))
    bench.turn(ingest, 1)
    bench.give(rows_arrival([box.gap(3, 3, 10)]))
    bench.turn(ingest, 1)
    with database.snapshot() as tx:
        assert progress.load(tx, LaneKey("gw_1", EPOCH, Lane.BULK)) == upto
    database.close()
