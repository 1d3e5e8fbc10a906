"""What processes use: time on a processor to the nanosecond, and memory with shared pages counted once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
MIB = 1024.0


def cpu_s(pid: int) -> float:
    """Seconds that all threads of a process have been on a processor; threads that ended are not counted. 0 when it is gone."""
    total_ns = 0
    try:
        threads = list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return 0.0
    for thread in threads:
        try:
            total_ns += int((thread / "schedstat").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            continue
    return total_ns / 1e9


def pss_mib(pids: Iterable[int]) -> float:
    """Proportional set size of processes: a page that n processes share counts 1/n in each."""
    return _rolled_up(pids, "Pss:")


def heap_mib(pids: Iterable[int]) -> float:
    """Memory of processes that no file stands behind: what a leak makes larger, whoever else uses the same libraries."""
    return _rolled_up(pids, "Anonymous:")


def _rolled_up(pids: Iterable[int], field: str) -> float:
    total_kib = 0
    for pid in pids:
        try:
            text = (PROC / str(pid) / "smaps_rollup").read_text()
        except OSError:
            continue
        for line in text.splitlines():
            if line.startswith(field):
                total_kib += int(line.split()[1])
    return total_kib / MIB


def descendants(pid: int | None = None) -> tuple[int, ...]:
    """A process (this one) and all processes that come of it, in order of age."""
    parents: dict[int, int] = {}
    for entry in PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [os.getpid() if pid is None else pid]
    for one in found:
        found += sorted(child for child, parent in parents.items() if parent == one)
    return tuple(found)


def load() -> float:
    """The machine's load of the last minute, to be told beside a measurement."""
    return os.getloadavg()[0]
