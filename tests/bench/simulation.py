"""`./dev bench simulation`: a night of the deterministic simulator.

`SEEDS` and `FIRST` in the environment change how many and which: 10,000 from 0 on.
"""

import os
import time

from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.simulation.hunting import hunt

SEEDS = int(os.environ.get("SEEDS", "10000"))
FIRST = int(os.environ.get("FIRST", "0"))


def figures() -> dict[str, Figure]:
    """Seeds, events, faults of each kind, failures; and the seconds that 500 seeds take at this rate."""
    began = time.monotonic()
    haul = hunt(range(FIRST, FIRST + SEEDS))
    took_s = time.monotonic() - began
    print(haul.report())
    how = f"seeds {FIRST} to {FIRST + SEEDS - 1}, {os.cpu_count()} processes"
    return {
        "sim_seeds": _figure(haul.seeds, "seeds", how),
        "sim_events": _figure(haul.events, "events", how),
        "sim_rows": _figure(haul.rows, "rows", "accepted by outboxes"),
        "sim_failures": _goal(len(haul.failed), "seeds", 0, "seeds with a violation"),
        "sim_500_seeds_s": _goal(500 * took_s / SEEDS, "s", 120, f"{took_s:.0f} s for all"),
        **{
            f"sim_fault_{name}": _figure(count, "times", "struck")
            for name, count in sorted(haul.faults.items())
        },
    }


def _figure(value: float, unit: str, how: str) -> Figure:
    return {"value": value, "unit": unit, "goal": None, "met": None, "how": how}


def _goal(value: float, unit: str, most: float, how: str) -> Figure:
    return {"value": value, "unit": unit, "goal": f"<= {most}", "met": value <= most, "how": how}
