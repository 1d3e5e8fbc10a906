"""`./dev console`: build the console into `hub/src/gatehouse_hub/static`, if its sources changed.

`demo` and `test` call `build()` as part of their set-up. `--force` builds in any case.
"""

import hashlib
import os

from gatehouse_testing.dev import node
from gatehouse_testing.dev.paths import CACHE, CONSOLE, STATIC
from gatehouse_testing.dev.steps import StepError, must, say

STAMP = CACHE / "console.sha256"
NOT_SOURCES = {"node_modules", "dist", "coverage", "test-results"}


def main(argv: list[str]) -> int:
    """Build if needed. Raises StepError with what npm said when the build fails."""
    if set(argv) - {"--force"}:
        raise StepError("the only option is --force")
    build(force="--force" in argv)
    return 0


def build(*, force: bool = False) -> bool:
    """Build if sources changed since the last time. False when the tree holds no console."""
    if not node.has_console():
        say("console: absent from this tree, so the hub serves none")
        return False
    wanted = fingerprint()
    if not force and (STATIC / "index.html").exists() and _last_built() == wanted:
        return True
    node.install_modules()
    say("building the console")
    must(["npm", "run", "--silent", "build"], what="building the console", folder=CONSOLE)
    if not (STATIC / "index.html").exists():
        raise StepError(f"the console's build left no {STATIC / 'index.html'}")
    CACHE.mkdir(exist_ok=True)
    STAMP.write_text(wanted)
    return True


def fingerprint() -> str:
    """One hash over all sources of the console: names and contents."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(CONSOLE):
        folders[:] = sorted(set(folders) - NOT_SOURCES)
        for name in sorted(files):
            path = CONSOLE / folder / name
            digest.update(str(path.relative_to(CONSOLE)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _last_built() -> str:
    return STAMP.read_text() if STAMP.exists() else ""
