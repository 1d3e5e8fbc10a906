"""The import contracts hold, and each of them catches a violation planted in a copy of the tree."""

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from gatehouse_testing.dev.paths import ROOT

SOURCES = [ROOT / p / "src" for p in ("shared", "edge", "hub")]

PLANTS = {
    # contract: (module to plant, what it says, what the report must name)
    "products": (
        "gatehouse_edge/transport/planted.py",
        "import gatehouse_hub.values",
        "gatehouse_edge.transport.planted -> gatehouse_hub.values",
    ),
    "edge-layers": (
        "gatehouse_edge/rules/planted.py",
        "import gatehouse_edge.ports",
        "gatehouse_edge.rules.planted -> gatehouse_edge.ports",
    ),
    "hub-layers": (
        "gatehouse_hub/store/planted.py",
        "import gatehouse_hub.flows.planted",
        "gatehouse_hub.store.planted -> gatehouse_hub.flows.planted",
    ),
    "only-app-chooses-the-engine": (
        "gatehouse_hub/flows/planted.py",
        "import gatehouse_hub.store.sqlite",
        "gatehouse_hub.flows.planted -> gatehouse_hub.store.sqlite",
    ),
    "pure": (
        "gatehouse_hub/linking/planted.py",
        "import time",
        "gatehouse_hub.linking.planted -> time",
    ),
    "numbers-stay-small": (
        "gatehouse_edge/rules/planted.py",
        "import numpy",
        "gatehouse_edge.rules.planted -> numpy",
    ),
    "hub-has-no-vision": (
        "gatehouse_hub/fusion/planted.py",
        "import cv2",
        "gatehouse_hub.fusion.planted -> cv2",
    ),
    "edge-has-no-server": (
        "gatehouse_edge/transport/planted.py",
        "import fastapi",
        "gatehouse_edge.transport.planted -> fastapi",
    ),
    "sql-lives-in-the-store": (
        "gatehouse_hub/flows/planted.py",
        "import apsw",
        "gatehouse_hub.flows.planted -> apsw",
    ),
    "never-sqlite3": (
        "gatehouse_hub/store/planted.py",
        "import sqlite3",
        "gatehouse_hub.store.planted -> sqlite3",
    ),
    "no-identification": (
        "gatehouse_edge/inference/planted.py",
        "import face_recognition",
        "gatehouse_edge.inference.planted -> face_recognition",
    ),
    "acyclic": (
        "gatehouse_edge/inference/planted.py",
        "import gatehouse_edge.inference.planted_too.leaf",
        "gatehouse_edge.inference",
    ),
}
COMPANIONS = {
    "hub-layers": {"gatehouse_hub/flows/planted.py": ""},
    "acyclic": {
        "gatehouse_edge/inference/planted_too/__init__.py": "",
        "gatehouse_edge/inference/planted_too/leaf.py": "import gatehouse_edge.inference.planted",
    },
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the three packages and the contracts, to plant violations in."""
    for source in SOURCES:
        skip = shutil.ignore_patterns("__pycache__", "static", "*.onnx")
        shutil.copytree(source, tmp_path, dirs_exist_ok=True, ignore=skip)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def lint(folder: Path, *options: str) -> tuple[int, str]:
    """Exit status and report of import-linter on the packages in `folder`."""
    code = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "--no-logo", "--no-cache", *options],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def test_all_contracts_are_kept(copy: Path) -> None:
    status, report = lint(copy)
    assert status == 0, report
    assert f"{len(PLANTS)} kept, 0 broken" in report


def test_every_contract_has_a_planted_violation() -> None:
    contracts = ConfigParser(comment_prefixes=(";",))
    contracts.read(ROOT / ".importlinter")
    names = {m[1] for s in contracts.sections() if (m := re.match("importlinter:contract:(.+)", s))}
    assert names == set(PLANTS)


@pytest.mark.parametrize("contract", PLANTS)
def test_a_planted_violation_is_caught(copy: Path, contract: str) -> None:
    module, line, named = PLANTS[contract]
    for path, text in {module: line, **COMPANIONS.get(contract, {})}.items():
        (copy / path).parent.mkdir(exist_ok=True)
        (copy / path).write_text(text + "\n")
    status, report = lint(copy, "--contract", contract)
    assert status == 1, report
    assert "0 kept, 1 broken" in report
    assert named in report


@pytest.mark.parametrize("package", ["gatehouse_edge", "gatehouse_hub"])
def test_a_new_top_level_module_must_take_its_place(copy: Path, package: str) -> None:
    (copy / package / "helpers.py").write_text("")
    status, report = lint(copy, "--contract", f"{package.removeprefix('gatehouse_')}-layers")
    assert status == 1, report
    assert "helpers" in report
