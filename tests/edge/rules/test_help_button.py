"""Somebody asks for help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.help_button import build
from gatehouse_edge.rules.observations import Acknowledged
from gatehouse_shared.names import HazardKind
from gatehouse_testing.requests import request
from gatehouse_testing.watched import phases, state_of, ticks, told


def button(params=None):
    return build(request(HazardKind.HELP_BUTTON, params, device="sensor_1"))


def pressed(first, last):
    return [(first, state_of(first, True)), (last, state_of(last, False))]


@pytest.mark.parametrize(
    ("params", "seconds", "raised"),
    [
        ({}, 0.2, False),
        ({}, 0.3, True),
        ({}, 5.0, True),
        ({"press_s": 2}, 1.9, False),
        ({"press_s": 2}, 2.0, True),
    ],
    ids=["a knock", "a press", "a long press", "misused: too short", "misused: held"],
)
def test_a_press_must_last(params, seconds, raised):
    found = told(button(params), *pressed(10.0, 10.0 + seconds), *ticks(20, 30))
    assert phases(found) == ([("raised", 4, 10.0)] if raised else [])


def test_a_button_that_only_says_pressed_is_heard():
    found = told(button(), (10.0, state_of(10, True)), *ticks(11, 15))
    assert phases(found) == [("raised", 4, 10.0)]


def test_it_stays_until_somebody_at_the_site_acknowledges_and_can_be_pressed_again():
    call = [*pressed(1.0, 2.0), *ticks(3, 100), *pressed(101.0, 102.0)]
    answered = (110.0, Acknowledged("rule_1", at_site=True))
    again = [*ticks(111, 120), *pressed(121.0, 122.0)]
    assert phases(told(button(), *call)) == [("raised", 4, 1.0)]
    found = told(button(), *call, answered, *again)
    assert phases(found) == [("raised", 4, 1.0), ("cleared", 4, 110.0), ("raised", 4, 121.0)]


def test_a_button_that_never_says_released_does_not_call_again_by_itself():
    answered = (10.0, Acknowledged("rule_1", at_site=True))
    found = told(button(), (1.0, state_of(1, True)), *ticks(2, 9), answered, *ticks(11, 60))
    assert phases(found) == [("raised", 4, 1.0), ("cleared", 4, 10.0)]
    found = told(
        button(),
        (1.0, state_of(1, True)),
        *ticks(2, 9),
        answered,
        (61.0, state_of(61, True)),
        *ticks(62, 63),
    )
    assert phases(found)[-1] == ("raised", 4, 61.0)


@given(st.lists(st.tuples(st.floats(0.5, 30), st.floats(0.0, 5)), max_size=30))
def test_every_call_is_raised_once_and_none_is_lost(presses):
    at, observed = 0.0, []
    for wait, length in presses:
        at += wait
        observed.extend(pressed(at, at + length))
        at += length
    found = told(button(), *observed)
    assert len(found) == any(length >= 0.3 for _, length in presses)
