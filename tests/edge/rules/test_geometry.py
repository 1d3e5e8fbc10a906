"""Sides, clipping, overlap and the way from picture to ground."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.geometry import clipped, cross, crossing_share, foot, overlap
from gatehouse_edge.rules.homography import homography
from gatehouse_edge.rules.views import View
from gatehouse_shared.names import Label
from gatehouse_shared.polygons import area_m2

coordinate = st.floats(-10, 10)
point = st.tuples(coordinate, coordinate)
ROAD = [((0.2, 0.9), (0, 0)), ((0.8, 0.9), (8, 0)), ((0.6, 0.3), (8, 40)), ((0.4, 0.3), (0, 40))]
"""A camera that looks along a road: near is low in the picture."""


def test_the_foot_is_the_middle_of_the_lower_edge():
    assert foot((2, 1, 4, 9)) == (3, 9)


def test_on_a_screen_the_positive_side_is_the_right_hand_of_the_walker():
    assert cross((0, 0.5), (1, 0.5), (0.5, 0.9)) > 0, "walking right, below is on the right"


@pytest.mark.parametrize(
    ("p", "q", "share"),
    [
        ((1, -1), (1, 1), 0.25),
        ((5, -1), (5, 1), 1.25),
        ((-1, -1), (-1, 1), -0.25),
        ((1, 1), (3, 1), None),
        ((0, -1), (4, 1), 0.5),
        ((1, 0), (3, 1), 0.25),
        ((1, -1), (3, 0), 0.75),
        ((1, 0), (3, 0), None),
    ],
    ids=[
        *("within", "beyond b", "before a", "same side", "aslant"),
        *("from the line itself", "onto the line", "along the line"),
    ],
)
def test_a_way_meets_a_line_at_its_share(p, q, share):
    assert crossing_share((0, 0), (4, 0), p, q) == share


@pytest.mark.parametrize(
    ("other", "value"),
    [((0, 0, 2, 2), 1.0), ((1, 0, 3, 2), 1 / 3), ((2, 0, 4, 2), 0.0), ((5, 5, 6, 6), 0.0)],
)
def test_overlap_of_boxes(other, value):
    assert overlap((0, 0, 2, 2), other) == pytest.approx(value)


@given(st.tuples(point, point, point), point, point)
def test_what_is_clipped_lies_in_the_box_and_is_no_larger(triangle, a, b):
    box = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
    part = clipped(triangle, box)
    for x, y in part:
        assert box[0] - 1e-9 <= x <= box[2] + 1e-9
        assert box[1] - 1e-9 <= y <= box[3] + 1e-9
    if len(part) > 2:
        whole = (box[2] - box[0]) * (box[3] - box[1])
        assert area_m2(part) <= min(whole, area_m2(triangle)) + 1e-6


def test_clipping_a_triangle_by_half_leaves_the_half():
    triangle = ((0.0, 0.0), (4.0, 0.0), (0.0, 4.0))
    assert area_m2(clipped(triangle, (0, 0, 2, 4))) == pytest.approx(6.0)


def test_marks_are_met_and_the_horizon_has_no_ground():
    fit = homography(ROAD)
    for frame, ground in ROAD:
        assert fit.ground(frame) == pytest.approx(ground, abs=1e-6)
    assert fit.residual_m < 1e-6
    assert fit.ground((0.5, -0.01)) is None, "the horizon of these marks is the upper edge"


@given(st.floats(0.2, 0.8), st.floats(0.35, 0.95))
def test_nearer_ground_is_finer(x, y):
    fit = homography(ROAD)
    here, above = fit.ground((x, y)), fit.ground((x, y - 0.01))
    lower = fit.ground((x, y + 0.01))
    assert here
    assert above
    assert lower
    assert above[1] > here[1] > lower[1]
    assert above[1] - here[1] > here[1] - lower[1]


@given(
    st.lists(st.tuples(st.floats(-0.002, 0.002), st.floats(-0.002, 0.002)), min_size=8, max_size=8)
)
def test_eight_marks_set_by_hand_average_their_errors(errors):
    exact = homography(ROAD)
    places = [
        (0.25, 0.8),
        (0.7, 0.8),
        (0.3, 0.6),
        (0.65, 0.6),
        (0.4, 0.4),
        (0.6, 0.4),
        (0.5, 0.9),
        (0.5, 0.5),
    ]
    marks = [
        ((x + dx, y + dy), ground)
        for (x, y), (dx, dy) in zip(places, errors, strict=True)
        if (ground := exact.ground((x, y)))
    ]
    assert len(marks) == 8
    near = homography(marks).ground((0.5, 0.7))
    assert near == pytest.approx(exact.ground((0.5, 0.7)), abs=0.8)


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        (ROAD[:3], "3 marks"),
        ([((x, x), (x, x)) for x in (0.1, 0.2, 0.3, 0.4)], "in line"),
        ([*ROAD, ((0.5, 0.6), (90, 2))], "contradict"),
        ([ROAD[0], ROAD[0], ROAD[1], ROAD[2]], "in line"),
    ],
    ids=["too few", "in line", "one typed wrongly", "one twice"],
)
def test_marks_that_cannot_be_are_refused(marks, message):
    with pytest.raises(RuleConfigError, match=f"view 1: .*{message}"):
        homography(marks, "view 1")


def test_sizes_and_ways_are_in_metres_where_there_are_marks():
    polygon = ((0.2, 0.9), (0.8, 0.9), (0.6, 0.3), (0.4, 0.3))
    view = View("cam_1", "lane", polygon, homography(ROAD), zone_area_m2=999.0)
    assert view.area_m2 == pytest.approx(320.0)
    # At the near edge 0.6 of the width is 8 m, so 0.1275 of a frame as high as wide is 1.7 m.
    assert view.height_m((0.45, 0.7725, 0.55, 0.9), 1.0) == pytest.approx(1.7, rel=0.01)
    way = view.way_m((0.25, 0.5, 0.35, 0.9), (0.65, 0.5, 0.75, 0.9), Label.PERSON, 1.0)
    assert way == pytest.approx(0.4 / 0.6 * 8)


def test_without_marks_a_person_is_the_measure():
    view = View("cam_1", "lane", ((0, 0), (1, 0), (1, 1), (0, 1)), None, zone_area_m2=50.0)
    assert view.area_m2 == 50.0
    assert view.height_m((0.4, 0.4, 0.5, 0.6), 1.5) is None
    way = view.way_m((0.4, 0.4, 0.5, 0.6), (0.5, 0.4, 0.6, 0.6), Label.PERSON, 2.0)
    assert way == pytest.approx(1.7), "a tenth of a frame twice as wide as high is one body of 0.2"


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_share_covered_is_between_nothing_and_all(x1, y1, x2, y2):
    assume(x1 < x2 and y1 < y2)
    view = View("cam_1", "lane", ((0.2, 0.9), (0.8, 0.9), (0.6, 0.3), (0.4, 0.3)), homography(ROAD))
    share, area = view.covered((x1, y1, x2, y2))
    assert 0.0 <= share <= 1.0
    assert area is None or 0.0 <= area <= 320.1
