"""Agent, brokers and hub as they are installed: what a gateway accepted is in the hub exactly once, whatever died meanwhile."""

import time

import pytest

from gatehouse_testing.waiting import wait_until
from gatehouse_testing.whole import SENSORS, Whole

pytestmark = pytest.mark.broker


def zones(*numbers: int) -> list[str]:
    return sorted(f"shed_{n}" for n in numbers)


def test_the_broker_dies_with_its_store_and_nothing_is_lost_or_doubled(whole: Whole) -> None:
    for sensor in range(4):
        whole.smoke(sensor, True)
    wait_until(lambda: whole.raised() == zones(*range(4)), 30, what="four alarms in the hub")
    whole.between.kill()
    whole.between.wipe()
    for sensor in range(4, 8):
        whole.smoke(sensor, True)
    whole.between.start()
    wait_until(lambda: whole.raised() == zones(*range(8)), 90, what="all eight, each once")
    wait_until(lambda: whole.incidents() == 8, 20, what="an incident for each shed")
    assert whole.unaccounted() == []


@pytest.mark.long
def test_a_minute_without_a_broker_and_its_store_wiped(whole: Whole) -> None:
    whole.smoke(0, True)
    wait_until(lambda: whole.raised() == zones(0), 30)
    whole.between.kill()
    whole.between.wipe()
    until = time.monotonic() + 60
    for sensor in range(1, SENSORS):
        whole.smoke(sensor, True)
        wait_until(lambda: time.monotonic() > until - 60 + 5 * sensor, 10)  # noqa: B023 - waited for in the loop
    wait_until(lambda: time.monotonic() > until, 61)
    whole.between.start()
    wait_until(lambda: whole.raised() == zones(*range(SENSORS)), 120)
    assert whole.unaccounted() == []


def test_the_agent_is_killed_and_goes_on_where_it_was(whole: Whole) -> None:
    whole.smoke(0, True)
    wait_until(lambda: whole.raised() == zones(0), 30)
    whole.between.kill()
    whole.smoke(1, True)
    whole.programs.running["gw_1"].kill()
    whole.programs.running["gw_1"].wait(10)
    whole.start_agent()
    whole.smoke(2, True)
    whole.between.start()
    wait_until(lambda: whole.raised() == zones(0, 1, 2), 90, what="three alarms, each once")
    assert whole.unaccounted() == []


def test_the_hub_stops_and_starts_again_and_asks_for_nothing_twice(whole: Whole) -> None:
    whole.smoke(0, True)
    wait_until(lambda: whole.raised() == zones(0), 30)
    whole.hub.stop()
    whole.smoke(1, True)
    whole.start_hub()
    wait_until(lambda: whole.raised() == zones(0, 1), 60)
    assert whole.unaccounted() == []
