"""Real brokers for tests: mosquitto on a free port of loopback, and amqtt in this very process.

A mosquitto keeps its port over stops and starts, so that clients find it again. Folders are the caller's.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatehouse_testing.waiting import wait_until

START_S = 10.0


def free_port() -> int:
    """A port of loopback that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_mosquitto() -> str | None:
    """The program, also where it is not on the path of people who are not root."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def answers(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Mosquitto:
    """A real mosquitto. `persistence`: it keeps its store in `folder`, written at every change."""

    folder: Path
    persistence: bool = False
    extra: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address as configurations write it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> "Mosquitto":
        """Start it and wait until it answers. Skips the test where mosquitto is not installed."""
        program = find_mosquitto()
        if program is None:
            pytest.skip("mosquitto is not installed (`./dev test` installs it where it may)")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o777)  # started by root, mosquitto becomes another user
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(self._lines()) + "\n", encoding="ascii")
        self.process = subprocess.Popen(
            [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: answers(self.port), START_S)
        return self

    def stop(self) -> None:
        """End it in good order; idempotent."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would; idempotent."""
        self._end(signal.SIGKILL)

    def wipe(self) -> None:
        """Forget everything it kept. Only while it is stopped."""
        for kept in self.folder.glob("*.db*"):
            kept.unlink()

    def _lines(self) -> list[str]:
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "log_type none",
            *self.extra,
        ]
        if self.persistence:
            lines += [
                "persistence true",
                f"persistence_location {self.folder}{os.sep}",
                "autosave_on_changes true",
                "autosave_interval 1",
            ]
        return lines

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(how)
            process.wait(timeout=10)


@contextlib.contextmanager
def mosquitto(folder: Path, *, persistence: bool = False) -> Iterator[Mosquitto]:
    """A running mosquitto for the length of a block."""
    broker = Mosquitto(folder, persistence=persistence).start()
    try:
        yield broker
    finally:
        broker.stop()


class EmbeddedBroker:
    """amqtt in a thread of this process: what the demo runs where no broker is installed. MQTT 3.1.1, nothing kept."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="amqtt", daemon=True)
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """Its address as configurations write it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> "EmbeddedBroker":
        """Start it and wait until it answers. Raises what amqtt raised."""
        self._thread.start()
        self._started.wait(START_S)
        if self._failure is not None:
            raise self._failure
        wait_until(lambda: answers(self.port), START_S)
        return self

    def stop(self) -> None:
        """End it; idempotent."""
        if self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout=10)

    def _run(self) -> None:
        try:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # told to the starter
            self._failure = error
        finally:
            self._started.set()
            self._loop.close()

    async def _serve(self) -> None:
        from amqtt.broker import Broker

        self._stopping = asyncio.Event()
        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            }
        )
        await broker.start()
        self._started.set()
        await self._stopping.wait()
        await broker.shutdown()
