"""Fits the linker's weights to cases with known truth: `python -m gatehouse_testing.linking_fit FILE`.

Each row chooses between opening an incident and joining one of those near it; the weights are those that make the true choices
likeliest (maximum a posteriori): single pairs of kinds are drawn towards what their relation says, tables towards being smooth.
Deterministic: the same cases give the same file. Seeds 1-99 of the given tool only; 100-111 are for reports.
"""

import json
import math
import sys
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from gatehouse_hub.linking.busyness import Busyness
from gatehouse_hub.linking.linker import link_rows
from gatehouse_hub.linking.opened import Opened, Standing
from gatehouse_hub.linking.released import parse_weights
from gatehouse_hub.linking.site_map import HOPS_NEAR, metres_between
from gatehouse_hub.linking.weights import (
    AGE_BOUNDS_S,
    CLIP,
    DISTANCE_BOUNDS_M,
    EXPERT,
    MS,
    TIME_BOUNDS_S,
    Circumstance,
    Relation,
    Weights,
    relation_of,
)
from gatehouse_shared.names import LATCHED_KINDS, HazardKind
from gatehouse_testing.linking_cases import Case, load_tool, make_case, vary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS: Final = sorted(HazardKind)
NUMBER: Final = {kind: n for n, kind in enumerate(KINDS)}
RELATIONS: Final = list(Relation)
CIRCUMSTANCES: Final = list(Circumstance)
TIMES, DISTANCES, AGES = len(TIME_BOUNDS_S) + 1, len(DISTANCE_BOUNDS_M) + 1, len(AGE_BOUNDS_S) + 1
SIZES: Final = {
    "relations": len(RELATIONS), "pairs": len(KINDS) ** 2, "times": len(CIRCUMSTANCES) * TIMES, "distances": 2 * DISTANCES,
    "hops": 2 * (HOPS_NEAR + 1), "ages": 2 * AGES, "latched": 1, "company": 1, "busy": 5,
}  # fmt: skip
AT: Final = dict(zip(SIZES, np.cumsum([0, *SIZES.values()]).tolist(), strict=False))
LENGTH: Final = sum(SIZES.values())
PAIR_RIDGE, RIDGE, SMOOTH = 4.0, 0.1, 6.0
"""Precision of the priors, in rows."""
CAUTION, CAUTION_FALL = 1.38, 0.45
"""Odds count a wrong merge and a wrong split alike. On a quiet site a wrong merge is rarer and worse, so more is asked for there:
this much against any link, less this much for each e-fold of onsets on the site. Chosen on tuning seeds for few false merges at
even B3 F1.
"""


@dataclass(frozen=True, slots=True)
class Choices:
    """Rows' choices, flat. A voice is a pair of rows, a group a row's candidate incident: all voices of a group lie together."""

    voices: Ints
    """(voices, 5) positions in the weights: relation, pair, time, distance, hops."""
    group_of: Ints
    """(voices,) the group that each belongs to."""
    groups: Ints
    """(groups, 2) positions in the weights: age, latched (or the last position, a constant nought)."""
    company: Floats
    row_of: Ints
    """(groups,) the row that chooses."""
    busy: Floats
    """(rows, 5) a one and the logarithms of the onsets."""
    chosen: Ints
    """(rows,) the true group, -1 for opening an incident."""
    share: Floats
    """(rows,) what each counts for."""


def choices_of(case: Case, share: float, found: Mapping[str, str] | None = None) -> Choices:
    """What the rows of a case had to choose from: the incidents as they truly were, or as they were `found` (row id -> name).

    Among found ones the right choice is the one that holds most of what truly belongs to the row; so the weights learn to go on
    from the linker's own mistakes.
    """
    names = case.truth if found is None else found
    voices: list[tuple[int, ...]] = []
    group_of: list[int] = []
    groups: list[tuple[int, int]] = []
    company: list[float] = []
    row_of: list[int] = []
    busy: list[tuple[float, ...]] = []
    chosen: list[int] = []
    busyness = Busyness()
    standing = Standing(EXPERT.window_s * MS, EXPERT.members)
    by_name: dict[str, Opened] = {}
    held: Counter[tuple[str, int]] = Counter()
    for row in case.rows:
        onsets = busyness.step(row)
        counts = (onsets.kind_here, onsets.kind_on_site, onsets.site, onsets.kind_lately)
        near = case.site_map.near_zones(row.zone)
        truth = case.truth[row.id]
        label, most = -1, 0
        since_ms = row.time_ms - EXPERT.window_s * MS
        for opened in standing.near(row, near):
            if not opened.may_take(row, case.site_map):
                continue
            heard = [
                _voice(case, member, row, near[member.zone])
                for member in opened.latest
                if member.zone in near and member.time_ms >= since_ms
            ]
            if not heard:
                continue
            again = row.kind in opened.kinds
            age = bisect_right(AGE_BOUNDS_S, (row.time_ms - opened.first.time_ms) / MS)
            latched = AT["latched"] if again and row.kind in LATCHED_KINDS else LENGTH
            if held[truth, opened.number] > most:
                label, most = len(groups), held[truth, opened.number]
            voices.extend(heard)
            group_of.extend([len(groups)] * len(heard))
            groups.append((AT["ages"] + (0 if again else AGES) + age, latched))
            company.append(math.log1p(opened.rows_since(since_ms)))
            row_of.append(len(busy))
        chosen.append(label)
        busy.append((1.0, *(math.log1p(n) for n in counts)))
        mine = by_name.get(names[row.id])
        if mine is None or mine.latest[-1].time_ms < since_ms:
            mine = by_name[names[row.id]] = standing.open(row, len(chosen))
        else:
            standing.join(mine, row)
        held[truth, mine.number] += 1
    return Choices(
        np.array(voices, np.int64).reshape(-1, 5), np.array(group_of, np.int64),
        np.array(groups, np.int64).reshape(-1, 2), np.array(company), np.array(row_of, np.int64), np.array(busy),
        np.array(chosen, np.int64), np.full(len(busy), share / len(busy)),
    )  # fmt: skip


