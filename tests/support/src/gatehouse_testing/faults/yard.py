"""A yard: one broker, one hub and one gateway, each a process that can be killed, over either database."""

import contextlib
import signal
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import yaml

from gatehouse_hub.ports import Database
from gatehouse_hub.store.database import connect
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.faults import gateway_process, hub_process
from gatehouse_testing.faults.children import Child
from gatehouse_testing.faults.gateway_process import Task
from gatehouse_testing.faults.hub_process import HubTask
from gatehouse_testing.faults.place import gateway_name, site_name, site_tree
from gatehouse_testing.faults.tally import Counts, accepted_of, count, is_linked
from gatehouse_testing.waiting import wait_until

UP_S: Final = 30.0
DRAIN_S: Final = 240.0
TAKEN_BACK: Final = "the hub was restored"
"""What a gateway logs when the hub holds less than it had acknowledged. Gateways heal that, as they heal a restored backup; but
no backup is restored here, so a hub has said that rows were stored which were not."""


@dataclass
class Yard:
    """All parts of one place. `database` is the address."""

    folder: Path
    database: str
    broker: Mosquitto
    hub: Child
    gateway: Child

    @property
    def config(self) -> Path:
        """The hub's configuration."""
        return self.folder / "hub.yaml"

    def start_hub(self, task: HubTask | None = None, *, wait: bool = True) -> None:
        """A new life of the hub."""
        self.hub.start(task or HubTask(config=self.config))
        if wait:
            wait_until(self._hub_is_up, UP_S, what="the hub is up")

    def drain(self, timeout_s: float = DRAIN_S) -> None:
        """Wait until the gateway has written enough and the hub has acknowledged all of it."""
        wait_until(self.gateway.life, UP_S, what="the gateway is up")
        self.gateway.tell(signal.SIGUSR1)
        wait_until(
            lambda: self.gateway.last() == "drained", timeout_s, what="the outbox is drained"
        )

    def tally(self) -> Counts:
        """Let the linker finish, end everything, and count. Raises AssertionError for a traceback in any life's log."""
        with contextlib.closing(connect(self.database)) as database:
            wait_until(lambda: is_linked(database), UP_S, what="all sites are linked")
            for child in (self.gateway, self.hub):
                child.kill()
                assert not child.trouble(), child.trouble()
            return self.count(database).plus(lost=self.gateway.logged(TAKEN_BACK))

    def count(self, database: Database) -> Counts:
        """Compare what the gateway said with what the hub has."""
        return count(database, accepted_of(gateway_name(1), self.gateway.said()))

    def _hub_is_up(self) -> bool:
        assert self.hub.is_alive, f"the hub ended: {self.hub.trouble()}"
        return self.hub.last().startswith("up")


@contextlib.contextmanager
def yard(folder: Path, database: str) -> Generator[Yard]:
    """A yard whose broker runs; hub and gateway are yet to start. Everything ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = Mosquitto(folder / "broker", persistence=True).start()
    try:
        write_hub(folder, database, broker.port)
        with (
            Child("hub", folder, hub_process.main) as hub,
            Child("gateway", folder, gateway_process.main) as gateway,
        ):
            yield Yard(folder, database, broker, hub, gateway)
    finally:
        broker.stop()


def write_hub(folder: Path, database: str, port: int, sites: int = 1) -> Path:
    """The hub's files: one site a gateway. The path of the configuration."""
    names = [f"{site_name(n)}.yaml" for n in range(1, sites + 1)]
    for number, name in enumerate(names, 1):
        (folder / name).write_text(yaml.safe_dump(site_tree(number)))
    hub = {
        "database": database,
        "mqtt": {"url": f"mqtt://127.0.0.1:{port}"},
        "http": {"port": 0},
        "sites": names,
    }
    (folder / "hub.yaml").write_text(yaml.safe_dump(hub))
    return folder / "hub.yaml"


def task_of(
    yard: Yard, drawn: Random, bulk: int, *, rate: float = 0.0, haste: float = 20.0
) -> Task:
    """What the gateway of a yard is told: to write `bulk` rows, or at a `rate` until it is told that it is enough."""
    return Task(
        folder=yard.folder,
        port=yard.broker.port,
        bulk=bulk,
        rate=rate,
        until_told=rate > 0,
        haste=haste,
        seed=drawn.getrandbits(32),
    )
