"""Zones that grow too full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.crowd_capacity import capacity_of
from gatehouse_edge.rules.crowd_density import CrowdSense, build
from gatehouse_edge.rules.crowd_params import CrowdParams
from gatehouse_edge.rules.homography import homography
from gatehouse_edge.rules.observations import Signal, Speed
from gatehouse_edge.rules.request import Exit
from gatehouse_edge.rules.views import View
from gatehouse_shared.names import HazardKind, Label, ZoneKind
from gatehouse_testing.requests import WHOLE, request
from gatehouse_testing.watched import count_of, phases, signals, told

KIND = HazardKind.CROWD_DENSITY


def rule(params=None, *, kind=ZoneKind.MOVING, area_m2=100.0, capacity=100_000, **more):
    return build(request(KIND, params, zone_kind=kind, area_m2=area_m2, capacity=capacity, **more))


def counted(count, first, last):
    return [(float(at), count_of(float(at), count)) for at in range(first, last + 1)]


@pytest.mark.parametrize(
    ("kind", "count", "raised"),
    [
        (ZoneKind.MOVING, 107, None),
        (ZoneKind.MOVING, 108, (1, 30)),
        (ZoneKind.MOVING, 176, (2, 30)),
        (ZoneKind.MOVING, 206, (3, 15)),
        (ZoneKind.MOVING, 330, (4, 10)),
        (ZoneKind.STANDING, 199, None),
        (ZoneKind.STANDING, 201, (1, 30)),
        (ZoneKind.QUEUE, 301, (2, 30)),
        (ZoneKind.STAIRS, 80, (1, 30)),
        (ZoneKind.STAIRS, 240, (4, 10)),
        (ZoneKind.AREA, 108, (1, 30)),
    ],
)
def test_density_thresholds_follow_the_kind_of_zone(kind, count, raised):
    found = told(rule(kind=kind), *counted(count, 0, 60))
    greatest = max(found, key=lambda f: f.grade, default=None)
    if raised is None:
        assert greatest is None
        return
    grade, least_s = raised
    assert greatest.grade == grade
    assert greatest.count == count
    assert next(f for f in found if f.phase == "raised").confirm_s in (least_s, 10, 15, 30)


@pytest.mark.parametrize(
    ("count", "grade"),
    [(119, None), (120, 1), (150, 1), (160, 2), (180, 3), (185, 4)],
    ids=["below", "watch", "between", "announce", "restrict", "an uncertain count may be full"],
)
def test_the_ladder_of_occupancy_follows_capacity(count, grade):
    found = told(rule(area_m2=10_000.0, capacity=200), *counted(count, 0, 60))
    assert max((f.grade for f in found), default=None) == grade


def test_a_sure_count_reaches_the_same_grade_later_than_an_unsure_one():
    sure = {"dispersion": 0, "count_cv": 0}
    assert told(rule(sure, area_m2=10_000.0, capacity=200), *counted(199, 0, 60))[0].grade == 3
    unsure = {"dispersion": 1, "count_cv": 0.08}
    assert told(rule(unsure, area_m2=10_000.0, capacity=200), *counted(199, 0, 60))[0].grade == 4


def test_fewer_than_ten_are_never_a_crowd():
    assert told(rule(area_m2=1.0, capacity=1), *counted(9, 0, 600)) == []


def test_it_is_over_when_the_mean_was_below_for_two_minutes():
    found = told(rule(), *counted(110, 0, 40), *counted(92, 41, 300), *counted(91, 301, 500))
    assert phases(found) == [("raised", 1, 0.0), ("cleared", 1, 421.0)]
    assert found[1].count == 92, "the last count that was still a crowd"


def test_slow_walking_in_a_dense_zone_is_congestion():
    params = {"moving_warn_per_m2": 2.1, "dispersion": 0, "count_cv": 0}
    slow = Signal(Label.PERSON, Speed.SLOW, 100, 0.5, 10.0)
    fast = Signal(Label.PERSON, Speed.WALKING, 99, 0.5, 10.0)

    def seen(*rows):
        both = [
            (at, one)
            for at in range(60)
            for one in (signals(float(at), *rows), count_of(float(at), 180))
        ]
        return [(float(at), one) for at, one in both]

    assert max(f.grade for f in told(rule(params), *seen(slow, fast))) == 2
    assert max(f.grade for f in told(rule(params), *seen(fast))) == 1


def test_density_is_of_the_part_in_view_and_occupancy_of_the_whole_zone():
    marks = [((0, 0), (0, 5)), ((1, 0), (10, 5)), ((1, 1), (10, 0)), ((0, 1), (0, 0))]
    view = View("cam_1", "plaza", WHOLE, homography(marks), 100.0)
    here = rule(view=view, area_m2=100.0, capacity=100)
    assert isinstance(here.sense, CrowdSense)
    assert here.sense.area_m2 == pytest.approx(50.0)
    assert here.sense.zone_scale == pytest.approx(2.0)
    assert told(here, *counted(31, 0, 40))[0].grade == 1, "31 in half of it are 62 of 100"
    little = View("cam_1", "plaza", WHOLE, homography(marks), 1000.0)
    sense = rule(view=little, area_m2=1000.0, capacity=40).sense
    assert isinstance(sense, CrowdSense)
    assert sense.zone_scale is None


@pytest.mark.parametrize(
    ("kind", "exits", "capacity", "expected"),
    [
        (ZoneKind.MOVING, (), 77, 77),
        (ZoneKind.MOVING, (), None, 1000),
        (ZoneKind.STANDING, (), None, 2000),
        (ZoneKind.MOVING, (3.0,), None, 1000),
        (ZoneKind.MOVING, (3.0, 1.0, 0.5), None, 720),
        (ZoneKind.STAIRS, (2.0, 1.0), None, 384),
    ],
    ids=["approved", "floor", "standing", "one gate says nothing", "widest lost", "stairs"],
)
def test_capacity_is_the_approved_number_or_the_lesser_of_floor_and_exits(
    kind, exits, capacity, expected
):
    wanted = request(
        KIND, zone_kind=kind, area_m2=1000.0, capacity=capacity, exits=tuple(map(Exit, exits))
    )
    assert capacity_of(wanted, CrowdParams()) == expected


@given(st.lists(st.integers(0, 400), min_size=1, max_size=200))
def test_no_crowd_is_told_with_fewer_than_ten(counts):
    found = told(
        rule(capacity=30), *[(float(i), count_of(float(i), c)) for i, c in enumerate(counts)]
    )
    for finding in found:
        assert finding.count is not None
        assert finding.count >= 10
        assert 1 <= finding.grade <= 4
        assert not finding.armed


@given(st.integers(10, 400), st.integers(0, 100))
def test_more_persons_never_mean_a_lesser_grade(count, more):
    def grade(n):
        return max((f.grade for f in told(rule(capacity=250), *counted(n, 0, 31))), default=0)

    assert grade(count + more) >= grade(count)
