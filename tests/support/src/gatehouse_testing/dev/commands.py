"""The list of commands, and the way from a name to its module.

A command NAME is the module `gatehouse_testing.dev.NAME` with `main(argv: list[str]) -> int`, the exit
status. To add one: drop the module in and give it a line in `COMMANDS`. README lists the same names, and
a test compares the two.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import cast

from gatehouse_testing.dev.paths import VENV_BIN, put_first_in_path
from gatehouse_testing.dev.steps import StepError

COMMANDS = {
    "demo": "broker, hub, three agents and the console, on this machine; --check tests it unseen",
    "test": "set up what tests need and run them; --long for all; further words go to pytest",
    "check": "format, lint, types, import contracts, generated files",
    "fmt": "put the code in order",
    "all": "check, then test",
    "tracks": "the tracker's boxes of a recording as MOT-challenge rows, for evaluation",
    "overlay": "zones, boxes, counts, gate and hazards drawn on a recording, for the developer's eye",
    "bench": "run a measurement of tests/bench and print its figures; --json FILE writes them",
    "simulate": "live one seed of the simulated world again, with its trace; --count runs many",
    "schema": "write the schemas, the OpenAPI document and the console's types; --check compares",
    "console": "build the console into the hub, if its sources changed",
    "isolate": "import each package in an environment that holds only it",
    "constraints": "write constraints.txt anew: versions and hashes, no addresses",
    "exec": "run any program inside .venv",
}


def dispatch(argv: list[str]) -> int:
    """Run one command; without any, or with `--help`, list them. Returns the exit status."""
    put_first_in_path(VENV_BIN)
    try:
        return _run(argv)
    except StepError as error:
        print(f"dev {argv[0]}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in {"-h", "--help", "help"}:
        print(listing(), flush=True)
        return 0
    name, *rest = argv
    if name not in COMMANDS:
        print(f"dev: no command {name!r}\n\n{listing()}", file=sys.stderr)
        return 2
    return load(name)(rest)


def listing() -> str:
    """All commands with a line each."""
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join(["usage: ./dev COMMAND [ARGUMENTS]", "", *lines])


def load(name: str) -> Callable[[list[str]], int]:
    """The `main` of a command's module. Raises StepError when the tree does not hold it."""
    module = f"{__package__}.{name}"
    if importlib.util.find_spec(module) is None:
        raise StepError("this tree does not hold the command yet")
    return cast("Callable[[list[str]], int]", importlib.import_module(module).main)
