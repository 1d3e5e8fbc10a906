"""The stages by which detections find their tracks. Pure.

    sure detections (overlap, height, direction) -> unsure ones, for tracks just seen -> sure ones, against where lost
    tracks were last seen, then about where they should be

A stage looks only at the tracks and detections that are still without one another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.tracking.associate import candidates, direction_agreement, settle
from gatehouse_edge.tracking.geometry import centres, height_likeness, heights, overlaps
from gatehouse_edge.tracking.motion import predict
from gatehouse_edge.tracking.parameters import TrackerParameters
from gatehouse_edge.tracking.seen import Seen
from gatehouse_edge.tracking.table import (
    BOX,
    GROUP_OF,
    HITS,
    LAST_AT,
    TALL,
    Floats,
    Rows,
    Table,
)

_NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """One step's search at media time `at`.

    `since` `(n,)` or one for all: a track seen before it was missed already. `slow`: frames are far apart.
    """

    table: Table
    seen: Seen
    at: float
    since: Floats | float
    slow: bool
    settings: TrackerParameters

    def find(self) -> Rows:
        """The detection of each track `(n,)`, -1 where there is none."""
        table, seen = self.table, self.seen
        matched = np.full(len(table), _NONE, np.intp)
        if not (len(table) and len(seen)):
            return matched
        expected = predict(table.fields, self.at)
        if seen.sure:
            self._sure(matched, expected)
        if seen.sure < len(seen):
            self._unsure(matched, expected)
        if seen.sure:
            self._lost(matched, expected)
        return matched

    def _sure(self, matched: Rows, expected: Floats) -> None:
        """Sure detections with all tracks; those that compete are weighed by height and direction too."""
        settings, table, boxes = self.settings, self.table, self.seen.boxes
        columns = np.arange(self.seen.sure)
        near = overlaps(expected, boxes[:, : columns.size], settings.widen if self.slow else 0.0)

        def weigh(rows: Rows, columns: Rows) -> Floats:
            tall, there = table[TALL][rows], boxes.take(columns, axis=1)
            trail = table.trail.take(rows, axis=0)
            return (
                near[rows, columns]
                + settings.stature * height_likeness(tall, heights(there))
                + settings.momentum * direction_agreement(trail, tall, there, settings.momentum_s)
            )

        rows = np.arange(len(table))
        self._pair(matched, (rows, columns), near >= settings.overlap, weigh)

    def _unsure(self, matched: Rows, expected: Floats) -> None:
        """Unsure detections with tracks that were seen a moment ago and have no other."""
        rows: Rows = ((matched == _NONE) & (self.table[LAST_AT] >= self.since)).nonzero()[0]
        if not rows.size:
            return
        columns = np.arange(self.seen.sure, len(self.seen))
        near = overlaps(expected.take(rows, axis=1), self.seen.boxes[:, self.seen.sure :])
        allowed = near >= self.settings.overlap_low
        self._pair(matched, (rows, columns), allowed, lambda r, c: near[r, c])

    def _lost(self, matched: Rows, expected: Floats) -> None:
        """Sure detections that are left with tracks that are: first where these were last seen, then, for tracks that were
        missed already, about where they should be.
        """
        settings, table, seen = self.settings, self.table, self.seen
        rows, columns = self._left(matched)
        if not (rows.size and columns.size):
            return
        there = seen.boxes.take(columns, axis=1)
        last = table[BOX].take(rows, axis=1)
        near = overlaps(last, there, settings.widen_lost if self.slow else 0.0)
        allowed = near >= settings.overlap
        self._pair(matched, (rows, columns), allowed, lambda r, c: near[r, c])

        missed = (table[LAST_AT] < self.since) & (table[HITS] >= settings.settled_hits)
        rows, columns = self._left(matched)
        rows = rows[missed[rows]]
        if not (rows.size and columns.size):
            return
        there = seen.boxes.take(columns, axis=1)
        tall, awaited = table[TALL][rows], expected.take(rows, axis=1)
        far = np.hypot(*(centres(awaited)[:, :, None] - centres(there)[:, None])) / tall[:, None]
        reach = settings.reach + settings.reach_per_s * (self.at - table[LAST_AT][rows])
        alike = height_likeness(tall[:, None], heights(there)) >= settings.reach_alike
        allowed = (far <= reach[:, None]) & alike
        self._pair(matched, (rows, columns), allowed, lambda r, c: -far[r, c])

    def _left(self, matched: Rows) -> tuple[Rows, Rows]:
        """Tracks without a detection, and sure detections without a track."""
        alone = (matched == _NONE).nonzero()[0]
        if not alone.size:
            return alone, alone
        free = np.ones(len(self.seen) + 1, np.bool_)
        free[matched] = False  # the last place is that of tracks with none
        return alone, free[: self.seen.sure].nonzero()[0]

    def _pair(
        self,
        matched: Rows,
        among: tuple[Rows, Rows],
        allowed: NDArray[np.bool_],
        weigh: Callable[[Rows, Rows], Floats],
    ) -> None:
        """Writes into `matched` which of the tracks and detections `among` which belong together, of one kind and `allowed`
        `(r, c)` places.
        """
        rows, columns = candidates(allowed)
        if not rows.size:
            return
        kind = self.table[GROUP_OF][among[0][rows]] == self.seen.groups[among[1][columns]]
        if np.count_nonzero(kind) < rows.size:
            rows, columns = rows[kind], columns[kind]
        rows, columns = settle((rows, columns), allowed.shape, weigh)
        matched[among[0][rows]] = among[1][columns]
