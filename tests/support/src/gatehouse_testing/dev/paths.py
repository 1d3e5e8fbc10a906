"""Where things are in the tree."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
CACHE = ROOT / ".cache"
"""Git-ignored; holds what can be made again."""
VENV_BIN = Path(sys.prefix) / "bin"
CONSOLE = ROOT / "hub" / "console"
STATIC = ROOT / "hub" / "src" / "gatehouse_hub" / "static"
CONSTRAINTS = ROOT / "constraints.txt"
PACKAGES = {
    "gatehouse-shared": ROOT / "shared",
    "gatehouse-edge": ROOT / "edge",
    "gatehouse-hub": ROOT / "hub",
    "gatehouse-testing": ROOT / "tests" / "support",
}


def put_first_in_path(folder: Path) -> None:
    """Let programs that we start find those in `folder` before the machine's own."""
    parts = [p for p in os.environ.get("PATH", "").split(os.pathsep) if p and p != str(folder)]
    os.environ["PATH"] = os.pathsep.join([str(folder), *parts])
