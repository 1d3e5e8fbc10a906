"""A real nats-server that speaks MQTT (over JetStream), for tests: on free ports of loopback, in a folder of the caller's."""

import contextlib
import json
import shutil
import signal
import subprocess
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatehouse_testing.ports import free_port, speaks_mqtt
from gatehouse_testing.waiting import wait_until

START_S = 20.0
PACKAGES = ("nats-server",)


@dataclass(frozen=True, slots=True)
class NatsAccount:
    """Who may log in, and the subjects it may write and read: `/` written `.`, `+` as `*`, `/#` as two subjects, with `.>` and
    without.
    """

    name: str
    password: str
    write: tuple[str, ...] = (">",)
    read: tuple[str, ...] = (">",)


@dataclass
class NatsServer:
    """One server. `accounts` may log in beside nobody else; none: anyone may. It keeps its ports over stops and starts."""

    folder: Path
    accounts: Sequence[NatsAccount] = ()
    port: int = field(default_factory=free_port)
    nats_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its MQTT address as configurations write it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> "NatsServer":
        """Start it and wait until it speaks MQTT. Skips the test where it is not installed."""
        program = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
        if program is None:
            pytest.skip("nats-server is not installed (`./dev test --long` installs it)")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "nats.conf"
        config.write_text(json.dumps(self._settings(), indent=1), "ascii")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "-c", str(config)], stdout=log, stderr=subprocess.STDOUT
            )
        process = self.process
        last = (self.accounts[-1].name, self.accounts[-1].password) if self.accounts else None
        wait_until(
            lambda: process.poll() is not None or speaks_mqtt(self.port, last), START_S, what="nats"
        )
        assert process.poll() is None, (self.folder / "log").read_text("utf-8", "replace")[-2_000:]
        return self

    def stop(self) -> None:
        """End it in good order; idempotent."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would; idempotent."""
        self._end(signal.SIGKILL)

    def wipe(self) -> None:
        """Forget everything it kept. Only while it is stopped."""
        shutil.rmtree(self.folder / "store", ignore_errors=True)

    def _settings(self) -> dict[str, object]:
        settings: dict[str, object] = {
            "server_name": "gatehouse_test",
            "listen": f"127.0.0.1:{self.nats_port}",
            "jetstream": {"store_dir": str(self.folder / "store"), "max_file_store": 1 << 30},
            # By default each subscription may leave 1,024 unacknowledged, so that a session has room for 63: fewer than shards.
            "mqtt": {"listen": f"127.0.0.1:{self.port}", "max_ack_pending": 512},
        }
        if self.accounts:
            settings["authorization"] = {
                "users": [
                    {
                        "user": a.name,
                        "password": a.password,
                        "permissions": {"publish": list(a.write), "subscribe": list(a.read)},
                    }
                    for a in self.accounts
                ]
            }
        return settings

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(how)
            process.wait(timeout=20)


@contextlib.contextmanager
def nats(folder: Path, accounts: Sequence[NatsAccount] = ()) -> Generator[NatsServer]:
    """One running server for the length of a block."""
    server = NatsServer(folder, accounts)
    try:
        yield server.start()
    finally:
        server.kill()
