"""Which detection belongs to which track: overlaps, direction, and the cheapest assignment. Pure."""

from __future__ import annotations

import lap
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.tracking.geometry import centres
from gatehouse_edge.tracking.table import Floats, Table

Rows = NDArray[np.intp]
_NEVER = 1e3


def assign(closeness: Floats, allowed: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Pairs (track row, detection column) of the assignment with the greatest sum of `closeness` among `allowed` ones.

    `closeness` `(n, m)`, the more the better; pairs that are not allowed are never given.
    """
    if not allowed.any():
        empty = np.zeros(0, np.intp)
        return empty, empty
    cost = np.where(allowed, -closeness, _NEVER)
    _, column_of, _ = lap.lapjv(cost, extend_cost=True, cost_limit=_NEVER / 2)
    columns = np.asarray(column_of, np.intp)
    rows = np.flatnonzero(columns >= 0)
    rows = rows[allowed[rows, columns[rows]]]
    return rows, columns[rows]


def direction_agreement(table: Table, boxes: Floats, span_s: float) -> Floats:
    """Cosine `(n, m)` between where each track was going and where it would go to reach each box; 0 where
    neither is known.

    A track's direction is that from its observation about `span_s` ago to its last one. It counts by how far that is: a
    quarter of its height or more in full, so that the trembling of one who stands says nothing.
    """
    trail = table["trail"]
    back = np.abs(trail[:, :, 0] - (trail[:, :1, 0] - span_s)).argmin(axis=1)
    before = trail[np.arange(len(table)), back, 1:]
    went = trail[:, 0, 1:] - before
    would = centres(boxes)[None, :, :] - before[:, None, :]
    went_px = np.hypot(went[:, 0], went[:, 1])
    would_px = np.hypot(would[..., 0], would[..., 1])
    along = (would * went[:, None, :]).sum(axis=2) / np.maximum(went_px[:, None] * would_px, 1e-9)
    weight = np.minimum(1.0, went_px / (0.25 * table["size"][:, 1]))
    return np.asarray(along * weight[:, None])
