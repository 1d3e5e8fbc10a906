"""`./dev exec CMD …`: run any program with `.venv` first in PATH."""

import os

from gatehouse_testing.dev.steps import StepError


def main(argv: list[str]) -> int:
    """Become the program. Raises StepError when there is none of that name."""
    if not argv:
        raise StepError("say which program, such as `./dev exec gatehouse-edge --help`")
    try:
        os.execvp(argv[0], argv)
    except FileNotFoundError:
        raise StepError(f"no program {argv[0]!r} in .venv or in PATH") from None
