"""`./dev bench NAME [--json FILE]`: run one measurement and print its figures.

A measurement is `tests/bench/NAME.py` with `figures() -> dict[str, Figure]`: for each name of a figure

    {"value": 71.3, "unit": "%", "goal": ">= 70", "met": True, "how": "400 frames, CLEAR-MOT at IoU 0.5"}

`goal` and `met` are None where there is nothing to reach. The table goes to the screen; `--json FILE`
also writes {"figures": …}. The exit status is 1 when a goal is missed. Without a name, all are listed.
"""

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import TypedDict, cast

from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.dev.steps import StepError

BENCHES = ROOT / "tests" / "bench"


class Figure(TypedDict):
    """One measured number. `value` is None when it could not be measured; `how` then says why."""

    value: float | None
    unit: str
    goal: str | None
    met: bool | None
    how: str


def main(argv: list[str], folder: Path = BENCHES) -> int:
    """Measure and print. Raises StepError for a name that is not there in `folder`."""
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("name", nargs="?", help="a measurement of tests/bench; none: list them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(argv)
    if options.name is None:
        print("\n".join(names(folder)) or "no measurements in tests/bench")
        return 0
    figures = measure(options.name, folder)
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps({"figures": figures}, indent=2, sort_keys=True) + "\n")
    return 1 if any(f["met"] is False for f in figures.values()) else 0


def names(folder: Path) -> list[str]:
    """The measurements there are."""
    return sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_"))


def measure(name: str, folder: Path) -> dict[str, Figure]:
    """Load `NAME.py` of the folder and run it."""
    if name not in names(folder):
        raise StepError(f"no measurement {name!r}; there are: {', '.join(names(folder)) or 'none'}")
    spec = importlib.util.spec_from_file_location(f"gatehouse_bench_{name}", folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise StepError(f"cannot load the measurement {name!r}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # child processes and dataclasses look their module up
    spec.loader.exec_module(module)
    return cast("dict[str, Figure]", module.figures())


def table(figures: dict[str, Figure]) -> str:
    """The figures as aligned text, one a line."""
    rows = [("figure", "value", "unit", "goal", "met", "how")]
    for name, f in figures.items():
        value = "-" if f["value"] is None else f"{f['value']:.6g}"
        met = {True: "yes", False: "NO", None: "-"}[f["met"]]
        rows.append((name, value, f["unit"], f["goal"] or "-", met, f["how"]))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join(
        "  ".join(
            [*(cell.ljust(w) for cell, w in zip(row[:5], widths, strict=True)), row[5]]
        ).rstrip()
        for row in rows
    )
