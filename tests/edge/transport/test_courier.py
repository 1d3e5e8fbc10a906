"""The courier with a link that the test holds in its hand: nacks, places, proof of the outbox, births."""

from pathlib import Path

import pytest

from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.ports import Batch
from gatehouse_edge.rules.observations import Moment
from gatehouse_shared.events import GapData, GapReason
from gatehouse_shared.names import HazardKind, Lane
from gatehouse_shared.wire import Row, read_rows
from gatehouse_testing.gateway_parts import PLACES, Gateway, smoke
from gatehouse_testing.model_hub import ModelHub


@pytest.fixture
def gateway(tmp_path: Path):
    gateway = Gateway(tmp_path)
    yield gateway
    gateway.stop()


@pytest.fixture
def hub() -> ModelHub:
    return ModelHub("riverside", "gw_1")


def alarms(gateway: Gateway, count: int) -> None:
    findings = tuple(smoke(n, gateway.clock.now()) for n in range(count))
    gateway.ledger.accept(Batch(findings=findings), Moment(gateway.clock.at, gateway.clock.time))


def exchange(gateway: Gateway, hub: ModelHub, turns: int = 1) -> None:
    """So many turns in which everything arrives; 31 s pass before each."""
    for _ in range(turns):
        gateway.wait(31.0)
        gateway.step()
        answers = [a for topic, payload in gateway.link.out for a in hub.receive(topic, payload)]
        gateway.link.out.clear()
        gateway.link.puback_all()
        for topic, payload in answers:
            gateway.link.hear(topic, payload)
        gateway.step()


def topics(gateway: Gateway) -> list[str]:
    return [topic.rpartition("/")[2] for topic, _ in gateway.link.out]


def test_never_more_publishes_than_places_wait_for_a_puback(gateway: Gateway) -> None:
    for _ in range(30):
        gateway.append_bulk(300)
    gateway.link.connect()
    for _ in range(200):
        gateway.wait(5.0)
        gateway.step()
    assert len(gateway.link.out) <= PLACES


def test_rows_wait_until_the_hub_has_acknowledged_the_birth_of_an_outbox_that_was_there_before(
    gateway: Gateway, hub: ModelHub
) -> None:
    alarms(gateway, 3)
    gateway.stop()
    gateway.start()
    gateway.link.connect()
    gateway.step()
    assert topics(gateway) == ["state"]
    topic, payload = gateway.link.out.popleft()
    for answer in hub.receive(topic, payload):
        gateway.link.hear(*answer)
    gateway.step()
    assert topics(gateway) == ["alarm"]


def test_a_hub_that_says_nothing_gets_the_rows_after_half_a_minute(gateway: Gateway) -> None:
    alarms(gateway, 3)
    gateway.stop()
    gateway.start()
    gateway.link.connect()
    gateway.step()
    gateway.wait(31.0)
    gateway.step()
    assert topics(gateway) == ["state", "state", "alarm"]


def test_the_birth_is_said_every_half_minute_until_an_ack_names_its_boot(
    gateway: Gateway, hub: ModelHub
) -> None:
    gateway.link.connect()
    for _ in range(3):
        gateway.step()
        gateway.wait(31.0)
    assert topics(gateway) == ["state"] * 3
    exchange(gateway, hub, 2)
    gateway.wait(100.0)
    gateway.step()
    assert topics(gateway) == []


def test_a_message_that_the_hub_cannot_read_is_taken_apart_and_only_the_bad_row_becomes_a_gap(
    gateway: Gateway, hub: ModelHub
) -> None:
    alarms(gateway, 6)
    hub.refuses = lambda payload: b'"smoke_3"' in payload
    gateway.link.connect()
    exchange(gateway, hub, 12)
    told = {event.data.rule for event in hub.hazards()}
    assert {f"smoke_{n}" for n in (0, 1, 2, 4, 5)} <= told
    gaps = [
        row.event.data
        for (_, lane), ledger in hub.ledgers.items()
        for row in ledger.rows.values()
        if lane is Lane.ALARM and isinstance(row.event.data, GapData)
    ]
    assert [(g.from_seq, g.to_seq, g.reason, g.count) for g in gaps] == [
        (4, 4, GapReason.UNREADABLE, 1)
    ]
    assert [t.kind for t in gateway.troubles] == [HazardKind.TAMPER]
    assert all(mark.acked == mark.last for mark in gateway.outbox.marks())


def test_a_hub_that_was_restored_gets_everything_beyond_its_backup_again(
    gateway: Gateway, hub: ModelHub
) -> None:
    gateway.link.connect()
    alarms(gateway, 2)
    exchange(gateway, hub, 2)
    backup = hub.snapshot()
    gateway.append_bulk(50)
    exchange(gateway, hub, 3)
    assert len(hub.events(Lane.BULK)) == 50
    hub.restore(backup)
    gateway.link.connect()
    exchange(gateway, hub, 6)
    assert len(hub.events(Lane.BULK)) == 50
    assert hub.reused == []


def test_messages_hold_rows_of_one_lane_in_order(gateway: Gateway, hub: ModelHub) -> None:
    gateway.append_bulk(250)
    gateway.link.connect()
    gateway.step()
    rows = [
        [row.key.seq for row in read_rows(payload) if isinstance(row, Row)]
        for topic, payload in gateway.link.out
        if topic.endswith("bulk")
    ]
    assert [len(message) for message in rows] == [100, 100, 50]
    assert [seq for message in rows for seq in message] == list(range(1, 251))


def test_rows_that_the_hub_has_and_that_then_went_to_make_room_are_no_sign_of_a_rollback(
    gateway: Gateway, hub: ModelHub
) -> None:
    gateway.append_bulk(200)
    gateway.link.connect()
    gateway.step()
    for topic, payload in gateway.link.out:
        hub.receive(topic, payload)  # it has them, and its word is lost
    gateway.stop()
    gateway.limits = Limits(max_rows=150, max_mib=8)
    gateway.start()
    gateway.append_bulk(10)
    gateway.link.connect()
    gateway.step()
    gateway.wait(31.0)
    gateway.step()
    rows = [(topic, payload) for topic, payload in gateway.link.out if topic.endswith("bulk")]
    for topic, payload in rows:
        for answer in hub.receive(topic, payload):
            gateway.link.hear(*answer)
    assert [row.event.data for row in hub.reused if isinstance(row.event.data, GapData)]
    gateway.step()
    gateway.wait(2.0)
    gateway.step()
    exchange(gateway, hub, 4)
    assert gateway.troubles == []
    assert [mark.acked == mark.last for mark in gateway.outbox.marks()] == [True, True]
