"""When one of two who met was followed by mistake: whose way does the other one, who comes out, go on? Pure numpy.

Two people pass close by one another and are one box for a moment; a track that came with the one may leave with the other,
who stood there. When a detection that belongs to no track then appears just where the track's own way from before the
meeting leads, and the track itself has been led off that way, the detection is what the track was on.

Only places of the last two seconds inside one camera are compared; nothing of looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.tracking.geometry import centres, height_likeness, heights
from gatehouse_edge.tracking.parameters import TrackerParameters
from gatehouse_edge.tracking.table import PLACE, TALL, Floats, Table

_STEP_S: Final = 0.14
"""Steps in which the moment of the meeting is looked for."""
_FIRST_S: Final = 0.25
_UNKNOWN: Final = 1e3


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Track `row` goes on with detection `column` at `speed` `(2,)` px/s; where it is now is another."""

    row: int
    column: int
    speed: Floats


def find_split(
    table: Table, boxes: Floats, at: float, parameters: TrackerParameters
) -> Split | None:
    """The likeliest split between tracks seen at `at` (`table`) and detections that nobody has (`boxes` `(4, m)`)."""
    many = boxes.shape[1]
    if not (len(table) and many):
        return None
    tall, middles = table[TALL], centres(boxes)[:, None]
    near = np.full((len(table), many), _UNKNOWN)
    speeds = np.zeros((2, len(table)))
    for ago in np.arange(_FIRST_S, parameters.split_s + 1e-6, _STEP_S):
        place, speed, known = _way_before(table, at, float(ago), parameters)
        led_off = np.hypot(*(table[PLACE] - place)) >= parameters.split_off * tall
        far = np.hypot(*(middles - place[:, :, None])) / tall[:, None]
        far[~(known & led_off)] = _UNKNOWN
        better = far.min(axis=1) < near.min(axis=1)
        speeds[:, better] = speed[:, better]
        near = np.minimum(near, far)
    near[height_likeness(tall[:, None], heights(boxes)) < parameters.split_alike] = _UNKNOWN
    row, column = divmod(int(near.argmin()), many)
    if near[row, column] > parameters.split_near:
        return None
    return Split(row, column, speeds[:, row])


def _way_before(
    table: Table, at: float, ago: float, parameters: TrackerParameters
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Where each track would be now `(2, n)` had it gone on as it went `ago` seconds back; its speed then `(2, n)`; whether
    it was seen long enough, recently enough, and walked.
    """
    trail, rows = table.trail, np.arange(len(table))
    times = trail[:, :, 0]
    last = trail[rows, np.abs(times - (at - ago)).argmin(axis=1)].T
    first = trail[rows, np.abs(times - (at - ago - parameters.split_span_s)).argmin(axis=1)].T
    span = last[0] - first[0]
    speed = (last[1:] - first[1:]) / np.maximum(span, 1e-6)
    place = last[1:] + speed * (at - last[0])
    known = (span > parameters.split_span_s / 2) & (np.abs(last[0] - (at - ago)) < 0.2)
    known &= np.hypot(*speed) >= parameters.split_speed * table[TALL]
    return place, speed, known
