"""Nothing grows too large to be read: modules, functions, components, tests. Prints how large things are.

Exceptions are lines of `size_exceptions.txt`: a path and the reason. One that is no longer needed fails too.
"""

import ast
import statistics
from pathlib import Path

import pytest

from gatehouse_testing import tree
from gatehouse_testing.dev.paths import ROOT

MODULE_LINES, TEST_LINES, TSX_LINES, STATEMENTS = 400, 600, 250, 40
EXCEPTIONS = Path(__file__).with_name("size_exceptions.txt")


def exceptions() -> dict[str, str]:
    """What may be larger, and why."""
    lines = (line.partition("#") for line in EXCEPTIONS.read_text().splitlines() if line.strip())
    return {name.strip(): why.strip() for name, _, why in lines if name.strip()}


def limit(path: Path) -> int | None:
    """How many lines a file may have; None for files that are not measured."""
    if ".gen." in path.name:
        return None
    if path.suffix == ".py" or path.name == "dev":
        return TEST_LINES if path.name.startswith("test_") else MODULE_LINES
    if path.suffix == ".tsx":
        return TEST_LINES if path.name.endswith(".test.tsx") else TSX_LINES
    if path.suffix == ".ts":
        return TEST_LINES if path.name.endswith((".test.ts", ".spec.ts")) else MODULE_LINES
    return None


def line_counts() -> dict[Path, int]:
    """Lines of every measured file."""
    measured = [p for p in tree.files() if limit(p)]
    return {p: len((ROOT / p).read_text().splitlines()) for p in measured}


def statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Statements in a function: its docstring and those of functions inside it not counted."""
    count = -1 if ast.get_docstring(function) else 0
    queue: list[ast.AST] = list(function.body)
    while queue:
        node = queue.pop()
        count += isinstance(node, ast.stmt)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            queue += ast.iter_child_nodes(node)
    return count


def summary(name: str, numbers: list[int]) -> str:
    """Median, 90th percentile and largest."""
    numbers = sorted(numbers)
    ninetieth = numbers[min(len(numbers) - 1, round(0.9 * (len(numbers) - 1)))]
    return f"{name}: {len(numbers)}, median {statistics.median(numbers):g}, 90th {ninetieth}, max {numbers[-1]}"


def test_every_file_can_be_read_at_a_sitting(capsys: pytest.CaptureFixture[str]) -> None:
    counts = line_counts()
    allowed = exceptions()
    products = [n for p, n in counts.items() if p.suffix == ".py" and "src" in p.parts and n > 1]
    with capsys.disabled():
        print("\n" + summary("lines of modules", products))
        if tsx := [n for p, n in counts.items() if p.suffix == ".tsx"]:
            print(summary("lines of components", tsx))
    too_long = {str(p): n for p, n in counts.items() if n > (limit(p) or n)}
    assert {name: n for name, n in too_long.items() if name not in allowed} == {}
    assert set(allowed) <= set(too_long), "an exception that is not needed any more"
    assert all(allowed.values()), "an exception without a reason"


def test_every_function_does_one_thing(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {
        f"{path}:{function.lineno} {function.name}": statements(function)
        for path, module in tree.modules(*tree.PRODUCTS.values()).items()
        for function in tree.functions(module)
    }
    with capsys.disabled():
        print("\n" + summary("statements of functions", list(sizes.values())))
    assert {name: n for name, n in sizes.items() if n > STATEMENTS} == {}


def test_statements_are_counted_through_nested_blocks() -> None:
    module = ast.parse(
        "def f():\n    '''Doc.'''\n    for x in y:\n        if x:\n            g()\n    return 1\n"
    )
    assert [statements(f) for f in tree.functions(module)] == [4]
