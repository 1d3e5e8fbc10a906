"""Batteries that run down and mains that are gone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.supply import SPEAKING, build_battery, build_mains
from gatehouse_edge.values import Measure, Reading
from gatehouse_shared.names import DeviceKind, HazardKind, Quantity
from gatehouse_testing.requests import request
from gatehouse_testing.watched import moment, phases, state_of, ticks, told


def battery(params=None):
    return build_battery(request(HazardKind.BATTERY_LOW, params, device="sensor_1"))


def mains(params=None):
    return build_mains(request(HazardKind.MAINS_LOST, params, device="sensor_1"))


def volts(at, value, quantity=Quantity.VOLTAGE):
    steps = round(value * 10)
    return at, Reading("sensor_1", moment(at).time, at, quantity=quantity, value=steps)


def test_a_battery_that_stays_low_for_a_minute_is_raised_with_its_voltage():
    found = told(battery(), volts(0.0, 11.3), *ticks(1, 70))
    assert phases(found) == [("raised", 2, 0.0)]
    assert found[0].measure == Measure(Quantity.VOLTAGE, 113, 115)
    assert found[0].reason == "the battery is low: 11.3 V, limit 11.5 V"


def test_an_empty_one_is_graver():
    found = told(battery(), volts(0.0, 10.5), *ticks(1, 70))
    assert phases(found) == [("raised", 3, 0.0)]
    assert found[0].measure == Measure(Quantity.VOLTAGE, 105, 108)


def test_a_voltage_that_sags_for_a_moment_is_nothing():
    assert (
        told(battery(), volts(0.0, 11.0), *ticks(1, 30), volts(31.0, 12.5), *ticks(32, 400)) == []
    )


def test_it_must_come_back_well_above_its_limit():
    low = [volts(0.0, 11.3), *ticks(1, 70)]
    just = told(battery(), *low, volts(71.0, 11.7), *ticks(72, 500))
    assert [p for p, *_ in phases(just)] == ["raised"]
    well = told(battery(), *low, volts(71.0, 11.8), *ticks(72, 500))
    assert phases(well)[-1] == ("cleared", 2, 371.0)


def test_a_device_may_say_so_itself():
    found = told(battery(), (0.0, state_of(0, True)), *ticks(1, 70))
    assert phases(found) == [("raised", 2, 0.0)]
    assert found[0].measure is None
    assert told(battery(), (0.0, state_of(0, False)), *ticks(1, 200)) == []


def test_mains_are_lost_within_seconds_and_back_after_a_minute():
    found = told(
        mains(), volts(0.0, 230), volts(1.0, 0), *ticks(2, 20), volts(21.0, 229), *ticks(22, 90)
    )
    assert phases(found) == [("raised", 3, 1.0), ("cleared", 3, 81.0)]


def test_a_dip_is_no_loss_and_half_a_voltage_is_not_back():
    assert told(mains(), volts(0.0, 150), *ticks(1, 60)) == []
    found = told(mains(), volts(0.0, 20), *ticks(1, 20), volts(21.0, 150), *ticks(22, 200))
    assert "cleared" not in [p for p, *_ in phases(found)]


def test_other_quantities_say_nothing_of_the_supply():
    assert told(battery(), volts(0.0, 5.0, Quantity.TEMPERATURE), *ticks(1, 100)) == []


def test_an_empty_limit_above_the_low_one_is_refused():
    with pytest.raises(RuleConfigError, match="more volts"):
        battery({"empty_v": 12.0})


def test_cameras_give_no_voltages():
    assert frozenset(DeviceKind) - {DeviceKind.CAMERA, DeviceKind.THERMAL} == SPEAKING


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(9, 14), max_size=60), st.floats(9, 14), st.floats(9, 14))
def test_it_is_never_raised_while_well_and_a_lower_limit_never_comes_earlier(values, a, b):
    observed = [volts(10.0 * i, v) for i, v in enumerate(values)]

    def raised(low):
        found = told(battery({"low_v": low, "empty_v": 0.5}), *observed)
        first = [f for f in found if f.phase == "raised"]
        assert not first or min(values) < low + 0.1
        return first[0].time.timestamp() + first[0].confirm_s if first else float("inf")

    assert raised(max(a, b)) <= raised(min(a, b))
