"""A real broker for tests: mosquitto on a free port of loopback. (`demo/broker.py` is the one that needs none.)

It keeps its port over stops and starts, so that clients find it again. Folders are the caller's.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatehouse_testing.ports import free_port, is_answering
from gatehouse_testing.waiting import wait_until

START_S = 10.0


def find_mosquitto() -> str | None:
    """The program, also where it is not on the path of people who are not root."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


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
        wait_until(lambda: is_answering(self.port), START_S)
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
def mosquitto(folder: Path, *, persistence: bool = False) -> Generator[Mosquitto]:
    """A running mosquitto for the length of a block."""
    broker = Mosquitto(folder, persistence=persistence).start()
    try:
        yield broker
    finally:
        broker.stop()
