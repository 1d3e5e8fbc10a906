"""What the classes of the wire ask of a hazard holds by the way rules are built, and the wire takes what they say."""

from dataclasses import replace
from functools import cache

import pytest

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.outbox.hazards import Hazards, Speaker
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.parameters import specs
from gatehouse_edge.rules.registry import RULE_KINDS
from gatehouse_edge.rules.severity import SEVERITY
from gatehouse_hub.linking.priority import PRIORITY_OF_KIND
from gatehouse_shared.classes import HUB_KINDS
from gatehouse_shared.names import (
    LATCHED_KINDS,
    PRESENCE_KINDS,
    PRESENCE_ZONE_KINDS,
    SMALL_COUNT,
    HazardClass,
    HazardKind,
    ZoneKind,
    class_of,
)
from gatehouse_testing.rule_site import rule_site, site_tree, stories
from gatehouse_testing.watched import moment

BY_THE_AGENT = {HazardKind.STORAGE_FULL, HazardKind.OUTBOX_RESET, HazardKind.TAMPER}
BY_THE_HUB_ALONE = HUB_KINDS - {HazardKind.CROWD_DENSITY}

every_story = pytest.mark.parametrize("name", sorted(stories()))


@cache
def told_of(name):
    """Findings of a story's own rule."""
    rule, story = stories()[name]
    ruleset = build_rules(rule_site(), "gw_1")
    ruleset = replace(ruleset, rules={rule: ruleset.rules[rule]})
    state, findings = ruleset.start(), []
    for at, observation in story:
        state, judged = ruleset.step(state, observation, moment(at))
        findings += judged.findings
    return tuple(findings)


def test_every_kind_has_a_rule_or_somebody_else_who_raises_it():
    ruled = {r.kind for r in RULE_KINDS}
    assert set(HazardKind) - ruled - BY_THE_AGENT - BY_THE_HUB_ALONE <= {
        HazardKind.RATE_BELOW_FLOOR
    }
    assert not ruled & BY_THE_HUB_ALONE


def test_severities_are_those_of_the_hub():
    assert {k: f"P{n}" for k, n in PRIORITY_OF_KIND.items()} == dict(SEVERITY)


@every_story
def test_the_wire_takes_everything_that_a_rule_says(name):
    findings = told_of(name)
    said = Speaker(rule_site(), "gw_1").say(Hazards(), findings, epoch="0" * 16, first=1)
    assert said.refused == ()
    assert len(said.drafts) == len(findings) > 0


@every_story
def test_what_a_finding_says_is_what_its_class_allows(name):
    for finding in told_of(name):
        kind = class_of(finding.kind)
        assert finding.armed is (kind is HazardClass.PRESENCE)
        assert finding.count is None or kind is HazardClass.CROWD
        assert finding.measure is None or kind is HazardClass.THING
        assert finding.place_m is None or kind is not HazardClass.PRESENCE
        if kind is HazardClass.CROWD:
            assert finding.count is not None
            assert finding.count >= SMALL_COUNT


@pytest.mark.parametrize("kind", sorted(PRESENCE_KINDS))
@pytest.mark.parametrize("zone_kind", sorted(set(ZoneKind) - PRESENCE_ZONE_KINDS))
def test_presence_in_an_open_zone_cannot_be_configured(kind, zone_kind):
    with pytest.raises(RuleConfigError, match="no hazard at open hours"):
        build_rules(_one(kind, zone_kind, 40.0), "gw_1")


@pytest.mark.parametrize("kind", sorted(PRESENCE_KINDS))
def test_presence_in_a_zone_under_twelve_square_metres_cannot_be_configured(kind):
    with pytest.raises(RuleConfigError, match="at least 12 m2"):
        build_rules(_one(kind, ZoneKind.WATER, 3.0), "gw_1")


@pytest.mark.parametrize("kind", sorted(PRESENCE_KINDS))
def test_presence_wears_out_after_six_raises_an_hour(kind):
    rules = build_rules(_one(kind, ZoneKind.WATER, 40.0), "gw_1").rules
    assert rules["one"].timing.raises_per_hour == 6


def test_no_stay_below_a_minute_can_be_configured():
    dwell = next(r for r in RULE_KINDS if r.kind is HazardKind.DWELL)
    assert next(s for s in specs(dwell.params) if s.name == "dwell_s").low == 60


def test_latched_rules_are_those_of_the_wire():
    latched = {
        r.binding.kind for r in build_rules(rule_site(), "gw_1").rules.values() if r.timing.latched
    }
    assert latched == LATCHED_KINDS


def _one(kind, zone_kind, width):
    tree = site_tree()
    pond = next(z for z in tree["zones"] if z["id"] == "pond")
    pond["kind"] = zone_kind.value
    pond["polygon"] = [[0.0, 0.0], [width, 0.0], [width, 3.0], [0.0, 3.0]]
    rule = {"id": "one", "kind": kind.value, "zone": "pond", "device": "cam_pond", "params": {}}
    return rule_site(**{**tree, "rules": [rule]})
