"""`./dev schema [--check]`: write what is generated and committed, or compare.

`shared/schema` from the wire's types, `hub/console/openapi.json` from the hub's routes, and the console's
types from that. They are committed so that an integrator can read them without running anything, and so
that a change shows in a review. `--check` names the files that are behind and leaves all as it was.
"""

import json
from pathlib import Path

from gatehouse_hub.api.openapi import openapi_tree
from gatehouse_shared.schema import documents
from gatehouse_testing.dev import node
from gatehouse_testing.dev.paths import CONSOLE, PACKAGES, ROOT
from gatehouse_testing.dev.steps import StepError, must, say

WIRE = PACKAGES["gatehouse-shared"] / "schema"
OPENAPI = CONSOLE / "openapi.json"
CONSOLE_TYPES = CONSOLE / "src" / "api" / "schema.gen.ts"


def main(argv: list[str]) -> int:
    """Write or compare. Raises StepError when `--check` finds a difference."""
    if set(argv) - {"--check"}:
        raise StepError("the only option is --check")
    wanted = {WIRE / name: text for name, text in documents().items()}
    wanted[OPENAPI] = json.dumps(openapi_tree(), indent=2, ensure_ascii=False) + "\n"
    behind = [path for path, text in wanted.items() if _text(path) != text]
    behind += [path for path in WIRE.glob("*") if path not in wanted]
    if "--check" not in argv:
        for path in behind:
            _settle(path, wanted.get(path))
    if not behind or "--check" not in argv:
        behind += _console_types(keep="--check" not in argv)
    names = ", ".join(str(path.relative_to(ROOT)) for path in behind)
    if behind and "--check" in argv:
        raise StepError(f"behind their source: {names}. Run `./dev schema` and commit")
    say(f"written: {names}" if behind else "all generated files are current")
    return 0


def _console_types(*, keep: bool) -> list[Path]:
    """The console's types if they are behind; written anew, or left as they were unless `keep`."""
    if not node.has_script("types"):
        return []
    node.install_modules()
    before = _text(CONSOLE_TYPES)
    must(["npm", "run", "--silent", "types"], what="generating the console's types", folder=CONSOLE)
    if _text(CONSOLE_TYPES) == before:
        return []
    if not keep:
        _settle(CONSOLE_TYPES, before)
    return [CONSOLE_TYPES]


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _settle(path: Path, text: str | None) -> None:
    """Make a file say `text`, or be gone."""
    if text is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
