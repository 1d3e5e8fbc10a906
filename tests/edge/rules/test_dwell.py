"""Stays that are too long."""

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.dwell import build
from gatehouse_edge.rules.observations import Signal, Speed
from gatehouse_edge.rules.schedule import Arming, hours
from gatehouse_shared.names import HazardKind, Label, ZoneKind
from gatehouse_testing.requests import request
from gatehouse_testing.watched import moment, phases, signals, standing, told

KIND = HazardKind.DWELL


def rule(params=None, **more):
    return build(request(KIND, params, **more))


def stays(first, last, *, born=None, label=Label.PERSON):
    """Signals a second in which somebody is there since `born`."""
    since = first if born is None else born
    return [
        (float(at), signals(float(at), standing(label, 0.1, stay_s=at - since)))
        for at in range(first, last + 1)
    ]


def nobody(first, last):
    return [(float(at), signals(float(at))) for at in range(first, last + 1)]


def test_a_stay_of_two_minutes_is_raised_and_dated_back_to_its_begin():
    found = told(rule(), *stays(10, 140))
    assert phases(found) == [("raised", 2, 10.0)]
    assert found[0].confirm_s == 120


def test_many_short_stays_are_no_long_one():
    coming_and_going = [one for n in range(5) for one in stays(100 * n, 100 * n + 99)]
    assert told(rule(), *coming_and_going) == []


def test_it_is_over_when_nobody_was_there_for_half_a_minute():
    found = told(rule(), *stays(0, 150), *nobody(151, 200))
    assert phases(found) == [("raised", 2, 0.0), ("cleared", 2, 181.0)]


def test_whoever_comes_after_keeps_it_open():
    found = told(rule(), *stays(0, 150), *nobody(151, 170), *stays(171, 200), *nobody(201, 225))
    assert phases(found) == [("raised", 2, 0.0)]


def test_a_parked_car_does_not_dwell():
    assert told(rule(), *stays(0, 300, label=Label.CAR)) == []


def test_the_stay_counts_from_arming_on():
    arming = Arming(ZoneKind.PERIMETER, hours(["12:05-13:00"], ["mon"], "UTC"))
    found = told(rule(arming=arming), *stays(0, 500))
    assert phases(found) == [("raised", 2, 300.0)]
    assert found[0].confirm_s == 120


def test_after_it_is_over_it_waits_ten_minutes():
    found = told(rule(), *stays(0, 130), *nobody(131, 170), *stays(171, 800))
    assert [p for p, *_ in phases(found)] == ["raised", "cleared", "raised"]
    again = found[2]
    assert again.time == moment(171).time
    assert again.confirm_s == 761 - 171


@given(st.lists(st.integers(0, 300), max_size=120), st.integers(60, 300))
def test_no_stay_shorter_than_the_limit_is_ever_raised(ends, limit):
    at, told_signals, longest = 0.0, [], 0.0
    for seconds in ends:
        for second in range(0, seconds + 1, 5):
            at += 5
            row = Signal(Label.PERSON, Speed.SLOW, 1, 0.1, float(second))
            told_signals.append((at, signals(at, row)))
            longest = max(longest, float(second))
    found = told(rule({"dwell_s": limit}), *told_signals)
    assert bool(found) == (longest >= limit)
    assert all(f.confirm_s >= limit for f in found if f.phase == "raised")
