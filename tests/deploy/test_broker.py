"""mosquitto with the very files of `deploy/mosquitto`: who may say what to whom, by TLS and by the inner door."""

import os
import pwd
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_testing.broker import find_mosquitto
from gatehouse_testing.deployed import place
from gatehouse_testing.ports import free_port, is_answering
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.broker
USERS = ("hub", "gw_1", "gw_2", "board")


@dataclass
class Person:
    """A client that remembers what it read."""

    client: paho.Client
    heard: list[str] = field(default_factory=list[str])

    def says(self, topic: str) -> None:
        self.client.publish(topic, b"{}", qos=1).wait_for_publish(10)


@dataclass
class Installed:
    """A running broker, its two doors, and the certificate of the outer one."""

    tls_port: int
    inner_port: int
    certificate: Path
    stack: ExitStack

    def enter(self, user: str, *topics: str, client_id: str = "", tls: bool = False) -> Person:
        """Log in and subscribe."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        client.username_pw_set(user, f"{user}-secret")
        if tls:
            context = ssl.create_default_context(cafile=str(self.certificate))
            context.check_hostname = False
            client.tls_set_context(context)
        person = Person(client)
        ready: list[int] = []
        client.on_message = lambda _c, _d, message: person.heard.append(message.topic)
        client.on_subscribe = lambda _c, _d, mid, _r, _p: ready.append(mid)
        client.connect("127.0.0.1", self.tls_port if tls else self.inner_port)
        client.loop_start()
        self.stack.callback(client.loop_stop)
        self.stack.callback(client.disconnect)
        wait_until(client.is_connected)
        if topics:
            client.subscribe([(topic, 1) for topic in topics])
            wait_until(lambda: ready)
        return person


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    program, passwords = find_mosquitto(), shutil.which("mosquitto_passwd")
    openssl = shutil.which("openssl")
    if program is None or passwords is None or openssl is None:
        pytest.skip("mosquitto or openssl is not installed")
    certs = tmp_path / "certs"
    certs.mkdir()
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", certs / "broker.key", "-out", certs / "broker.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    users = tmp_path / "users" / "passwords"
    place("mosquitto/acl", users.with_name("acl"), {})
    users.touch()
    for user in USERS:
        subprocess.run([passwords, "-b", users, user, f"{user}-secret"], check=True)
    ports = free_port(), free_port()
    config = place(
        "mosquitto/mosquitto.conf",
        tmp_path / "mosquitto.conf",
        {
            "listener 8883": f"listener {ports[0]} 127.0.0.1",
            "listener 1883": f"listener {ports[1]} 127.0.0.1",
            "/etc/mosquitto/certs": str(certs),
            "/etc/mosquitto/gatehouse": str(users.parent),
            # Started by root, mosquitto would become a user who may not read a test's folder.
            "persistence false": f"persistence false\nuser {pwd.getpwuid(os.geteuid()).pw_name}",
        },
    )
    log = tmp_path / "log"
    with log.open("wb") as file, ExitStack() as stack:
        broker = subprocess.Popen([program, "-c", str(config)], stdout=file, stderr=file)
        try:
            wait_until(lambda: is_answering(ports[0]) and is_answering(ports[1]))
            yield Installed(ports[0], ports[1], certs / "broker.pem", stack)
        finally:
            stack.close()
            broker.terminate()
            broker.wait(10)
    assert "Error" not in log.read_text()


def test_a_gateway_writes_and_reads_its_own_topics_only(installed: Installed) -> None:
    hub = installed.enter("hub", "gatehouse/v1/+/+/up/#")
    mine = installed.enter("gw_1", "gatehouse/v1/#", tls=True)
    other = installed.enter("gw_2", "gatehouse/v1/#", tls=True)
    other.says("gatehouse/v1/07/gw_1/up/alarm")
    other.says("gatehouse/v1/07/gw_1/down/ack")
    other.says("gatehouse/v1/out/riverside/status")
    mine.says("gatehouse/v1/07/gw_1/up/alarm")
    wait_until(lambda: hub.heard)
    hub.says("gatehouse/v1/07/gw_1/down/ack")
    wait_until(lambda: mine.heard)
    assert hub.heard == ["gatehouse/v1/07/gw_1/up/alarm"]
    assert mine.heard == ["gatehouse/v1/07/gw_1/down/ack"]
    assert other.heard == []


def test_a_gateway_cannot_take_anothers_place_by_its_client_id(installed: Installed) -> None:
    mine = installed.enter("gw_1", "gatehouse/v1/+/gw_1/down/#", client_id="gw_1", tls=True)
    installed.enter("gw_2", client_id="gw_1", tls=True)
    hub = installed.enter("hub")
    hub.says("gatehouse/v1/07/gw_1/down/ack")
    wait_until(lambda: mine.heard)
    assert mine.client.is_connected()


def test_the_hub_may_hold_two_connections(installed: Installed) -> None:
    first = installed.enter("hub", "gatehouse/v1/+/+/up/alarm", client_id="hub_alarm")
    second = installed.enter("hub", "gatehouse/v1/+/+/up/bulk", client_id="hub_bulk")
    gateway = installed.enter("gw_1", tls=True)
    gateway.says("gatehouse/v1/07/gw_1/up/bulk")
    gateway.says("gatehouse/v1/07/gw_1/up/alarm")
    wait_until(lambda: first.heard and second.heard)


def test_a_board_sees_the_place_and_no_gateway(installed: Installed) -> None:
    board = installed.enter("board", "#")
    hub = installed.enter("hub")
    hub.says("gatehouse/v1/07/gw_1/down/ack")
    hub.says("gatehouse/v1/out/riverside/p/incident/abc")
    hub.says("gatehouse/v1/out/riverside/status")
    wait_until(lambda: board.heard)
    assert board.heard == ["gatehouse/v1/out/riverside/status"]


def test_nobody_enters_without_a_password(installed: Installed) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    refused: list[bool] = []
    client.on_connect = lambda _c, _d, _f, reason, _p: refused.append(reason.is_failure)
    client.connect("127.0.0.1", installed.inner_port)
    client.loop_start()
    wait_until(lambda: refused)
    client.loop_stop()
    assert refused[0]
