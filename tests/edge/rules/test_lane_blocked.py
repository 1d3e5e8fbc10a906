"""Things that stand where fire engines must pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.lane_blocked import build, stillness
from gatehouse_edge.rules.observations import Signal, Speed
from gatehouse_edge.rules.signals import Stillness
from gatehouse_shared.names import HazardKind, Label
from gatehouse_testing.requests import request
from gatehouse_testing.watched import phases, signals, standing, told

KIND = HazardKind.LANE_BLOCKED
CAR = standing(Label.CAR, 0.2)


def rule(params=None):
    return build(request(KIND, params))


def shown(first, last, *rows):
    return [(float(at), signals(float(at), *rows)) for at in range(first, last + 1)]


def test_a_standing_car_is_warned_of_raised_and_escalated():
    found = told(rule(), *shown(0, 620, CAR))
    assert phases(found) == [("raised", 2, 0.0), ("updated", 3, 180.0), ("updated", 4, 600.0)]
    assert found[0].confirm_s == 60
    assert "car covers 20% of the lane" in found[0].reason


def test_it_is_over_twenty_seconds_after_the_car_has_gone():
    found = told(rule(), *shown(0, 100, CAR), *shown(101, 130))
    assert phases(found) == [("raised", 2, 0.0), ("cleared", 2, 121.0)]


@pytest.mark.parametrize(
    "rows",
    [
        [standing(Label.CAR, 0.09)],
        [Signal(Label.CAR, Speed.SLOW, 1, 0.5, 60.0)],
        [standing(Label.PERSON, 0.5)],
        [standing(Label.ANIMAL, 0.5)],
        [],
    ],
    ids=["too little", "it moves", "a person", "a dog", "nothing"],
)
def test_what_does_not_block_is_not_raised(rows):
    assert told(rule(), *shown(0, 700, *rows)) == []


def test_two_small_things_block_together():
    rows = [standing(Label.MOTORCYCLE, 0.06), standing(Label.OBJECT, 0.06)]
    assert phases(told(rule(), *shown(0, 60, *rows))) == [("raised", 2, 0.0)]


def test_a_crowd_that_hides_the_car_for_a_moment_changes_nothing():
    hidden = [
        s for at in range(0, 60, 10) for s in (*shown(at, at + 8, CAR), *shown(at + 9, at + 9))
    ]
    found = told(rule(), *hidden, *shown(60, 70, CAR))
    assert phases(found) == [("raised", 2, 0.0)]


def test_its_view_judges_stillness_as_the_rule_says():
    params = {"greatest_speed_m_s": 0.2, "least_overlap_ratio": 0.7, "least_object_m2": 1.0}
    assert stillness(request(KIND, params)) == Stillness(0.2, 0.7, 1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=300))
def test_grades_never_come_before_their_time(covers):
    found = told(
        rule(),
        *[(float(i), signals(float(i), standing(Label.CAR, c))) for i, c in enumerate(covers)],
    )
    least = {2: 60, 3: 180, 4: 600}
    for finding in found:
        if finding.phase == "raised":
            assert finding.confirm_s >= least[finding.grade]
