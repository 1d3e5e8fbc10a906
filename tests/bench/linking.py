"""How well events become incidents, and at what cost: `./dev bench linking`.

Over the given tool's cases with known truth, seeds 100-111, ten days each, at one, four and ten times the ordinary load: as they
are, with `--knobs` and with `--drift`. `err_ratio` is (1 - B3 F1) of the linker over that of the plain rule with the best mean;
the tool's rules and ST-DBSCAN run over the same rows. `GATEHOUSE_LINKING_SEEDS` (such as `3-6`) takes other seeds, for tuning.
"""

import os
import random
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import mean

import msgspec

from gatehouse_hub.config import load_site
from gatehouse_hub.linking.linker import link_rows
from gatehouse_hub.linking.released import released_weights
from gatehouse_hub.linking.replay import replay
from gatehouse_hub.linking.site_map import map_site
from gatehouse_hub.linking.weights import EXPERT, Weights
from gatehouse_shared.offline import decode_line
from gatehouse_testing.alarms import alarm
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.linking_cases import (
    TOOL,
    Case,
    load_tool,
    make_case,
    measure,
    plain_rules,
    vary,
)
from gatehouse_testing.linking_rules import st_dbscan
from gatehouse_testing.sites import row_of_zones

LOADS = (1, 4, 10)
VARIANTS = {"": (False, False), "_knobs": (True, False), "_drift": (False, True)}
GOALS = {"": 0.6, "_knobs": 0.75, "_drift": 0.75}
REPORT_SEEDS = "100-111"
OURS, COLD, DENSITY = "learned", "expert", "st_dbscan"
OTHER_SITES = range(201, 213)
Scores = dict[str, list[dict[str, float]]]


def figures() -> dict[str, Figure]:
    """Every figure; one line a case on the way."""
    if not TOOL.is_file():
        return {"err_ratio_x1": _figure(None, "", f"not measured: there is no {TOOL.name}")}
    low, _, high = os.environ.get("GATEHOUSE_LINKING_SEEDS", REPORT_SEEDS).partition("-")
    seeds = range(int(low), int(high or low) + 1)
    found: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in VARIANTS:
            for load in LOADS:
                scores = _scores(Path(folder), load, suffix, seeds)
                found |= _of_load(scores, f"x{load}{suffix}", GOALS[suffix], len(seeds))
        found |= _other_sites(Path(folder))
        found |= _cost(Path(folder), seeds[0])
    found["permutations_identical"] = _permutations()
    found["walks_followed"] = _walks_followed()
    return found


def _scores(folder: Path, load: int, suffix: str, seeds: range) -> Scores:
    knobs, drift = VARIANTS[suffix]
    tool = load_tool()
    scores: Scores = {}
    for seed in seeds:
        case = make_case(tool, folder, seed=seed, load=load, knobs=knobs, drift=drift)
        for name, score in plain_rules(tool, case).items():
            scores.setdefault(name, []).append(score)
        for name, partition in _partitions(case).items():
            scores.setdefault(name, []).append(measure(tool, case, partition))
        told = {name: round(values[-1]["b3_f1"], 4) for name, values in scores.items()}
        print(f"x{load}{suffix} seed {seed}: {told}", flush=True)
    return scores


def _partitions(case: Case) -> dict[str, Mapping[str, str]]:
    return {
        OURS: _linked(case, released_weights()),
        COLD: _linked(case, EXPERT),
        DENSITY: st_dbscan(case.rows),
    }


def _linked(case: Case, weights: Weights) -> dict[str, str]:
    incidents = link_rows(case.rows, case.site_map, weights)
    return {row.id: incident.id for incident in incidents for row in incident.rows}


def _of_load(scores: Scores, name: str, goal: float, count: int) -> dict[str, Figure]:
    b3 = {rule: mean(s["b3_f1"] for s in values) for rule, values in scores.items()}
    merged = {rule: mean(s["false_merge"] for s in values) for rule, values in scores.items()}
    split = {rule: mean(s["split"] for s in values) for rule, values in scores.items()}
    rules = [rule for rule in b3 if rule not in {OURS, COLD}]
    best = max(rules, key=lambda rule: b3[rule])
    how = f"{count} seeds; best plain rule {best}: B3 F1 {b3[best]:.4f}"
    found = {
        f"err_ratio_{name}": _figure((1 - b3[OURS]) / (1 - b3[best]), "", how, goal),
        f"b3_{name}": _figure(b3[OURS], "", "learned weights"),
        f"false_merge_{name}": _figure(merged[OURS], "", f"of {best}", merged[best]),
        f"split_{name}": _figure(split[OURS], "", "learned weights"),
    }
    for rule in (*rules, COLD):
        found[f"{rule}_b3_{name}"] = _figure(b3[rule], "", rule)
        found[f"{rule}_false_merge_{name}"] = _figure(merged[rule], "", rule)
    return found


