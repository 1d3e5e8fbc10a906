from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.tracking.associate import assign, direction_agreement
from gatehouse_edge.tracking.geometry import grow, height_likeness, overlaps
from gatehouse_edge.tracking.motion import observe, predict, start
from gatehouse_edge.tracking.parameters import DEFAULTS
from gatehouse_edge.tracking.table import (
    LAST_AT,
    PLACE,
    SIZE_SPREAD,
    SPEED,
    SPREAD,
    TALL,
    blank,
    join,
)


def box(x, y=100.0, width=20.0, height=50.0):
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def columns(*boxes):
    return np.array(boxes).T


def followed(places, fps=10.0):
    """The record of a track seen at these places along x, one a frame; None is a miss."""
    table = blank(1)
    start(table, columns(box(places[0])), 0.0, DEFAULTS)
    for number, x in enumerate(places[1:], start=1):
        if x is not None:
            seen = columns(box(x))
            observe(table, np.array([0]), seen, number / fps, 1 / fps + 1e-9, DEFAULTS)
    return table


def agreement(track, *boxes):
    """With each of the boxes."""
    many = len(boxes)
    trail, tall = track.trail.repeat(many, axis=0), track[TALL].repeat(many)
    return direction_agreement(trail, tall, columns(*boxes), 0.4)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_the_assignment_is_the_best_there_is(data, rows, columns):
    numbers = st.lists(st.floats(0, 1), min_size=rows * columns, max_size=rows * columns)
    closeness = np.array(data.draw(numbers)).reshape(rows, columns)
    allowed = np.array(
        data.draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
    ).reshape(rows, columns)
    found = list(zip(*(part.tolist() for part in assign(closeness, allowed)), strict=True))
    assert all(allowed[pair] for pair in found)
    assert len({r for r, _ in found}) == len(found) == len({c for _, c in found})
    # brute force over a square padded with "nothing": first as many pairs as possible, then the closest
    size = max(rows, columns)
    best = (0, 0.0)
    for order in permutations(range(size)):
        pairs = [(r, c) for r, c in enumerate(order) if r < rows and c < columns and allowed[r, c]]
        best = max(best, (len(pairs), sum(closeness[p] for p in pairs)))
    assert len(found) == best[0]
    assert sum(closeness[p] for p in found) == pytest.approx(best[1], abs=1e-6)


def test_overlap_of_grown_boxes_is_more_and_of_far_ones_nothing():
    near, far = columns(box(100)), columns(box(122), box(400))
    assert overlaps(near, far).tolist() == [[0.0, 0.0]]
    wide = overlaps(near, far, 0.3)
    assert wide[0, 0] > 0
    assert wide[0, 1] == 0
    assert grow(columns([0.0, 0.0, 10.0, 20.0]), 0.5).T.tolist() == [[-5, -10, 15, 30]]


def test_overlap_is_what_both_cover_of_what_either_covers():
    found = overlaps(columns(box(100), box(110)), columns(box(100), box(110), box(115, y=125.0)))
    assert found == pytest.approx(np.array([[1, 1 / 3, 1 / 15], [1 / 3, 1, 3 / 13]]), abs=1e-9)


def test_boxes_of_no_size_overlap_nothing():
    flat = columns([5.0, 5.0, 5.0, 5.0])
    assert overlaps(flat, flat).tolist() == [[0.0]]


def test_likeness_of_height_is_the_smaller_over_the_greater():
    assert height_likeness(np.array([40.0]), np.array([80.0, 40.0, 20.0])).tolist() == [
        0.5,
        1.0,
        0.5,
    ]


def test_going_on_agrees_and_turning_back_does_not():
    track = followed([100 + 4 * k for k in range(8)])
    ahead, back = agreement(track, box(132), box(90))
    assert ahead == pytest.approx(1.0)
    assert back == pytest.approx(-1.0)


def test_who_stands_has_no_direction():
    track = followed([100 + 0.3 * (-1) ** k for k in range(8)])
    assert np.abs(agreement(track, box(150), box(50))).max() < 0.1


@pytest.mark.parametrize("fps", [5.0, 10.0, 30.0])
def test_speed_is_learnt_in_pixels_a_second_whatever_the_rate(fps):
    track = followed([100 + 50 * k / fps for k in range(round(3 * fps))], fps)
    assert track[SPEED][:, 0] == pytest.approx((50.0, 0.0), abs=2.0)
    later = track[LAST_AT][0] + 1.0
    middle = predict(track.fields, later)[::2, 0].mean()
    assert middle == pytest.approx(track[PLACE][0, 0] + 50, abs=2.5)


def test_after_a_gap_the_speed_is_that_of_the_straight_line():
    places = [100 + 5 * k for k in range(10)] + [None] * 8 + [145.0]
    halted = followed(places)
    assert abs(halted[SPEED][0, 0]) < 15  # walked at 50, stood still while it was hidden


def test_predicting_changes_nothing():
    track = followed([100, 105, 110])
    before = track.fields.copy()
    predict(track.fields, 9.0)
    assert np.array_equal(track.fields, before)


def test_an_observation_of_one_leaves_the_others_as_they_were():
    table = join([followed([100, 105]), followed([200, 195])])
    fields, trail = table.fields.copy(), table.trail.copy()
    observe(table, np.array([1]), columns(box(190)), 0.3, 0.1, DEFAULTS)
    assert np.array_equal(table.fields[:, 0], fields[:, 0])
    assert np.array_equal(table.trail[0], trail[0])
    assert table.trail[1, 0].tolist() == [0.3, 190, 100]
    assert np.array_equal(table.trail[1, 1:4], trail[1, :3])


@given(steps=st.lists(st.floats(-30, 30), min_size=1, max_size=40))
def test_variances_stay_positive(steps):
    track = followed((100 + np.cumsum(steps)).tolist())
    spread = track[SPREAD][:, 0]
    assert spread[0] > 0
    assert spread[2] > 0
    assert spread[0] * spread[2] >= spread[1] ** 2
    assert track[SIZE_SPREAD][0] > 0
