"""Doors that open although nobody was let through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.door_forced import build
from gatehouse_edge.rules.observations import Tick
from gatehouse_shared.names import HazardKind
from gatehouse_testing.requests import request
from gatehouse_testing.watched import phases, state_of, ticks, told

READERS = frozenset({"reader_1"})


def door(params=None):
    return build(request(HazardKind.DOOR_FORCED, params, device="sensor_1", pass_devices=READERS))


def opens(at):
    return at, state_of(at, True)


def closes(at):
    return at, state_of(at, False)


def passes(at):
    return at, state_of(at, True, "reader_1")


@pytest.mark.parametrize(
    ("told_", "raised"),
    [
        ([closes(0.0), opens(5.0), *ticks(6, 8)], [("raised", 3, 5.0)]),
        ([closes(0.0), passes(4.0), opens(5.0), *ticks(6, 60)], []),
        ([closes(0.0), passes(4.0), opens(14.1), *ticks(15, 20)], [("raised", 3, 14.1)]),
        ([closes(0.0), passes(4.0), opens(5.0), closes(8.0), opens(10.0), *ticks(11, 15)], []),
        (
            [closes(0.0), passes(4.0), opens(5.0), closes(8.0), opens(20.0), *ticks(21, 25)],
            [("raised", 3, 20.0)],
        ),
        ([closes(0.0), opens(5.0), closes(5.3), *ticks(6, 10)], []),
        ([opens(0.0), *ticks(1, 20)], []),
        (
            [closes(0.0), (1.0, state_of(1, False, "reader_1")), opens(2.0), *ticks(3, 5)],
            [("raised", 3, 2.0)],
        ),
        (
            [closes(0.0), (1.0, state_of(1, True, "reader_9")), opens(2.0), *ticks(3, 5)],
            [("raised", 3, 2.0)],
        ),
    ],
    ids=[
        *("forced", "let through", "too late", "bounced", "a second opening", "a rattle"),
        *("found open", "refused", "another reader"),
    ],
)
def test_an_opening_needs_a_pass(told_, raised):
    assert phases(told(door(), *told_)) == raised


def test_it_is_over_when_the_door_is_closed():
    found = told(door(), closes(0.0), opens(5.0), *ticks(6, 9), closes(10.0), *ticks(11, 20))
    assert phases(found) == [("raised", 3, 5.0), ("cleared", 3, 12.0)]


@given(
    st.lists(st.tuples(st.floats(0.1, 20), st.sampled_from(["open", "close", "pass"])), max_size=60)
)
def test_with_a_pass_before_every_opening_nothing_is_forced(steps):
    at, observed = 0.0, [closes(0.0)]
    for wait, what in steps:
        at += wait
        if what == "open":
            observed.append(passes(at))
            observed.append(opens(at))
        else:
            observed.append(closes(at) if what == "close" else passes(at))
    assert told(door(), *observed, (at + 60, Tick())) == []
