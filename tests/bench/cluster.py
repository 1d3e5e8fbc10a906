"""A cluster on this machine, from Debian's packages: how long a failover takes, how late rows are, and that none is lost.

    leader_*     3.1  the leader of the database is killed 20 times
    any_*        3.2  every 20 s one of all processes is killed, for 30 minutes at 500 rows a second
    gateways_* database_* broker_*   3.3  cut off for 10, 2 and 5 minutes

`GATEHOUSE_CLUSTER_SHARE=0.2` makes a fifth of the lengths; without it, a tenth. `GATEHOUSE_CLUSTER=leader,any` runs only these.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from gatehouse_testing.cluster.city import percentile
from gatehouse_testing.cluster.lengths import Lengths
from gatehouse_testing.cluster.scenarios import (
    Story,
    cut_database,
    cut_gateways,
    isolate_broker,
    kill_any,
    kill_leaders,
)
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.postgres import postgres_cluster
from gatehouse_testing.usage import load

SEED = 20261129


def figures() -> dict[str, Figure]:
    """Every scenario, or those that were named."""
    lengths = Lengths.from_environment()
    found: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory() as room, postgres_cluster() as cluster:
        for name, run in scenarios(lengths, Path(room), cluster.fresh).items():
            story = run()
            print(f"{name}: {story}", flush=True)
            found.update(_figures(name, story, lengths))
    return found


def scenarios(
    lengths: Lengths, room: Path, fresh: Callable[[], str]
) -> dict[str, Callable[[], Story]]:
    """What to run, by name."""
    every: dict[str, Callable[[], Story]] = {
        "leader": lambda: kill_leaders(room / "leader", lengths.leader_kills),
        "any": lambda: kill_any(room / "any", lengths.any_s, seed=SEED),
        "gateways": lambda: cut_gateways(room / "gateways", fresh(), lengths.gateway_cut_s),
        "database": lambda: cut_database(room / "database", fresh(), lengths.database_cut_s),
        "broker": lambda: isolate_broker(room / "broker", fresh(), lengths.broker_cut_s),
    }
    wanted = os.environ.get("GATEHOUSE_CLUSTER", ",".join(every)).split(",")
    return {name: every[name] for name in wanted}


def _figures(name: str, story: Story, lengths: Lengths) -> dict[str, Figure]:
    counts = story.counts
    how = f"{story}; {lengths.share:.0%} of the required length, load {load():.1f}"
    found = {
        f"{name}_{what}": Figure(value=float(n), unit="rows", goal="0", met=n == 0, how=how)
        for what, n in (
            ("lost", counts.lost),
            ("duplicated", counts.duplicated),
            ("unaccounted", counts.unaccounted),
        )
    }
    if story.gaps_s:
        found[f"{name}_gap_p95_s"] = _at_most(percentile(story.gaps_s, 0.95), 35.0, how)
    if story.p99_outside_s is not None:
        found[f"{name}_p99_s"] = _at_most(story.p99_outside_s, 10.0, how)
    if story.drained_s is not None:
        outage_s = {
            "gateways": lengths.gateway_cut_s,
            "database": lengths.database_cut_s,
            "broker": lengths.broker_cut_s,
        }[name]
        found[f"{name}_drained_s"] = _at_most(story.drained_s, 2 * outage_s, how)
    return found


def _at_most(value: float | None, goal: float, how: str) -> Figure:
    met = None if value is None else value <= goal
    return Figure(value=value, unit="s", goal=f"<= {goal:g}", met=met, how=how)
