"""Gateways, brokers, hubs and linkers are killed; in full number by `./dev test --long`, a few by default.

Nothing is lost, nothing is there twice, everything is accounted for. And a build that breaks the promise is found out.
"""

from pathlib import Path

import pytest

from gatehouse_edge.transport.window import RULES
from gatehouse_shared.names import Lane
from gatehouse_testing.faults.backlog import first_alarms
from gatehouse_testing.faults.linkers import kill_linkers
from gatehouse_testing.faults.suites import (
    Outcome,
    Plan,
    kill_agents,
    kill_brokers,
    kill_ingest,
)
from gatehouse_testing.faults.yard import yard
from gatehouse_testing.postgres import PostgresCluster

pytestmark = pytest.mark.broker


def full(*plan: object) -> object:
    """A plan with the numbers of the requirement."""
    return pytest.param(*plan, marks=pytest.mark.long)


def holds(outcome: Outcome) -> None:
    """The promise. Says what was done, with the seed."""
    print(outcome)
    assert outcome.counts.clean, str(outcome)
    assert outcome.counts.rows >= outcome.plan.rows


@pytest.mark.parametrize(
    "plan",
    [
        Plan(seed=1, kills=4, rows=300),
        full(Plan(seed=11, kills=200, rows=20_000)),
        full(Plan(seed=12, kills=200, rows=20_000)),
    ],
    ids=str,
)
def test_a_gateway_that_is_killed_loses_nothing_and_says_nothing_twice(
    tmp_path: Path, database_url: str, plan: Plan
) -> None:
    with yard(tmp_path, database_url) as found:
        holds(kill_agents(found, plan))


@pytest.mark.parametrize(
    "plan",
    [
        Plan(seed=2, kills=2, rows=300, wipes=1),
        full(Plan(seed=21, kills=50, rows=20_000, wipes=10)),
        full(Plan(seed=22, kills=50, rows=20_000, wipes=10)),
    ],
    ids=str,
)
def test_a_broker_that_is_killed_and_wiped_costs_nothing(
    tmp_path: Path, database_url: str, plan: Plan
) -> None:
    with yard(tmp_path, database_url) as found:
        holds(kill_brokers(found, plan))


@pytest.mark.parametrize(
    "plan",
    [
        Plan(seed=3, kills=3, rows=300, between=1),
        full(Plan(seed=31, kills=200, rows=20_000, between=50)),
        full(Plan(seed=32, kills=200, rows=20_000, between=50)),
    ],
    ids=str,
)
def test_a_hub_that_is_killed_round_its_commit_loses_nothing_and_stores_nothing_twice(
    tmp_path: Path, database_url: str, plan: Plan
) -> None:
    with yard(tmp_path, database_url) as found:
        outcome = kill_ingest(found, plan)
    holds(outcome)
    assert outcome.moments.get("after_commit", 0) >= plan.between


@pytest.mark.postgres
@pytest.mark.parametrize(
    "plan",
    [
        Plan(seed=4, kills=6, rows=150),
        full(Plan(seed=41, kills=100, rows=2_000)),
        full(Plan(seed=42, kills=100, rows=2_000)),
    ],
    ids=str,
)
def test_linkers_that_are_killed_leave_every_alarm_in_one_incident(
    tmp_path: Path, postgres: PostgresCluster, plan: Plan
) -> None:
    holds(kill_linkers(tmp_path, postgres.fresh(), plan))


@pytest.mark.parametrize(("rows", "runs"), [(3_000, 1), full(100_000, 10)])
def test_an_alarm_does_not_wait_for_the_bulk_before_it(
    tmp_path: Path, rows: int, runs: int
) -> None:
    with yard(tmp_path, f"sqlite:{tmp_path / 'hub.db'}") as found:
        took = first_alarms(found, rows, runs)
    print(f"{rows} rows before it: {took[0].took_s:.2f} to {took[-1].took_s:.2f} s")
    window = RULES[Lane.BULK].rows
    assert [run for run in took if run.bulk_waiting < rows - window] == []


def test_a_gateway_that_believes_the_broker_is_found_out(tmp_path: Path) -> None:
    with yard(tmp_path, f"sqlite:{tmp_path / 'hub.db'}") as found:
        plan = Plan(seed=5, kills=3, rows=600, wipes=2)
        outcome = kill_brokers(found, plan, trusts_broker=True)
    assert outcome.counts.lost > 0, "the suite would not see a lost row"


def test_a_hub_that_acknowledges_before_it_commits_is_found_out(tmp_path: Path) -> None:
    with yard(tmp_path, f"sqlite:{tmp_path / 'hub.db'}") as found:
        outcome = kill_ingest(found, Plan(seed=6, kills=2, rows=300), ack_first=True)
    assert outcome.counts.lost > 0, "the suite would not see a lost row"
