"""The courier over a real mosquitto, with a hub that acknowledges: what dies comes back, and nothing is lost or told twice."""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.outbox.store import Outbox
from gatehouse_edge.ports import Batch, Puback
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.transport.courier import Courier
from gatehouse_shared.commands import AcknowledgedRequest, TimeRequest
from gatehouse_shared.events import ClockState
from gatehouse_shared.names import HazardKind, Lane
from gatehouse_shared.topics import down
from gatehouse_shared.wire import encode
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.gateway_parts import START, epochs, gas, open_in, small_site, smoke
from gatehouse_testing.scripted_hub import CourierThread, ScriptedHub
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.broker
LONG_S = 20.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    running = Mosquitto(tmp_path / "mosquitto", persistence=True).start()
    yield running
    running.kill()


@pytest.fixture
def start(tmp_path: Path, broker: Mosquitto) -> Iterator[Callable[..., CourierThread]]:
    numbers = epochs()
    started: list[CourierThread] = []

    def start(kind: type[Courier] = Courier) -> CourierThread:
        one = CourierThread(tmp_path, broker.port, lambda folder: open_in(folder, numbers), kind)
        started.append(one)
        return one

    yield start
    for one in started:
        one.stop()


def append(outbox: Outbox, first: int, count: int) -> None:
    """So many readings and so many alarms, in one commit each."""
    drafts = [gas(n, START) for n in range(first, first + count)]
    outbox.append(drafts, {}, START, ClockState.SYNCED)


def alarms(outbox: Outbox, first: int, count: int) -> None:
    ledger = RowLedger(small_site(), "gw_1", outbox)
    findings = tuple(smoke(n, START) for n in range(first, first + count))
    ledger.accept(Batch(findings=findings), Moment(0.0, START))


def stored(hub: ScriptedHub, lane: Lane) -> list[tuple[str, int]]:
    with hub.lock:
        return [(event.epoch, event.seq) for event in hub.model.events(lane)]


def test_every_row_arrives_once_although_the_broker_is_killed_and_its_store_wiped(
    broker: Mosquitto, hub: ScriptedHub, start: Callable[..., CourierThread]
) -> None:
    courier = start()
    hub.loss = 0.2
    for round_ in range(3):
        courier.do(lambda o, r=round_: append(o, r * 200, 200))
        courier.do(lambda o, r=round_: alarms(o, r * 5, 5))
        wait_until(lambda: len(stored(hub, Lane.ALARM)) > 0, LONG_S)
        broker.kill()
        broker.wipe()
        courier.do(lambda o, r=round_: alarms(o, 100 + r, 1))
        broker.start()
    hub.loss = 0.0
    wait_until(lambda: len(stored(hub, Lane.ALARM)) == 18, LONG_S)
    wait_until(lambda: courier.waiting() == 0, 90.0)
    bulk = stored(hub, Lane.BULK)
    assert len(bulk) == len(set(bulk)) == 600
    assert hub.model.reused == []


class DeletesOnPuback(Courier):
    """What must never be built: it takes the broker's word for the hub's."""

    def _hear(self, event, at):
        super()._hear(event, at)
        if isinstance(event, Puback):
            for mark in self._store.marks():
                sent = self._sent.get((mark.epoch, mark.lane), 0)
                self._store.ack(mark.epoch, {mark.lane: sent}, START)


def test_an_agent_that_deletes_on_puback_loses_rows(
    broker: Mosquitto, start: Callable[..., CourierThread]
) -> None:
    """Guards the test above: with this mutant, rows vanish that no hub ever saw."""
    courier = start(DeletesOnPuback)
    courier.do(lambda o: alarms(o, 0, 10))
    wait_until(lambda: courier.waiting() == 0, LONG_S)
    broker.kill()
    broker.wipe()
    broker.start()
    hub = ScriptedHub(broker.port)
    try:
        courier.do(lambda o: alarms(o, 10, 1))
        wait_until(lambda: any(leaf.endswith("/up/alarm") for leaf, _ in hub.heard), LONG_S)
        assert len(stored(hub, Lane.ALARM)) < 11
    finally:
        hub.close()


