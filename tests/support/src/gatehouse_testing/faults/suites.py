"""The fault suites: what is killed, how often, and what must be true afterwards. Every chance is drawn from a seed.

Deaths are drawn in time or at a named moment (a commit under way, between two messages, an acknowledgement half taken in, between
COMMIT and acknowledgement). A suite ends when the gateway says that all it holds is acknowledged; then it is counted.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from gatehouse_testing.faults import gateway_process
from gatehouse_testing.faults.hub_process import ACK_FIRST, HubTask
from gatehouse_testing.faults.tally import Counts
from gatehouse_testing.faults.yard import UP_S, Yard, task_of
from gatehouse_testing.waiting import wait_until

LIFE_S: Final = 1.5
"""About how long a broker or a hub lives between two deaths; what is written a second follows from it."""
AT_WORK: Final = 0.9
"""The share of gateways whose time runs from when they work; the rest may die as they start."""
CHOSEN_S: Final = 10.0
"""How long a hub is waited for that is to die at a moment which may not come."""
LIVES_MORE: Final = 5
"""A suite may take so many times the lives it was asked for until the chosen moments have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of it. `wipes`: brokers that also lose their store; `between`: hubs that die between COMMIT and ack."""

    seed: int
    kills: int
    rows: int
    wipes: int = 0
    between: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a suite found. `moments`: deaths at each chosen moment; `serving_s`: the longest start until work went on."""

    plan: Plan
    counts: Counts
    took_s: float
    moments: dict[str, int]
    serving_s: float | None = None

    def __str__(self) -> str:
        counts = self.counts
        moments = ", ".join(f"{n} at {name}" for name, n in sorted(self.moments.items()))
        return (
            f"seed {self.plan.seed}: {self.plan.kills} kills{f' ({moments})' if moments else ''}, {counts.rows} rows, "
            f"{counts.incidents} incidents; lost {counts.lost}, duplicated {counts.duplicated}, "
            f"unaccounted {counts.unaccounted}; {self.took_s:.0f} s"
        )


Suite = Callable[[Yard, Plan], Outcome]


def kill_agents(yard: Yard, plan: Plan) -> Outcome:
    """The gateway dies, again and again, while it writes; broker and hub live on."""
    drawn, began_s = Random(plan.seed), time.monotonic()
    yard.start_hub()
    serving_s = 0.0
    for life in range(1, plan.kills + 1):
        moment = drawn.choice(("", *gateway_process.MOMENTS))
        task = task_of(yard, drawn, plan.rows * life // plan.kills)
        started_s = time.monotonic()
        yard.gateway.start(replace(task, die_at=moment, after=drawn.randint(1, 8)))
        if drawn.random() < AT_WORK:
            wait_until(yard.gateway.life, UP_S, what="the gateway is up")
        yard.gateway.wait_dead(drawn.uniform(0.0, 1.0))
        yard.gateway.kill()
        serving_s = max(serving_s, _up_after(yard, started_s))
    yard.gateway.start(task_of(yard, drawn, plan.rows))
    yard.drain()
    counts = yard.tally()
    return _outcome(plan, counts, began_s, yard.gateway.said(), serving_s)


def kill_brokers(yard: Yard, plan: Plan, *, trusts_broker: bool = False) -> Outcome:
    """The broker dies while rows flow, and sometimes its store with it; gateway and hub live on."""
    drawn, began_s = Random(plan.seed), time.monotonic()
    yard.start_hub()
    wiped = set(drawn.sample(range(plan.kills), plan.wipes))
    rate = plan.rows / (plan.kills * LIFE_S)
    task = task_of(yard, drawn, plan.rows, rate=rate)
    yard.gateway.start(replace(task, trusts_broker=trusts_broker))
    pause = threading.Event()
    for kill in range(plan.kills):
        pause.wait(drawn.uniform(0.3, 3.0))
        yard.broker.kill()
        if kill in wiped:
            yard.broker.wipe()
        pause.wait(drawn.uniform(0.0, 0.4))
        yard.broker.start()
    yard.drain()
    counts = yard.tally()
    return _outcome(plan, counts, began_s, [])


def kill_ingest(yard: Yard, plan: Plan, *, ack_first: bool = False) -> Outcome:
    """The hub dies, often between COMMIT and acknowledgement; gateway and broker live on."""
    drawn, began_s = Random(plan.seed), time.monotonic()
    task = task_of(yard, drawn, plan.rows, rate=plan.rows / (plan.kills * LIFE_S), haste=300.0)
    yard.gateway.start(task)
    lives = between = 0
    while lives < plan.kills or between < plan.between:
        lives += 1
        assert lives <= LIVES_MORE * plan.kills, "the moment between COMMIT and ack does not come"
        moment = ACK_FIRST if ack_first else drawn.choice(("", "before_commit", "after_commit"))
        hub = HubTask(config=yard.config, die_at=moment, after=drawn.randint(1, 3))
        yard.start_hub(hub, wait=False)
        wait_until(lambda: yard.hub.life() or not yard.hub.is_alive, UP_S)
        yard.hub.wait_dead(CHOSEN_S if moment else drawn.uniform(0.0, 1.0))
        between += yard.hub.last() == "dies after_commit"
        yard.hub.kill()
    yard.start_hub()
    yard.drain()
    counts = yard.tally()
    return _outcome(replace(plan, kills=lives), counts, began_s, yard.hub.said())


def _up_after(yard: Yard, started_s: float) -> float:
    """How long the gateway's last start took; 0 where it died before."""
    said = next((line for line in yard.gateway.life() if line.startswith("up ")), None)
    return 0.0 if said is None else float(said.split()[1]) - started_s


def _outcome(
    plan: Plan, counts: Counts, began_s: float, said: list[str], serving_s: float | None = None
) -> Outcome:
    moments: dict[str, int] = {}
    for line in said:
        if line.startswith("dies "):
            moment = line.split()[1]
            moments[moment] = moments.get(moment, 0) + 1
    return Outcome(
        plan=plan,
        counts=counts,
        took_s=time.monotonic() - began_s,
        moments=moments,
        serving_s=serving_s,
    )
