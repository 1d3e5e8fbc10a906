"""etcd, Patroni with PostgreSQL, and HAProxy on free ports of loopback. What refuses root runs as the user of PostgreSQL."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest

from gatehouse_testing.deployed import place
from gatehouse_testing.ports import free_port, is_answering
from gatehouse_testing.postgres import find_programs, unprivileged_user
from gatehouse_testing.waiting import wait_until

PACKAGES: Final = ("etcd-server", "patroni", "haproxy", "rabbitmq-server", "python3-etcd")
MEMBERS: Final = 3
START_S: Final = 120.0
PASSWORD: Final = "gatehouse-test"
HAPROXY: Final = "/usr/sbin/haproxy"


def need_programs() -> None:
    """Skip where the cluster's programs are not installed."""
    missing = [name for name in ("etcd", "patroni") if shutil.which(name) is None]
    missing += [] if Path(HAPROXY).exists() else ["haproxy"]
    if missing:
        packages = " ".join(PACKAGES)
        pytest.skip(
            f"no {', '.join(missing)} here (`./dev test --long` or apt-get install {packages})"
        )
    if Path("/dev/shm").stat().st_mode & 0o1777 != 0o1777:
        pytest.skip("/dev/shm is not world-writable: no standby of PostgreSQL could take over")


@dataclass
class Program:
    """A server as a process of its own session; `user` for what refuses root."""

    name: str
    command: Sequence[str]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    user: str | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its log is appended to."""
        account = pwd.getpwnam(self.user) if self.user else None
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={
                    "PATH": os.environ["PATH"],
                    "LANG": "C.UTF-8",
                    "HOME": str(self.folder),
                    **self.env,
                },
                user=self.user,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """`kill -9`, its whole session; idempotent."""
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


@dataclass
class Member:
    """One PostgreSQL under Patroni."""

    program: Program
    data: Path
    port: int
    rest_port: int

    def kill(self) -> None:
        """As if its machine had lost power: Patroni and every process of PostgreSQL."""
        self.program.kill()
        with contextlib.suppress(OSError, ValueError, IndexError):
            postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
            for pid in (postmaster, *_children(postmaster)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_until(
                lambda: not Path(f"/proc/{postmaster}/exe").exists() or _is_dead(postmaster), 20
            )

    def answers(self, path: str) -> bool:
        """Whether its REST interface says 200."""
        with contextlib.suppress(httpx.HTTPError):
            return (
                httpx.get(f"http://127.0.0.1:{self.rest_port}{path}", timeout=2).status_code == 200
            )
        return False


@dataclass
class Databases:
    """Three members with their etcd."""

    folder: Path
    members: list[Member]
    etcd: list[Program]

    def leader(self) -> Member | None:
        """Who says that it may be written to; None while nobody does."""
        return next((m for m in self.members if m.program.process and m.answers("/primary")), None)

    def has_standby(self) -> bool:
        """Whether somebody could take over without losing anything."""
        return any(m.program.process and m.answers("/sync") for m in self.members)

    def ready(self) -> bool:
        """A leader, and a standby that has all it has."""
        return self.leader() is not None and self.has_standby()

    def make_hub_database(self) -> None:
        """The user and the database of the hub, once."""
        leader = wait_until(self.leader, START_S, what="a leader")
        url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{leader.port}/postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE gatehouse LOGIN PASSWORD '{PASSWORD}'".encode())
            connection.execute("CREATE DATABASE gatehouse OWNER gatehouse")


@contextlib.contextmanager
def databases() -> Generator[Databases]:
    """etcd and Patroni, three of each, with a leader and a synchronous standby; gone with the block."""
    need_programs()
    user = unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-cluster-"))
    found = Databases(folder, [], [])
    try:
        found.etcd = _etcd(folder)
        hosts = ",".join(f"127.0.0.1:{p.env['CLIENT_PORT']}" for p in found.etcd)
        for number in range(1, MEMBERS + 1):
            found.members.append(_member(folder, number, hosts, user))
        if user is not None:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, user)
        for program in (*found.etcd, *(m.program for m in found.members)):
            program.start()
        wait_until(found.ready, START_S, what="a leader with a synchronous standby")
        found.make_hub_database()
        yield found
    finally:
        for member in found.members:
            member.kill()
        for program in found.etcd:
            program.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _etcd(folder: Path) -> list[Program]:
    ports = [(free_port(), free_port()) for _ in range(MEMBERS)]
    everyone = ",".join(f"e{n}=http://127.0.0.1:{peer}" for n, (_, peer) in enumerate(ports))
    return [
        Program(
            f"etcd_{n}",
            ["etcd", f"--name=e{n}", f"--data-dir={folder}/etcd_{n}", f"--initial-cluster={everyone}",
             f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
             f"--listen-client-urls=http://127.0.0.1:{client}", f"--advertise-client-urls=http://127.0.0.1:{client}",
             "--heartbeat-interval=250", "--election-timeout=2500"],
            folder,
            {"CLIENT_PORT": str(client)},
            unprivileged_user(),
        )
        for n, (client, peer) in enumerate(ports)
    ]  # fmt: skip


def _member(folder: Path, number: int, etcd_hosts: str, user: str | None) -> Member:
    name, port, rest_port = f"postgres_{number}", free_port(), free_port()
    home = folder / name
    home.mkdir()
    # Debian's server writes its socket where only its own packages may.
    socket = {
        "password_encryption: scram-sha-256": f"password_encryption: scram-sha-256\n    unix_socket_directories: {home}"
    }
    config = place("patroni/patroni.yaml", home / "patroni.yaml", socket)
    env = {
        "PATRONI_NAME": name,
        "PATRONI_ETCD3_HOSTS": etcd_hosts,
        "PATRONI_RESTAPI_LISTEN": f"127.0.0.1:{rest_port}",
        "PATRONI_RESTAPI_CONNECT_ADDRESS": f"127.0.0.1:{rest_port}",
        "PATRONI_POSTGRESQL_LISTEN": f"127.0.0.1:{port}",
        "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"127.0.0.1:{port}",
        "PATRONI_POSTGRESQL_DATA_DIR": str(home / "data"),
        "PATRONI_POSTGRESQL_BIN_DIR": str(find_programs()),
        "PATRONI_POSTGRESQL_PGPASS": str(home / "pgpass"),
        "PATRONI_SUPERUSER_USERNAME": "postgres",
        "PATRONI_SUPERUSER_PASSWORD": PASSWORD,
        "PATRONI_REPLICATION_USERNAME": "replicator",
        "PATRONI_REPLICATION_PASSWORD": PASSWORD,
    }
    program = Program(name, ["patroni", str(config)], home, env, user)
    return Member(program, home / "data", port, rest_port)


@dataclass
class Proxy:
    """HAProxy with the file of `deploy/`: where the database's leader, the brokers and the API are."""

    program: Program
    database_port: int
    broker_port: int
    api_port: int

    @property
    def database(self) -> str:
        """The address of the hub's database."""
        return f"postgresql://gatehouse:{PASSWORD}@127.0.0.1:{self.database_port}/gatehouse"


