"""Bays, batteries and rollers that grow hotter than they should."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.thermal_hotspot import (
    SLOPE_POINTS_MAX,
    ThermalMemory,
    Warmth,
    build,
    slope,
)
from gatehouse_shared.names import HazardKind, Quantity
from gatehouse_testing.requests import request
from gatehouse_testing.watched import phases, run, told, warmth

KIND = HazardKind.THERMAL_HOTSPOT


def rule(params=None):
    return build(request(KIND, params, zone="shed", device="thermal_1"))


def course(temperature, seconds, *, hz=1, **more):
    """Samples of a temperature that is a function of time."""
    return [(i / hz, warmth(i / hz, temperature(i / hz), **more)) for i in range(seconds * hz + 1)]


def steps(*parts):
    """Temperature by parts `(from second, degrees)`."""
    return lambda at: next(c for since, c in reversed(parts) if at >= since)


@pytest.mark.parametrize(
    ("celsius", "more", "expected"),
    [
        (54.9, {"ambient_c": 40.0}, None),
        (55.0, {"ambient_c": 40.0}, (1, 30)),
        (70.0, {"ambient_c": 45.0}, (3, 10)),
        (120.0, {"ambient_c": None}, (3, 2)),
        (41.9, {}, None),
        (42.0, {}, (1, 30)),
        (52.0, {}, (3, 10)),
        (42.0, {"neighbours_c": 35.0}, None),
        (42.0, {"neighbours_c": 34.0}, (1, 30)),
        (52.0, {"ambient_c": None}, None),
        (55.0, {"ambient_c": None}, (1, 30)),
        (90.0, {"hot_px": 8}, None),
        (90.0, {"hot_px": 9}, (3, 10)),
    ],
    ids=[
        *(
            "cool",
            "absolute pre",
            "absolute alarm",
            "about to burn",
            "near ambient",
            "above ambient",
        ),
        *("far above ambient", "as its neighbours", "above its neighbours", "no ambient known"),
        *("absolute without ambient", "too small", "large enough"),
    ],
)
def test_steady_heat_is_judged_by_level_ambient_neighbours_and_size(celsius, more, expected):
    found = told(rule(), *course(lambda _: celsius, 60, **more))
    if expected is None:
        assert found == []
        return
    grade, confirm_s = expected
    assert (found[0].grade, found[0].confirm_s) == (grade, confirm_s)
    assert max(f.grade for f in found) == grade


def test_a_temperature_is_told_in_tenths_with_what_it_passed():
    [found] = told(rule(), *course(lambda _: 44.0, 30))
    assert found.measure.quantity is Quantity.TEMPERATURE
    assert (found.measure.value, found.measure.threshold) == (440, 420), "20 K above 22 C"


@pytest.mark.parametrize(
    ("per_minute", "grade"), [(4.5, None), (6.0, 1), (9.0, 3)], ids=["slow", "pre", "alarm"]
)
def test_a_rise_is_found_before_any_level_is_reached(per_minute, grade):
    high = {"pre_above_k": 150, "alarm_above_k": 150, "pre_c": 200, "alarm_c": 200}
    found = told(rule(high), *course(lambda at: 31 + per_minute * at / 60, 180))
    assert max((f.grade for f in found), default=None) == grade


@pytest.mark.parametrize("ambient", [-20.0, 0.0, 10.0])
def test_a_person_who_comes_in_from_the_frost_is_no_hot_spot(ambient):
    visit = steps((0, ambient), (30, 34.0), (90, ambient), (120, 33.0), (300, ambient))
    assert told(rule(), *course(visit, 360, ambient_c=ambient)) == []


def test_a_hall_that_the_sun_warms_as_a_whole_is_no_hot_spot():
    samples = [
        (
            float(at),
            warmth(float(at), 20 + at / 40, ambient_c=20 + at / 80, neighbours_c=19 + at / 41),
        )
        for at in range(1300)
    ]
    assert told(rule(), *samples) == [], "52 C at last, 16 K above what follows slowly"


def test_without_a_known_zero_no_temperature_counts_but_differences_do():
    hot = [(float(at), warmth(float(at), 90.0, ambient_c=85.0)) for at in range(90)]
    assert told(rule(), *[(at, replace(w, absolute=False)) for at, w in hot]) == []
    apart = [(float(at), warmth(float(at), 118.0, ambient_c=85.0)) for at in range(90)]
    found = told(rule(), *[(at, replace(w, absolute=False)) for at, w in apart])
    assert max(f.grade for f in found) == 3
    assert {f.measure for f in found} == {None}, "a temperature that nobody knows is not told"


def test_what_comes_late_says_nothing():
    late = [(at + 6.0, w) for at, w in course(lambda _: 90.0, 60)]
    assert told(rule(), *late) == []
    assert told(rule(), *[(at + 4.0, w) for at, w in course(lambda _: 90.0, 60)])


def test_in_a_summer_shed_both_levels_can_be_set_higher():
    summer = rule({"pre_c": 60, "alarm_c": 75, "pre_above_k": 25, "alarm_above_k": 40})
    assert told(summer, *course(lambda _: 58.0, 120, ambient_c=40.0)) == []
    assert told(rule(), *course(lambda _: 58.0, 120, ambient_c=40.0))


def test_a_rise_near_ambient_is_the_sun():
    high = {"pre_above_k": 150, "alarm_above_k": 150}
    assert told(rule(high), *course(lambda at: 22 + 3.9 * at / 60, 119)) == []


def test_a_jump_is_told_within_seconds():
    found = told(rule(), *course(steps((0, 30.0), (20, 51.0)), 26))
    assert phases(found) == [("raised", 3, 20.0)]
    assert found[0].confirm_s == 2


def test_one_hot_sample_is_nothing():
    assert told(rule(), *course(steps((0, 30.0), (20, 90.0), (21, 30.0)), 200)) == []


def test_a_fifth_of_the_samples_may_be_missed():
    found = told(rule(), *course(lambda at: 30.0 if at % 5 == 4 else 44.0, 60))
    assert phases(found) == [("raised", 1, 0.0)]


def test_it_is_over_when_it_was_three_kelvin_below_for_a_minute():
    found = told(rule(), *course(steps((0, 44.0), (40, 39.5), (100, 38.5)), 200))
    assert phases(found) == [("raised", 1, 0.0), ("updated", 1, 40.0), ("cleared", 1, 160.0)]
    assert found[1].measure.value == 395, "what has changed by much is told"


def test_an_open_hot_spot_is_told_again_every_five_minutes():
    found = told(rule(), *course(lambda _: 44.0, 700))
    assert phases(found) == [("raised", 1, 0.0), ("updated", 1, 330.0), ("updated", 1, 630.0)]


def test_at_nine_samples_a_second_the_memory_holds_two_minutes():
    state, _ = run(rule(), course(lambda _: 30.0, 300, hz=9))
    assert isinstance(state.memory, ThermalMemory)
    assert len(state.memory.past) <= 122


def test_temperatures_of_another_zone_are_not_ours():
    elsewhere = build(request(KIND, zone="hall", device="thermal_1"))
    assert told(elsewhere, *course(lambda _: 90.0, 60)) == []


def test_a_slope_ignores_single_wild_samples():
    past = tuple(Warmth(float(t), 20 + t / 10 + (40 if t % 7 == 3 else 0)) for t in range(61))
    assert slope(past, 60) == pytest.approx(6.0, abs=1.5)
    assert slope(past[:50], 60) == 0.0, "not enough of the window"
    assert SLOPE_POINTS_MAX >= 20


@given(st.lists(st.floats(0, 7.9), max_size=150), st.floats(-40, 40))
def test_what_stays_within_eight_kelvin_of_a_mild_ambient_is_never_raised(above, ambient):
    samples = [
        (float(i), warmth(float(i), ambient + k, ambient_c=ambient)) for i, k in enumerate(above)
    ]
    assert told(rule(), *samples) == []


@given(st.lists(st.floats(20, 200), max_size=120))
def test_every_finding_carries_a_registered_temperature(temperatures):
    found = told(rule(), *[(float(i), warmth(float(i), c)) for i, c in enumerate(temperatures)])
    for finding in found:
        assert -600 <= finding.measure.value <= 15_000
        assert finding.grade in {1, 3}


@pytest.mark.parametrize(
    ("name", "found_in"),
    [("flir_example", True), ("zenmuse_xtr", True), ("ax8", False)],
    ids=["a mug of 62 C", "a roller of 58.6 C", "a cool pipe"],
)
def test_on_the_radiometric_pictures_the_hot_things_are_found(assets, name, found_in):
    path = assets / "thermal" / f"{name}_radiometric.npz"
    if not path.exists():
        pytest.skip(f"no test material; {path.name} is missing")
    with np.load(path) as file:
        picture = file["celsius"]
    y, x = np.unravel_index(np.argmax(picture), picture.shape)
    bay = picture[max(0, y - 10) : y + 11, max(0, x - 10) : x + 11]
    hot = float(np.percentile(bay, 99))
    hot_px = int((bay >= hot - 1).sum())
    found = told(rule(), *course(lambda _: hot, 60, hot_px=hot_px))
    assert bool(found) == found_in
    if found:
        assert found[0].measure.value >= 550
