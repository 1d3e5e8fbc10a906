"""Nothing lost, nothing twice: seeds of a simulated world, in which everything goes wrong that a seed can draw.

A failing seed is lived again with `./dev simulate SEED`.
"""

import subprocess
import sys

import pytest

from gatehouse_testing.simulation.hunting import first_found, hunt
from gatehouse_testing.simulation.mutants import MUTANTS
from gatehouse_testing.simulation.world import simulate

ENOUGH = {"key_before_gap": 200}
"""Seeds within which a mutant must be found; 20 unless named here."""

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


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_promise_is_found(mutant: str) -> None:
    found = first_found(mutant, range(ENOUGH.get(mutant, 20)))
    assert found is not None
    print(f"{mutant}: seed {found.seed}: {found.violations[0]}")
