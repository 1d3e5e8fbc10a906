"""`./dev fmt`: put the code in order: ruff for Python, Biome for the console where it is set up."""

from gatehouse_testing.dev import node
from gatehouse_testing.dev.paths import CONSOLE
from gatehouse_testing.dev.steps import Step, run_all


def main(argv: list[str]) -> int:
    """Format and mend everything, or the paths named."""
    paths = argv or ["."]
    steps = [
        Step("ruff check --fix", ["ruff", "check", "--fix", *paths]),
        Step("ruff format", ["ruff", "format", *paths]),
    ]
    if not argv and node.has_script("fmt"):
        node.install_modules()
        steps.append(Step("console fmt", ["npm", "run", "--silent", "fmt"], CONSOLE))
    return 1 if run_all(steps) else 0
