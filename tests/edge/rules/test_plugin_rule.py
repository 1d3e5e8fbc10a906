"""What a plug-in says goes through the same trigger as everything else."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import PluginSample
from gatehouse_edge.rules.plugin_rule import build_plugin_rule
from gatehouse_shared.names import HazardKind
from gatehouse_testing.requests import request
from gatehouse_testing.watched import moment, phases, told

KIND = HazardKind.LANE_BLOCKED
CROWD = HazardKind.CROWD_DENSITY


def rule(params=None, kind=KIND, every_s=1.0):
    return build_plugin_rule(request(kind, params), every_s)


def said(at, on=True, *, hold=None, grade=3, count=None, rule_id=None, kind=KIND):
    about = request(kind).binding
    return at, PluginSample(
        rule=rule_id or about.rule,
        zone=about.zone,
        device=about.device,
        at=at,
        time=moment(at).time,
        on=on,
        hold=on if hold is None else hold,
        grade=grade,
        count=count,
    )


def test_it_is_raised_after_its_dwell_and_cleared_after_its_quiet():
    samples = [said(float(at), at < 20) for at in range(60)]
    found = told(rule({"dwell_s": 10, "clear_s": 30}), *samples)
    assert phases(found) == [("raised", 3, 0.0), ("cleared", 3, 50.0)]
    assert found[0].confirm_s == 10


def test_a_weaker_condition_keeps_it_open():
    samples = [said(float(at), at < 20, hold=True) for at in range(100)]
    assert phases(told(rule({"dwell_s": 10}), *samples)) == [("raised", 3, 0.0)]


def test_a_graver_condition_updates_it_after_its_own_dwell():
    samples = [said(float(at), grade=2 if at < 40 else 4) for at in range(60)]
    found = told(rule({"dwell_s": 10}), *samples)
    assert phases(found) == [("raised", 2, 0.0), ("updated", 4, 50.0)]


def test_what_is_said_of_another_rule_says_nothing():
    assert told(rule({"dwell_s": 0}), *[said(float(at), rule_id="other") for at in range(9)]) == []


def test_a_plug_in_that_falls_silent_raises_nothing_and_ends_nothing():
    early = [said(float(at)) for at in range(5)]
    assert told(rule({"dwell_s": 10}), *early, said(60.0)) == []
    found = told(rule({"dwell_s": 2, "clear_s": 5}), *early)
    assert phases(found) == [("raised", 3, 0.0)]


def test_a_slow_plug_in_is_not_silent_between_its_answers():
    samples = [said(at * 20.0) for at in range(5)]
    assert phases(told(rule({"dwell_s": 40}, every_s=20.0), *samples))[0] == ("raised", 3, 0.0)


@pytest.mark.parametrize(("count", "raised"), [(None, False), (9, False), (10, True)])
def test_a_crowd_is_ten_or_more(count, raised):
    samples = [said(float(at), count=count, kind=CROWD) for at in range(20)]
    found = told(rule(kind=CROWD), *samples)
    assert bool(found) is raised
    assert not found or found[0].count == 10


def test_no_other_kind_carries_a_count():
    assert told(rule({"dwell_s": 0}), said(0.0, count=30))[0].count is None


def test_timings_out_of_range_are_refused_and_other_parameters_are_the_plug_ins():
    rule({"their_own": 99_999})
    with pytest.raises(RuleConfigError, match="dwell_s"):
        rule({"dwell_s": -1})


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4), st.integers(0, 30)), max_size=80))
def test_findings_alternate_and_a_crowd_never_has_fewer_than_ten(steps):
    samples = [
        said(float(at), on, grade=grade, count=count, kind=CROWD)
        for at, (on, grade, count) in enumerate(steps)
    ]
    found = told(rule({"dwell_s": 2, "clear_s": 3, "rearm_s": 0}, kind=CROWD), *samples)
    opened = [f.phase for f in found if f.phase != "updated"]
    assert all(a != b for a, b in pairwise(opened))
    assert not opened or opened[0] == "raised"
    assert all((f.count or 0) >= 10 for f in found if f.phase == "raised")
