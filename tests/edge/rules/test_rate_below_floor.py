"""Cameras that are looked at less often than they should be at least."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.observations import Looked, SourceUp
from gatehouse_edge.rules.rate_below_floor import build
from gatehouse_shared.names import HazardKind
from gatehouse_testing.requests import request
from gatehouse_testing.rule_site import rule_site
from gatehouse_testing.watched import moment, phases, ticks, told


def camera(params=None):
    return build(request(HazardKind.RATE_BELOW_FLOOR, params))


def rates(first, last, fps, floor_fps=1.0):
    """A rate a second, from second `first` to `last`."""
    return [
        (float(at), Looked("cam_1", float(at), moment(at).time, fps, floor_fps))
        for at in range(first, last + 1)
    ]


def test_a_rate_below_the_floor_is_raised_after_half_a_minute_and_dated_back():
    found = told(camera(), *rates(0, 20, 5.0), *rates(21, 60, 0.5))
    assert phases(found) == [("raised", 2, 21.0)]
    assert found[0].confirm_s == 30
    assert found[0].reason == "looked at 0.5 times a second; 1.0 is the least"


def test_a_rate_that_is_low_for_a_moment_is_nothing():
    assert told(camera(), *rates(0, 20, 5.0), *rates(21, 45, 0.2), *rates(46, 90, 2.0)) == []


def test_it_is_over_after_half_a_minute_of_enough():
    found = told(camera(), *rates(0, 40, 0.2), *rates(41, 80, 1.0))
    assert phases(found) == [("raised", 2, 0.0), ("cleared", 2, 71.0)]


def test_a_rate_between_the_two_ratios_neither_begins_nor_ends_it():
    assert told(camera(), *rates(0, 100, 0.9)) == []
    found = told(camera(), *rates(0, 40, 0.2), *rates(41, 100, 0.9))
    assert [f.phase.value for f in found if f.phase.value != "updated"] == ["raised"]


def test_it_is_not_raised_again_within_a_minute():
    found = told(camera(), *rates(0, 40, 0.1), *rates(41, 72, 1.0), *rates(73, 200, 0.1))
    raised = [f for f in found if f.phase.value == "raised"]
    assert len(raised) == 2
    assert raised[1].confirm_s >= 58  # it was cleared at 71; the pause ends at 131


def test_a_camera_that_gives_nothing_is_no_evidence_either_way():
    assert told(camera(), *rates(0, 10, 5.0), *ticks(11, 90)) == []
    gone = told(camera(), *rates(0, 40, 0.1), *ticks(41, 90))
    assert [f.phase.value for f in gone if f.phase.value != "updated"] == ["raised"]


def test_signs_of_life_are_no_looks():
    life = [(float(at), SourceUp("cam_1")) for at in range(41, 120)]
    found = told(camera(), *rates(0, 40, 0.1), *life)
    assert [f.phase.value for f in found if f.phase.value != "updated"] == ["raised"]


def test_every_camera_has_the_rule_and_no_other_device():
    site = rule_site()
    rules = build_rules(site, "gw_1").rules
    watched = {r.binding.device for r in rules.values() if r.binding.kind == "rate_below_floor"}
    assert watched == {d.id for d in site.devices if d.kind == "camera"}
    assert {"cam_plaza", "cam_fence"} < watched


def test_ratios_the_wrong_way_round_are_refused():
    with pytest.raises(RuleConfigError, match=r"rule_1.*clear_ratio 0\.5 is less than"):
        camera({"clear_ratio": 0.5})


@given(
    st.lists(st.tuples(st.floats(0.8, 30), st.integers(1, 20)), max_size=20),
    st.floats(0.05, 2.0),
)
def test_a_rate_that_keeps_its_floor_is_never_raised(spans, floor_fps):
    at, observed = 0, []
    for ratio, seconds in spans:
        observed += rates(at, at + seconds, ratio * floor_fps * 1.000001, floor_fps)
        at += seconds + 1
    assert told(camera(), *observed) == []


@given(st.lists(st.booleans(), min_size=1, max_size=120))
def test_raises_and_clears_take_turns(enough):
    observed = [
        pair for k, good in enumerate(enough) for pair in rates(3 * k, 3 * k + 2, 2.0 * good)
    ]
    told_phases = [f.phase.value for f in told(camera({"rearm_s": 0}), *observed)]
    turns = [phase for phase in told_phases if phase != "updated"]
    assert turns == (["raised", "cleared"] * len(turns))[: len(turns)]
