"""The files of `deploy/` with the ports and paths of a test put in: what is started here is what is installed there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gatehouse_testing.dev.paths import ROOT

DEPLOY: Final = ROOT / "deploy"


def deployed(name: str, replacements: Mapping[str, str]) -> str:
    """The text of a file with each key replaced. Raises AssertionError for a key that does not occur."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for old, new in replacements.items():
        assert old in text, f"deploy/{name} no longer holds {old!r}"
        text = text.replace(old, new)
    return text


def place(name: str, target: Path, replacements: Mapping[str, str]) -> Path:
    """Write such a text; the path."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(deployed(name, replacements), encoding="utf-8")
    return target
