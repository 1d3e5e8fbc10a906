"""Where tracked objects are and will be: a constant-velocity Kalman filter in seconds, for all tracks at once.
Pure numpy.

Place and speed of each axis obey p' = v, v' = white noise; size wanders. Noise is a share of the object's
height, so that near and far people, and 5 and 30 frames a second, need the same settings. The two axes share
one 2 x 2 covariance (their noise is the same), and that is all the algebra there is.

A filter stands at its last observation. `predict` looks ahead from there; `observe` moves it to a new
observation. After a gap the filter is led along the straight line between the two observations (arXiv
2203.14360, observation-centric re-update). A box that shows more or less than the object is mended first (`whole`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gatehouse_edge.tracking.geometry import centres, sizes
from gatehouse_edge.tracking.parameters import TrackerParameters
from gatehouse_edge.tracking.table import (
    BOX,
    FIRST_AT,
    HITS,
    LAST_AT,
    OBSERVED,
    PLACE,
    SIZE,
    SIZE_SPREAD,
    SPEED,
    SPREAD,
    TALL,
    TRAIL_STEP_S,
    Floats,
    Rows,
    Table,
)

_LEAST_GAP_S = 1e-6
_GAP_STEPS = 2
"""Points put on the straight line over a gap."""


def predict(fields: Floats, at: float) -> Floats:
    """Boxes `(4, n)` where the tracks with these `fields` should be at media time `at`."""
    place = fields[PLACE] + fields[SPEED] * (at - fields[LAST_AT])
    half = fields[SIZE] / 2
    return np.concatenate((place - half, place + half))


def shown(fields: Floats, at: float, parameters: TrackerParameters) -> Floats:
    """Boxes `(4, n)` as they are told: where the tracks should be, but a track observed at `at` itself no farther from the
    observation than a box trembles. A filter overshoots where somebody stops sharply, and nobody is to pass a line by that.
    """
    since = at - fields[LAST_AT]
    place, seen = fields[PLACE] + fields[SPEED] * since, centres(fields[BOX])
    room = np.where(since > 0, np.inf, parameters.place_noise * fields[TALL])
    place = np.minimum(np.maximum(place, seen - room), seen + room)
    half = fields[SIZE] / 2
    return np.concatenate((place - half, place + half))


def observe(
    table: Table, rows: Rows, boxes: Floats, at: float, gap_s: float, parameters: TrackerParameters
) -> None:
    """Brings these tracks of `table` (changed in place) to the observations `boxes` `(4, n)` at `at`.

    `gap_s`: a track not seen for longer than this is led along the straight line to the new observation first.
    """
    fields = table.fields[OBSERVED].take(rows, axis=1)
    since = np.maximum(at - fields[LAST_AT], _LEAST_GAP_S)
    boxes = whole(fields, boxes, at, parameters)
    place = centres(boxes)
    step_s = since
    gone: Rows = (since > gap_s).nonzero()[0]
    if gone.size:
        part = fields.take(gone, axis=1)
        began, ends = centres(part[BOX]), place.take(gone, axis=1)
        step_s = since.copy()
        step_s[gone] /= _GAP_STEPS
        for number in range(1, _GAP_STEPS):
            between = began + (ends - began) * (number / _GAP_STEPS)
            _correct(part, between, step_s[gone], parameters)
        fields[:, gone] = part
    _correct(fields, place, step_s, parameters)
    _resize(fields, sizes(boxes), since, parameters)
    fields[BOX] = boxes
    fields[LAST_AT] = at
    fields[HITS] += 1
    table.fields[OBSERVED, rows] = fields
    _trace(table.trail, rows, place, at)


def _trace(trail: Floats, rows: Rows, place: Floats, at: float) -> None:
    """Puts the new places at the head of the trails, in the stead of a head that is too young to stay."""
    times = trail[:, :2, 0]
    apart = rows[(times[:, 0] - times[:, 1] >= TRAIL_STEP_S)[rows]]
    trail[apart, 1:] = trail[apart, :-1]
    head = trail[:, 0]
    head[rows, 0] = at
    head[rows, 1:] = place.T


def whole(fields: Floats, boxes: Floats, at: float, parameters: TrackerParameters) -> Floats:
    """`boxes` `(4, n)` of the tracks with these `fields`, mended where they show something else too, or not all.

    Who is half behind a sign, or one box with the sign or with somebody else, has one edge where it should be and the
    opposite one far off; the height of a walker does not change like that. So where the size is out of what the track may
    have, the edge nearer to the prediction stays and the size is held at the limit.
    """
    seen, usual = sizes(boxes), fields[SIZE]
    room = _room(parameters.slack_wide, parameters.slack_tall)
    held = np.minimum(np.maximum(seen, usual / room), usual * room)
    odd = held != seen
    if not np.count_nonzero(odd):
        return boxes
    off = np.abs(boxes - predict(fields, at))
    keeps_far = off[2:] <= off[:2]
    near = np.where(odd & keeps_far, boxes[2:] - held, boxes[:2])
    far = np.where(odd & ~keeps_far, boxes[:2] + held, boxes[2:])
    return np.concatenate((near, far))


@lru_cache(maxsize=8)
def _room(slack_wide: float, slack_tall: float) -> Floats:
    """By how much width and height may grow `(2, 1)`."""
    return np.array(((1 + slack_wide,), (1 + slack_tall,)))


def _correct(fields: Floats, seen: Floats, ahead_s: Floats, parameters: TrackerParameters) -> None:
    """One predict and update of place and speed. Variances are in heights squared, so the gain has no unit."""
    place, speed, (spread, shared, var_speed) = fields[PLACE], fields[SPEED], fields[SPREAD]
    grown = parameters.speed_noise**2 * ahead_s
    reach = ahead_s * var_speed
    grown_place = ahead_s * grown
    ahead_place = spread + ahead_s * (2 * shared + reach + grown_place / 3)
    ahead_shared = shared + reach + grown_place / 2
    total = ahead_place + parameters.place_noise**2
    gain_place, gain_speed = ahead_place / total, ahead_shared / total
    place += speed * ahead_s
    off = seen - place
    place += gain_place * off
    speed += gain_speed * off
    left = 1 - gain_place
    np.multiply(left, ahead_place, out=spread)
    np.multiply(left, ahead_shared, out=shared)
    var_speed += grown - gain_speed * ahead_shared


def _resize(fields: Floats, seen: Floats, since_s: Floats, parameters: TrackerParameters) -> None:
    """One predict and update of width and height, a random walk."""
    variance = fields[SIZE_SPREAD] + parameters.size_noise**2 * since_s
    gain = variance / (variance + (2 * parameters.place_noise) ** 2)
    size = fields[SIZE]
    size += gain * (seen - size)
    fields[SIZE_SPREAD] = (1 - gain) * variance


def start(table: Table, boxes: Floats, at: float, parameters: TrackerParameters) -> None:
    """Fills the filter part of fresh tracks from their first observations `boxes` `(4, n)`: at rest, with any walking
    speed possible.
    """
    table[PLACE], table[SIZE], table[SPEED] = centres(boxes), sizes(boxes), 0.0
    table[SPREAD] = np.array(((parameters.place_noise**2,), (0.0,), (1.0,)))
    table[SIZE_SPREAD] = (2 * parameters.place_noise) ** 2
    table[BOX] = boxes
    table[FIRST_AT] = table[LAST_AT] = at
    table.trail[:, :, 0] = at
    table.trail[:, :, 1:] = table[PLACE].T[:, None]


def lead(
    table: Table, boxes: Floats, speed: Floats, at: float, parameters: TrackerParameters
) -> None:
    """Sets the tracks on other observations `boxes` `(4, n)` at a known `speed` `(2,)` px/s; their age stays."""
    began = table[FIRST_AT].copy()
    start(table, boxes, at, parameters)
    table[FIRST_AT] = began
    table[SPEED] = speed[:, None]
    table[SPREAD][2] = parameters.speed_noise**2
