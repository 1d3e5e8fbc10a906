"""`./dev` and its commands: what they print, and that they fail when they should."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_testing.dev import bench, system
from gatehouse_testing.dev.commands import COMMANDS, dispatch
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.dev.steps import Step, StepError, run_all
from gatehouse_testing.dev.system import Part

BENCH = """
def figures():
    return {
        "speed": {"value": 12.5, "unit": "1/s", "goal": ">= 10", "met": MET, "how": "counted"},
        "size": {"value": None, "unit": "MB", "goal": None, "met": None, "how": "no disk here"},
    }
"""


def test_without_a_command_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch([]) == 0
    listed = capsys.readouterr().out
    assert [name for name in COMMANDS if f"  {name} " not in listed] == []


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["demoo"]) == 2
    assert "no command 'demoo'" in capsys.readouterr().err


def test_every_listed_command_is_there_and_says_what_it_is() -> None:
    folder = Path(bench.__file__).parent
    missing = [
        n for n in COMMANDS if not (folder / f"{n}.py").exists() and not (folder / n).is_dir()
    ]
    assert missing == []


def test_a_failed_step_does_not_hide_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [
        Step("one", [sys.executable, "-c", "print('seen'); raise SystemExit(3)"]),
        Step("two", ["no-such-program-anywhere"]),
        Step("three", [sys.executable, "-c", "print('quiet')"]),
    ]
    assert run_all(steps) == 2
    out = capsys.readouterr().out
    assert [line[:4] for line in out.splitlines() if " s)" in line] == ["FAIL", "FAIL", "ok  "]
    assert "seen" in out
    assert "no-such-program-anywhere: not found" in out
    assert "quiet" not in out


@pytest.mark.parametrize(("met", "status"), [("True", 0), ("None", 0), ("False", 1)])
def test_a_bench_prints_writes_and_fails_on_a_missed_goal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], met: str, status: int
) -> None:
    (tmp_path / "pace.py").write_text(BENCH.replace("MET", met))
    out = tmp_path / "figures.json"
    assert bench.main(["pace", "--json", str(out)], tmp_path) == status
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split()[:5] == ["speed", "12.5", "1/s", ">=", "10"]
    assert rows[2].split()[:3] == ["size", "-", "MB"]
    assert json.loads(out.read_text())["figures"]["speed"]["value"] == 12.5


def test_a_bench_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "pace.py").write_text("")
    with pytest.raises(StepError, match="there are: pace"):
        bench.main(["space"], tmp_path)


def test_who_may_not_install_is_told_what_to_install() -> None:
    there = Part("a broker", ("broker",), lambda: True)
    absent = Part("a database", ("database", "database-client"), lambda: False)
    other = Part("its tools", ("database-client",), lambda: False)
    with pytest.raises(StepError, match=r"apt-get install database database-client$") as told:
        system.ensure([there, absent, other], may_install=False)
    assert "broker" not in str(told.value)


def test_a_machine_that_has_everything_is_left_alone() -> None:
    system.ensure([Part("a broker", ("broker",), lambda: True)], may_install=False)


def test_the_second_call_of_dev_sets_nothing_up() -> None:
    if not (ROOT / ".venv" / ".gatehouse-setup").exists():
        pytest.skip("this tree was not set up by ./dev")
    done = subprocess.run(
        [ROOT / "dev", "exec", "python", "-c", "print('here')"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout == "here\n"
