"""Which detection belongs to which track: candidates, direction, and the cheapest assignment. Pure.

Candidate pairs are two arrays, the track's row and the detection's column of each, rows rising. Most have no rival and are
taken as they are; only those that compete are weighed and go to the solver, all at once.
"""

from __future__ import annotations

from collections.abc import Callable

import lap
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.tracking.geometry import centres
from gatehouse_edge.tracking.table import Floats, Rows

Pairs = tuple[Rows, Rows]
_NEVER = 1e3


def candidates(allowed: NDArray[np.bool_]) -> Pairs:
    """The pairs for which `allowed` `(n, m)` holds."""
    flat = allowed.ravel().nonzero()[0]
    rows = flat // max(1, allowed.shape[1])
    return rows, flat - rows * allowed.shape[1]


def settle(pairs: Pairs, shape: tuple[int, int], weigh: Callable[[Rows, Rows], Floats]) -> Pairs:
    """As many of the candidate pairs as can be, of no row or column two; where there is a choice, those with the greatest
    sum of what `weigh` says of pairs, the more the better and all within some hundreds.
    """
    rows, columns = pairs
    in_row = np.bincount(rows, minlength=shape[0])
    in_column = np.bincount(columns, minlength=shape[1])
    if np.count_nonzero(in_row) == rows.size == np.count_nonzero(in_column):
        return pairs
    rivals = in_row[rows] + in_column[columns] > 2
    lone = ~rivals
    some_rows, some_columns = rows[rivals], columns[rivals]
    found = _solve(some_rows, some_columns, weigh(some_rows, some_columns))
    return (
        np.concatenate((rows[lone], some_rows[found])),
        np.concatenate((columns[lone], some_columns[found])),
    )


def _solve(rows: Rows, columns: Rows, closeness: Floats) -> Rows:
    """Which of the pairs make up the best assignment."""
    across, row_of = _numbered(rows)
    down, column_of = _numbered(columns)
    cost = np.full((across, down), _NEVER)
    cost[row_of, column_of] = -closeness
    _, chosen, _ = lap.lapjv(cost, extend_cost=True)
    return np.asarray((np.asarray(chosen)[row_of] == column_of).nonzero()[0])


def _numbered(numbers: Rows) -> tuple[int, Rows]:
    """How many different ones there are, and the place of each among them."""
    present = np.bincount(numbers) > 0
    place = np.cumsum(present) - 1
    return int(place[-1]) + 1, place[numbers]


def assign(closeness: Floats, allowed: NDArray[np.bool_]) -> Pairs:
    """Pairs (row, column) with the greatest sum of `closeness` `(n, m)` among `allowed` ones, which are as many as can be."""
    pairs = candidates(allowed)
    shape = closeness.shape[0], closeness.shape[1]
    return settle(pairs, shape, lambda rows, columns: closeness[rows, columns])


def direction_agreement(trail: Floats, tall: Floats, boxes: Floats, span_s: float) -> Floats:
    """Cosine `(n,)` between where each track was going and where it would go to reach its box of `boxes` `(4, n)`; 0 where
    neither is known.

    A track's direction is that from its observation about `span_s` ago to its last one, of its `trail`. It counts by how
    far that is: a quarter of its height `tall` or more in full, so that the trembling of one who stands says nothing.
    """
    times = trail[:, :, 0]
    back = np.abs(times - (times[:, :1] - span_s)).argmin(axis=1)
    before = trail[np.arange(len(trail)), back, 1:].T
    went = trail[:, 0, 1:].T - before
    would = centres(boxes) - before
    went_px = np.hypot(went[0], went[1])
    would_px = np.hypot(would[0], would[1])
    along = (would[0] * went[0] + would[1] * went[1]) / np.maximum(went_px * would_px, 1e-9)
    return np.asarray(along * np.minimum(1.0, went_px / (0.25 * tall)))
