"""The console says the same things in each of its languages."""

import json
import re
from typing import Any

import pytest

from gatehouse_testing.dev.paths import CONSOLE

STRINGS = CONSOLE / "src" / "strings"
LANGUAGES = ("en", "zh-CN")

pytestmark = pytest.mark.skipif(not STRINGS.exists(), reason="the tree holds no console")


def flat(node: Any, path: str = "") -> dict[str, str]:
    """Dotted key -> text."""
    if isinstance(node, str):
        return {path: node}
    return {k: v for name, child in node.items() for k, v in flat(child, f"{path}.{name}").items()}


def strings(language: str) -> dict[str, str]:
    """All texts of a language."""
    return flat(json.loads((STRINGS / f"{language}.json").read_text()))


def test_every_text_is_there_in_every_language() -> None:
    first, second = (set(strings(language)) for language in LANGUAGES)
    assert first == second


def test_every_text_has_the_same_blanks_to_fill() -> None:
    first, second = (strings(language) for language in LANGUAGES)
    blanks = re.compile(r"\{\{?\s*(\w+)")
    wrong = [
        k for k in first if set(blanks.findall(first[k])) != set(blanks.findall(second.get(k, "")))
    ]
    assert wrong == []


def test_no_text_is_empty() -> None:
    assert [(n, k) for n in LANGUAGES for k, text in strings(n).items() if not text.strip()] == []
