"""Calls at an entrance that nobody answers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.intercom_unanswered import build
from gatehouse_shared.names import HazardKind
from gatehouse_testing.requests import request
from gatehouse_testing.watched import phases, state_of, ticks, told

KIND = HazardKind.INTERCOM_UNANSWERED


def rule(params=None):
    return build(request(KIND, params, device="sensor_1"))


def test_a_call_that_waits_is_told_and_then_urgent():
    found = told(rule(), (0.0, state_of(0, True)), *ticks(1, 70))
    assert phases(found) == [("raised", 1, 0.0), ("updated", 3, 60.0)]
    assert found[0].confirm_s == 30
    assert found[0].place_m is None


def test_an_answered_call_is_nothing():
    answered = [(0.0, state_of(0, True)), *ticks(1, 28), (29.0, state_of(29, False))]
    assert told(rule(), *answered, *ticks(30, 200)) == []


def test_it_is_over_when_somebody_answers():
    found = told(
        rule(), (0.0, state_of(0, True)), *ticks(1, 40), (41.0, state_of(41, False)), *ticks(42, 50)
    )
    assert phases(found)[-1] == ("cleared", 1, 43.0)


def test_a_call_whose_end_is_never_told_is_over_after_a_while_and_may_come_again():
    found = told(
        rule(),
        (0.0, state_of(0, True)),
        *ticks(1, 200),
        (201.0, state_of(201, True)),
        *ticks(202, 240),
    )
    assert [p for p, *_ in phases(found)] == ["raised", "updated", "cleared", "raised"]
    assert phases(found)[2][2] == 183.0


def test_two_short_calls_are_not_one_long_one():
    calls = []
    for first in (0, 25, 50):
        calls += [(float(first), state_of(first, True)), *ticks(first + 1, first + 20)]
        calls += [(first + 21.0, state_of(first + 21, False))]
    assert told(rule(), *calls) == []


def test_times_out_of_order_are_refused():
    for params in ({"wait_s": 90.0}, {"forget_s": 50.0}):
        with pytest.raises(RuleConfigError, match="out of order"):
            rule(params)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 90), st.booleans()), max_size=20))
def test_no_call_is_raised_that_waited_less_than_half_a_minute(steps):
    observed, at, since, longest = [], 0, None, 0
    for seconds, calls in steps:
        observed += [(float(at), state_of(at, calls)), *ticks(at + 1, at + seconds - 1)]
        if calls:
            since = at if since is None else since
            longest = max(longest, at + seconds - 1 - since)
        else:
            longest = max(longest, 0 if since is None else at - since - 1)
            since = None
        at += seconds
    if longest < 30:
        assert told(rule(), *observed) == []
