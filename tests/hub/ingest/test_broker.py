"""The hub at a real mosquitto: good and bad messages, a broker that goes away, a flood of bulk."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ingest.connection import Broker
from gatehouse_hub.ingest.inbox import Arrival, Inbox
from gatehouse_hub.ingest.keeper import IngestParts
from gatehouse_hub.ingest.mqtt import BrokerLink
from gatehouse_hub.ingest.worker import IngestWorker
from gatehouse_hub.ports import Database
from gatehouse_hub.store import events, quarantine
from gatehouse_shared.commands import NACKS, Ack, Nack
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.events import Event
from gatehouse_shared.names import Lane
from gatehouse_shared.offline import encode_line
from gatehouse_shared.topics import gateway_subscription, up
from gatehouse_shared.wire import (
    PACKET_MAX_BYTES,
    decode,
    decode_one_of,
    encode,
    encode_rows,
    sha256_hex,
)
from gatehouse_testing.broker import Mosquitto, mosquitto
from gatehouse_testing.building import BOOT, EPOCH, Outbox, birth
from gatehouse_testing.hub_parts import CountingMetrics, HeardAnnouncer
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.broker
BOX = Outbox()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as running:
        yield running


@contextmanager
def hub(database: Database, broker: Mosquitto, inbox: Inbox | None = None) -> Generator[BrokerLink]:
    """Ingest as it is served: link, inbox, thread."""
    clock, metrics, inbox = SystemClock(), CountingMetrics(), inbox or Inbox()
    link = BrokerLink(
        Broker(host="127.0.0.1", port=broker.port),
        inbox,
        clock,
        lambda: metrics.count("messages_shed"),
    )
    worker = IngestWorker(
        IngestParts(
            database=database,
            inbox=inbox,
            publisher=link,
            clock=clock,
            metrics=metrics,
            announcer=HeardAnnouncer(),
            connected_s=link.connected_s,
            on_work=lambda: None,
            listen=link.listen,
        )
    )
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    link.start()
    try:
        wait_until(link.connected_s, what="the hub listens")
        yield link
    finally:
        link.stop()
        worker.stop()
        thread.join(10)


@dataclass
class Gateway:
    """A gateway's end of the broker: publishes bytes, remembers what came down."""

    port: int
    name: str = "gw_1"
    acks: list[Ack] = field(default_factory=list)
    nacks: list[Nack] = field(default_factory=list)

    @contextmanager
    def connected(self) -> Generator["Gateway"]:
        ready = threading.Event()
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self.name)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: ready.set()
        client.on_message = self._on_message
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        self.publish: Callable[[str, bytes], None] = lambda leaf, payload: _published(
            client, up("testing", self.name, leaf), payload
        )
        assert ready.wait(10)
        try:
            yield self
        finally:
            client.disconnect()
            client.loop_stop()

    def last(self) -> tuple[int, int]:
        return (self.acks[-1].alarm, self.acks[-1].bulk) if self.acks else (-1, -1)

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe(gateway_subscription("testing", self.name), 1)

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/down/ack"):
            self.acks.append(decode(bytes(message.payload), Ack))
        elif message.topic.endswith("/down/nack"):
            self.nacks.append(decode_one_of(bytes(message.payload), NACKS))


def _published(client: paho.Client, topic: str, payload: bytes) -> None:
    client.publish(topic, payload, qos=1).wait_for_publish(10)


def broken_rows(seq: int) -> list[tuple[bytes, RefusalReason]]:
    """Rows with their own key that break a rule, from number `seq` on."""
    good = [BOX.hazard(seq + n) for n in range(5)]
    return [
        (encode(good[0]).replace(b'"grade":2', b'"grade":5'), RefusalReason.WRONG_SCHEMA),
        (encode(good[1])[:-1] + b',"track":4}', RefusalReason.UNKNOWN_FIELD),
        (encode(BOX.hazard(seq + 2, zone="z7")), RefusalReason.UNKNOWN_NAME),
        (encode_line(good[3]), RefusalReason.EVALUATION),
        (encode(good[4]).replace(b'"lane":', b'"lane": '), RefusalReason.NOT_CANONICAL),
    ]


def broken_messages(n: int) -> list[tuple[bytes, RefusalReason]]:
    """Messages that cannot be read at all, or are somebody else's."""
    filler = b"%d" % n
    return [
        (b'{"specversion":"1.0",' + filler, RefusalReason.NOT_JSON),
        (b"x" * (PACKET_MAX_BYTES + 1 + n), RefusalReason.TOO_LARGE),
        (encode(replace(BOX, gateway="gw_2").hazard(n + 1)), RefusalReason.WRONG_IDENTITY),
        (encode(replace(BOX, gateway="hub").hazard(n + 1)), RefusalReason.HUB_ONLY),
        (encode_rows([BOX.hazard(n + 9_000), BOX.hazard(n + 8_000)]), RefusalReason.MIXED_ROWS),
    ]


