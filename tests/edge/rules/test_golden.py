"""What each rule says of one short story, kept as lines of JSON and read like code.

`GATEHOUSE_GOLDEN=write` writes the files anew.
"""

import os

import msgspec
import pytest

from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.registry import RULE_KINDS
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.rule_site import rule_site, stories
from gatehouse_testing.watched import moment

GOLDEN = ROOT / "tests" / "golden" / "rules"


def findings_of(name):
    """Findings of the story's rule as lines; other rules of the same device may speak too, and are left out."""
    rule, story = stories()[name]
    ruleset = build_rules(rule_site(), "gw_1")
    state, lines = ruleset.start(), []
    for at, observation in story:
        state, judged = ruleset.step(state, observation, moment(at))
        lines.extend(msgspec.json.encode(f).decode() for f in judged.findings if f.rule == rule)
    return "".join(line + "\n" for line in lines)


@pytest.mark.parametrize("name", [r.name for r in RULE_KINDS])
def test_a_rule_says_of_its_story_what_it_said_before(name):
    path, text = GOLDEN / f"{name}.jsonl", findings_of(name)
    if os.environ.get("GATEHOUSE_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert '"phase":"raised"' in text
    assert '"phase":"cleared"' in text
