"""A disk that forgets: an APSW VFS over files in memory that keeps account of what was never synced.

Power cut   every sector of SECTOR_BYTES that was written since the last sync of its file ends as one of the versions it had since
            then, the synced one included, each chosen for itself; the length of a file that grew ends anywhere between. Writes
            of one sector are whole, which is what SQLite asks of a disk (powersafe overwrite). A sync makes everything of its
            file last. Names of files last at once: SQLite syncs folders itself, and that is not what is tested here.
Room        blocks that were laid out (`fallocate`, SQLITE_FCNTL_SIZE_HINT) belong to the file and survive a full disk; only what
            reaches beyond them is refused. What Python writes past SQLite (the outbox lays out its WAL, and empties its header
            when it closes) goes to the same files, and is followed by an fsync of its own where it matters.
Death       `arm` lets the process die at a coming write or sync; from then on its open files take nothing any more.
"""

import ctypes
import os
import random
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw

SECTOR_BYTES: Final = 512
_UNIX: Final = "unix"


class DiedError(BaseException):
    """The process, or the power of its machine, is gone in the middle of what it did. Nothing may catch it but the world."""


@dataclass(slots=True)
class _Unsynced:
    """One file since its last sync: what the sectors held then, what was written since, how long it was."""

    size: int
    before: dict[int, bytes] = field(default_factory=dict[int, bytes])
    writes: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])


