"""Processes that are killed, in the numbers of the requirements, each kind twice: what was lost, doubled or unaccounted for.

    agent_killed     the gateway 200 times, while it writes 20,000 rows
    broker_killed    the broker 50 times; of these `broker_wiped` lost its store 10 times
    ingest_killed    the hub 200 times, 50 of them between COMMIT and acknowledgement
    linker_killed    eight linkers 100 times
    power_cut        1,000 times, on a simulated disk
    backlog          an alarm behind 100,000 rows of bulk

`GATEHOUSE_FAULTS_SHARE=0.1` makes a tenth of the deaths and says so. Seeds are printed; `GATEHOUSE_FAULTS_SEED=N` takes others.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.faults.backlog import first_alarms
from gatehouse_testing.faults.linkers import kill_linkers
from gatehouse_testing.faults.suites import (
    Outcome,
    Plan,
    Suite,
    kill_agents,
    kill_brokers,
    kill_ingest,
)
from gatehouse_testing.faults.tally import Counts
from gatehouse_testing.faults.yard import yard
from gatehouse_testing.postgres import postgres_cluster
from gatehouse_testing.power_cuts import Cuts, cut_outboxes
from gatehouse_testing.simulation.disk import simulated_disks
from gatehouse_testing.usage import load

RUNS: Final = 2
ROWS: Final = 20_000
SERVING_S: Final = 5.0
SHARE: Final = float(os.environ.get("GATEHOUSE_FAULTS_SHARE", "1"))
FIRST_SEED: Final = int(os.environ.get("GATEHOUSE_FAULTS_SEED", "20261129"))
Run = Callable[[Path, str, Plan], Outcome]


def figures() -> dict[str, Figure]:
    """Every kind, twice."""
    kinds: dict[str, tuple[Run, Plan]] = {
        "agent_killed": (_in_yard(kill_agents), _plan(kills=200, rows=ROWS)),
        "broker_killed": (_in_yard(kill_brokers), _plan(kills=40, rows=ROWS)),
        "broker_wiped": (_in_yard(kill_brokers), _plan(kills=10, rows=ROWS // 4, wipes=10)),
        "ingest_killed": (_in_yard(kill_ingest), _plan(kills=200, rows=ROWS, between=50)),
        "linker_killed": (kill_linkers, _plan(kills=100, rows=2_000)),
    }
    found: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory() as room, postgres_cluster() as cluster:
        for name, (run, plan) in kinds.items():
            outcomes: list[Outcome] = []
            for number in range(1, RUNS + 1):
                seeded = _seeded(plan, number)
                outcome = run(Path(room) / f"{name}-{number}", cluster.fresh(), seeded)
                print(f"{name}: {outcome}", flush=True)
                outcomes.append(outcome)
            found.update(_figures(name, outcomes))
        found |= _backlog(Path(room) / "backlog", cluster.fresh())
        found |= _power_cuts(Path(room) / "cuts")
    return found


def _backlog(folder: Path, database: str) -> dict[str, Figure]:
    """Requirement 1.7: an alarm behind 100,000 rows, over as many reconnections."""
    rows, runs = round(100_000 * SHARE), max(1, round(50 * SHARE))
    with yard(folder, database) as found:
        took = [run.took_s for run in first_alarms(found, rows, runs)]
    p99 = took[min(len(took) - 1, int(0.99 * len(took)))]
    how = f"{runs} reconnections with {rows} rows of bulk before it, median {took[len(took) // 2]:.2f} s, load {load():.1f}"
    return {
        "backlog_first_alarm_s": Figure(
            value=p99, unit="s", goal="<= 5", met=p99 <= SERVING_S, how=how
        )
    }


def _power_cuts(folder: Path) -> dict[str, Figure]:
    """Requirement 1.2, on the simulated disk."""
    found = Cuts()
    for number in range(1, RUNS + 1):
        home = folder / str(number)
        home.mkdir(parents=True)
        seed = FIRST_SEED + number
        with simulated_disks():
            cuts = cut_outboxes(home, seed, max(1, round(1_000 * SHARE)))
        print(f"power_cut: seed {seed}: {cuts}", flush=True)
        found = Cuts(
            found.cuts + cuts.cuts,
            found.accepted + cuts.accepted,
            found.lost + cuts.lost,
            found.corrupt + cuts.corrupt,
        )
    how = f"{RUNS} runs, {found.cuts} cuts of a simulated disk, {found.accepted} rows accepted"
    return {
        f"power_cut_{what}": Figure(value=float(n), unit=unit, goal="0", met=n == 0, how=how)
        for what, n, unit in (("lost", found.lost, "rows"), ("corrupt", found.corrupt, "files"))
    }


def _in_yard(suite: Suite) -> Run:
    def run(folder: Path, database: str, plan: Plan) -> Outcome:
        with yard(folder, database) as found:
            return suite(found, plan)

    return run


def _plan(*, kills: int, rows: int, wipes: int = 0, between: int = 0) -> Plan:
    def part(number: int) -> int:
        return max(1, round(number * SHARE)) if number else 0

    return Plan(
        seed=0, kills=part(kills), rows=part(rows), wipes=part(wipes), between=part(between)
    )


def _seeded(plan: Plan, number: int) -> Plan:
    return Plan(
        seed=FIRST_SEED + number,
        kills=plan.kills,
        rows=plan.rows,
        wipes=plan.wipes,
        between=plan.between,
    )


def _figures(name: str, outcomes: list[Outcome]) -> dict[str, Figure]:
    counts = sum((outcome.counts for outcome in outcomes), Counts(0, 0, 0))
    took_s = sum(outcome.took_s for outcome in outcomes)
    how = (
        f"{len(outcomes)} runs, seeds {', '.join(str(o.plan.seed) for o in outcomes)}: "
        f"{sum(o.plan.kills for o in outcomes)} kills, {counts.rows} rows, {counts.incidents} incidents, "
        f"{took_s:.0f} s, load {load():.1f}"
    )
    numbers = {
        "lost": counts.lost,
        "duplicated": counts.duplicated,
        "unaccounted": counts.unaccounted,
    }
    found = {
        f"{name}_{what}": Figure(
            value=float(number), unit="rows", goal="0", met=number == 0, how=how
        )
        for what, number in numbers.items()
    }
    serving = [o.serving_s for o in outcomes if o.serving_s is not None]
    if serving:
        found[f"{name}_serving_s"] = Figure(
            value=max(serving),
            unit="s",
            goal=f"<= {SERVING_S:g}",
            met=max(serving) <= SERVING_S,
            how="the longest start of a killed process until it works, imports not counted",
        )
    return found
