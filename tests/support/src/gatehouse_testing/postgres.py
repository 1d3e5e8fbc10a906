"""A real PostgreSQL cluster of the test's own: in a temporary folder, on a free loopback port, with fsync on.

PostgreSQL refuses to run as root, so a root caller starts it as the `postgres` user that Debian's package makes, or as
`nobody`. Raises PostgresMissingError, naming the package, where the programs are not installed.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from gatehouse_testing.ports import free_port


class PostgresMissingError(Exception):
    """PostgreSQL's programs are not on this machine; the message says what to install."""


class PostgresCluster:
    """A running server. `url(name)` addresses one of its databases; `fresh()` makes a new, empty one."""

    def __init__(self, folder: Path, port: int, programs: Path, user: str | None) -> None:
        self.folder, self.port = folder, port
        self._programs, self._user = programs, user

    def url(self, database: str) -> str:
        """Address of one database, over loopback."""
        return f"postgresql://gatehouse@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """Address of a new, empty database."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def pid(self) -> int:
        """The server's first process, of which all others come."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        """Start, or start again after `stop`."""
        self._ctl("start", "-w", "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop; `immediate` is as a crash."""
        self._ctl("stop", "-m", mode)

    def _ctl(self, *arguments: str) -> None:
        run_as(
            self._user, str(self._programs / "pg_ctl"), "-D", str(self.folder / "data"), *arguments
        )


@contextmanager
def postgres_cluster() -> Generator[PostgresCluster]:
    """A new cluster, gone with its folder at the end."""
    programs = find_programs()
    user = unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-postgres-"))
    try:
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        data = folder / "data"
        run_as(user, str(programs / "initdb"), "-D", str(data), "-U", "gatehouse", "-A", "trust",
               "-E", "UTF8", "--locale=C", "--no-instructions")  # fmt: skip
        port = free_port()
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\n"
                "fsync = on\nsynchronous_commit = on\nmax_connections = 60\nshared_buffers = 64MB\n"
            )
        cluster = PostgresCluster(folder, port, programs, user)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path:
    """Where `initdb` and `pg_ctl` are; the newest version wins."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[4])
    )
    if not found:
        raise PostgresMissingError(
            "no initdb here; on Debian and Ubuntu: apt-get install postgresql"
        )
    return found[-1].parent


def unprivileged_user() -> str | None:
    """Whom to run the server as; None for oneself."""
    if os.geteuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def run_as(user: str | None, *command: str) -> None:
    """Run a program to its end as another user. Its output is in the error when it fails."""
    done = subprocess.run(
        command, user=user, group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [], cwd="/", check=False, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        close_fds=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{done.stdout}")
