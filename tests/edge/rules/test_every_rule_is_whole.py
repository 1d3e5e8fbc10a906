"""A rule is whole when it has all of this: docs, seeds, ranges, a golden story, a test and a property of its own."""

from pathlib import Path

import pytest
import yaml

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.parameters import FOUND, GENERAL, MEASURED, OURS, read_params, specs
from gatehouse_edge.rules.registry import RULE_KINDS, pack, rule_kind
from gatehouse_shared.names import EQUIPMENT_KINDS, MAY_RAISE
from gatehouse_testing import rulepack
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.rule_site import rule_site, stories

HERE = Path(__file__).parent
TESTS = {
    "fire_flame": "fire_video",
    "fire_smoke_video": "fire_video",
    "fire_smoke": "state_sensor",
    "panel_alarm": "state_sensor",
    "door_held": "state_sensor",
    "tamper": "state_sensor",
    "battery_low": "supply",
    "mains_lost": "supply",
    "camera_covered": "camera_integrity",
    "camera_blurred": "camera_integrity",
    "camera_moved": "camera_integrity",
    "camera_frozen": "camera_integrity",
}
"""Rules that share a module share its test."""

rules = pytest.mark.parametrize("rule", RULE_KINDS, ids=lambda r: r.name)


@rules
def test_a_rule_has_a_module_a_test_and_a_property(rule):
    name = TESTS.get(rule.name, rule.name)
    assert (ROOT / "edge/src/gatehouse_edge/rules" / f"{name}.py").exists()
    text = (HERE / f"test_{name}.py").read_text()
    assert "\n@given(" in text, "no property"


@rules
def test_a_rule_has_a_story_and_its_golden_findings(rule):
    assert rule.name in stories()
    assert (ROOT / "tests/golden/rules" / f"{rule.name}.jsonl").stat().st_size > 0


@rules
def test_a_rule_has_a_section_in_the_docs(rule):
    assert f"\n### {rule.name}\n" in rulepack.DOCS.read_text(encoding="utf-8")


@rules
def test_a_rule_may_be_raised_by_its_devices_and_its_grades_have_meanings(rule):
    for device in rule.devices:
        assert rule.kind in MAY_RAISE[device] | EQUIPMENT_KINDS
        assert rule_kind(rule.kind, device) is rule
    assert rule.grades
    assert set(rule.grades) <= {1, 2, 3, 4}


@rules
def test_a_rule_reaches_no_grade_without_a_meaning(rule):
    name, _ = stories()[rule.name]
    built = build_rules(rule_site(), "gw_1").rules[name]
    assert {stage.grade for stage in built.timing.stages} <= set(rule.grades)


@rules
def test_every_parameter_has_a_default_in_range_a_source_and_words(rule):
    for spec in specs(rule.params):
        assert spec.low <= spec.default <= spec.high, spec.name
        assert spec.low < spec.high, spec.name
        assert spec.source in {FOUND, GENERAL, MEASURED, OURS}
        assert spec.about
        assert spec.unit or spec.name.endswith(("_ratio", "_score", "_chance", "_cv", "dispersion"))


@rules
def test_every_parameter_is_checked_against_its_range(rule):
    for spec in specs(rule.params):
        assert getattr(read_params(rule.params, {spec.name: spec.low}, "x"), spec.name) == spec.low
        for wrong in (spec.low - 1, spec.high + 1, True):
            with pytest.raises(RuleConfigError, match=f"rule 7: {spec.name} is .*from .* to "):
                read_params(rule.params, {spec.name: wrong}, "rule 7")


@rules
def test_an_unknown_parameter_is_refused_with_the_known_ones(rule):
    with pytest.raises(RuleConfigError, match=r"rule 7: there is no parameter 'sensitivity'") as e:
        read_params(rule.params, {"sensitivity": 3}, "rule 7")
    assert specs(rule.params)[0].name in str(e.value)


def test_the_seed_pack_is_what_the_rules_say():
    assert rulepack.PACK.read_text(encoding="utf-8") == rulepack.pack_text(), (
        "run python -m gatehouse_testing.rulepack"
    )
    assert yaml.safe_load(rulepack.pack_text()) == pack()


def test_the_tables_in_the_docs_are_what_the_rules_say():
    text = rulepack.DOCS.read_text(encoding="utf-8")
    assert text == rulepack.with_tables(text), "run python -m gatehouse_testing.rulepack"


def test_names_of_rules_are_unique():
    names = [r.name for r in RULE_KINDS]
    assert len(names) == len(set(names))
