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

import numpy as np

from gatehouse_edge.tracking.geometry import centres, sizes
from gatehouse_edge.tracking.parameters import TrackerParameters
from gatehouse_edge.tracking.table import TRAIL_STEP_S, Floats, Table, pick, put

_LEAST_GAP_S = 1e-6
_GAP_STEPS = 2
"""Points put on the straight line over a gap."""


def predict(table: Table, at: float) -> Floats:
    """Boxes `(n, 4)` where the tracks should be at media time `at`."""
    ahead = (at - table["last_at"])[:, None]
    place = table["place"] + table["speed"] * ahead
    half = table["size"] / 2
    return np.concatenate((place - half, place + half), axis=1)


def observe(
    table: Table, boxes: Floats, at: float, gap_s: float, parameters: TrackerParameters
) -> None:
    """Brings the records of `table` (changed in place) to the observations `boxes` `(n, 4)` at `at`.

    `gap_s`: a record not seen for longer than this is led along the straight line to the new observation first.
    """
    since = np.maximum(at - table["last_at"], _LEAST_GAP_S)
    boxes = whole(table, boxes, at, parameters)
    new_place, new_size = centres(boxes), sizes(boxes)
    gone = (since > gap_s).nonzero()[0]
    step_s = since.copy()
    if gone.size:
        part = pick(table, gone)
        start = centres(part["box"])
        step_s[gone] = since[gone] / _GAP_STEPS
        for number in range(1, _GAP_STEPS):
            between = start + (new_place[gone] - start) * (number / _GAP_STEPS)
            _correct(part, between, step_s[gone], parameters)
        put(table, gone, part)
    _correct(table, new_place, step_s, parameters)
    _resize(table, new_size, since, parameters)
    table["box"] = boxes
    table["last_at"] = at
    trail = table["trail"]
    apart = trail[:, 0, 0] - trail[:, 1, 0] >= TRAIL_STEP_S
    trail[apart, 1:] = trail[apart, :-1]
    table["trail"][:, 0, 0] = at
    table["trail"][:, 0, 1:] = new_place


def whole(table: Table, boxes: Floats, at: float, parameters: TrackerParameters) -> Floats:
    """`boxes` `(n, 4)` of the tracks of `table`, mended where they show something else too, or not all.

    Who is half behind a sign, or one box with the sign or with somebody else, has one edge where it should be and the
    opposite one far off; the height of a walker does not change like that. So where the size is out of what the track may
    have, the edge nearer to the prediction stays and the size is held at the limit.
    """
    seen, usual = sizes(boxes), table["size"]
    room = (1 + parameters.slack_wide, 1 + parameters.slack_tall)
    held = np.minimum(np.maximum(seen, usual / room), usual * room)
    odd = held != seen
    if not odd.any():
        return boxes
    off = np.abs(boxes - predict(table, at))
    keeps_far = off[:, 2:] <= off[:, :2]
    near = np.where(odd & keeps_far, boxes[:, 2:] - held, boxes[:, :2])
    far = np.where(odd & ~keeps_far, boxes[:, :2] + held, boxes[:, 2:])
    return np.concatenate((near, far), axis=1)


def _correct(table: Table, seen: Floats, ahead_s: Floats, parameters: TrackerParameters) -> None:
    """One predict and update of place and speed. Variances are in heights squared, so the gain has no unit."""
    drift = parameters.speed_noise**2
    spread = table["spread"]
    shared, var_speed = spread[:, 1], spread[:, 2]
    grown = drift * ahead_s
    reach = ahead_s * var_speed
    var_place = spread[:, 0] + ahead_s * (2 * shared + reach + ahead_s * grown / 3)
    shared = shared + reach + ahead_s * grown / 2
    total = var_place + parameters.place_noise**2
    gain_place, gain_speed = var_place / total, shared / total
    place = table["place"] + table["speed"] * ahead_s[:, None]
    off = seen - place
    table["place"] = place + gain_place[:, None] * off
    table["speed"] += gain_speed[:, None] * off
    left = 1 - gain_place
    spread[:, 0] = left * var_place
    spread[:, 2] += grown - gain_speed * shared
    spread[:, 1] = left * shared


def _resize(table: Table, seen: Floats, since_s: Floats, parameters: TrackerParameters) -> None:
    """One predict and update of width and height, a random walk."""
    variance = table["size_spread"] + parameters.size_noise**2 * since_s
    gain = variance / (variance + (2 * parameters.place_noise) ** 2)
    table["size"] += gain[:, None] * (seen - table["size"])
    table["size_spread"] = (1 - gain) * variance


def start(table: Table, boxes: Floats, at: float, parameters: TrackerParameters) -> None:
    """Fills the filter part of fresh records from their first observation: at rest, with any walking speed possible."""
    table["place"], table["size"] = centres(boxes), sizes(boxes)
    table["spread"] = (parameters.place_noise**2, 0.0, 1.0)
    table["size_spread"] = (2 * parameters.place_noise) ** 2
    table["box"] = boxes
    table["first_at"] = table["last_at"] = at
    table["trail"][:, :, 0] = at
    table["trail"][:, :, 1:] = table["place"][:, None, :]


def lead(
    table: Table, boxes: Floats, speed: Floats, at: float, parameters: TrackerParameters
) -> None:
    """Sets the records on other observations `boxes` `(n, 4)` at a known `speed` `(2,)` px/s; their age stays."""
    began = table["first_at"].copy()
    start(table, boxes, at, parameters)
    table["first_at"] = began
    table["speed"] = speed
    table["spread"][:, 2] = parameters.speed_noise**2
