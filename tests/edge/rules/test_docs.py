"""The docs of the rules run."""

import doctest

from gatehouse_testing.rulepack import DOCS


def test_examples_in_the_docs_of_the_rules_are_true():
    result = doctest.testfile(str(DOCS), module_relative=False, encoding="utf-8")
    assert result.attempted > 5
    assert result.failed == 0
