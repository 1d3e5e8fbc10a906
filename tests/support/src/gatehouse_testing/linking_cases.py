"""Cases for linking with known truth: those of the given tool, and others on sites and with stories that it does not have.

The given tool lies in the folder `shared` beside the tree and is not part of it; what needs it says so where it is missing.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from gatehouse_hub.config import load_site
from gatehouse_hub.linking.causes import CAUSES
from gatehouse_hub.linking.rows import AlarmRow, row_of, sort_key
from gatehouse_hub.linking.site_map import SiteMap, map_site
from gatehouse_shared.ids import parse_source
from gatehouse_shared.names import HazardKind
from gatehouse_shared.offline import decode_line
from gatehouse_testing.dev.paths import ROOT

TOOL: Final = ROOT.parent / "shared" / "tools" / "linking_cases.py"
ZONE_KINDS: Final = (
    "shed", "lane", "moving", "standing", "perimeter", "door", "parking", "water", "exit", "stairs", "queue", "lift"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One made case: where it lies, its rows in order, the true incident of each."""

    folder: Path
    site_map: SiteMap
    rows: tuple[AlarmRow, ...]
    truth: Mapping[str, str]


def load_tool() -> ModuleType:
    """A fresh copy of the given tool, so that what one caller changes in it stays with that caller."""
    spec = importlib.util.spec_from_file_location("linking_cases_given", TOOL)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_case(
    tool: ModuleType,
    folder: Path,
    *,
    seed: int,
    load: float,
    days: int = 10,
    knobs: bool = False,
    drift: bool = False,
) -> Case:
    """Let the tool make a case in `folder` and read it."""
    with contextlib.redirect_stdout(io.StringIO()):
        tool.make(
            argparse.Namespace(
                seed=seed, load=load, days=days, knobs=knobs, drift=drift, out=str(folder)
            )
        )
    return read_case(folder)


def read_case(folder: Path) -> Case:
    """A case that was made before."""
    site_map = map_site(load_site(folder / "site.yaml"))
    truth: dict[str, str] = json.loads((folder / "truth.json").read_text())
    rows: list[AlarmRow] = []
    for line in (folder / "events.jsonl").read_bytes().splitlines():
        found = decode_line(line)
        _, gateway = parse_source(found.event.source)
        row = row_of(found.event, gateway, found.offset_ms, site_map)
        if row is not None:
            rows.append(row)
    return Case(folder, site_map, tuple(sorted(rows, key=sort_key)), truth)


def measure(tool: ModuleType, case: Case, found: Mapping[str, str]) -> dict[str, float]:
    """The tool's own scores of a partition (row id -> name of its incident)."""
    scores: dict[str, float] = tool.measure(dict(found), dict(case.truth))
    return scores


def plain_rules(tool: ModuleType, case: Case) -> dict[str, dict[str, float]]:
    """The tool's scores of its plain rules. Only for cases on its own site."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        tool.base(argparse.Namespace(dir=str(case.folder)))
    lines = (line.split(" ", 1) for line in told.getvalue().splitlines())
    return {name: json.loads(scores) for name, scores in lines}


def vary(tool: ModuleType, seed: int) -> None:
    """Give a copy of the tool another site and other stories, drawn from what explains what and some chance."""
    draw = random.Random(seed * 7919)
    across, deep = draw.randint(2, 6), draw.randint(2, 4)
    pitch = draw.choice((30, 45, 60, 100, 140))
    storeys = draw.choice((1, 1, 2))
    tool_any: Any = tool
    zones = [
        (
            f"{draw.choice('abcdef')}{n}",
            draw.choice(ZONE_KINDS),
            pitch // 2 + pitch * (n % across),
            pitch // 2 + pitch * (n // across),
            n % storeys,
        )
        for n in range(across * deep)
    ]
    tool_any.SITE = f"varied_{seed}"
    tool_any.ZONES = zones
    tool_any.ADJ = list(_edges(draw, [zone[0] for zone in zones], across))
    tool_any.TEMPLATES = dict(_stories(draw, sorted({zone[1] for zone in zones})))
    tool_any.RARE = {}


def _edges(draw: random.Random, zones: list[str], across: int) -> Iterator[tuple[str, str]]:
    degree = dict.fromkeys(zones, 0)
    edges = [
        (zones[a], zones[b])
        for a in range(len(zones))
        for b in range(a)
        if abs(a % across - b % across) + abs(a // across - b // across) == 1
    ]
    for a, b in edges:
        degree[a] += 1
        degree[b] += 1
    for a, b in edges:
        if min(degree[a], degree[b]) > 1 and draw.random() < 0.2:
            degree[a] -= 1
            degree[b] -= 1
        else:
            yield a, b


def _stories(draw: random.Random, homes: list[str]) -> Iterator[tuple[str, Any]]:
    kinds = sorted(HazardKind)
    for number in range(draw.randint(8, 16)):
        root = draw.choice(kinds)
        steps: list[tuple[str, float, float, str, float]] = [
            (str(root), 0, 1, "same", draw.choice((0, 1, 1, 2, 3, 4)))
        ]
        told = [root]
        for _ in range(draw.choice((0, 0, 1, 2, 3, 4))):
            after = [b for a, b in sorted(CAUSES) if a in told and b not in told]
            kind = draw.choice(kinds if not after or draw.random() < 0.1 else after)
            told.append(kind)
            delay = 10 * 90 ** draw.random()
            where = "same" if draw.random() < 0.7 else "adj"
            steps.append(
                (str(kind), delay, draw.uniform(0.1, 0.95), where, draw.choice((0, 0, 1, 2)))
            )
        rate = 0.4 * 35 ** draw.random()
        yield f"story_{number}", (rate, tuple(draw.sample(homes, min(len(homes), 3))), steps)
