"""Plates on the gateway's own disk: few, for 72 hours, each with a purpose on record. The wire has no place for pictures.

Folder   `plates` beside the outbox, mode 0700; files mode 0600, named by camera, number and time.
Numbers  1 to 60 for each camera, round and round: 20 a day for 72 hours never meet.
Bounds   one a minute and 20 in 24 hours a camera, whatever is asked; 48 KiB each; the record at most 2 MiB, the eldest half goes.
Clock    a file from the future (the clock was set back) counts as recent, and goes when it is 72 hours off either way.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from gatehouse_edge.errors import OutboxError

KEPT: Final = timedelta(hours=72)
DAY: Final = timedelta(hours=24)
A_DAY: Final = 20
APART: Final = timedelta(minutes=1)
NUMBERS: Final = 60
RECORD_MOST_BYTES: Final = 1024 * 1024
_TIME: Final = "%Y%m%dT%H%M%SZ"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """One plate on disk."""

    camera: str
    number: int
    time: datetime
    path: Path


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the record: what was asked of a camera's plates, why, and what came of it."""

    time: datetime
    camera: str
    purpose: str
    outcome: str
    number: int | None = None
    kind: str | None = None
    zone: str | None = None
    reason: str | None = None


class PlateStore:
    """The plates of one gateway."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self) -> tuple[Kept, ...]:
        """Every plate, eldest first."""
        return tuple(sorted(self._files(), key=lambda k: (k.time, k.camera)))

    def of(self, camera: str, number: int) -> Kept | None:
        """The plate that an event calls `number`."""
        return next((k for k in self.kept() if (k.camera, k.number) == (camera, number)), None)

    def refusal(self, camera: str, now: datetime) -> str | None:
        """Why no further plate of this camera may be kept now; None when one may."""
        mine = [k for k in self.kept() if k.camera == camera]
        if any(k.time > now - APART for k in mine):
            return "one plate a minute"
        if sum(k.time > now - DAY for k in mine) >= A_DAY:
            return f"{A_DAY} plates a day"
        return None

    def keep(self, camera: str, jpeg: bytes, now: datetime) -> int:
        """Write a plate; its number. Raises OutboxError when the disk takes nothing."""
        mine = [k for k in self.kept() if k.camera == camera]
        number = mine[-1].number % NUMBERS + 1 if mine else 1
        stamp = now.astimezone(UTC).strftime(_TIME)
        path = self._folder / f"{camera}_{number:02d}_{stamp}.jpg"
        try:
            self._make_folder()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(jpeg)
        except OSError as error:
            raise OutboxError(
                error.strerror or "cannot be written",
                place=str(path),
                remedy="Check the disk and its rights",
            ) from None
        return number

    def drop(self, camera: str, time: datetime) -> None:
        """Take back the plate of this very moment, where there is one: it could not be put on record."""
        moment = time.replace(microsecond=0)
        for one in self.kept():
            if (one.camera, one.time) == (camera, moment):
                one.path.unlink(missing_ok=True)

    def expire(self, now: datetime) -> int:
        """Delete what is older than 72 hours; how many went."""
        gone = [k for k in self.kept() if abs(now - k.time) >= KEPT]
        for one in gone:
            try:
                one.path.unlink(missing_ok=True)
            except OSError as error:
                log.error("%s cannot be deleted: %s", one.path, error.strerror)
        return len(gone)

    def record(self, entry: Entry) -> None:
        """Add a line to the record. Raises OutboxError: what cannot be recorded must not be done."""
        path = self._folder / "record.jsonl"
        try:
            self._make_folder()
            if path.exists() and path.stat().st_size >= RECORD_MOST_BYTES:
                path.replace(self._folder / "record.old.jsonl")
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(msgspec.json.encode(entry) + b"\n")
        except OSError as error:
            raise OutboxError(
                error.strerror or "cannot be written",
                place=str(path),
                remedy="Check the disk and its rights",
            ) from None

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _files(self) -> Iterator[Kept]:
        for path in self._folder.glob("*_[0-9][0-9]_*.jpg"):
            camera, number, stamp = path.stem.rsplit("_", 2)
            try:
                time = datetime.strptime(stamp, _TIME).replace(tzinfo=UTC)
            except ValueError:
                continue
            yield Kept(camera, int(number), time, path)
