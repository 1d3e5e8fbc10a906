"""The same broker in three makes, with the accounts of a deployment: `hub`, and gateways that see only what is theirs.

mosquitto runs always; RabbitMQ and nats-server take longer or are rarer, and are `long`.
"""

import base64
import getpass
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import pytest

from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.mqtt_probe import Probe, Will, connect
from gatehouse_testing.nats import NatsAccount, NatsServer
from gatehouse_testing.rabbitmq import Account, Epmd, RabbitNode

GATEWAYS: Final = tuple(f"gw_{n}" for n in range(1, 9))
PASSWORD: Final = "correct-horse"
ROOT: Final = "gatehouse/v1/07"

DIFFERS: Final[dict[tuple[str, str], str]] = {
    ("rabbitmq", "test_a_packet_that_is_none_is_dropped"): (
        "keeps the connection, until its keep-alive is over; what it sends is heard by nobody"
    ),
    ("rabbitmq", "test_a_topic_with_a_wildcard_is_published_to_nobody"): (
        "carries it to the hub, which takes in only topics that it can parse"
    ),
    ("nats", "test_an_unacknowledged_delivery_is_repeated_to_a_session_that_is_kept"): (
        "repeats it 30 s later, not when the session comes back; our links ask for no such session"
    ),
}
"""What a make does otherwise, and why nothing of ours depends on it. A case that passes after all fails, and is taken off."""


class Server(Protocol):
    """What the three starters have in common."""

    port: int

    def start(self) -> object: ...
    def kill(self) -> None: ...


@dataclass(slots=True)
class Broker:
    """A running broker of one make."""

    make: str
    server: Server
    probes: list[Probe] = field(default_factory=list[Probe])

    @property
    def port(self) -> int:
        """Where it speaks MQTT."""
        return self.server.port

    def hub(self, client_id: str = "hub", *, clean: bool = True) -> Probe:
        """The hub, connected."""
        return self._let_in(connect(self.port, client_id, user=("hub", PASSWORD), clean=clean))

    def gateway(
        self, name: str, *, will: Will | None = None, keepalive_s: int = 30, clean: bool = True
    ) -> Probe:
        """A gateway, connected; its client id is its name."""
        user = (name, PASSWORD)
        return self._let_in(
            connect(self.port, name, user=user, will=will, keepalive_s=keepalive_s, clean=clean)
        )

    def knock(self, client_id: str, user: tuple[str, str] | None, *, level: int = 4) -> Probe:
        """Somebody who may be let in or not."""
        probe = connect(self.port, client_id, user=user, level=level)
        self.probes.append(probe)
        return probe

    def _let_in(self, probe: Probe) -> Probe:
        self.probes.append(probe)
        assert probe.code == 0, f"{self.make} refused: {probe.code}"
        return probe


def _mosquitto(folder: Path) -> Iterator[Server]:
    folder.mkdir(parents=True)
    accounts = ("hub", *GATEWAYS)
    (folder / "passwords").write_text("".join(f"{a}:{_hashed(PASSWORD)}\n" for a in accounts))
    (folder / "acl").write_text(
        "user hub\n"
        "topic read gatehouse/v1/+/+/up/#\n"
        "topic write gatehouse/v1/+/+/down/#\n"
        "topic readwrite gatehouse/v1/out/#\n"
        "pattern write gatehouse/v1/+/%u/up/#\n"
        "pattern read gatehouse/v1/+/%u/down/#\n"
    )
    for name in ("passwords", "acl"):
        (folder / name).chmod(0o644)
    server = Mosquitto(
        folder,
        extra=(
            f"user {getpass.getuser()}",  # who else could not read the files of the test's folder
            "allow_anonymous false",
            f"password_file {folder}/passwords",
            f"acl_file {folder}/acl",
            "message_size_limit 307200",
            "max_queued_messages 1000",
        ),
    )
    server.start()
    yield server
    server.kill()


def _rabbitmq(folder: Path) -> Iterator[Server]:
    own = Account(
        "", PASSWORD,
        write=r"^gatehouse\.v1\.[0-9]+\.{username}\.up\..*$",
        read=r"^gatehouse\.v1\.[^.]+\.{username}\.down\..*$",
    )  # fmt: skip
    hub = Account(
        "hub", PASSWORD,
        write=r"^gatehouse\.v1\.([0-9]+\.[^.]+\.down|out)\..*$",
        read=r"^gatehouse\.v1\.(.+\.up|out)\..*$",
    )  # fmt: skip
    gateways = [Account(name, PASSWORD, own.write, own.read) for name in GATEWAYS]
    epmd = Epmd().start()
    node = RabbitNode(folder, epmd, accounts=(hub, *gateways))
    try:
        yield node.start()
    finally:
        node.kill()
        epmd.stop()


def _nats(folder: Path) -> Iterator[Server]:
    def below(subject: str) -> tuple[str, str]:
        return subject, f"{subject}.>"

    inner = "$MQTT.sub.>"  # where JetStream delivers what was subscribed with QoS 1
    hub = NatsAccount(
        "hub",
        PASSWORD,
        write=(*below("gatehouse.v1.*.*.down"), *below("gatehouse.v1.out")),
        read=(*below("gatehouse.v1.*.*.up"), *below("gatehouse.v1.out"), inner),
    )
    gateways = [
        NatsAccount(
            name,
            PASSWORD,
            write=below(f"gatehouse.v1.*.{name}.up"),
            read=(*below(f"gatehouse.v1.*.{name}.down"), inner),
        )
        for name in GATEWAYS
    ]
    server = NatsServer(folder, (hub, *gateways))
    try:
        yield server.start()
    finally:
        server.kill()


MAKES: Final[dict[str, Callable[[Path], Iterator[Server]]]] = {
    "mosquitto": _mosquitto,
    "rabbitmq": _rabbitmq,
    "nats": _nats,
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("mosquitto", marks=pytest.mark.broker),
        pytest.param("rabbitmq", marks=pytest.mark.long),
        pytest.param("nats", marks=pytest.mark.long),
    ],
)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    """A broker for all cases of a module."""
    make: str = request.param
    for server in MAKES[make](tmp_path_factory.mktemp(make) / "broker"):
        yield Broker(make, server)


@pytest.fixture
def broker(request: pytest.FixtureRequest, running: Broker) -> Iterator[Broker]:
    """The broker; a case that its make is known to fail is expected to. Connections end with the case."""
    case = request.node.originalname
    reason = DIFFERS.get((running.make, case))
    if reason is not None:
        request.applymarker(pytest.mark.xfail(strict=True, reason=reason))
    yield running
    while running.probes:
        running.probes.pop().drop()


def _hashed(password: str) -> str:
    """As mosquitto keeps it."""
    salt = hashlib.sha256(password.encode()).digest()[:12]
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"