def test_an_outbox_copied_run_on_and_put_back_tells_ten_new_alarms_under_a_new_epoch(
    tmp_path: Path, hub: ScriptedHub, start: Callable[..., CourierThread]
) -> None:
    first = start()
    first.do(lambda o: alarms(o, 0, 5))
    wait_until(lambda: first.waiting() == 0, LONG_S)
    first.stop()
    shutil.copy(tmp_path / "outbox.db", tmp_path / "copy.db")
    second = start()
    second.do(lambda o: alarms(o, 5, 10))
    wait_until(lambda: len(stored(hub, Lane.ALARM)) == 15, LONG_S)
    second.stop()
    for kept in tmp_path.glob("outbox.db-*"):
        kept.unlink()
    shutil.copy(tmp_path / "copy.db", tmp_path / "outbox.db")

    third = start()
    third.do(lambda o: alarms(o, 100, 10))

    def told() -> set[str]:
        with hub.lock:
            return {event.data.rule for event in hub.model.hazards()}

    wait_until(lambda: {f"smoke_{n}" for n in range(100, 110)} <= told(), LONG_S)
    wait_until(lambda: third.waiting() == 0, LONG_S)
    with hub.lock:
        hazards = hub.model.hazards()
        fresh = [e for e in hazards if int(e.data.rule.removeprefix("smoke_")) >= 100]
        assert len(fresh) == 10
        assert len({e.epoch for e in fresh}) == 1
        assert hub.model.reused == []
    assert HazardKind.OUTBOX_RESET in {trouble.kind for trouble in third.troubles}


def test_the_time_is_answered_and_the_same_request_gets_the_same_answer(
    hub: ScriptedHub, start: Callable[..., CourierThread]
) -> None:
    start()
    wait_until(lambda: hub.model.births, LONG_S)
    request = encode(
        TimeRequest(request="ab" * 16, ttl_ms=60_000, hub_time="2026-05-04T12:00:00.000Z")
    )
    topic = down("riverside", "gw_1", "request/time")

    def answers() -> list[bytes]:
        return [payload for leaf, payload in hub.heard if leaf.endswith("/up/response/time")]

    hub.send(topic, request)
    wait_until(lambda: len(answers()) == 1, LONG_S)
    hub.send(topic, request)
    wait_until(lambda: len(answers()) == 2, LONG_S)
    assert answers()[0] == answers()[1]
    assert json.loads(answers()[0])["boot"] == hub.model.boot


def test_a_verb_that_is_not_built_is_refused_and_a_hazard_that_is_not_open_unknown(
    hub: ScriptedHub, start: Callable[..., CourierThread]
) -> None:
    start()
    wait_until(lambda: hub.model.births, LONG_S)
    unknown = AcknowledgedRequest(
        request=uuid.uuid4().hex,
        ttl_ms=60_000,
        hub_time="2026-05-04T12:00:00.000Z",
        epoch="00" * 8,
        hazard=1,
        by_role="guard",
        at_site=True,
    )
    hub.send(down("riverside", "gw_1", "request/acknowledged"), encode(unknown))
    answer = wait_until(
        lambda: [p for leaf, p in hub.heard if leaf.endswith("/up/response/acknowledged")], LONG_S
    )
    assert json.loads(answer[0])["outcome"] == "unknown"


def test_a_clean_end_is_a_death_of_this_very_connection(
    hub: ScriptedHub, start: Callable[..., CourierThread]
) -> None:
    courier = start()
    wait_until(lambda: hub.model.births, LONG_S)
    courier.stop()
    deaths = wait_until(
        lambda: [
            json.loads(p)
            for leaf, p in hub.heard
            if leaf.endswith("/up/state") and b'"epochs"' not in p
        ],
        LONG_S,
    )
    assert deaths[-1]["boot"] == hub.model.boot
