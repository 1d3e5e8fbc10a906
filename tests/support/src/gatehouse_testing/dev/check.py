"""`./dev check`: everything that can be said without running the product.

Format, lint, types twice, import contracts, generated files up to date, and the console's own lint and
types. Every step runs even after one failed, so that one call shows all there is to mend.
"""

import sys

from gatehouse_testing.dev import node
from gatehouse_testing.dev.paths import CONSOLE
from gatehouse_testing.dev.steps import Step, run_all


def main(argv: list[str]) -> int:
    """Run all steps, or those whose names contain one of the words given."""
    chosen = [s for s in steps() if not argv or any(word in s.name for word in argv)]
    failed = run_all(chosen)
    print(f"{len(chosen) - failed} steps kept, {failed} broken")
    return 1 if failed or not chosen else 0


def steps() -> list[Step]:
    """What is checked, in order: the quick ones first."""
    dev = [sys.executable, "-m", "gatehouse_testing.dev"]
    found = [
        Step("ruff format", ["ruff", "format", "--check", "."]),
        Step("ruff check", ["ruff", "check", "--output-format=concise", "."]),
        Step("import contracts", ["lint-imports", "--no-logo"]),
        Step("generated files", [*dev, "schema", "--check"]),
        Step("mypy", ["mypy"]),
        Step("pyright", ["pyright", "--warnings"]),
    ]
    if node.has_console():
        node.install_modules()
        found += [
            Step(f"console {script}", ["npm", "run", "--silent", script], CONSOLE)
            for script in ("lint", "typecheck")
            if node.has_script(script)
        ]
    return found