class Disk:
    """The disk of one machine: a folder in memory. Inside `simulated_disks` only.

    `forgets` False saves the account of what is unsynced, for a machine whose power will not be cut. `full` refuses more blocks.
    `dead` from a death to `revive`. `life` counts the processes that have had it; `operations` writes and syncs so far.
    """

    def __init__(self, folder: Path, *, forgets: bool = True) -> None:
        self.folder, self._forgets = folder, forgets
        self.full = False
        self.life = 0
        self.dead = False
        self.operations = 0
        self.cuts = 0
        self._unsynced: dict[str, _Unsynced] = {}
        self._descriptors: dict[str, int] = {}
        self._armed: tuple[int, random.Random | None] | None = None
        _DISKS[str(folder)] = self

    def arm(self, operations: int, power: random.Random | None = None) -> None:
        """Die after so many more writes and syncs; with `power`, everything unsynced is drawn for."""
        self._armed = (self.operations + operations, power)

    def disarm(self) -> None:
        """Live on."""
        self._armed = None

    def outlived(self, life: int) -> None:
        """DiedError for a process that went on: SQLite keeps an error in a checkpoint after a commit to itself."""
        if life != self.life:
            raise DiedError("it died at work and did not notice")

    def die(self, power: random.Random | None = None) -> None:
        """The process ends here, whatever it has open; with `power`, so does its machine."""
        self.life += 1
        self.dead = True
        self._armed = None
        if power is not None:
            self.cuts += 1
            for name in sorted(self._unsynced):
                self._cut(name, power)
            self._unsynced.clear()

    def revive(self) -> None:
        """A new process has the disk. Whatever the old one had open is closed by now, and nothing of that was written."""
        self.dead = False

    def copy(self, names: tuple[str, ...]) -> dict[str, bytes]:
        """What the files hold now, at one moment: a snapshot of the machine."""
        paths = (self.folder / name for name in names)
        return {path.name: path.read_bytes() for path in paths if path.exists()}

    def put_back(self, files: dict[str, bytes], names: tuple[str, ...]) -> None:
        """The files as a copy had them, and none of `names` that it did not have. Nobody may have them open."""
        for name in names:
            path = self.folder / name
            self._unsynced.pop(str(path), None)
            if name in files:
                path.write_bytes(files[name])
            else:
                path.unlink(missing_ok=True)

    def before_write(self, name: str, offset: int, data: bytes, life: int) -> bool:
        """Account for a write that comes; False when its process is dead."""
        if life != self.life:
            return False
        self._tick()
        if self.full and offset + len(data) > self._size(name):
            raise apsw.FullError("no block left")
        if not self._forgets:
            return True
        size = self._size(name)
        unsynced = self._unsynced.setdefault(name, _Unsynced(size))
        self._remember(unsynced, name, offset, offset + len(data))
        unsynced.writes.append((offset, bytes(data)))
        return True

    def before_sync(self, name: str, life: int) -> bool:
        """Account for a sync that comes."""
        if life != self.life:
            return False
        self._tick()
        self._unsynced.pop(name, None)
        return True

    def before_truncate(self, name: str, size: int, life: int) -> bool:
        """Account for a cut of a file that comes."""
        if life != self.life:
            return False
        self._tick()
        if not self._forgets:
            return True
        now = self._size(name)
        unsynced = self._unsynced.setdefault(name, _Unsynced(now))
        self._remember(unsynced, name, size, now)
        return True

    def before_delete(self, name: str) -> bool:
        """Account for the end of a file."""
        if not self.dead:
            self._unsynced.pop(name, None)
        return not self.dead

    def before_laying_out(self, name: str, size: int, life: int) -> bool:
        """Account for blocks that a file is about to get; FullError where there is none."""
        if life != self.life:
            return False
        now = self._size(name)
        if self.full and size > now:
            raise apsw.FullError("no block left")
        if self._forgets:
            self._unsynced.setdefault(name, _Unsynced(now))
        return True

    def opened(self, name: str) -> None:
        """SQLite opens a file: under this name there may be another one than before."""
        known = self._descriptors.pop(name, None)
        if known is not None:
            os.close(known)

    def close(self) -> None:
        """The machine is scrapped."""
        for name in list(self._descriptors):
            self.opened(name)

    def _descriptor(self, name: str) -> int:
        if name not in self._descriptors:
            self._descriptors[name] = os.open(name, os.O_RDONLY)
        return self._descriptors[name]

    def _size(self, name: str) -> int:
        return os.fstat(self._descriptor(name)).st_size

    def _tick(self) -> None:
        self.operations += 1
        if self._armed is not None and self.operations >= self._armed[0]:
            power = self._armed[1]
            self.die(power)
            raise DiedError("the power was cut" if power else "killed")

    def _remember(self, unsynced: _Unsynced, name: str, start: int, end: int) -> None:
        sectors = range(start // SECTOR_BYTES, -(-end // SECTOR_BYTES))
        if all(sector in unsynced.before for sector in sectors):
            return
        start = sectors.start * SECTOR_BYTES
        held = os.pread(self._descriptor(name), len(sectors) * SECTOR_BYTES, start)
        for index, sector in enumerate(sectors):
            found = held[index * SECTOR_BYTES : (index + 1) * SECTOR_BYTES]
            unsynced.before.setdefault(sector, found)

    def _cut(self, name: str, power: random.Random) -> None:
        """What the power leaves of one file."""
        unsynced = self._unsynced[name]
        path = Path(name)
        if not path.exists():
            return
        touched: dict[int, list[tuple[int, bytes]]] = {sector: [] for sector in unsynced.before}
        for offset, data in unsynced.writes:
            last = (offset + len(data) - 1) // SECTOR_BYTES
            for sector in range(offset // SECTOR_BYTES, last + 1):
                touched[sector].append((offset, data))
        now = path.stat().st_size
        size = min(unsynced.size, now) if power.random() < 0.5 else max(unsynced.size, now)
        with path.open("r+b") as file:
            for sector in sorted(touched):
                survived = power.randint(0, len(touched[sector]))
                content = _after(unsynced.before[sector], sector, touched[sector][:survived])
                os.pwrite(file.fileno(), content, sector * SECTOR_BYTES)
                if survived:
                    size = max(size, sector * SECTOR_BYTES + len(content.rstrip(b"\0")))
            file.truncate(size)


_DISKS: dict[str, Disk] = {}
"""The disks of the simulation at work, by folder."""


class _File(apsw.VFSFile):
    """A file of a simulated disk, as one process has it open."""

    def __init__(self, name: "str | apsw.URIFilename", flags: list[int], disk: Disk) -> None:
        super().__init__(_UNIX, name, flags)
        self._name = _path_of(name)
        self._disk, self._life = disk, disk.life
        disk.opened(self._name)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        if self._disk.before_write(self._name, offset, data, self._life):
            super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        # A file in memory: nothing to wait for below.
        self._disk.before_sync(self._name, self._life)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        if self._disk.before_truncate(self._name, newsize, self._life):
            super().xTruncate(newsize)

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802 - SQLite's name
        if op == apsw.SQLITE_FCNTL_SIZE_HINT:
            size = ctypes.c_int64.from_address(ptr).value
            if not self._disk.before_laying_out(self._name, size, self._life):
                return True
        return super().xFileControl(op, ptr)


class _Vfs(apsw.VFS):
    """Opens files of simulated disks as such, and everything else as ever."""

    def __init__(self) -> None:
        super().__init__("gatehouse-simulated", _UNIX, makedefault=True)

    def xOpen(self, name: "str | apsw.URIFilename | None", flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        disk = None if name is None else _DISKS.get(_folder_of(_path_of(name)))
        if disk is None or name is None:
            return apsw.VFSFile(_UNIX, name, flags)
        return _File(name, flags, disk)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's name
        disk = _DISKS.get(_folder_of(filename))
        if disk is None or disk.before_delete(filename):
            super().xDelete(filename, syncdir)


@contextmanager
def simulated_disks() -> Generator[None]:
    """While this is open, SQLite files below the folder of a `Disk` are on that disk."""
    vfs = _Vfs()
    try:
        yield
    finally:
        vfs.unregister()
        for disk in _DISKS.values():
            disk.close()
        _DISKS.clear()


def _path_of(name: "str | apsw.URIFilename") -> str:
    return name if isinstance(name, str) else name.filename()


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def _after(before: bytes, sector: int, writes: list[tuple[int, bytes]]) -> bytes:
    """A sector after some of its writes."""
    start = sector * SECTOR_BYTES
    content = bytearray(before.ljust(SECTOR_BYTES, b"\0"))
    for offset, data in writes:
        first, last = max(offset, start), min(offset + len(data), start + SECTOR_BYTES)
        content[first - start : last - start] = data[first - offset : last - offset]
    return bytes(content)
