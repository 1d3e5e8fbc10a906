"""Gas, carbon monoxide, water and pressure beyond their limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.reading_out_of_range import build
from gatehouse_edge.values import Reading
from gatehouse_shared.names import HazardKind, Quantity
from gatehouse_testing.requests import request
from gatehouse_testing.watched import moment, phases, ticks, told


def sensor(params=None):
    return build(request(HazardKind.READING_OUT_OF_RANGE, params, device="gas_1"))


def says(at, value, quantity=Quantity.GAS):
    return float(at), Reading("gas_1", moment(at).time, float(at), quantity=quantity, value=value)


@pytest.mark.parametrize(
    ("quantity", "value", "grade", "threshold"),
    [
        (Quantity.GAS, 9, None, None),
        (Quantity.GAS, 10, 2, 10),
        (Quantity.GAS, 20, 3, 20),
        (Quantity.CO, 30, 2, 30),
        (Quantity.CO, 100, 3, 100),
        (Quantity.WATER_LEVEL, 50, 2, 50),
        (Quantity.PRESSURE, 0, None, None),
        (Quantity.HUMIDITY, 100, None, None),
    ],
)
def test_limits_hold_for_their_quantity(quantity, value, grade, threshold):
    found = told(sensor(), says(0, value, quantity), *ticks(1, 20))
    assert [f.grade for f in found] == ([] if grade is None else [grade])
    if grade is not None:
        measure = found[0].measure
        assert (measure.quantity, measure.value, measure.threshold) == (quantity, value, threshold)


def test_pressure_is_bad_when_it_is_low_and_a_limit_is_given():
    params = {"pressure_warn_kpa": 400, "pressure_alarm_kpa": 300}
    assert told(sensor(params), says(0, 400, Quantity.PRESSURE), *ticks(1, 20)) == []
    [low] = told(sensor(params), says(0, 399, Quantity.PRESSURE), *ticks(1, 20))
    assert (low.grade, low.measure.threshold) == (2, 400)


def test_it_ends_when_the_value_fell_back_by_a_tenth_of_the_limit():
    near = told(sensor(), says(0, 20), *ticks(1, 20), says(21, 9), *ticks(22, 200))
    assert phases(near)[-1][0] == "updated", "9 is within a tenth of 10"
    far = told(sensor(), says(0, 20), *ticks(1, 20), says(21, 8), *ticks(22, 100))
    assert phases(far)[-1] == ("cleared", 3, 81.0)


def test_a_short_peak_is_nothing():
    assert told(sensor(), says(0, 50), *ticks(1, 8), says(9, 1), *ticks(10, 60)) == []


def test_an_old_value_says_nothing_any_more():
    params = {"fresh_s": 60, "dwell_s": 100}
    assert told(sensor(params), says(0, 50), *ticks(1, 300)) == []


def test_the_worst_of_two_quantities_is_told():
    found = told(sensor(), says(0, 12), says(0, 150, Quantity.CO), *ticks(1, 20))
    assert found[-1].measure.quantity is Quantity.CO


@given(st.lists(st.integers(0, 100), max_size=100))
def test_gas_below_its_limit_is_never_raised_and_what_is_told_is_a_real_value(values):
    found = told(sensor(), *[says(i * 5, v) for i, v in enumerate(values)])
    assert not found or max(values) >= 10
    for finding in found:
        assert finding.measure.value in values
