"""An MQTT broker inside this process, for the demo: loopback only, a password and its own topics for every client.

It keeps nothing on disk. Nothing of Gatehouse depends on what a broker keeps.
"""

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from amqtt.broker import Broker
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

START_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Client:
    """Who may connect, and the topic filters it may write and read."""

    password: str
    may_write: Sequence[str]
    may_read: Sequence[str]


class _Subscriptions(dict[str, Any]):
    """amqtt's table of subscriptions, of which every reader sees one moment.

    amqtt waits for its plugins while it walks over the table; a client that subscribed meanwhile would end the walk
    with a RuntimeError, and those further on would miss the message (seen with amqtt 0.11 and 0.12).
    """

    def items(self) -> Any:
        return tuple(super().items())


class EmbeddedBroker:
    """A broker in a thread of its own; use as a context manager."""

    def __init__(self, port: int, clients: Mapping[str, Client], folder: Path) -> None:
        self.port = port
        self._clients, self._passwords = dict(clients), folder / "broker-passwords"
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def __enter__(self) -> Self:
        self._write_passwords()
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S) or self._failure is not None:
            raise RuntimeError("the embedded broker did not start") from self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_TIMEOUT_S)

    def _write_passwords(self) -> None:
        hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8_192, parallelism=1),))
        lines = [f"{name}:{hasher.hash(client.password)}" for name, client in self._clients.items()]
        self._passwords.touch(mode=0o600)
        self._passwords.write_text("\n".join(lines) + "\n")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # noqa: BLE001 - told to whoever started it
            self._failure = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        broker = Broker(self._config())
        broker._subscriptions = _Subscriptions()
        await broker.start()
        self._ready.set()
        await self._stop.wait()
        await broker.shutdown()

    def _config(self) -> dict[str, Any]:
        writes = {name: list(client.may_write) for name, client in self._clients.items()}
        reads = {name: list(client.may_read) for name, client in self._clients.items()}
        return {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
            "plugins": {
                "amqtt.plugins.authentication.FileAuthPlugin": {
                    "password_file": str(self._passwords)
                },
                "amqtt.plugins.topic_checking.TopicAccessControlListPlugin": {
                    "publish_acl": writes,
                    "acl": reads,
                },
            },
        }
