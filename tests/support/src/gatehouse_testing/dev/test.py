"""`./dev test [--long] [PYTEST ARGUMENTS]`: set up what tests need, then run them.

Set-up: the machine's programs (`system.py`) and the console's build. The default profile leaves out tests
marked `long`; `--long` runs everything. Without further arguments the console's unit tests run as well.
The test material is taken from `GATEHOUSE_ASSETS`, else from `../shared/assets`; without it, tests that
need it are skipped and say so.
"""

import sys

from gatehouse_testing.dev import console, node, system
from gatehouse_testing.dev.paths import CONSOLE, ROOT
from gatehouse_testing.dev.steps import say, show


def main(argv: list[str]) -> int:
    """Set up, run pytest, then the console's tests. Returns the first status that is not 0."""
    rest = [word for word in argv if word != "--long"]
    profile = [] if "--long" in argv or "-m" in rest else ["-m", "not long"]
    system.ensure(system.LONG_PARTS if "--long" in argv else None)
    console.build()
    # -P: the name `test` of this folder's module must never stand for Python's own.
    status = show([sys.executable, "-P", "-m", "pytest", *profile, *rest], ROOT)
    if not rest and node.has_script("test"):
        say("the console's unit tests")
        node.install_modules()
        status = status or show(["npm", "run", "--silent", "test"], CONSOLE)
    return status
