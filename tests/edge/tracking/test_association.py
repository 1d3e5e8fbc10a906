from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.tracking.associate import assign, direction_agreement
from gatehouse_edge.tracking.geometry import grow, height_likeness, overlaps
from gatehouse_edge.tracking.motion import observe, predict, start
from gatehouse_edge.tracking.parameters import DEFAULTS
from gatehouse_edge.tracking.table import RECORD


def box(x, y=100.0, width=20.0, height=50.0):
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def followed(places, fps=10.0):
    """The record of a track seen at these places along x, one a frame; None is a miss."""
    table = np.zeros(1, RECORD)
    start(table, np.array([box(places[0])]), 0.0, DEFAULTS)
    for number, x in enumerate(places[1:], start=1):
        if x is not None:
            observe(table, np.array([box(x)]), number / fps, 1 / fps + 1e-9, DEFAULTS)
    return table


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
    near, far = np.array([box(100)]), np.array([box(122), box(400)])
    assert overlaps(near, far).tolist() == [[0.0, 0.0]]
    wide = overlaps(near, far, 0.3)
    assert wide[0, 0] > 0
    assert wide[0, 1] == 0
    assert grow(np.array([[0.0, 0.0, 10.0, 20.0]]), 0.5).tolist() == [[-5, -10, 15, 30]]


def test_boxes_of_no_size_overlap_nothing():
    flat = np.array([[5.0, 5.0, 5.0, 5.0]])
    assert overlaps(flat, flat).tolist() == [[0.0]]


def test_likeness_of_height_is_the_smaller_over_the_greater():
    found = height_likeness(
        np.array([box(0, height=40.0)]), np.array([box(0, height=80.0), box(9, height=40.0)])
    )
    assert found.tolist() == [[0.5, 1.0]]


def test_going_on_agrees_and_turning_back_does_not():
    track = followed([100 + 4 * k for k in range(8)])
    ahead, back = direction_agreement(track, np.array([box(132), box(90)]), 0.4)[0]
    assert ahead == pytest.approx(1.0)
    assert back == pytest.approx(-1.0)


def test_who_stands_has_no_direction():
    track = followed([100 + 0.3 * (-1) ** k for k in range(8)])
    assert np.abs(direction_agreement(track, np.array([box(150), box(50)]), 0.4)).max() < 0.1


@pytest.mark.parametrize("fps", [5.0, 10.0, 30.0])
def test_speed_is_learnt_in_pixels_a_second_whatever_the_rate(fps):
    track = followed([100 + 50 * k / fps for k in range(round(3 * fps))], fps)
    assert track["speed"][0] == pytest.approx((50.0, 0.0), abs=2.0)
    later = track["last_at"][0] + 1.0
    middle = predict(track, later)[0, ::2].mean()
    assert middle == pytest.approx(track["place"][0, 0] + 50, abs=2.5)


def test_after_a_gap_the_speed_is_that_of_the_straight_line():
    places = [100 + 5 * k for k in range(10)] + [None] * 8 + [145.0]
    halted = followed(places)
    assert abs(halted["speed"][0, 0]) < 15  # walked at 50, stood still while it was hidden


def test_predicting_changes_nothing():
    track = followed([100, 105, 110])
    before = track.copy()
    predict(track, 9.0)
    assert np.array_equal(track, before)


@given(steps=st.lists(st.floats(-30, 30), min_size=1, max_size=40))
def test_variances_stay_positive(steps):
    track = followed((100 + np.cumsum(steps)).tolist())
    spread = track["spread"][0]
    assert spread[0] > 0
    assert spread[2] > 0
    assert spread[0] * spread[2] >= spread[1] ** 2
    assert track["size_spread"][0] > 0
