"""The room of an outbox on its disk: laid out before it is needed, kept back for alarms, and told when it is gone.

Layout   rows are first written to the WAL and find their place in the file later, at a checkpoint. Both must have their blocks
         before a row is taken, or a disk that fills up in between leaves rows that can be written nowhere, and with them the
         room kept back out of reach. So the WAL has its full length from the beginning, and keeps it over restarts; and the
         file reaches AHEAD_PAGES beyond its last page before each write.
Squeeze  where the file cannot reach further, or the disk has less than CHUNK_BYTES left, the disk is full. Then `reserve` is
         given free, and rows live on its pages alone. It is kept back again once the disk has twice as much room.
Errors   apsw.FullError, when not even the room kept back can be had.
"""

import ctypes
import errno
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from gatehouse_edge.outbox.schema import CHUNK_BYTES, PAGE_BYTES, RESERVE_BYTES, first_int

AHEAD_PAGES: Final = 256
SPARE_PAGES: Final = 128
"""Of the room kept back, bulk leaves this to alarms."""
REFILL_BYTES: Final = 2 * RESERVE_BYTES
_UNSUPPORTED: Final = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})
_WAL_HEADER_BYTES: Final = 32

log = logging.getLogger(__name__)


class Room:
    """The room of one open file. `squeezed`: it lives on what was kept back."""

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db, self._path = db, path
        self._lays_out = _lay_out(_wal_of(path), RESERVE_BYTES)
        self.squeezed = not first_int(db, "SELECT count(*) FROM reserve")
        if self.squeezed:
            log.error("%s: the disk was full; still on the room kept back", path)

    @property
    def free_pages(self) -> int:
        """Pages inside the file that hold nothing."""
        return first_int(self._db, "PRAGMA freelist_count")

    def prepare(self, pages: int) -> None:
        """Before a write of about so many pages, outside of any transaction."""
        if not self.squeezed and not self._reaches(max(pages, AHEAD_PAGES)):
            self.squeeze()

    def squeeze(self) -> None:
        """The disk is full: begin the WAL again from its start, and give free what was kept back."""
        if not self.squeezed:
            self.squeezed = True
            log.error("%s: the disk is full; using the room kept back", self._path)
        self._rewind()
        self._db.execute("DELETE FROM reserve")

    def watch(self) -> None:
        """Every few seconds: a disk that fills up is met before the file needs it, and room is kept back again where there is
        some.
        """
        free = self._free_bytes()
        if not self.squeezed and free < CHUNK_BYTES:
            self.squeeze()
        elif self.squeezed and free >= REFILL_BYTES:
            self._refill()

    def close(self) -> None:
        """Close the file. The WAL stays, empty, so that a disk that fills up until the next start cannot take its blocks."""
        complete = self._rewind()
        self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._db.close()
        wal = _wal_of(self._path)
        if complete and wal.exists():
            # Without its header nothing in it is believed: an older copy of the file may be put beside it.
            with wal.open("r+b") as file:
                file.write(bytes(_WAL_HEADER_BYTES))
                file.flush()
                os.fsync(file.fileno())

    def _refill(self) -> None:
        if not self._reaches(RESERVE_BYTES // PAGE_BYTES + AHEAD_PAGES):
            return
        with suppress(apsw.FullError, apsw.IOError):
            if not first_int(self._db, "SELECT count(*) FROM reserve"):
                self._db.execute("INSERT INTO reserve VALUES (zeroblob(?))", (RESERVE_BYTES,))
            self._rewind()
            self.squeezed = False
            log.warning("%s: the disk has room again", self._path)

    def _rewind(self) -> bool:
        """Carry what is in the WAL into the file; whether all of it went."""
        try:
            frames, done = self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        except apsw.Error:
            return False
        return frames == done

    def _reaches(self, pages: int) -> bool:
        """Whether the file has blocks for so many pages beyond its last one."""
        if not self._lays_out:
            return True  # known only when a write fails
        end = (first_int(self._db, "PRAGMA page_count") + pages) * PAGE_BYTES
        size = ctypes.c_int64(end)
        try:
            self._db.file_control("main", apsw.SQLITE_FCNTL_SIZE_HINT, ctypes.addressof(size))
        except (apsw.FullError, apsw.IOError):
            return False
        return True

    def _free_bytes(self) -> int:
        """What the disk has left; all there can be where it cannot say."""
        try:
            return shutil.disk_usage(self._path.parent).free
        except OSError:
            return REFILL_BYTES


def _wal_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _lay_out(wal: Path, size: int) -> bool:
    """Give the WAL its blocks. False where the file system cannot lay out a file; a full disk is met when it is written."""
    try:
        with wal.open("r+b") as file:
            if os.fstat(file.fileno()).st_size < size:
                os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        return error.errno not in _UNSUPPORTED
    return True
