"""The files that git would carry, and the Python modules among them, for the tests of the tree itself."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from gatehouse_testing.dev.paths import PACKAGES, ROOT

PRODUCTS = {
    name: PACKAGES[name] for name in ("gatehouse-shared", "gatehouse-edge", "gatehouse-hub")
}
TEXT_MAX_BYTES = 2_000_000


def files() -> list[Path]:
    """Tracked files and new ones that are not ignored, relative to the root, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted({Path(p) for p in listed.split("\0") if p and (ROOT / p).is_file()})


def texts() -> Iterator[tuple[Path, str]]:
    """Path and text of every file that is text."""
    for path in files():
        raw = (ROOT / path).read_bytes()
        if len(raw) <= TEXT_MAX_BYTES and b"\0" not in raw:
            yield path, raw.decode("utf-8", errors="replace")


def modules(*folders: Path) -> dict[Path, ast.Module]:
    """Path and syntax tree of every Python file below the folders (all of the tree when none is named)."""
    wanted = [p for p in files() if p.suffix == ".py" or p.name == "dev"]
    if folders:
        wanted = [p for p in wanted if any((ROOT / p).is_relative_to(f) for f in folders)]
    return {
        p: ast.parse((ROOT / p).read_text(), filename=str(p))
        for p in wanted
        if not (ROOT / p).is_dir()
    }


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(tree: ast.Module) -> Iterator[str]:
    """First name of every absolute import of a module, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