def test_a_hundred_bad_messages_between_good_ones(database: Database, broker: Mosquitto) -> None:
    good: list[Event] = []
    bad: list[tuple[bytes, RefusalReason]] = []
    seqs = itertools.count(1)
    with hub(database, broker), Gateway(broker.port).connected() as gateway:
        gateway.publish("state", encode(birth()))
        for n in range(10):
            good.append(BOX.hazard(next(seqs)))
            gateway.publish("alarm", encode(good[-1]))
            bulk = BOX.count(n + 1, at_s=60 * n)
            gateway.publish("bulk", encode(bulk))
            rows = broken_rows(next(seqs))
            for _ in range(len(rows) - 1):
                next(seqs)
            for payload, reason in [*rows, *broken_messages(n)]:
                gateway.publish("alarm", payload)
                bad.append((payload, reason))
        last = BOX.hazard(next(seqs))
        gateway.publish("alarm", encode(last))
        wait_until(lambda: gateway.last() == (last.seq, 10), 20, what="the ack of the last number")
        wait_until(lambda: len(gateway.nacks) >= 100, what="a nack for each")
    assert len(bad) == 100
    with database.snapshot() as tx:
        stored = events.lane_rows(tx, "gw_1", EPOCH, Lane.ALARM, after=0, limit=200)
        kept = quarantine.load_newest(tx, gateway="gw_1", before=None, limit=200)
        alarms = quarantine.unreadable_alarms(tx, "testing", 0, 200)
    assert [row.event for row in stored] == [*good, last]
    assert {k.sha256: k.reason for k in kept} == {sha256_hex(p): r for p, r in bad}
    assert all(k.message for k in kept)
    assert len(alarms) == 50
    assert Counter(n.reason for n in gateway.nacks) == Counter(r for _, r in bad)
    assert {a.boot for a in gateway.acks} == {BOOT}


def test_after_the_broker_comes_back_everything_that_is_sent_again_arrives_once(
    database: Database, broker: Mosquitto
) -> None:
    rows = [BOX.hazard(n) for n in range(1, 7)]
    with hub(database, broker) as link:
        with Gateway(broker.port).connected() as gateway:
            gateway.publish("state", encode(birth()))
            gateway.publish("alarm", encode_rows(rows[:3]))
            wait_until(lambda: gateway.last() == (3, 0))
        broker.kill()
        wait_until(lambda: link.connected_s() is None, what="the hub sees that it is gone")
        wait_until(lambda: not link.publish("gatehouse/v1/00/gw_1/down/ack", b"{}"))
        broker.start()
        wait_until(link.connected_s, 40, what="the hub listens again")
        with Gateway(broker.port).connected() as gateway:
            gateway.publish("alarm", encode_rows(rows))
            wait_until(lambda: gateway.last() == (6, 0))
    with database.snapshot() as tx:
        stored = events.lane_rows(tx, "gw_1", EPOCH, Lane.ALARM, after=0, limit=20)
    assert [row.event for row in stored] == rows


def test_an_alarm_passes_a_flood_of_bulk(database: Database, broker: Mosquitto) -> None:
    with hub(database, broker), Gateway(broker.port).connected() as gateway:
        gateway.publish("state", encode(birth()))
        for start in range(1, 5_001, 100):
            gateway.publish("bulk", encode_rows([BOX.count(n) for n in range(start, start + 100)]))
        gateway.publish("alarm", encode(BOX.hazard(1)))
        wait_until(lambda: gateway.last()[0] == 1, 5, what="the alarm's ack")
        wait_until(lambda: gateway.last() == (1, 5_000), 30)


def test_what_the_inbox_cannot_hold_is_shed_and_comes_again(
    database: Database, broker: Mosquitto
) -> None:
    tiny = Inbox(lane_messages=1, wait_s=0.0)
    rows = [BOX.hazard(n) for n in range(1, 31)]
    with hub(database, broker, tiny), Gateway(broker.port).connected() as gateway:
        gateway.publish("state", encode(birth()))

        def all_acked() -> bool:
            for row in rows:
                gateway.publish("alarm", encode(row))
            return gateway.last() == (30, 0)

        wait_until(all_acked, 30)
    with database.snapshot() as tx:
        stored = events.lane_rows(tx, "gw_1", EPOCH, Lane.ALARM, after=0, limit=50)
    assert [row.key.seq for row in stored] == list(range(1, 31))


class StumblingInbox(Inbox):
    """Raises on the first message, as a defect of ours would."""

    stumbled = False

    def put(self, arrival: Arrival, *, urgent: bool) -> bool:
        if not self.stumbled:
            self.stumbled = True
            raise RuntimeError("a defect in the network thread")
        return super().put(arrival, urgent=urgent)


def test_a_network_thread_that_fell_over_is_up_again(database: Database, broker: Mosquitto) -> None:
    inbox = StumblingInbox()
    with hub(database, broker, inbox) as link, Gateway(broker.port).connected() as gateway:
        gateway.publish("state", encode(birth()))
        wait_until(lambda: inbox.stumbled)
        wait_until(lambda: link.connected_s() is not None, 40)

        def acked() -> bool:
            gateway.publish("state", encode(birth()))
            gateway.publish("alarm", encode(BOX.hazard(1)))
            return gateway.last() == (1, 0)

        wait_until(acked, 40)
