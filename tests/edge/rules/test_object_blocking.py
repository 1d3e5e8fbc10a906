"""Things left standing in a way out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.object_blocking import WAYS_OUT, build
from gatehouse_edge.rules.observations import Signal, Speed
from gatehouse_shared.names import HazardKind, Label, ZoneKind
from gatehouse_testing.requests import request
from gatehouse_testing.rule_site import rule_site
from gatehouse_testing.watched import phases, signals, standing, told

KIND = HazardKind.OBJECT_BLOCKING
PALLET = standing(Label.OBJECT, 0.2)


def rule(params=None, zone_kind=ZoneKind.EXIT, **more):
    return build(request(KIND, params, zone_kind=zone_kind, **more))


def shown(first, last, *rows):
    return [(float(at), signals(float(at), *rows)) for at in range(first, last + 1)]


def test_what_stands_in_an_exit_is_warned_of_raised_and_escalated():
    found = told(rule(), *shown(0, 1810, PALLET))
    assert phases(found)[0] == ("raised", 2, 0.0)
    assert found[0].confirm_s == 120
    grades = [(p, g, at) for p, g, at in phases(found) if at in (300.0, 1800.0)]
    assert grades == [("updated", 3, 300.0), ("updated", 4, 1800.0)]
    assert found[0].reason == "object covers 20% of the way out"


def test_it_is_over_twenty_seconds_after_it_was_taken_away():
    found = told(rule(), *shown(0, 130, PALLET), *shown(131, 200))
    assert phases(found) == [("raised", 2, 0.0), ("cleared", 2, 151.0)]


@pytest.mark.parametrize(
    "row",
    [
        standing(Label.OBJECT, 0.05),
        standing(Label.PERSON, 0.9),
        standing(Label.ANIMAL, 0.9),
        Signal(Label.OBJECT, Speed.WALKING, 1, 0.5, 60.0),
    ],
    ids=["small", "a person waits", "a dog waits", "it is carried"],
)
def test_what_does_not_block_is_not_raised(row):
    assert told(rule(), *shown(0, 2000, row)) == []


@pytest.mark.parametrize("kind", sorted(set(ZoneKind) - WAYS_OUT))
def test_only_ways_out_are_watched(kind):
    with pytest.raises(RuleConfigError, match=f"kind {kind}"):
        rule(zone_kind=kind)


def test_stages_out_of_order_and_a_zone_out_of_sight_are_refused():
    with pytest.raises(RuleConfigError, match="out of order"):
        rule({"warn_s": 400.0})
    with pytest.raises(RuleConfigError, match="does not see"):
        rule(view=None)


def test_its_view_judges_stillness_as_the_rule_says():
    tree = [r for r in rule_site().rules if r.id == "exit_free"]
    assert tree
    watch = build_rules(rule_site(), "gw_1").watches["cam_exit/way_out"]
    assert watch.stillness.least_m2 == 0.1


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1), max_size=400), st.floats(0.01, 1), st.floats(0.01, 1))
def test_it_is_never_raised_before_its_time_and_never_earlier_when_stricter(covers, a, b):
    observed = [
        (float(i), signals(float(i), standing(Label.OBJECT, c))) for i, c in enumerate(covers)
    ]

    def raised(cover):
        found = [
            f for f in told(rule({"least_cover_ratio": cover}), *observed) if f.phase == "raised"
        ]
        assert all(f.confirm_s >= 120 for f in found)
        return found[0].time.timestamp() + found[0].confirm_s if found else float("inf")

    assert raised(min(a, b)) <= raised(max(a, b))
