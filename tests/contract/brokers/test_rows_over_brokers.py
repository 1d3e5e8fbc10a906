"""From the outbox over each broker to a hub and back: every row once; a gateway that may not speak is told."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.outbox.store import Outbox
from gatehouse_edge.ports import Batch
from gatehouse_edge.rules.observations import Moment
from gatehouse_shared.events import ClockState
from gatehouse_shared.names import Lane
from gatehouse_testing.gateway_parts import START, gas, open_in, small_site, smoke
from gatehouse_testing.scripted_hub import CourierThread, ScriptedHub
from gatehouse_testing.waiting import wait_until

PASSWORD = "correct-horse"
ROWS, ALARMS = 1_500, 20


@pytest.fixture
def hub(broker) -> Iterator[ScriptedHub]:
    one = ScriptedHub(broker.port, account=("hub", PASSWORD))
    yield one
    one.close()


def say_all(outbox: Outbox) -> None:
    for start in range(0, ROWS, 100):
        drafts = [gas(n, START) for n in range(start, start + 100)]
        outbox.append(drafts, {}, START, ClockState.SYNCED)
    findings = tuple(smoke(n, START) for n in range(ALARMS))
    RowLedger(small_site(), "gw_1", outbox).accept(Batch(findings=findings), Moment(0.0, START))


def test_every_row_arrives_once_and_is_acknowledged(
    tmp_path: Path, broker, hub: ScriptedHub
) -> None:
    numbers = itertools.count(1)
    courier = CourierThread(
        tmp_path, broker.port, lambda f: open_in(f, numbers), account=("gw_1", PASSWORD)
    )
    try:
        courier.do(say_all)
        wait_until(lambda: courier.waiting() == 0, 60.0)
    finally:
        courier.stop()
    with hub.lock:
        assert len(hub.model.events(Lane.BULK)) == ROWS
        assert len(hub.model.events(Lane.ALARM)) == ALARMS
        assert hub.model.reused == []
        assert hub.model.unreadable == []


@pytest.mark.long
def test_a_gateway_whose_rows_the_broker_throws_away_is_told_within_a_minute(
    tmp_path: Path, broker, hub: ScriptedHub
) -> None:
    """It logs in under another's account, so that it may not write under its own name."""
    if broker.make != "mosquitto":
        pytest.skip("the others hang up on it, which the log says")
    numbers = itertools.count(1)
    courier = CourierThread(
        tmp_path, broker.port, lambda f: open_in(f, numbers), account=("gw_2", PASSWORD)
    )
    try:
        courier.do(say_all)
        wait_until(lambda: courier.hub_is_silent, 60.0)
        assert courier.waiting() == ROWS + ALARMS
    finally:
        courier.stop()
    assert hub.model.events(Lane.ALARM) == []
