"""What is kept gives the same hazards again: for the story of every rule, and for random streams."""

import pytest

from gatehouse_edge.rules.registry import RULE_KINDS
from gatehouse_testing.keeping import hazards, keep, replayed
from gatehouse_testing.rule_site import rule_site, stories


@pytest.mark.parametrize("name", [r.name for r in RULE_KINDS])
def test_a_replay_of_the_story_says_what_was_said(name):
    rule, story = stories()[name]
    kept = keep(rule_site(), story)
    assert any(f.rule == rule for f in kept.findings)
    assert hazards(replayed(rule_site(), kept.blocks, exact=True)) == hazards(kept.findings)
    assert hazards(replayed(rule_site(), kept.blocks)) == hazards(kept.findings)
