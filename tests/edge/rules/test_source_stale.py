"""Sources that give nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.observations import Observation, SourceUp, Tick
from gatehouse_edge.rules.source_stale import build
from gatehouse_edge.values import SourceDown
from gatehouse_shared.names import HazardKind
from gatehouse_testing.requests import request
from gatehouse_testing.watched import moment, phases, state_of, ticks, told, tracks


def camera(params=None):
    return build(request(HazardKind.SOURCE_STALE, params))


def down(at, reason="the stream ended"):
    return float(at), SourceDown("cam_1", moment(at).time, float(at), reason)


def alive(first, last):
    return [(float(at), SourceUp("cam_1")) for at in range(first, last + 1)]


def test_silence_is_raised_after_ten_seconds_and_dated_back_to_the_last_sign_of_life():
    found = told(camera(), *alive(0, 20), *ticks(21, 40))
    assert phases(found) == [("raised", 2, 20.0)]
    assert found[0].confirm_s == 10


def test_a_source_that_restarts_in_time_is_not_told():
    assert told(camera(), *alive(0, 20), down(21), *ticks(22, 28), *alive(29, 60)) == []


def test_the_report_of_the_source_is_the_reason():
    [found] = told(camera(), *alive(0, 20), down(21, "no route"), *ticks(22, 40))
    assert found.reason == "the source is down: no route"


def test_a_source_that_never_came_is_told_too():
    assert phases(told(camera(), *ticks(0, 15))) == [("raised", 2, 0.0)]


def test_it_is_over_when_the_source_lives_for_five_seconds():
    found = told(camera(), *ticks(0, 15), *alive(16, 30))
    assert phases(found) == [("raised", 2, 0.0), ("cleared", 2, 21.0)]


@pytest.mark.parametrize("sign", [tracks(18.0), state_of(18, False, "cam_1"), SourceUp("cam_1")])
def test_whatever_a_source_says_is_a_sign_of_life(sign):
    assert told(camera(), *alive(0, 10), *ticks(11, 18), (18.0, sign), *ticks(19, 27)) == []


def test_another_camera_is_no_sign_of_life():
    here = [(float(at), SourceUp("cam_2")) for at in range(11, 25)]
    assert phases(told(camera(), *alive(0, 10), *here, *ticks(25, 26))) == [("raised", 2, 10.0)]


@given(st.lists(st.floats(0.1, 9.9), max_size=100))
def test_a_source_that_speaks_at_least_every_ten_seconds_is_never_stale(waits):
    at = 0.0
    observed: list[tuple[float, Observation]] = [(0.0, SourceUp("cam_1"))]
    for wait in waits:
        observed.append((at + wait - 0.05, Tick()))
        at += wait
        observed.append((at, SourceUp("cam_1")))
    assert told(camera(), *observed) == []
