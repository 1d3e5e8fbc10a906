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

from gatehouse_edge.tracking.geometry import centres, height_likeness
from gatehouse_edge.tracking.parameters import TrackerParameters
from gatehouse_edge.tracking.table import Floats, Table

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
    """The likeliest split between tracks seen at `at` (`table`) and detections that nobody has (`boxes` `(m, 4)`)."""
    if not (len(table) and len(boxes)):
        return None
    tall = table["size"][:, 1]
    near = np.full((len(table), len(boxes)), _UNKNOWN)
    speeds = np.zeros((len(table), 2))
    for ago in np.arange(_FIRST_S, parameters.split_s + 1e-6, _STEP_S):
        place, speed, known = _way_before(table, at, float(ago), parameters)
        led_off = np.hypot(*(table["place"] - place).T) >= parameters.split_off * tall
        far = np.hypot(*(centres(boxes) - place[:, None]).transpose(2, 0, 1)) / tall[:, None]
        far[~(known & led_off)] = _UNKNOWN
        better = far.min(axis=1) < near.min(axis=1)
        speeds[better] = speed[better]
        near = np.minimum(near, far)
    predicted = np.concatenate((-table["size"] / 2, table["size"] / 2), axis=1)
    near[height_likeness(predicted, boxes) < parameters.split_alike] = _UNKNOWN
    row, column = divmod(int(near.argmin()), len(boxes))
    if near[row, column] > parameters.split_near:
        return None
    return Split(row, column, speeds[row])


def _way_before(
    table: Table, at: float, ago: float, parameters: TrackerParameters
) -> tuple[Floats, Floats, Floats]:
    """Where each track would be now `(n, 2)` had it gone on as it went `ago` seconds back; its speed then `(n, 2)`; whether
    it was seen long enough, recently enough, and walked.
    """
    trail, rows = table["trail"], np.arange(len(table))
    times = trail[:, :, 0]
    last = trail[rows, np.abs(times - (at - ago)).argmin(axis=1)]
    first = trail[rows, np.abs(times - (at - ago - parameters.split_span_s)).argmin(axis=1)]
    span = last[:, 0] - first[:, 0]
    speed = (last[:, 1:] - first[:, 1:]) / np.maximum(span, 1e-6)[:, None]
    place = last[:, 1:] + speed * (at - last[:, 0])[:, None]
    known = (span > parameters.split_span_s / 2) & (np.abs(last[:, 0] - (at - ago)) < 0.2)
    known &= np.hypot(*speed.T) >= parameters.split_speed * table["size"][:, 1]
    return place, speed, known
