"""`doctor`: what this machine has, and with a configuration whether its parts answer. For a person, and for a bug report."""

import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw

from gatehouse_edge.app.check import Finding, describe, findings
from gatehouse_edge.app.plugins import try_cage
from gatehouse_edge.app.silence import silent_since
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import Config, load_config
from gatehouse_edge.errors import ConfigError, OutboxError, PluginError
from gatehouse_edge.outbox.schema import SAFE_SQLITE, FileLock
from gatehouse_edge.sources.backends import PACKAGES, PROGRAMS
from gatehouse_shared.instants import format_instant
from gatehouse_shared.topics import up

NEEDED = ("gatehouse-shared", "gatehouse-edge", "msgspec", "paho-mqtt", "apsw", "PyYAML")
VISION = ("numpy", "onnxruntime", "opencv-python-headless", "lapx")
DISK_LEAST_BYTES = 1024**3


def doctor(path: Path | None, say: Callable[[str], None]) -> int:
    """Say the report; 0 when nothing is wrong, else 1. Raises ConfigError for a file that cannot be used at all."""
    config = None if path is None else load_config(path)
    report = [*_machine(), *_installation(), *_decoders(), *_cage(), *_clock(config)]
    if config is not None:
        report += _outbox(config)
        report += findings(config, probe_all=True)
    for finding in report:
        say(describe(finding))
    return 1 if any(finding.problem is not None for finding in report) else 0


def _machine() -> Iterator[Finding]:
    yield Finding("python", detail=platform.python_version())
    detail = f"{platform.system()} {platform.release()} {platform.machine()}"
    problem = None
    if sys.maxsize < 2**32:
        problem = ConfigError("32-bit", remedy="Gatehouse needs a 64-bit Linux")
    yield Finding("machine", problem, detail)


def _installation() -> Iterator[Finding]:
    for name in NEEDED:
        yield _package(name, needed=True)
    for name in VISION:
        yield _package(name, needed=False)
    sqlite = apsw.sqlite_lib_version()
    old = tuple(int(part) for part in sqlite.split(".")) < SAFE_SQLITE
    remedy = "pip install --upgrade apsw"
    yield Finding(
        "sqlite",
        ConfigError(f"{sqlite} has the WAL-reset bug", remedy=remedy) if old else None,
        sqlite,
    )


def _package(name: str, *, needed: bool) -> Finding:
    try:
        return Finding(name, detail=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        if needed:
            return Finding(name, ConfigError("not installed", remedy=f"pip install {name}"))
        return Finding(
            name, detail="not installed; cameras need it (pip install gatehouse-edge[vision])"
        )


def _decoders() -> Iterator[Finding]:
    """Decoders of the system; only cameras that name one need it, and then `check` misses it."""
    for decoder, program in PROGRAMS.items():
        absent = f"not installed; cameras with decoder: {decoder} need it (apt install {PACKAGES[decoder]})"
        yield Finding(f"decoder {decoder}", detail=shutil.which(program) or absent)


def _cage() -> Iterator[Finding]:
    """A machine without plug-ins needs no cage: that it does not close is a problem of those alone, which `check` names."""
    try:
        yield Finding("plug-ins", detail=try_cage())
    except PluginError as error:
        yield Finding("plug-ins", detail=f"cannot run on this machine: {error.message}")


def _clock(config: Config | None) -> Iterator[Finding]:
    if config is not None and config.file.clock == "host":
        yield Finding("clock", detail="kept by the host, as configured")
        return
    synced = SystemClock().synced()
    remedy = "Start a time service (systemd-timesyncd, chrony); in a container whose host has one, set clock: host"
    yield Finding(
        "clock", None if synced else ConfigError("not set by any time source", remedy=remedy), "set"
    )


def _outbox(config: Config) -> Iterator[Finding]:
    path = config.path(config.file.outbox.path)
    folder = path.parent
    if not folder.is_dir():
        yield Finding("outbox", detail=f"{folder} will be made")
        return
    free = shutil.disk_usage(folder).free
    wanted = min(DISK_LEAST_BYTES, config.file.outbox.max_mib * 1024 * 1024)
    problem = None
    if free < wanted:
        problem = ConfigError(
            f"{free // 1024**2} MiB are free",
            place=str(folder),
            remedy="Free some space, or lower outbox.max_mib",
        )
    yield Finding("disk of the outbox", problem, f"{free // 1024**2} MiB free")
    try:
        FileLock(path).release()
    except OutboxError:
        yield Finding("outbox", detail="in use by a running agent")
        yield _hub(config, path)
    except OSError as error:
        yield Finding("outbox", OutboxError(str(error), place=str(path), remedy="Check its rights"))
    else:
        yield Finding("outbox", detail="not in use")


def _hub(config: Config, outbox: Path) -> Finding:
    """What the running agent says of the hub."""
    since = silent_since(outbox)
    if since is None:
        return Finding(
            "hub",
            detail="acknowledges what the agent sends, or is not reached at all: see the agent's log",
        )
    remedy = (
        f"Look whether the hub runs and knows gateway {config.file.gateway}, and whether the broker lets this gateway write under"
        f" {up(config.site.site, config.file.gateway, '#')}"
    )
    moment = format_instant(since)
    return Finding("hub", ConfigError(f"has acknowledged nothing since {moment}", remedy=remedy))
