"""Modules and functions are named for what they hold and do, and packages keep their house order."""

import ast
from pathlib import Path

import pytest

from gatehouse_testing import tree
from gatehouse_testing.dev.paths import ROOT

VAGUE = {
    "base",
    "common",
    "core",
    "helpers",
    "lib",
    "main",
    "manager",
    "misc",
    "service",
    "util",
    "utils",
}
VAGUE_VERBS = ("handle_", "process_", "do_", "manage_")
OVERRIDES = {"do_GET", "do_POST", "do_HEAD"}
"""Names that the standard library's HTTP server asks for, in tests."""


def vague_names(path: Path, module: ast.Module) -> list[str]:
    """Names in a module that say nothing, its own among them."""
    found = [str(path)] if path.stem in VAGUE or path.parent.name in VAGUE else []
    return found + [
        f"{path}:{f.lineno} {f.name}"
        for f in tree.functions(module)
        if f.name.lstrip("_").startswith(VAGUE_VERBS) and f.name not in OVERRIDES
    ]


def test_no_name_is_vague() -> None:
    assert [n for path, module in tree.modules().items() for n in vague_names(path, module)] == []


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("edge/src/gatehouse_edge/rules/utils.py", "", 1),
        ("edge/src/gatehouse_edge/common/lines.py", "", 1),
        ("hub/src/gatehouse_hub/flows/on_event.py", "def handle_event(): ...", 1),
        ("hub/src/gatehouse_hub/flows/on_event.py", "def _process_event(): ...", 1),
        ("hub/src/gatehouse_hub/flows/on_event.py", "def on_event(): ...", 0),
    ],
)
def test_vague_names_are_seen(path: str, text: str, count: int) -> None:
    assert len(vague_names(Path(path), ast.parse(text))) == count


def test_package_files_hold_a_docstring_and_nothing_else() -> None:
    wrong = [
        str(path)
        for path, module in tree.modules(*tree.PRODUCTS.values()).items()
        if path.name == "__init__.py" and (len(module.body) != 1 or not ast.get_docstring(module))
    ]
    assert wrong == []


def test_every_module_says_what_it_is() -> None:
    modules = tree.modules(*tree.PRODUCTS.values())
    assert [str(p) for p, module in modules.items() if not ast.get_docstring(module)] == []


def test_every_package_tells_type_checkers_that_it_is_typed() -> None:
    packages = [f / "src" / n.replace("-", "_") for n, f in tree.PRODUCTS.items()]
    assert [str(p.relative_to(ROOT)) for p in packages if not (p / "py.typed").exists()] == []
