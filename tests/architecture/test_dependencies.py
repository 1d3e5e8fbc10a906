"""What a package imports is what it declares: nothing hidden, nothing idle. And no lock file names an address."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from gatehouse_testing import tree
from gatehouse_testing.dev.paths import CONSOLE, CONSTRAINTS, PACKAGES, ROOT

IMPORT_NAMES = {
    # distribution: import name, where they differ
    "argon2-cffi": "argon2",
    "lapx": "lap",
    "opencv-python-headless": "cv2",
    "paho-mqtt": "paho",
    "prometheus-client": "prometheus_client",
    "pyyaml": "yaml",
    "sse-starlette": "sse_starlette",
}
NEVER_IMPORTED = {
    "tzdata": "zoneinfo reads it where the system has no time zones",
}
COMES_WITH = {
    # import name: the declared package that brings it and whose public face it is part of
    "msgspec": "gatehouse_shared",
    "starlette": "fastapi",
    "pydantic": "fastapi",
}


def declared(folder: Path) -> set[str]:
    """Import names of what a package's pyproject.toml asks for, extras included."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    wanted: list[str] = [*project["dependencies"]]
    for extra in project.get("optional-dependencies", {}).values():
        wanted += extra
    names = {re.split(r"[\[<>=~!; ]", w, maxsplit=1)[0].lower() for w in wanted}
    return {IMPORT_NAMES.get(n, n.replace("-", "_")) for n in names - set(NEVER_IMPORTED)}


def used(folder: Path) -> set[str]:
    """Import names of what a package's modules import and did not come with Python."""
    own = {f"gatehouse_{folder.name}"}
    names = {n for module in tree.modules(folder / "src").values() for n in tree.imported(module)}
    asked_for = declared(folder)
    names = {n if n in asked_for else COMES_WITH.get(n, n) for n in names}
    return names - set(sys.stdlib_module_names) - own


@pytest.mark.parametrize("name", tree.PRODUCTS)
def test_a_package_imports_what_it_declares_and_no_more(name: str) -> None:
    assert used(tree.PRODUCTS[name]) == declared(tree.PRODUCTS[name])


def test_imports_inside_functions_count() -> None:
    module = ast.parse("def f():\n    import hidden.part\n    from other import x\n")
    assert set(tree.imported(module)) == {"hidden", "other"}


def test_constraints_name_every_declared_dependency_with_hashes() -> None:
    pins = dict(re.findall(r"^([\w.-]+)==\S+( ;.*)? \\$", CONSTRAINTS.read_text(), re.M))
    blocks = re.split(r"^(?=\S)", CONSTRAINTS.read_text(), flags=re.M)
    assert [b.splitlines()[0] for b in blocks if "==" in b and "--hash=sha256:" not in b] == []
    for folder in PACKAGES.values():
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        names = {
            re.split(r"[\[<>=~!; ]", w, maxsplit=1)[0].lower() for w in project["dependencies"]
        }
        assert {n for n in names if not n.startswith("gatehouse-")} <= set(pins)


def test_lock_files_carry_no_addresses() -> None:
    assert re.findall(r"\w+://\S+|--\w*-?index-url|--find-links", CONSTRAINTS.read_text()) == []
    lock = CONSOLE / "package-lock.json"
    if lock.exists():
        packages = json.loads(lock.read_text())["packages"]
        assert [name for name, entry in packages.items() if "resolved" in entry] == []
        assert [n for n, entry in packages.items() if n and "integrity" not in entry] == []


def test_there_is_one_lock_file_per_language() -> None:
    banned = {"uv.lock", "poetry.lock", "Pipfile.lock", "yarn.lock", "pnpm-lock.yaml"}
    assert [str(p) for p in tree.files() if p.name in banned] == []


def test_every_dependency_has_its_line_in_the_decision_on_dependencies() -> None:
    decision = next((ROOT / "shared" / "docs" / "adr").glob("0006-*.md")).read_text().lower()
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    wanted: list[str] = [*groups["dev"]]
    for folder in PACKAGES.values():
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        wanted += project["dependencies"]
        wanted += [w for extra in project.get("optional-dependencies", {}).values() for w in extra]
    names = {re.split(r"[\[<>=~!; ]", w, maxsplit=1)[0].lower() for w in wanted}
    ours = {n for n in names if n.startswith("gatehouse-")}
    assert {n for n in names - ours if f"`{n}" not in decision} == set()
