"""Detections of one frame after another become tracks. Pure: state in, state out, time passed in.

    predict all tracks -> which detection is whose (see `matching`) -> who was mistaken for another -> new tracks ->
    forget the old

The order of detections does not matter. A track is told once it has been seen `confirm_hits` times; `seen` says
whether it was in this very frame, or in the last close look where only a close look finds it (see `patches`).
Ids are random per camera and start, and die with the track.
"""

from __future__ import annotations

import numpy as np

from gatehouse_edge.errors import TimeWentBackError
from gatehouse_edge.tracking.geometry import overlaps
from gatehouse_edge.tracking.matching import Matching
from gatehouse_edge.tracking.motion import lead, observe, shown, start
from gatehouse_edge.tracking.parameters import DEFAULTS, TrackerParameters
from gatehouse_edge.tracking.patches import held, looked_before
from gatehouse_edge.tracking.seen import Seen, to_arrays
from gatehouse_edge.tracking.splits import find_split
from gatehouse_edge.tracking.table import (
    BOX,
    FIRST_AT,
    GROUP_OF,
    HITS,
    LABELS,
    LAST_AT,
    MAX_TRACKS,
    SCORE,
    VOTES,
    Moment,
    Rows,
    Table,
    TrackerState,
    blank,
    join,
    track_ids,
)
from gatehouse_edge.values import Detection, Track, Tracks


