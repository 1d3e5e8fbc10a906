"""A VFS of SQLite that counts what is written and how often the disk is asked to have it, without tracing system calls."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import apsw

BASE: Final = "unix"


@dataclass(slots=True)
class Counts:
    """Bytes written and syncs asked for, over all files."""

    written: int = 0
    syncs: int = 0


class _CountedFile(apsw.VFSFile):
    def __init__(self, counts: Counts, base: str, name: Any, flags: list[int]) -> None:
        self._counts = counts
        super().__init__(base, name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - the name is SQLite's
        self._counts.written += len(data)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - the name is SQLite's
        self._counts.syncs += 1
        super().xSync(flags)


class _CountedDisk(apsw.VFS):
    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        super().__init__("counted", base=BASE, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's
        return _CountedFile(self.counts, BASE, name, flags)


@contextmanager
def counted_disk() -> Generator[Counts]:
    """Every connection opened meanwhile is counted."""
    counts = Counts()
    disk = _CountedDisk(counts)
    try:
        yield counts
    finally:
        disk.unregister()
