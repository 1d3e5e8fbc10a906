"""How soon a zone is full, by the trend of its count."""

import random
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.rules.crowd_density import build
from gatehouse_edge.rules.crowd_forecast import POINTS_MAX, Trend
from gatehouse_shared.names import HazardKind, ZoneKind
from gatehouse_testing.requests import request
from gatehouse_testing.watched import count_of, phases, told


def rule(params=None, capacity=1000):
    return build(
        request(
            HazardKind.CROWD_DENSITY,
            params,
            zone_kind=ZoneKind.MOVING,
            area_m2=2000.0,
            capacity=capacity,
        )
    )


def counted(seconds, count):
    return [(float(at), count_of(float(at), int(count(at)))) for at in range(seconds)]


def trend(count, seconds=300):
    points = Trend()
    for at in range(seconds + 1):
        points = points.after(float(at), int(count(at)), 300.0)
    return points


def test_a_steady_rise_reaches_its_limit_when_arithmetic_says():
    assert trend(lambda at: 100 + 0.4 * at).earliest_s(420, 300) == pytest.approx(500, rel=0.02)


def test_a_count_that_does_not_rise_forecasts_nothing():
    rng = random.Random(7)
    assert trend(lambda _: 500).earliest_s(1000, 300) == inf
    assert trend(lambda at: 800 - at).earliest_s(1000, 300) == inf
    noisy = [rng.gauss(500, 25) for _ in range(301)]
    assert trend(lambda at: noisy[at]).earliest_s(1000, 300) > 900


def test_a_trend_needs_its_time():
    assert trend(lambda at: 100 + at, seconds=200).earliest_s(420, 300) == inf


def test_noise_makes_the_earliest_time_earlier_never_later():
    rng = random.Random(3)
    noise = [rng.gauss(0, 10) for _ in range(301)]
    rough = trend(lambda at: 100 + at + noise[at]).earliest_s(1000, 300)
    assert rough < trend(lambda at: 100 + at).earliest_s(1000, 300) + 60


def test_a_zone_that_may_be_full_within_a_quarter_of_an_hour_is_grade_two_before_the_ladder_is():
    found = told(rule(), *counted(420, lambda at: 400 + 0.5 * at))
    first = phases(found)[0]
    assert first[:2] == ("raised", 2)
    assert "by its trend" in found[0].reason


def test_within_five_minutes_it_is_grade_three():
    found = told(rule(), *counted(575, lambda at: 200 + 1.0 * at))
    assert max(f.grade for f in found) == 3


@pytest.mark.parametrize(
    "count",
    [lambda at: 20 + 0.5 * at, lambda at: 550, lambda at: 590 - 0.3 * at],
    ids=["far from full", "level", "falling"],
)
def test_other_zones_are_not_forecast(count):
    assert told(rule(), *counted(600, count)) == []


def test_it_can_be_switched_off():
    off = {"forecast_warn_min": 0.0, "forecast_alarm_min": 0.0}
    found = told(rule(off), *counted(380, lambda at: 400 + 0.5 * at))
    assert found == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 5000)), max_size=400))
def test_a_trend_is_bounded_and_no_time_is_negative(steps):
    points, at = Trend(), 0.0
    for passed, count in steps:
        at += passed
        points = points.after(at, count, 300.0)
    assert len(points.points) <= POINTS_MAX
    assert points.earliest_s(1000, 300.0) >= 0
