"""Smoke detectors, panels and doors that stand open."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Acknowledged, Tick
from gatehouse_edge.rules.state_sensor import (
    build_door_held,
    build_panel,
    build_smoke,
    build_tamper,
)
from gatehouse_shared.names import HazardKind
from gatehouse_testing.requests import request
from gatehouse_testing.watched import phases, state_of, ticks, told


def smoke(params=None):
    return build_smoke(request(HazardKind.FIRE_SMOKE, params, device="sensor_1"))


def door(params=None):
    return build_door_held(request(HazardKind.DOOR_HELD, params, device="sensor_1"))


def held(params=None):
    """A door without a pre-warning."""
    return door({"pre_s": 0.0, **(params or {})})


def lid():
    return build_tamper(request(HazardKind.TAMPER, device="sensor_1"))


def panel():
    return build_panel(request(HazardKind.PANEL_ALARM, device="sensor_1"))


def test_smoke_is_raised_at_once_and_over_after_ten_seconds_without():
    found = told(
        smoke(),
        (5.0, state_of(5, True)),
        *ticks(6, 20),
        (20.0, state_of(20, False)),
        *ticks(21, 40),
    )
    assert phases(found) == [("raised", 3, 5.0), ("cleared", 3, 30.0)]
    assert found[0].confirm_s == 0
    assert not found[0].armed


def test_a_detector_that_falls_silent_in_alarm_stays_in_alarm():
    found = told(smoke(), (0.0, state_of(0, True)), *ticks(1, 1300))
    assert phases(found) == [("raised", 3, 0.0), ("updated", 3, 600.0), ("updated", 3, 1200.0)]


def test_another_device_says_nothing_about_this_one():
    assert told(smoke(), (0.0, state_of(0, True, "other"))) == []


def test_a_door_is_held_open_after_half_a_minute_and_over_when_closed():
    found = told(
        held(), (0.0, state_of(0, True)), *ticks(1, 40), (41.0, state_of(41, False)), *ticks(42, 50)
    )
    assert phases(found) == [("raised", 2, 0.0), ("cleared", 2, 43.0)]


def test_a_door_that_closes_in_time_is_nothing():
    assert (
        told(
            held(),
            (0.0, state_of(0, True)),
            *ticks(1, 28),
            (29.0, state_of(29, False)),
            *ticks(30, 90),
        )
        == []
    )


def test_a_pre_warning_comes_five_seconds_before_it_and_an_alarm_after_ten_minutes():
    found = told(door(), (0.0, state_of(0, True)), *ticks(1, 610))
    assert phases(found)[:2] == [("raised", 1, 0.0), ("updated", 2, 30.0)]
    assert found[0].confirm_s == 25
    assert phases(found)[-1] == ("updated", 3, 600.0)


def test_a_door_for_wheelchairs_waits_a_minute_by_its_own_parameter():
    found = told(held({"dwell_s": 60.0}), (0.0, state_of(0, True)), *ticks(1, 70))
    assert phases(found) == [("raised", 2, 0.0)]
    assert found[0].confirm_s == 60


def test_a_critical_door_is_an_alarm_as_soon_as_it_is_held():
    found = told(door({"alarm_s": 30.0}), (0.0, state_of(0, True)), *ticks(1, 40))
    assert phases(found) == [("raised", 1, 0.0), ("updated", 3, 30.0)]
    with pytest.raises(RuleConfigError, match="before the door is held"):
        door({"alarm_s": 20.0})


def test_an_opened_housing_is_raised_and_a_rattle_is_not():
    opened = [(0.0, state_of(0, True)), *ticks(1, 9), (10.0, state_of(10, False)), *ticks(11, 30)]
    assert phases(told(lid(), *opened)) == [("raised", 3, 0.0), ("cleared", 3, 20.0)]
    assert told(lid(), (0.0, state_of(0, True)), (0.2, state_of(0.2, False)), *ticks(1, 30)) == []


def test_a_panel_stays_until_it_is_acknowledged_at_the_site():
    quiet = [(0.0, state_of(0, True)), (5.0, state_of(5, False)), *ticks(6, 100)]
    from_afar = (101.0, Acknowledged("rule_1", at_site=False))
    other = (102.0, Acknowledged("rule_2", at_site=True))
    here = (103.0, Acknowledged("rule_1", at_site=True))
    found = told(panel(), *quiet, from_afar, other, here, *ticks(104, 110))
    assert phases(found) == [("raised", 3, 0.0), ("cleared", 3, 103.0)]


@pytest.mark.parametrize("build", [smoke, held, lid])
def test_what_is_not_latched_does_not_end_by_acknowledgement(build):
    opened = [(0.0, state_of(0, True)), *ticks(1, 60)]
    found = told(build(), *opened, (61.0, Acknowledged("rule_1", at_site=True)))
    assert [p for p, *_ in phases(found)] == ["raised"]


@example([(1.0, True), (1.0, False), (29.0, True)])
@given(st.lists(st.tuples(st.floats(0.1, 60), st.booleans()), max_size=60))
def test_a_door_is_never_held_that_was_open_for_less_than_half_a_minute(steps):
    """Closings of together at most a fifth of that, six seconds, are a door that swings."""
    at, observed, was_open, since, closed_s, longest = 0.0, [], False, None, 0.0, 0.0
    for passed, is_open in steps:
        at += passed
        observed.append((at, state_of(at, is_open)))
        if since is not None:
            closed_s += 0.0 if was_open else passed
            since = None if closed_s > 6.1 else since
        if since is not None:
            longest = max(longest, at - since)
        elif is_open:
            since, closed_s = at, 0.0
        was_open = is_open
    found = told(held(), *observed, (at, Tick()))
    if longest < 29.9:
        assert found == []
    for finding in found:
        assert finding.phase != "raised" or finding.confirm_s >= 29
