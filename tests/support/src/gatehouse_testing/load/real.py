"""The real hub as a process of its own over a bench's sites: `gatehouse-hub serve`, and somebody who answers for its gateways."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import yaml

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ports import Database
from gatehouse_hub.store import sites, work
from gatehouse_hub.store.columns import integer
from gatehouse_hub.store.database import connect, open_database
from gatehouse_hub.store.tokens import TokenRecord, insert_token
from gatehouse_hub.store.users import Scope
from gatehouse_shared.site import Site
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.load.answers import Answers
from gatehouse_testing.load.rows import Community
from gatehouse_testing.ports import free_port
from gatehouse_testing.usage import cpu_s, descendants, pss_mib
from gatehouse_testing.waiting import wait_until

START_S = 120.0
BROKER = (
    "max_queued_messages 0",
    "max_queued_bytes 0",
    "max_inflight_messages 1000",
    "set_tcp_nodelay true",
)
"""Of every broker here: what is not taken at once waits, and nothing is dropped."""


def start_broker(folder: Path) -> Mosquitto:
    """A broker that holds a flood."""
    return Mosquitto(folder, extra=BROKER).start()


def add_sites(url: str, files: Sequence[Site]) -> None:
    """Make a database with these sites, as `gatehouse-hub site add` does."""
    database = open_database(url, SystemClock())
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    with database.transaction() as tx:
        for site in files:
            sites.add(tx, site, now_ms)
    database.close()


@dataclass(slots=True)
class RealHub:
    """A hub of one or more processes: `parts` are their roles by name. `port` is that of the API."""

    folder: Path
    url: str
    broker: Mosquitto
    community: Community
    parts: Mapping[str, str] = field(default_factory=lambda: {"all": "ingest,linking,notify,api"})
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(
        default_factory=dict[str, "subprocess.Popen[bytes]"]
    )
    token: str = ""
    answers: Answers | None = None
    watching: Database | None = None

    def start(self, *, answering: bool = True) -> RealHub:
        """Sites in, hub up, gateways born."""
        self.folder.mkdir(parents=True, exist_ok=True)
        add_sites(self.url, self.community.sites)
        config = {
            "database": self.url,
            "mqtt": {"url": self.broker.url},
            "http": {"port": self.port},
        }
        (self.folder / "hub.yaml").write_text(yaml.safe_dump(config))
        for name, roles in self.parts.items():
            self.run(name, roles)
        self.watching = connect(self.url)
        self._make_token()
        if answering:
            self.answers = Answers(self.broker.port, self.community.plots).start()
        return self

    def run(self, name: str, roles: str) -> None:
        """Start one process of it; that with the API is waited for."""
        script = Path(sys.executable).with_name("gatehouse-hub")
        serving = "api" in roles.split(",")
        argv = [str(script), "--config", str(self.folder / "hub.yaml"), "serve", "--roles", roles]
        argv += ["--port", str(self.port if serving else 0)]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                argv, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        ready = self._healthy if serving else partial(self._says, name, "Health and metrics")
        wait_until(ready, START_S, what=f"the hub's {name}")

    def get(self, path: str) -> bytes:
        """Ask the API."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def stored(self, epoch: str) -> int:
        """How many numbers of an epoch are accounted for, over all gateways and lanes."""
        assert self.watching
        with self.watching.snapshot() as tx:
            rows = tx.execute(
                "SELECT CAST(COALESCE(SUM(upto), 0) AS BIGINT) FROM progress WHERE epoch = ?",
                (epoch,),
            )
        return integer(rows[0][0])

    def waiting_sites(self) -> int:
        """Sites that the linker has not seen."""
        assert self.watching
        with self.watching.snapshot() as tx:
            return work.backlog(tx).sites

    def cpu_s(self) -> dict[str, float]:
        """Processor seconds so far, by process."""
        return {name: cpu_s(process.pid) for name, process in self.processes.items()}

    def memory_mib(self) -> float:
        """Proportional set size of all its processes."""
        return pss_mib([pid for p in self.processes.values() for pid in descendants(p.pid)])

    def stop(self) -> None:
        """End everything that was started here, the broker excepted."""
        if self.answers:
            self.answers.stop()
        if self.watching:
            self.watching.close()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(30)

    def _healthy(self) -> bool:
        for name, process in self.processes.items():
            if process.poll() is not None:
                words = (self.folder / f"{name}.log").read_text()[-2_000:]
                raise RuntimeError(f"the hub's {name} ended:\n{words}")
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{self.port}/healthz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status == 200
        return False

    def _says(self, name: str, words: str) -> bool:
        return words in (self.folder / f"{name}.log").read_text()

    def _make_token(self) -> None:
        assert self.watching
        self.token = f"gh_{secrets.token_urlsafe(32)}"
        now = datetime.now(UTC)
        record = TokenRecord(
            id=secrets.token_hex(16),
            name="bench",
            hint=self.token[:7],
            scopes=frozenset({Scope.READ, Scope.OPERATE}),
            sites=None,
            created_by="admin",
            created_at=now,
            expires_at=now + timedelta(days=1),
            last_used_at=None,
        )
        with self.watching.transaction() as tx:
            insert_token(tx, record, hashlib.sha256(self.token.encode()).hexdigest())


@contextlib.contextmanager
def real_hub(folder: Path, url: str, broker: Mosquitto, community: Community) -> Generator[RealHub]:
    """A running hub for the length of a block: on PostgreSQL as two processes, ingest and the rest, on SQLite as its one."""
    split = {"ingest": "ingest", "rest": "linking,notify,api"}
    parts = {"all": "ingest,linking,notify,api"} if url.startswith("sqlite") else split
    hub = RealHub(folder, url, broker, community, parts)
    try:
        yield hub.start()
    finally:
        hub.stop()


def wait_stored(hub: RealHub, epoch: str, events: int, timeout_s: float) -> float:
    """When the hub had accounted for so many rows of an epoch."""
    wait_until(lambda: hub.stored(epoch) >= events, timeout_s, what=f"{events} rows of {epoch}")
    return time.monotonic()
