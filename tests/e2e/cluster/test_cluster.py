"""A cluster from Debian's packages and the files of `deploy/`, on loopback; a tenth of the lengths unless told otherwise."""

from pathlib import Path

import pytest

from gatehouse_testing.cluster.lengths import Lengths
from gatehouse_testing.cluster.scenarios import (
    Story,
    cut_database,
    cut_gateways,
    isolate_broker,
    kill_any,
    kill_leaders,
)
from gatehouse_testing.postgres import PostgresCluster

pytestmark = [pytest.mark.long, pytest.mark.broker, pytest.mark.postgres]
LENGTHS = Lengths.from_environment()


def holds(story: Story) -> None:
    """Nothing lost, nothing twice, nothing unaccounted for."""
    print(story)
    assert story.counts.clean, str(story)
    assert story.counts.rows > 0


def test_the_leader_of_the_database_dies_again_and_again(tmp_path: Path) -> None:
    holds(kill_leaders(tmp_path, LENGTHS.leader_kills))


def test_any_process_of_a_city_dies_every_twenty_seconds(tmp_path: Path) -> None:
    holds(kill_any(tmp_path, LENGTHS.any_s, seed=61))


def test_gateways_without_a_way_to_the_broker(tmp_path: Path, postgres: PostgresCluster) -> None:
    story = cut_gateways(tmp_path, postgres.fresh(), LENGTHS.gateway_cut_s)
    holds(story)


def test_a_hub_without_a_way_to_its_database(tmp_path: Path, postgres: PostgresCluster) -> None:
    holds(cut_database(tmp_path, postgres.fresh(), LENGTHS.database_cut_s))


def test_a_broker_that_is_cut_off_from_everybody(tmp_path: Path, postgres: PostgresCluster) -> None:
    holds(isolate_broker(tmp_path, postgres.fresh(), LENGTHS.broker_cut_s))