class Tracker:
    """The steps of one tracker. Keeps nothing itself but its settings."""

    def __init__(self, parameters: TrackerParameters = DEFAULTS) -> None:
        self.parameters = parameters

    def step(
        self, state: TrackerState, detections: tuple[Detection, ...], moment: Moment
    ) -> tuple[TrackerState, Tracks]:
        """The state after `detections` at `moment`, and all confirmed tracks.

        Raises TimeWentBackError when `moment` is not after the step before.
        """
        if state.at is not None and moment.at <= state.at:
            raise TimeWentBackError(
                f"a step at {moment.at:.3f} s after one at {state.at:.3f} s", place=moment.device
            )
        before = moment.at if state.at is None else state.at
        seen = to_arrays(detections, self.parameters)
        table = state.table.copy()
        matched = self._match(table, seen, before, moment)
        rows = (matched >= 0).nonzero()[0]
        if rows.size:
            self._update(table, rows, seen.take(matched[rows]), before, moment.at)
        fresh = self._newcomers(table, rows, seen, matched[rows], moment.at)
        table = self._without_old(table, moment)
        if fresh:
            new = join(fresh)
            new.ids[:] = track_ids(np.arange(len(new)) + state.begun, state.seed)
            table = join((table, new))
            state = TrackerState(state.seed, table, moment.at, state.begun + len(new))
        else:
            state = TrackerState(state.seed, table, moment.at, state.begun)
        return state, self._tell(table, moment)

    def _match(self, table: Table, seen: Seen, before: float, moment: Moment) -> Rows:
        """The detection of each track `(n,)`, -1 where there is none."""
        slow = moment.at - before >= self.parameters.slow_s
        since = looked_before(table, before, moment.patches) if moment.patches else before
        return Matching(table, seen, moment.at, since, slow, self.parameters).find()

    def _update(self, table: Table, rows: Rows, seen: Seen, before: float, at: float) -> None:
        """Brings these tracks of `table` to their detections, in place."""
        observe(table, rows, seen.boxes, at, gap_s=at - before + 1e-9, parameters=self.parameters)
        table[SCORE][rows] = seen.scores
        table[VOTES][seen.labels, rows] += seen.scores

    def _newcomers(
        self, table: Table, rows: Rows, seen: Seen, taken: Rows, at: float
    ) -> list[Table]:
        """Tracks that begin now, without ids. `rows`: tracks seen now, in `taken`. A track that was led off is set back on
        its way, in place.
        """
        free = seen.scores >= min(self.parameters.score_high, self.parameters.score_new)
        free[taken] = False
        columns = free.nonzero()[0]
        if columns.size:
            columns = self._no_twins(columns, seen, table, rows)
        if not columns.size:
            return []
        other, columns = self._split(table, rows, seen, columns, at)
        room = MAX_TRACKS - len(table) - len(other)
        begins = columns[seen.scores[columns] >= self.parameters.score_new][: max(0, room)]
        if begins.size:
            other.append(self._begin(seen.take(begins), at))
        return other

    def _split(
        self, table: Table, rows: Rows, seen: Seen, free: Rows, at: float
    ) -> tuple[list[Table], Rows]:
        """Sets a track that was led off back on its way, in place; gives what it was on as a track of its own, none when nobody
        was mistaken, and what is still free.
        """
        settings = self.parameters
        settled = rows[table[HITS][rows] >= settings.settled_hits]
        sure = free[free < seen.sure]
        if not (settled.size and sure.size):
            return [], free
        found = find_split(table.take(settled), seen.boxes.take(sure, axis=1), at, settings)
        if found is None:
            return [], free
        row, column = settled[found.row : found.row + 1], sure[found.column]
        if table[GROUP_OF][row] != seen.groups[column]:
            return [], free
        other, back = table.take(row), table.take(row)
        other[FIRST_AT] = at
        lead(back, seen.boxes[:, [column]], found.speed, at, settings)
        back[SCORE] = seen.scores[column]
        table.fields[:, row], table.trail[row] = back.fields, back.trail
        return [other], free[free != column]

    def _begin(self, seen: Seen, at: float) -> Table:
        """A new track of each."""
        fresh = blank(len(seen))
        start(fresh, seen.boxes, at, self.parameters)
        fresh[HITS], fresh[SCORE], fresh[GROUP_OF] = 1, seen.scores, seen.groups
        fresh[VOTES][seen.labels, np.arange(len(seen))] = seen.scores
        return fresh

    def _no_twins(self, columns: Rows, seen: Seen, table: Table, rows: Rows) -> Rows:
        """Those of `columns` (best first) that overlap neither a track seen now (`rows`) nor a better newcomer too much."""
        part, limit = seen.take(columns), self.parameters.twin_overlap
        taken = overlaps(part.boxes, table[BOX].take(rows, axis=1)) >= limit
        taken &= part.groups[:, None] == table[GROUP_OF][rows]
        better = np.tril(overlaps(part.boxes, part.boxes) >= limit, k=-1)
        better &= part.groups[:, None] == part.groups
        return columns[~taken.any(axis=1) & ~better.any(axis=1)]

    def _without_old(self, table: Table, moment: Moment) -> Table:
        """The tracks that are worth keeping."""
        settings, missed_s = self.parameters, moment.at - table[LAST_AT]
        old = missed_s > min(settings.keep_new_s, settings.keep_s)
        if not np.count_nonzero(old):
            return table
        confirmed = table[HITS] >= settings.confirm_hits
        kept = missed_s <= np.where(confirmed, settings.keep_s, settings.keep_new_s)
        kept |= held(table, moment.patches)
        return table.take(kept.nonzero()[0])

    def _tell(self, table: Table, moment: Moment) -> Tracks:
        """Confirmed tracks as values, in the order in which they began."""
        confirmed = (table[HITS] >= self.parameters.confirm_hits).nonzero()[0]
        told = table if confirmed.size == len(table) else table.take(confirmed)
        seen = told[LAST_AT] == moment.at
        if moment.patches:
            seen |= held(told, moment.patches)
        labels: list[int] = told[VOTES].argmax(axis=0).tolist()
        columns = (
            told.ids.tolist(),
            [LABELS[index] for index in labels],
            told[SCORE].tolist(),
            zip(*shown(told.fields, moment.at, self.parameters).tolist(), strict=True),
            (moment.at - told[FIRST_AT]).tolist(),
            told[HITS].astype(np.int64).tolist(),
            seen.tolist(),
        )
        tracks = tuple(map(Track, *columns))
        return Tracks(moment.device, moment.at, moment.time, moment.width, moment.height, tracks)