def _voice(case: Case, earlier: Any, later: Any, hops: int) -> tuple[int, ...]:
    relation = relation_of(earlier.kind, later.kind)
    same = relation is Relation.SAME
    circumstance = {Relation.SAME: 0, Relation.OTHER: 4}.get(relation, 2)
    circumstance += 0 if relation is Relation.OTHER else min(hops, 1)
    metres = metres_between(
        (earlier.x_m, earlier.y_m, earlier.level), (later.x_m, later.y_m, later.level)
    )
    time = bisect_right(TIME_BOUNDS_S, (later.time_ms - earlier.time_ms) / MS)
    return (
        AT["relations"] + RELATIONS.index(relation),
        AT["pairs"] + NUMBER[earlier.kind] * len(KINDS) + NUMBER[later.kind],
        AT["times"] + circumstance * TIMES + time,
        AT["distances"] + (0 if same else DISTANCES) + bisect_right(DISTANCE_BOUNDS_M, metres),
        AT["hops"] + (0 if same else HOPS_NEAR + 1) + hops,
    )


def together(parts: Iterable[Choices]) -> Choices:
    """All choices of several cases."""
    found = list(parts)
    groups = np.cumsum([0, *(len(p.groups) for p in found)])
    rows = np.cumsum([0, *(len(p.busy) for p in found)])
    return Choices(
        np.concatenate([p.voices for p in found]),
        np.concatenate([p.group_of + g for p, g in zip(found, groups, strict=False)]),
        np.concatenate([p.groups for p in found]),
        np.concatenate([p.company for p in found]),
        np.concatenate([p.row_of + r for p, r in zip(found, rows, strict=False)]),
        np.concatenate([p.busy for p in found]),
        np.concatenate(
            [np.where(p.chosen < 0, -1, p.chosen + g) for p, g in zip(found, groups, strict=False)]
        ),
        np.concatenate([p.share for p in found]),
    )


def fit(choices: Choices, *, start: Floats | None = None, rounds: int = 100) -> Floats:
    """The likeliest weights, as one vector of LENGTH."""
    guess = np.zeros(LENGTH) if start is None else start
    found = minimize(
        lambda w: loss(choices, w), guess, jac=True, method="L-BFGS-B",
        bounds=[(-CLIP, CLIP)] * LENGTH, options={"maxiter": rounds},
    )  # fmt: skip
    best: Floats = found.x
    return best


def loss(choices: Choices, weights: Floats, *, prior: bool = True) -> tuple[float, Floats]:
    """What the true choices cost under `weights`, in nats, and the slope."""
    c = choices
    padded = np.append(weights, 0.0)
    starts = np.flatnonzero(np.diff(c.group_of, prepend=-1))
    said = padded[c.voices].sum(1)
    loud = np.exp(said)
    total = np.add.reduceat(loud, starts)
    busy = c.busy @ weights[AT["busy"] :]
    odds = np.log(total) + padded[c.groups].sum(1) + weights[AT["company"]] * c.company
    odds = np.clip(odds - busy[c.row_of], -40, 40)
    even = np.exp(odds)
    rows = len(c.busy)
    norm = 1 + np.bincount(c.row_of, even, rows)
    joined = c.chosen >= 0
    cost = float((c.share * np.log(norm)).sum() - (c.share[joined] * odds[c.chosen[joined]]).sum())
    slope = even / norm[c.row_of] * c.share[c.row_of]
    slope[c.chosen[joined]] -= c.share[joined]
    down = np.zeros(LENGTH + 1)
    each = slope[c.group_of] * loud / total[c.group_of]
    for column in c.voices.T:
        down += np.bincount(column, each, LENGTH + 1)
    for column in c.groups.T:
        down += np.bincount(column, slope, LENGTH + 1)
    down[AT["company"]] += slope @ c.company
    down[AT["busy"] : LENGTH] -= np.bincount(c.row_of, slope, rows) @ c.busy
    return _with_prior(cost, down[:LENGTH], weights) if prior else (cost, down[:LENGTH])


