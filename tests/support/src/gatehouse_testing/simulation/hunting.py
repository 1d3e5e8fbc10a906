"""Many seeds, on all cores: what each found. The order of the answers is that of the seeds, whoever was done first."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from gatehouse_testing.simulation.world import Outcome, simulate


@dataclass(slots=True)
class Haul:
    """The sum of many runs."""

    seeds: int = 0
    events: int = 0
    rows: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    failed: list[Outcome] = field(default_factory=list[Outcome])

    def add(self, outcome: Outcome) -> None:
        """One more run."""
        self.seeds += 1
        self.events += outcome.events
        self.rows += outcome.rows
        self.faults += outcome.faults
        if outcome.violations:
            self.failed.append(outcome)

    def report(self) -> str:
        """Lines for a person: the failing seeds first."""
        failed = [f"seed {o.seed}: {v[:300]}" for o in self.failed for v in o.violations[:3]]
        struck = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return "\n".join(
            [
                *failed,
                f"{self.seeds} seeds, {self.events} events, {self.rows} rows",
                f"{self.faults.total()} faults, {len(self.failed)} failures",
                struck,
            ]
        )


def hunt(seeds: Iterable[int], workers: int | None = None) -> Haul:
    """Run every seed."""
    haul = Haul()
    for outcome in outcomes(seeds, workers or os.cpu_count() or 1):
        haul.add(outcome)
    return haul


def outcomes(seeds: Iterable[int], workers: int) -> Iterator[Outcome]:
    """The outcome of each seed, in their order."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(simulate, seeds, chunksize=4)


def first_found(name: str, seeds: Iterable[int]) -> Outcome | None:
    """The first seed that finds a mutant."""
    from gatehouse_testing.simulation.mutants import MUTANTS

    for seed in seeds:
        outcome = simulate(seed, MUTANTS[name])
        if outcome.violations:
            return outcome
    return None
