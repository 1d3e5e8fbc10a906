"""Running a program as a step: quiet and timed when it goes well, with all it said when it does not."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatehouse_testing.dev.paths import ROOT


class StepError(Exception):
    """A step failed; the message says which, what it said, and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """A named program run. `command` as for `subprocess`; `folder` is where it runs."""

    name: str
    command: Sequence[str]
    folder: Path = ROOT


def say(line: str) -> None:
    """One line of progress, at once, apart from a command's own output."""
    print(f"dev: {line}", file=sys.stderr, flush=True)


def run_all(steps: Sequence[Step]) -> int:
    """Run every step even after one failed; print a line for each. Returns how many failed."""
    failed = 0
    for step in steps:
        start = time.monotonic()
        code, output = capture(step.command, step.folder)
        mark = "ok  " if code == 0 else "FAIL"
        print(f"{mark} {step.name} ({time.monotonic() - start:.1f} s)", flush=True)
        if code:
            failed += 1
            print(output.rstrip(), flush=True)
    return failed


def must(
    command: Sequence[str],
    *,
    what: str,
    folder: Path = ROOT,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program that has to succeed; its output. Raises StepError with all it said."""
    code, output = capture(command, folder, env)
    if code:
        raise StepError(f"{what} failed (`{' '.join(command)}`, status {code}):\n{output.rstrip()}")
    return output


def capture(
    command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit status and output of a program; 127 when there is none of that name."""
    try:
        done = subprocess.run(
            list(command),
            cwd=folder,
            env=dict(env) if env is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        return 127, f"{command[0]}: not found"
    return done.returncode, done.stdout


def show(command: Sequence[str], folder: Path = ROOT) -> int:
    """Run a program with its output on the screen; its exit status."""
    return subprocess.run(list(command), cwd=folder, check=False).returncode