def _with_prior(cost: float, down: Floats, weights: Floats) -> tuple[float, Floats]:
    strength = np.full(LENGTH, RIDGE)
    strength[AT["pairs"] : AT["pairs"] + SIZES["pairs"]] = PAIR_RIDGE
    cost += float((strength * weights**2).sum()) / 2
    down = down + strength * weights
    for name, width in (("times", TIMES), ("distances", DISTANCES), ("ages", AGES)):
        part = slice(AT[name], AT[name] + SIZES[name])
        table = weights[part].reshape(-1, width)
        steps = np.diff(table, axis=1)
        cost += SMOOTH * float((steps**2).sum()) / 2
        slope = np.zeros_like(table)
        slope[:, 1:] += SMOOTH * steps
        slope[:, :-1] -= SMOOTH * steps
        down[part] += slope.ravel()
    return cost, down


def to_tree(weights: Floats, version: str) -> dict[str, Any]:
    """The weights as they are written down, to a thousandth of a nat."""
    rounded = [round(float(w), 3) + 0.0 for w in weights]

    def part(name: str) -> list[float]:
        return rounded[AT[name] : AT[name] + SIZES[name]]

    def tables(name: str, width: int) -> list[list[float]]:
        values = part(name)
        return [values[n : n + width] for n in range(0, len(values), width)]

    pairs = part("pairs")
    busy = part("busy")
    return {
        "version": version,
        "relations": dict(zip((str(r) for r in RELATIONS), part("relations"), strict=True)),
        "pairs": {
            f"{a} {b}": pairs[NUMBER[a] * len(KINDS) + NUMBER[b]]
            for a in KINDS
            for b in KINDS
            if abs(pairs[NUMBER[a] * len(KINDS) + NUMBER[b]]) >= 0.05
        },
        "times": dict(zip((str(c) for c in CIRCUMSTANCES), tables("times", TIMES), strict=True)),
        "distances": dict(zip(("again", "new"), tables("distances", DISTANCES), strict=True)),
        "hop_steps": dict(zip(("again", "new"), tables("hops", HOPS_NEAR + 1), strict=True)),
        "ages": dict(zip(("again", "new"), tables("ages", AGES), strict=True)),
        "latched": part("latched")[0],
        "company": part("company")[0],
        "busy": dict(
            zip(("base", "kind_here", "kind_on_site", "site", "kind_lately"), busy, strict=True)
        ),
    }


def training(folder: Path) -> Iterator[tuple[Case, float]]:
    """The cases to fit to and what each counts for, in rows."""
    for name, knobs, drift in (
        ("plain", False, False),
        ("knobs", True, False),
        ("drift", False, True),
    ):
        for load, days, seeds in (
            (1, 10, range(1, 9)),
            (4, 5, range(11, 14)),
            (10, 3, range(21, 23)),
        ):
            for seed in seeds:
                at = folder / f"{name}_{load}_{seed}"
                made = make_case(
                    load_tool(), at, seed=seed, load=load, days=days, knobs=knobs, drift=drift
                )
                yield made, 6000 / len(seeds)
    for seed in range(1, 25):
        tool = load_tool()
        vary(tool, seed)
        at = folder / f"varied_{seed}"
        knobs, drift = seed % 3 == 1, seed % 3 == 2
        yield (
            make_case(tool, at, seed=seed, load=(1, 3)[seed % 2], days=6, knobs=knobs, drift=drift),
            1000.0,
        )


def main(argv: list[str]) -> int:
    """Make the cases, fit to the truth, then to what the linker makes of them itself, write."""
    with tempfile.TemporaryDirectory() as folder:
        cases = list(training(Path(folder)))
    true = [choices_of(case, share) for case, share in cases]
    weights = fit(together(true), rounds=60)
    linked = parse_weights(json.dumps(to_tree(weights, argv[2])).encode())
    print("fitted to the truth; once more, to its own incidents", flush=True)
    own = [choices_of(case, share, partition(case, linked)) for case, share in cases]
    choices = together((*true, *own))
    weights = fit(choices, start=weights, rounds=50)
    print(f"{loss(choices, weights, prior=False)[0] / choices.share.sum():.4f} nats a row")
    weights[AT["busy"]] += CAUTION
    weights[AT["busy"] + 3] -= CAUTION_FALL
    Path(argv[1]).write_text(json.dumps(to_tree(weights, argv[2]), indent=1) + "\n")
    return 0


def partition(case: Case, weights: Weights) -> dict[str, str]:
    """Row id -> the incident that the linker puts it in."""
    found = link_rows(case.rows, case.site_map, weights)
    return {row.id: incident.id for incident in found for row in incident.rows}


if __name__ == "__main__":
    sys.exit(main(sys.argv))
