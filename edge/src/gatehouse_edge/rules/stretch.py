"""How long something has been so: the longest stretch up to now of which no more than a budget was false. Pure.

A stretch begins with a true sample and is dated by it. When too much of it was false it begins later, at the first true sample
from which little enough was false, and not anew from now: so what is true more often is never believed later.
Bounds  at most `RUNS_MAX` beginnings are remembered; beyond them the oldest two count as one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

RUNS_MAX: Final = 64
_EPSILON_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Run:
    """True samples in a row: when the first one was, and how much false time followed the last one before the next run."""

    at: float
    time: datetime
    false_s: float = 0.0


Runs = tuple[Run, ...]


def failed(runs: Runs, false_s: float, budget_s: float) -> Runs:
    """With some more false time; runs are let go from the oldest until no more than the budget is false.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    >>> runs = failed((Run(0, noon),), 1.0, 2.0)
    >>> [run.at for run in failed(begun(runs, 5.0, noon), 1.5, 2.0)]
    [5.0]
    """
    if not runs or false_s <= 0:
        return runs
    after = (*runs[:-1], replace(runs[-1], false_s=runs[-1].false_s + false_s))
    left_s = sum(run.false_s for run in after)
    while after and left_s > budget_s + _EPSILON_S:
        left_s -= after[0].false_s
        after = after[1:]
    return after


def begun(runs: Runs, at: float, time: datetime) -> Runs:
    """With a run that begins now."""
    after = (*runs, Run(at, time))
    if len(after) <= RUNS_MAX:
        return after
    first, second, *rest = after
    return (replace(first, false_s=first.false_s + second.false_s), *rest)
