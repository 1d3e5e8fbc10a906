"""Real RabbitMQ nodes with the MQTT plug-in, for tests: on free ports of loopback, one alone or several as a cluster.

Nodes find each other through an `epmd` of the caller's own, so that nothing of the machine's is met and nothing stays behind.
They run as whoever calls; folders are the caller's. A node takes about five seconds to start on two cores.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
from base64 import b64encode
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatehouse_testing.ports import free_port, is_answering, speaks_mqtt
from gatehouse_testing.waiting import wait_until

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_S = 90.0
PACKAGES = ("rabbitmq-server",)
_COOKIE = "GATEHOUSETESTS"


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in, and which topics it may write and read: regular expressions over AMQP routing keys, `/` written `.`.

    `{username}` and `{client_id}` stand for those of the connection.
    """

    name: str
    password: str
    write: str = ".*"
    read: str = ".*"


@dataclass
class Epmd:
    """The name service of Erlang nodes, on a port of its own."""

    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Epmd":
        """Start it. Skips the test where RabbitMQ is not installed."""
        program = shutil.which("epmd")
        if program is None or not PROGRAM.exists():
            pytest.skip("RabbitMQ is not installed (`./dev test --long` installs it where it may)")
        self.process = subprocess.Popen(
            [program, "-port", str(self.port), "-address", "127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: is_answering(self.port), 10.0)
        return self

    def stop(self) -> None:
        """End it; idempotent. Its nodes first."""
        process, self.process = self.process, None
        if process is not None:
            process.terminate()
            process.wait(timeout=10)


@dataclass
class RabbitNode:
    """One node. `peers` are the names of all nodes of its cluster, itself among them; none: it stands alone.

    `accounts` may log in beside nobody else; none: anyone may, without a name. `durable`: queues of clients that ask for a
    session are quorum queues. `extra` are lines for its `rabbitmq.conf`. It keeps its ports over stops and starts.
    """

    folder: Path
    epmd: Epmd
    name: str = "rabbit_1"
    peers: Sequence[str] = ()
    accounts: Sequence[Account] = ()
    durable: bool = False
    extra: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    amqp_port: int = field(default_factory=free_port)
    distribution_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def node(self) -> str:
        """Its name as Erlang has it."""
        return f"{self.name}@localhost"

    @property
    def url(self) -> str:
        """Its MQTT address as configurations write it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def launch(self) -> "RabbitNode":
        """Start it without waiting: nodes of a new cluster wait for each other."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text("\n".join(self._lines()) + "\n", "ascii")
        (self.folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n", "ascii")
        (self.folder / "definitions.json").write_text(json.dumps(self._definitions()), "ascii")
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(_COOKIE, "ascii")
            cookie.chmod(0o400)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(PROGRAM)],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def wait(self) -> "RabbitNode":
        """Wait until it lets in over MQTT. Raises AssertionError with the end of its log when it ends instead."""
        last = (self.accounts[-1].name, self.accounts[-1].password) if self.accounts else None
        wait_until(lambda: self._ended() or speaks_mqtt(self.port, last), START_S, what="RabbitMQ")
        assert not self._ended(), (self.folder / "log").read_text("utf-8", "replace")[-2_000:]
        return self

    def start(self) -> "RabbitNode":
        """Start it and wait until it speaks MQTT."""
        return self.launch().wait()

    def stop(self) -> None:
        """End it in good order; idempotent."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would; idempotent."""
        self._end(signal.SIGKILL)

    def wipe(self) -> None:
        """Forget everything it kept. Only while it is stopped."""
        shutil.rmtree(self.folder / "mnesia", ignore_errors=True)

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            # Killed, Erlang's own helpers must go with it: the whole group is ours.
            if how is signal.SIGKILL:
                os.killpg(process.pid, how)
            else:
                process.send_signal(how)
        process.wait(timeout=60)

    def _environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            "PATH": os.environ.get("PATH", "") + os.pathsep + "/usr/sbin",
            "LANG": "C.UTF-8",
            "HOME": folder,
            "ERL_EPMD_PORT": str(self.epmd.port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_BYTES": "0",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/logs",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"-setcookie {_COOKIE} -kernel inet_dist_use_interface {{127,0,0,1}} +sbwt none"
            ),
        }

    def _lines(self) -> list[str]:
        return [
            f"listeners.tcp.1 = 127.0.0.1:{self.amqp_port}",
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.port}",
            f"mqtt.allow_anonymous = {str(not self.accounts).lower()}",
            "loopback_users = none",
            "mqtt.default_user = open",
            "mqtt.default_pass = open",
            *(("mqtt.durable_queue_type = quorum",) if self.durable else ()),
            f"load_definitions = {self.folder}/definitions.json",
            *(("cluster_formation.peer_discovery_backend = classic_config",) if self.peers else ()),
            *(
                f"cluster_formation.classic_config.nodes.{n} = {peer}@localhost"
                for n, peer in enumerate(self.peers, 1)
            ),
            "log.console.level = warning",
            "disk_free_limit.absolute = 50MB",
            "vm_memory_high_watermark.absolute = 512MB",
            *self.extra,
        ]

    def _definitions(self) -> dict[str, object]:
        accounts = self.accounts or (Account("open", "open"),)
        everything = {"configure": ".*", "write": ".*", "read": ".*", "vhost": "/"}
        return {
            "vhosts": [{"name": "/"}],
            "users": [
                {"name": a.name, "password_hash": _hashed(a.password), "tags": ""}
                for a in accounts
            ],
            "permissions": [{"user": a.name, **everything} for a in accounts],
            "topic_permissions": [
                {"user": a.name, "vhost": "/", "exchange": "amq.topic",
                 "write": a.write, "read": a.read}
                for a in accounts
            ],
        }  # fmt: skip


@contextlib.contextmanager
def rabbitmq(folder: Path, accounts: Sequence[Account] = ()) -> Generator[RabbitNode]:
    """One running node for the length of a block."""
    epmd = Epmd().start()
    node = RabbitNode(folder, epmd, accounts=accounts)
    try:
        yield node.start()
    finally:
        node.kill()
        epmd.stop()


@contextlib.contextmanager
def rabbitmq_cluster(
    folder: Path, size: int = 3, accounts: Sequence[Account] = ()
) -> Generator[list[RabbitNode]]:
    """So many nodes as one cluster, with quorum queues, for the length of a block."""
    epmd = Epmd().start()
    names = [f"rabbit_{n}" for n in range(1, size + 1)]
    nodes = [RabbitNode(folder / name, epmd, name, names, accounts, durable=True) for name in names]
    try:
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait()
        yield nodes
    finally:
        for node in nodes:
            node.kill()
        epmd.stop()


def _hashed(password: str) -> str:
    """As RabbitMQ keeps it: four bytes of salt, then SHA-256 over salt and password."""
    salt = hashlib.sha256(password.encode()).digest()[:4]
    return b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode("ascii")
