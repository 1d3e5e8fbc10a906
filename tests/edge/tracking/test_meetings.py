"""People who are one box with something else, or take one another's place: foot points and tracks stay theirs."""

import numpy as np
import pytest

from gatehouse_edge.tracking.motion import start, whole
from gatehouse_edge.tracking.parameters import DEFAULTS
from gatehouse_edge.tracking.splits import find_split
from gatehouse_edge.tracking.table import PLACE, SCORE, blank, join

USUAL = (90.0, 100.0, 110.0, 150.0)


def record(box=USUAL):
    table = blank(1)
    start(table, np.array([box]).T, 0.0, DEFAULTS)
    return table


@pytest.mark.parametrize(
    ("seen", "mended"),
    [
        ((90, 100, 110, 150), (90, 100, 110, 150)),
        ((90, 100, 110, 153), (90, 100, 110, 153)),
        ((90, 70, 110, 150), (90, 96.5, 110, 150)),
        ((90, 100, 110, 190), (90, 100, 110, 153.5)),
        ((90, 100, 110, 125), (90, 100, 110, 100 + 50 / 1.07)),
        ((60, 100, 110, 150), (84, 100, 110, 150)),
    ],
    ids=[
        "as ever",
        "a little taller",
        "with a sign above",
        "with somebody before",
        "legs hidden",
        "with one beside",
    ],
)
def test_the_edge_that_lies_where_it_should_is_believed(seen, mended):
    boxes = whole(record().fields, np.array([seen], float).T, 0.1, DEFAULTS)
    assert boxes[:, 0] == pytest.approx(mended)


def led_off(standing_s=0.5, step_s=0.14):
    """One who walked right at 60 px a second for two seconds, and then stood where somebody else was."""
    table, at = record(), 0.0
    trail = table.trail[0]
    points = []
    while at < 2.0 + standing_s:
        points.append((at, 100 + 60 * min(at, 2.0), 125.0))
        at += step_s
    trail[: len(points)] = points[::-1][: len(trail)]
    table[PLACE][:, 0] = points[-1][1:]
    return table, at


def box_at(x):
    return np.array([[x - 10, 100.0, x + 10, 150.0]]).T


def test_who_comes_out_where_the_way_leads_is_whom_the_track_was_on():
    table, at = led_off(standing_s=0.9)
    split = find_split(table, box_at(100 + 60 * at), at, DEFAULTS)
    assert split is not None
    assert split.speed == pytest.approx((60.0, 0.0), abs=3)


@pytest.mark.parametrize("x", [100.0, 400.0])
def test_who_comes_from_elsewhere_is_another(x):
    table, at = led_off(standing_s=0.9)
    assert find_split(table, box_at(x), at, DEFAULTS) is None


def test_a_long_time_after_nobody_asks_who_was_who():
    table, at = led_off(standing_s=2.5)
    assert find_split(table, box_at(100 + 60 * at), at, DEFAULTS) is None


def test_tracks_are_taken_and_joined_as_they_are():
    table = join([record(), record((10.0, 10.0, 20.0, 40.0)), record()])
    table.ids[:] = [3, 2**64 - 1, 5]
    part = table.take(np.array([1, 0]))
    assert part.ids.tolist() == [2**64 - 1, 3]
    assert part[PLACE].T.tolist() == [[15, 25], [100, 125]]
    part[SCORE] = 0.5
    assert table[SCORE].tolist() == [0, 0, 0]
    assert len(table.take(np.array([], np.intp))) == len(join([blank(0)])) == 0
