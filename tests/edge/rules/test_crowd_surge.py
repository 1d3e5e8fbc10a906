"""Zones that fill suddenly, and crowds that run."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.rules.crowd_surge import COUNTS_MAX, SurgeMemory, build
from gatehouse_edge.rules.observations import Signal, Speed
from gatehouse_edge.rules.rule import RuleState
from gatehouse_shared.names import HazardKind, Label, ZoneKind
from gatehouse_testing.requests import request
from gatehouse_testing.watched import count_of, phases, run, signals, told

KIND = HazardKind.CROWD_SURGE


def rule(params=None, area_m2=100.0):
    return build(request(KIND, params, zone_kind=ZoneKind.MOVING, area_m2=area_m2))


def counted(first, last, count: int | Callable[[int], int]):
    return [
        (float(at), count_of(float(at), count(at) if callable(count) else count))
        for at in range(first, last + 1)
    ]


def moving(first, last, count, running):
    rows = (
        Signal(Label.PERSON, Speed.WALKING, count - running, 0.2, 10.0),
        Signal(Label.PERSON, Speed.FAST, running, 0.2, 10.0),
    )
    return [
        item
        for at in range(first, last + 1)
        for item in (
            (float(at), signals(float(at), *rows)),
            (float(at), count_of(float(at), count)),
        )
    ]


def test_a_zone_that_fills_within_half_a_minute_is_a_surge():
    found = told(rule(), *counted(0, 40, 60), *counted(41, 60, 160))
    assert [(p, g) for p, g, _ in phases(found)] == [("raised", 1)]
    assert found[0].count == 160
    assert "persons more within 30 s" in found[0].reason


@pytest.mark.parametrize(
    ("before", "after"),
    [(60, 100), (5, 105), (100, 140), (100, 60)],
    ids=["not dense", "still not dense", "not steep", "it empties"],
)
def test_other_changes_are_none(before, after):
    assert told(rule(), *counted(0, 40, before), *counted(41, 80, after)) == []


def test_a_slow_rise_is_no_surge():
    assert told(rule(), *counted(0, 400, lambda at: 50 + at // 2)) == []


def test_in_a_small_zone_fewer_than_ten_more_are_no_surge():
    assert told(rule(area_m2=12.0), *counted(0, 40, 11), *counted(41, 80, 20)) == []


def test_one_wild_count_is_no_surge():
    wild = [(41.0, count_of(41.0, 400))]
    assert told(rule(), *counted(0, 40, 110), *wild, *counted(42, 80, 110)) == []


def test_nothing_is_said_before_the_window_is_full():
    assert told(rule(), *counted(0, 5, 0), *counted(6, 25, 300)) == []


def test_a_crowd_that_runs_is_an_alarm_within_seconds():
    found = told(rule(), *moving(0, 20, 40, 2), *moving(21, 30, 40, 25))
    assert [(p, g) for p, g, _ in phases(found)] == [("raised", 3)]
    assert found[0].confirm_s == 3
    assert "run" in found[0].reason


def test_nine_runners_are_none_of_our_business():
    assert told(rule(), *moving(0, 60, 9, 9)) == []


def test_it_is_over_a_minute_after_they_walk_again():
    found = told(rule(), *moving(0, 20, 40, 30), *moving(21, 100, 40, 0))
    assert phases(found)[-1][0] == "cleared"
    assert phases(found)[-1][2] == 81.0


def test_runners_of_a_while_ago_run_no_more():
    found = told(rule(), *moving(0, 2, 40, 30), *counted(3, 60, 40))
    assert [p for p, *_ in phases(found)] in ([], ["raised"])
    assert told(rule(), *moving(0, 1, 40, 30), *counted(6, 60, 40)) == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 400), max_size=120), st.floats(0.2, 2), st.floats(0.2, 2))
def test_a_stricter_rise_never_comes_earlier_and_nothing_below_ten_is_told(counts, a, b):
    observed = [(float(i), count_of(float(i), n)) for i, n in enumerate(counts)]

    def raised(rise):
        found = told(rule({"rise_per_m2": rise}), *observed)
        assert all(f.count is None or f.count >= 10 for f in found)
        first = [f for f in found if f.phase == "raised"]
        return first[0].time.timestamp() if first else float("inf")

    assert raised(min(a, b)) <= raised(max(a, b))


def test_what_is_remembered_is_bounded_at_any_rate():
    fast = [(i / 100, count_of(i / 100, 50)) for i in range(6000)]
    state, _ = run(rule(), fast, RuleState())
    assert isinstance(state.memory, SurgeMemory)
    assert len(state.memory.counts) <= COUNTS_MAX
