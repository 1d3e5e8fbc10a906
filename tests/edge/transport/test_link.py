"""The link packet by packet: what a CONNECT says, how many publishes wait, what comes back when something dies."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.ports import Connected, LinkEvent, Lost, Received
from gatehouse_edge.transport.mqtt import PLACES, Address, Identity, MqttLink, Pace
from gatehouse_shared.events import ClockState
from gatehouse_testing.deaf_broker import DeafBroker
from gatehouse_testing.gateway_parts import START, gas, open_in
from gatehouse_testing.mqtt_probe import Packet, text
from gatehouse_testing.scripted_hub import CourierThread
from gatehouse_testing.waiting import wait_until

QUICK = Pace(spread_s=0.1, most_s=0.2, keepalive_s=1)
TOPIC = "gatehouse/v1/07/gw_1/up/bulk"


@pytest.fixture
def broker() -> Iterator[DeafBroker]:
    one = DeafBroker()
    yield one
    one.close()


@pytest.fixture
def link(broker: DeafBroker) -> Iterator[MqttLink]:
    one = MqttLink(
        Address("127.0.0.1", broker.port),
        Identity("gw_1", "gatehouse/v1/07/gw_1/down/#", lambda n: (f"will/{n}", b"death")),
        SystemClock(trusted=True),
        lambda: 0.5,
        pace=QUICK,
    )
    yield one
    one.close()


def polled(link: MqttLink, kind: type[LinkEvent], timeout_s: float = 30.0) -> LinkEvent:
    """The next event of a kind."""
    found: list[LinkEvent] = []

    def poll() -> LinkEvent | None:
        found.extend(event for event in link.poll() if isinstance(event, kind))
        return found[0] if found else None

    return wait_until(poll, timeout_s)


def test_every_connect_asks_for_a_clean_session_and_leaves_the_will_of_its_own_connection(
    broker: DeafBroker, link: MqttLink
) -> None:
    for number in (1, 2, 3):
        polled(link, Connected)
        visit = broker.visits[-1]
        assert (visit.level, visit.client_id, visit.keepalive_s) == (4, "gw_1", 1)
        assert visit.flags == 0x02 | 0x04 | 1 << 3 | 0x20, "clean, a will, its QoS 1, retained"
        assert text(f"will/{number}") in visit.connect
        visit.hang_up()
        polled(link, Lost)


def test_never_more_than_fifty_publishes_wait_for_a_puback_before_and_after_a_reconnect(
    tmp_path: Path, broker: DeafBroker
) -> None:
    numbers = itertools.count(1)
    courier = CourierThread(tmp_path, broker.port, lambda folder: open_in(folder, numbers))
    try:
        for start in range(0, 300, 10):
            drafts = [gas(n, START) for n in range(start, start + 10)]
            courier.do(lambda o, d=drafts: o.append(d, {}, START, ClockState.SYNCED))
        for number in range(1, 4):
            wait_until(lambda n=number: len(broker.visits) == n, 20.0)
            wait_until(lambda: broker.visits[-1].published, 20.0)
            broker.visits[-1].hang_up()
    finally:
        courier.stop()
    assert all(0 < visit.most_unacknowledged <= PLACES for visit in broker.visits[:3])


def test_the_connection_takes_fifty_and_no_more(broker: DeafBroker, link: MqttLink) -> None:
    for _ in range(2):
        polled(link, Connected)
        taken = [link.publish(TOPIC, b"{}") for _ in range(300)]
        assert taken.count(True) == PLACES
        visit = broker.visits[-1]
        wait_until(lambda v=visit: v.unacknowledged == PLACES)
        visit.hang_up()
        polled(link, Lost)


def test_a_puback_of_what_another_connection_sent_frees_no_place(
    broker: DeafBroker, link: MqttLink
) -> None:
    polled(link, Connected)
    while link.publish(TOPIC, b"{}"):
        pass
    old = [message.mid for message in wait_until(lambda: broker.visits[-1].published[49:])]
    broker.visits[-1].hang_up()
    polled(link, Lost)
    polled(link, Connected)
    link.publish(TOPIC, b"{}")
    for mid in (*old, 9_999):
        broker.visits[-1].say(Packet.PUBACK, mid.to_bytes(2, "big"))
    broker.visits[-1].say(Packet.PUBLISH, text("gatehouse/v1/07/gw_1/down/ack") + b"{}")
    polled(link, Received)
    assert link.places == PLACES - 1


def break_callback(link: MqttLink, released: threading.Event) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a callback that fails")

    client(link).on_message = broken


def end_thread(link: MqttLink, released: threading.Event) -> None:
    client(link).disconnect()


def block_thread(link: MqttLink, released: threading.Event) -> None:
    def blocked(*_: object) -> None:
        released.wait(30)

    client(link).on_message = blocked


def client(link: MqttLink):
    assert link._client is not None
    return link._client


@pytest.mark.parametrize("harm", [break_callback, end_thread, block_thread])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_fails_ends_or_hangs_is_replaced_within_half_a_minute(
    broker: DeafBroker,
    link: MqttLink,
    harm: Callable[[MqttLink, threading.Event], None],
) -> None:
    released = threading.Event()
    polled(link, Connected)
    harm(link, released)
    broker.visits[-1].say(Packet.PUBLISH, text("gatehouse/v1/07/gw_1/down/ack") + b"{}")
    try:
        again = polled(link, Connected, 30.0)
        assert again.conn == 2
        assert link.publish(TOPIC, b"{}")
        wait_until(lambda: broker.visits[-1].published)
    finally:
        released.set()


def test_a_broker_that_has_stopped_answering_is_left_within_half_a_minute(
    broker: DeafBroker, link: MqttLink
) -> None:
    broker.pings = False
    polled(link, Connected)
    polled(link, Lost, 30.0)


def test_a_publish_goes_out_although_nothing_else_happens_on_the_connection(
    broker: DeafBroker,
) -> None:
    """The network thread sleeps for up to a second when nothing comes in; a publish wakes it."""
    link = MqttLink(
        Address("127.0.0.1", broker.port),
        Identity("gw_1", "gatehouse/v1/07/gw_1/down/#", lambda n: (f"will/{n}", b"death")),
        SystemClock(trusted=True),
        lambda: 0.5,
        pace=Pace(keepalive_s=60),
    )
    try:
        polled(link, Connected)
        waits = []
        for number in range(1, 10):
            started = time.monotonic()
            link.publish(TOPIC, b"{}")
            wait_until(lambda n=number: len(broker.visits[-1].published) == n)
            waits.append(time.monotonic() - started)
        assert sorted(waits)[4] < 0.3, waits
    finally:
        link.close()
