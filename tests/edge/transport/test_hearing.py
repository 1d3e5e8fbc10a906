"""A hub that acknowledges nothing is told within a minute; one that does, or that has nothing to say, is not."""

import logging
from pathlib import Path

import pytest

from gatehouse_edge.app.silence import SilenceMark, silent_since
from gatehouse_edge.transport.hearing import SILENT_S, Hearing, answered, step
from gatehouse_testing.gateway_parts import Gateway
from gatehouse_testing.model_hub import ModelHub


def test_silence_is_told_only_where_something_waits() -> None:
    state = Hearing()
    assert not step(state, waiting=False, at=1_000.0).silent
    state = step(state, waiting=True, at=1_000.0)
    assert not step(state, waiting=True, at=1_000.0 + SILENT_S - 1).silent
    assert step(state, waiting=True, at=1_000.0 + SILENT_S).silent
    heard = answered(state, 1_040.0)
    assert not step(heard, waiting=True, at=1_040.0 + SILENT_S - 1).silent
    assert SILENT_S <= 60.0


@pytest.fixture
def gateway(tmp_path: Path):
    gateway = Gateway(tmp_path)
    yield gateway
    gateway.stop()


def turns(gateway: Gateway, seconds: int, hub: ModelHub | None = None) -> None:
    """The broker takes everything; a hub, where there is one, answers."""
    for _ in range(seconds):
        gateway.wait(1.0)
        gateway.step()
        if hub is not None:
            for topic, payload in gateway.link.out:
                for answer in hub.receive(topic, payload):
                    gateway.link.hear(*answer)
        gateway.link.out.clear()
        gateway.link.puback_all()


def test_rows_that_a_broker_takes_and_throws_away_are_told_within_a_minute_and_once(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.append_bulk(10)
    gateway.link.connect()
    with caplog.at_level(logging.WARNING):
        turns(gateway, 60)
        assert gateway.courier.hub_is_silent
        turns(gateway, 300)
        assert [r.message.count("acknowledged nothing") for r in caplog.records] == [1]
        turns(gateway, 700, ModelHub("riverside", "gw_1"))
    assert not gateway.courier.hub_is_silent
    assert caplog.records[-1].message == "the hub acknowledges again"


def test_a_hub_that_answers_is_not_called_silent_and_neither_is_a_lost_connection(
    gateway: Gateway,
) -> None:
    hub = ModelHub("riverside", "gw_1")
    gateway.link.connect()
    gateway.append_bulk(10)
    turns(gateway, 120, hub)
    assert not gateway.courier.hub_is_silent
    gateway.link.lose()
    gateway.append_bulk(10)
    turns(gateway, 120)
    assert not gateway.courier.hub_is_silent


def test_the_mark_is_there_while_the_hub_is_silent_and_not_after_the_agent(tmp_path: Path) -> None:
    outbox = tmp_path / "outbox.db"
    mark = SilenceMark(outbox)
    mark.show(silent=False)
    assert silent_since(outbox) is None
    mark.show(silent=True)
    assert silent_since(outbox) is not None
    SilenceMark(outbox)
    assert silent_since(outbox) is None
    mark.show(silent=False)
    mark.show(silent=True)
    mark.close()
    assert silent_since(outbox) is None
