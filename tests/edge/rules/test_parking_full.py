"""Car parks without a free bay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.observations import Moment, Signal, Speed
from gatehouse_edge.rules.parking_full import build
from gatehouse_edge.rules.schedule import DAYS, OpenHours, hours
from gatehouse_shared.names import HazardKind, Label, ZoneKind
from gatehouse_testing.requests import request
from gatehouse_testing.rule_site import rule_site, site_tree
from gatehouse_testing.watched import START, moment, phases, signals, standing, told

KIND = HazardKind.PARKING_FULL


def rule(params=None, **more):
    more.setdefault("zone_kind", ZoneKind.PARKING)
    more.setdefault("capacity", 20)
    more.setdefault("arming", None)
    return build(request(KIND, params, **more))


def parked(first, last, count, label=Label.CAR):
    rows = (standing(label, 0.5, count=count),) if count else ()
    return [(float(at), signals(float(at), *rows)) for at in range(first, last + 1)]


def test_nineteen_of_twenty_bays_for_two_minutes_are_full():
    found = told(rule(), *parked(0, 10, 5), *parked(11, 160, 19))
    assert phases(found) == [("raised", 1, 21.0)]
    assert found[0].confirm_s == 120
    assert found[0].reason == "19 of 20 bays are taken"
    assert not found[0].armed


def test_eighteen_are_not_and_end_nothing_either():
    assert told(rule(), *parked(0, 300, 18)) == []
    found = told(rule(), *parked(0, 160, 20), *parked(161, 400, 18))
    assert [p for p, *_ in phases(found)] == ["raised"]


def test_it_is_over_when_a_tenth_of_the_bays_was_free_for_two_minutes():
    found = told(rule(), *parked(0, 160, 20), *parked(161, 400, 17))
    assert phases(found)[-1] == ("cleared", 1, 301.0)


def test_a_bay_is_taken_after_ten_seconds_and_free_after_twenty():
    coming = [*parked(0, 30, 18), *parked(31, 39, 20), *parked(40, 300, 18)]
    assert told(rule({"dwell_s": 5}), *coming) == []
    gone = [*parked(0, 200, 20), *parked(201, 215, 0), *parked(216, 400, 20)]
    found = told(rule({"clear_s": 5}), *gone)
    assert [p for p, *_ in phases(found)] == ["raised"]


@pytest.mark.parametrize(
    "row",
    [
        Signal(Label.CAR, Speed.SLOW, 20, 0.5, 10.0),
        standing(Label.PERSON, 0.5, count=20),
        standing(Label.BICYCLE, 0.5, count=20),
    ],
    ids=["they drive", "persons", "bicycles"],
)
def test_only_vehicles_that_stand_take_a_bay(row):
    assert told(rule(), *[(float(i), signals(float(i), row)) for i in range(300)]) == []


def test_the_camera_may_see_a_part_of_the_bays_only():
    found = told(rule({"bays": 5}), *parked(0, 160, 5))
    assert [p for p, *_ in phases(found)] == ["raised"]


@pytest.mark.parametrize(
    ("params", "more", "message"),
    [
        ({}, {"capacity": None}, "how many bays"),
        ({}, {"zone_kind": ZoneKind.LANE}, "zone is of kind lane"),
        ({}, {"view": None}, "does not see the zone"),
        ({"full_ratio": 0.7, "clear_ratio": 0.8}, {}, "end before it begins"),
    ],
)
def test_a_car_park_that_cannot_be_watched_so_is_refused(params, more, message):
    with pytest.raises(RuleConfigError, match=message):
        rule(params, **more)


def test_it_is_told_at_open_hours_only():
    night = hours(["13:00-23:00"], DAYS, "UTC")
    shut = rule(arming=OpenHours(closed=night))
    found = told(shut, *parked(0, 5000, 20))
    assert [p for p, *_ in phases(found)][:2] == ["raised", "updated"]
    assert phases(found)[-1] == ("cleared", 1, 3720.0)


def test_hours_of_a_car_park_come_from_its_rule_and_its_zone():
    tree = site_tree()
    tree["zones"][-4]["closed_hours"] = ["22:00-06:00"]
    assert tree["zones"][-4]["id"] == "car_park"
    for one in tree["rules"]:
        if one["id"] == "park_full":
            one["schedule"] = "night"
    arming = build_rules(rule_site(**tree), "gw_1").rules["park_full"].arming
    assert isinstance(arming, OpenHours)
    assert not arming.armed(moment(0), None), "noon is not in its schedule"
    assert arming.closed is not None


@pytest.mark.parametrize(("before", "now"), [(True, True), (False, False), (None, True)])
def test_while_the_time_is_unknown_it_stays_as_it_was(before, now):
    unknown = Moment(0.0, START, time_known=False)
    assert OpenHours(closed=hours(["00:00-00:00"], DAYS, "UTC")).armed(unknown, before) is now


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 22)), max_size=12),
    st.floats(0.5, 1),
    st.floats(0.5, 1),
)
def test_it_is_never_raised_while_bays_are_free_and_never_earlier_when_stricter(steps, a, b):
    observed, at = [], 0
    for seconds, count in steps:
        observed += parked(at, at + seconds - 1, count)
        at += seconds

    def raised(share):
        found = told(rule({"full_ratio": share, "clear_ratio": 0.5}), *observed)
        first = [f for f in found if f.phase == "raised"]
        assert all(f.confirm_s >= 120 for f in first)
        assert not first or max(count for _, count in steps) >= 20 * share
        return first[0].time.timestamp() if first else float("inf")

    assert raised(min(a, b)) <= raised(max(a, b))
