"""Detections of one frame after another become tracks. Pure: state in, state out, time passed in.

    predict all tracks -> sure detections (overlap, height, direction) -> unsure ones, for tracks just seen ->
    sure ones, against where lost tracks were last seen, then about where they should be -> who was mistaken for
    another -> new tracks -> forget the old

The order of detections does not matter. A track is told once it has been seen `confirm_hits` times; `seen` says
whether it was in this very frame, or in the last close look where only a close look finds it (see `patches`).
Ids are random per camera and start, and die with the track.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.errors import TimeWentBackError
from gatehouse_edge.tracking.associate import Rows, assign, direction_agreement
from gatehouse_edge.tracking.geometry import centres, height_likeness, overlaps
from gatehouse_edge.tracking.motion import lead, observe, predict, start
from gatehouse_edge.tracking.parameters import DEFAULTS, TrackerParameters
from gatehouse_edge.tracking.patches import held, looked_before
from gatehouse_edge.tracking.splits import find_split
from gatehouse_edge.tracking.table import (
    GROUP,
    LABELS,
    MAX_DETECTIONS,
    MAX_TRACKS,
    RECORD,
    Floats,
    Moment,
    Table,
    TrackerState,
    join,
    pick,
    put,
    track_ids,
)
from gatehouse_edge.values import Detection, Track, Tracks
from gatehouse_shared.names import Label

_USED = -1
_LABEL_INDEX = {label: index for index, label in enumerate(LABELS)}


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
        seen = _to_arrays(detections, self.parameters.score_low)
        table = join(state.table)
        matched = self._match(table, seen, before, moment)
        rows = (matched >= 0).nonzero()[0]
        self._update(table, rows, seen.take(matched[rows]), before, moment.at)
        free = self._free(table, rows, seen, matched)
        other = self._split(table, rows, seen, free, moment.at)
        fresh = join(other, self._begin(seen, free, len(matched) + len(other), moment.at))
        if len(fresh):
            fresh["track_id"] = track_ids(np.arange(len(fresh)) + state.begun, state.seed)
        table = join(pick(table, self._worth_keeping(table, moment)), fresh)
        after = TrackerState(state.seed, table, moment.at, state.begun + len(fresh))
        return after, self._tell(table, moment)

    def _match(self, table: Table, seen: _Seen, before: float, moment: Moment) -> Rows:
        """The detection of each track `(n,)`, -1 where there is none."""
        settings = self.parameters
        matched = np.full(len(table), -1, np.intp)
        if not (len(table) and len(seen.scores)):
            return matched
        at, since = moment.at, looked_before(table, before, moment.patches)
        slow = at - before >= settings.slow_s
        sure = seen.scores >= settings.score_high
        same = table["group"][:, None] == GROUP[seen.labels]
        expected = predict(table, at)

        near = overlaps(expected, seen.boxes, settings.widen if slow else 0.0)
        allowed = same & sure & (near >= settings.overlap)
        rows, columns = _pair_lone(matched, allowed)
        if rows.size:
            part, boxes, picked = pick(table, rows), seen.boxes[columns], np.ix_(rows, columns)
            close = near[picked] + settings.stature * height_likeness(expected[rows], boxes)
            close += settings.momentum * direction_agreement(part, boxes, settings.momentum_s)
            found_rows, found_columns = assign(close, allowed[picked])
            matched[rows[found_rows]] = columns[found_columns]

        if not sure.all():
            alone = (matched < 0) & (table["last_at"] >= since)
            plain = overlaps(expected, seen.boxes)
            _pair(matched, plain, same & ~sure & (plain >= settings.overlap_low) & alone[:, None])

        left = sure.copy()
        left[matched[matched >= 0]] = False
        if left.any() and (matched < 0).any():
            last = overlaps(table["box"], seen.boxes, settings.widen_lost if slow else 0.0)
            _pair(matched, last, same & sure & (last >= settings.overlap))
            far = _distances(expected, seen.boxes) / table["size"][:, 1:]
            reach = settings.reach + settings.reach_per_s * (at - table["last_at"])
            lost = (table["last_at"] < since) & (table["hits"] >= settings.settled_hits)
            alike = height_likeness(expected, seen.boxes) >= settings.reach_alike
            allowed = (far <= reach[:, None]) & alike & lost[:, None]
            _pair(matched, -far, same & sure & allowed)
        return matched

    def _update(self, table: Table, rows: Rows, seen: _Seen, before: float, at: float) -> None:
        """Brings the matched `rows` of `table` to their detections, in place."""
        part = pick(table, rows)
        observe(part, seen.boxes, at, gap_s=at - before + 1e-9, parameters=self.parameters)
        part["hits"] += 1
        part["score"] = seen.scores
        part["votes"][np.arange(len(rows)), seen.labels] += seen.scores
        put(table, rows, part)

    def _free(self, table: Table, rows: Rows, seen: _Seen, matched: Rows) -> Rows:
        """Sure detections that belong to no track and are nobody's twin, best first. `rows`: tracks seen now."""
        free = seen.scores >= min(self.parameters.score_high, self.parameters.score_new)
        free[matched[rows]] = False
        found = free.nonzero()[0]
        return found[self._no_twins(seen.take(found), pick(table, rows))] if found.size else found

    def _split(self, table: Table, rows: Rows, seen: _Seen, free: Rows, at: float) -> Table:
        """Sets a track that was led off back on its way, in place, and gives the one that it was on as a fresh record; none
        when nobody was mistaken. What the track goes on with is taken out of `free` by marking it as used.
        """
        settings = self.parameters
        if not free.size:
            return np.zeros(0, RECORD)
        settled = rows[table["hits"][rows] >= settings.settled_hits]
        sure = free[seen.scores[free] >= settings.score_high]
        found = (
            find_split(pick(table, settled), seen.boxes[sure], at, settings) if sure.size else None
        )
        if found is None:
            return np.zeros(0, RECORD)
        row, column = settled[found.row], sure[found.column]
        if table["group"][row] != GROUP[seen.labels[column]]:
            return np.zeros(0, RECORD)
        other = table[row : row + 1].copy()
        other["first_at"] = at
        back = table[row : row + 1]
        lead(back, seen.boxes[[column]], found.speed, at, settings)
        back["score"] = seen.scores[column]
        free[free == column] = _USED
        return other

    def _begin(self, seen: _Seen, free: Rows, present: int, at: float) -> Table:
        """New tracks from what is free and sure enough; room permitting, `present` being there already."""
        if not free.size:
            return np.zeros(0, RECORD)
        free = free[free != _USED]
        free = free[seen.scores[free] >= self.parameters.score_new]
        part = seen.take(free[: max(0, MAX_TRACKS - present)])
        fresh = np.zeros(len(part.scores), RECORD)
        start(fresh, part.boxes, at, self.parameters)
        fresh["hits"] = 1
        fresh["score"] = part.scores
        fresh["group"] = GROUP[part.labels]
        fresh["votes"][np.arange(len(fresh)), part.labels] = part.scores
        return fresh

    def _no_twins(self, part: _Seen, matched_part: Table) -> Rows:
        """Rows of `part` (best first) that overlap neither a matched track nor a better newcomer too much."""
        groups = GROUP[part.labels]
        limit = self.parameters.twin_overlap
        taken = overlaps(part.boxes, matched_part["box"]) >= limit
        taken &= groups[:, None] == matched_part["group"]
        better = np.tril(overlaps(part.boxes, part.boxes) >= limit, k=-1)
        better &= groups[:, None] == groups
        return np.flatnonzero(~taken.any(axis=1) & ~better.any(axis=1))

    def _worth_keeping(self, table: Table, moment: Moment) -> NDArray[np.bool_]:
        settings = self.parameters
        confirmed = table["hits"] >= settings.confirm_hits
        limit = np.where(confirmed, settings.keep_s, settings.keep_new_s)
        return np.asarray(moment.at - table["last_at"] <= limit) | held(table, moment.patches)

    def _tell(self, table: Table, moment: Moment) -> Tracks:
        """Confirmed tracks as values, in the order in which they began."""
        told = pick(table, table["hits"] >= self.parameters.confirm_hits)
        labels: list[int] = told["votes"].argmax(axis=1).tolist()
        columns = (
            told["track_id"].tolist(),
            [LABELS[index] for index in labels],
            told["score"].tolist(),
            map(tuple, predict(told, moment.at).tolist()),
            (moment.at - told["first_at"]).tolist(),
            told["hits"].tolist(),
            ((told["last_at"] == moment.at) | held(told, moment.patches)).tolist(),
        )
        tracks = tuple(map(Track, *columns))
        return Tracks(moment.device, moment.at, moment.time, moment.width, moment.height, tracks)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Detections as arrays, best first, in an order that does not depend on how they came."""

    boxes: Floats
    scores: Floats
    labels: NDArray[np.intp]

    def take(self, rows: Rows) -> _Seen:
        return _Seen(self.boxes[rows], self.scores[rows], self.labels[rows])


def _best_first(one: Detection) -> tuple[float, tuple[float, float, float, float], Label]:
    return -one.score, one.xyxy, one.label


def _to_arrays(detections: tuple[Detection, ...], least: float) -> _Seen:
    """The best MAX_DETECTIONS detections of at least this score."""
    kept = [d for d in detections if d.score >= least]
    kept.sort(key=_best_first)
    del kept[MAX_DETECTIONS:]
    boxes = np.array([d.xyxy for d in kept], np.float64).reshape(-1, 4)
    scores = np.array([d.score for d in kept], np.float64)
    labels = np.array([_LABEL_INDEX[d.label] for d in kept], np.intp)
    return _Seen(boxes, scores, labels)


def _distances(a: Floats, b: Floats) -> Floats:
    """Between the middles of boxes `(n, m)`, px."""
    apart = centres(a)[:, None] - centres(b)
    return np.asarray(np.hypot(apart[..., 0], apart[..., 1]))


def _pair_lone(matched: Rows, allowed: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Writes those pairs into `matched` for which neither side has another choice, which are nearly all in most scenes; the
    rows and columns over which several compete are given back.
    """
    rows, columns = allowed.nonzero()
    count_rows, count_columns = allowed.shape
    in_row = np.bincount(rows, minlength=count_rows)
    in_column = np.bincount(columns, minlength=count_columns)
    lone = (in_row[rows] == 1) & (in_column[columns] == 1)
    matched[rows[lone]] = columns[lone]
    in_row[rows[lone]] = 0
    in_column[columns[lone]] = 0
    return in_row.nonzero()[0], in_column.nonzero()[0]


def _pair(matched: Rows, closeness: Floats, allowed: NDArray[np.bool_]) -> None:
    """Assigns what is still free on both sides; writes the columns into `matched`."""
    rows = np.flatnonzero(matched < 0)
    open_columns = np.ones(closeness.shape[1], np.bool_)
    open_columns[matched[matched >= 0]] = False
    columns = np.flatnonzero(open_columns)
    if not (rows.size and columns.size):
        return
    picked = np.ix_(rows, columns)
    found_rows, found_columns = assign(closeness[picked], allowed[picked])
    matched[rows[found_rows]] = columns[found_columns]