def proxy(
    folder: Path, members: Sequence[Member], brokers: Sequence[int], apis: Sequence[int]
) -> Proxy:
    """HAProxy over those members, and brokers and APIs at those ports; not yet started."""
    ports = free_port(), free_port(), free_port()
    replacements = {
        "maxconn 20000": "maxconn 500",
        "bind :5432": f"bind 127.0.0.1:{ports[0]}",
        "bind :1883": f"bind 127.0.0.1:{ports[1]}",
        "bind :8080": f"bind 127.0.0.1:{ports[2]}",
        "    bind :8883 ssl crt /etc/haproxy/certs/broker.pem ssl-min-ver TLSv1.2\n": "",
    }
    for n, member in enumerate(members, 1):
        server = f"127.0.0.1:{member.port} port {member.rest_port}"
        replacements[f"postgres_{n}:5432"] = server
    for kind, inner, there in (("rabbit", 1883, brokers), ("api", 8080, apis)):
        for n in range(1, (3 if kind == "rabbit" else 2) + 1):
            port = there[n - 1] if n <= len(there) else free_port()
            replacements[f"{kind}_{n}:{inner}"] = f"127.0.0.1:{port}"
    config = place("haproxy/haproxy.cfg", folder / "haproxy.cfg", replacements)
    return Proxy(Program("haproxy", [HAPROXY, "-db", "-f", str(config)], folder), *ports)


def start_proxy(found: Proxy) -> None:
    """Start it and wait until the leader can be reached through it."""
    found.program.start()
    wait_until(lambda: is_answering(found.database_port), 20)

    def reached() -> bool:
        with contextlib.suppress(psycopg.Error), psycopg.connect(found.database, connect_timeout=2):
            return True
        return False

    wait_until(reached, 60, what="the leader through HAProxy")


def seconds() -> float:
    """Monotonic seconds of this machine, the same in every process."""
    return time.monotonic()


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _is_dead(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True