def _other_sites(folder: Path) -> dict[str, Figure]:
    """Sites and stories that the weights were not fitted to, drawn at random."""
    ours, dense = [], []
    for seed in OTHER_SITES:
        tool = load_tool()
        vary(tool, seed)
        case = make_case(tool, folder, seed=seed, load=1 + 2 * (seed % 2), days=6)
        ours.append(measure(tool, case, _linked(case, released_weights()))["b3_f1"])
        dense.append(measure(tool, case, st_dbscan(case.rows))["b3_f1"])
    ratio = (1 - mean(ours)) / (1 - mean(dense))
    how = f"{len(OTHER_SITES)} random sites and stories"
    return {
        "b3_other_sites": _figure(mean(ours), "", how),
        "err_ratio_other_sites": _figure(ratio, "", f"{how}, over ST-DBSCAN's"),
    }


def _cost(folder: Path, seed: int) -> dict[str, Figure]:
    tool = load_tool()
    make_case(tool, folder, seed=seed, load=1)
    lines = (folder / "events.jsonl").read_bytes().splitlines()
    site = load_site(folder / "site.yaml")
    spent = min(_replay_s(lines, site) for _ in range(5))
    return {
        "replay_events_per_core_s": _figure(
            len(lines) / spent,
            "/s",
            "decoding, linking, words and encoding; CPU time",
            at_least=20_000,
        )
    }


def _replay_s(lines: list[bytes], site: object) -> float:
    began = time.process_time()
    for made in replay((decode_line(line) for line in lines), site):  # type: ignore[arg-type]
        msgspec.json.encode(made)
    return time.process_time() - began


def _permutations(count: int = 200, size: int = 200) -> Figure:
    draw = random.Random(7)
    site_map = map_site(row_of_zones(["shed", "lane", "moving", "perimeter", "perimeter", "door"]))
    kinds = [
        "thermal_hotspot",
        "fire_smoke",
        "crowd_density",
        "help_button",
        "door_held",
        "perimeter_intrusion",
    ]
    rows = [
        alarm(
            site_map,
            draw.choice(kinds),
            f"z{draw.randrange(6)}",
            draw.randrange(20_000),
            device=f"d{n}",
        )
        for n in range(size)
    ]
    told = {repr(link_rows(rows, site_map, released_weights()))}
    for _ in range(count):
        shuffled = rows + draw.sample(rows, 20)
        draw.shuffle(shuffled)
        told.add(repr(link_rows(shuffled, site_map, released_weights())))
    return _figure(float(len(told) == 1), "", f"{count} permutations of {size} rows with doubles")


def _walks_followed() -> Figure:
    site_map = map_site(row_of_zones(["perimeter"] * 6))
    followed = 0
    for rate in (1, 3, 6):
        for seed in range(20):
            draw = random.Random(seed)
            at_s = draw.expovariate(rate / 3600)
            rows = []
            while at_s < 8 * 3600:
                step_s = at_s
                for zone in range(6):
                    rows.append(
                        alarm(site_map, "perimeter_intrusion", f"z{zone}", step_s // 10 * 10)
                    )
                    step_s += draw.uniform(40, 120)
                at_s += draw.expovariate(rate / 3600)
            for incident in link_rows(rows, site_map, released_weights()):
                followed += len({row.zone for row in incident.rows}) > 2
    return _figure(float(followed), "incidents", "20 seeds at 1, 3 and 6 walkers an hour", 0.0)


def _figure(
    value: float | None,
    unit: str,
    how: str,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Figure:
    goal = None if at_most is None else f"<= {at_most:.4g}"
    met = None if value is None or at_most is None else value <= at_most
    if at_least is not None:
        goal = f">= {at_least:g}"
        met = None if value is None else value >= at_least
    rounded = None if value is None else round(value, 4)
    return Figure(value=rounded, unit=unit, goal=goal, met=met, how=how)
