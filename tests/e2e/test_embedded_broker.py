"""The demo's broker: it lets in who has a password, to their own topics, and loses no message that it has acknowledged."""

import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_testing.demo.broker import Client, EmbeddedBroker
from gatehouse_testing.ports import free_port
from gatehouse_testing.waiting import wait_until

# amqtt 0.12 asks for another name of this option, and refuses that name.
pytestmark = pytest.mark.filterwarnings("ignore:The 'acl' option:DeprecationWarning")

CLIENTS = {
    "teller": Client("secret-1", may_write=["news/#"], may_read=[]),
    "reader": Client("secret-2", may_write=[], may_read=["news/#"]),
    "witness": Client("secret-4", may_write=[], may_read=["news/#"]),
    "other": Client("secret-3", may_write=[], may_read=["else/#"]),
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(free_port(), CLIENTS, tmp_path) as running:
        yield running


class Member:
    """A connected client that remembers what it heard."""

    def __init__(self, port: int, name: str, password: str) -> None:
        self.heard: list[str] = []
        self.subscribed = 0
        self.answered = threading.Event()
        self.refused = False
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
        self.client.username_pw_set(name, password)
        self.client.on_connect = self._connected
        self.client.on_message = lambda _c, _d, message: self.heard.append(message.payload.decode())
        self.client.on_subscribe = self._subscribed
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.answered.wait(10)

    def _connected(self, _client, _data, _flags, reason, _properties) -> None:
        self.refused = reason.is_failure
        self.answered.set()

    def _subscribed(self, *_rest) -> None:
        self.subscribed += 1

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def join(broker: EmbeddedBroker):
    members: list[Member] = []

    def enter(name: str, password: str | None = None) -> Member:
        members.append(Member(broker.port, name, password or CLIENTS[name].password))
        return members[-1]

    yield enter
    for member in members:
        member.close()


def test_a_wrong_password_is_refused(join) -> None:
    assert join("reader", "secret-1").refused
    assert not join("teller").refused


def test_clients_hear_their_own_topics_only(join) -> None:
    reader, other, teller = join("reader"), join("other"), join("teller")
    for member in (reader, other):
        member.client.subscribe("news/#", qos=1)
        wait_until(lambda member=member: member.subscribed == 1, 10)
    teller.client.publish("news/1", "a", qos=1)
    teller.client.publish("else/1", "b", qos=1)
    teller.client.publish("news/2", "c", qos=1)
    wait_until(lambda: reader.heard == ["a", "c"], 10)
    assert other.heard == []


def test_no_message_is_lost_while_others_subscribe(join) -> None:
    first, second, other, teller = join("reader"), join("witness"), join("other"), join("teller")
    for member, topics in ((first, "news/#"), (second, "news/+")):
        member.client.subscribe(topics, qos=1)
        wait_until(lambda member=member: member.subscribed == 1, 10)
    told = [str(n) for n in range(200)]
    for n in told:
        teller.client.publish(f"news/{n}", n, qos=1)
        other.client.subscribe(f"else/{n}/+", qos=0)
    wait_until(lambda: len(first.heard) == len(second.heard) == len(told), 30)
    assert first.heard == second.heard == told
