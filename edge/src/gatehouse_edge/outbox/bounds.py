"""How much the outbox may hold, and what goes first when it is full. Pure.

Half    when more than half of the rows or bytes wait, count windows are merged (see `merging.py`) before anything goes.
Order   acknowledged rows that are only kept in case the hub is restored; then bulk that is not on the wire, oldest first;
        then bulk that is; alarms last of all, and never for bulk. Age takes bulk only.
Steps   rows go a hundredth of the bound at a time, so that a full outbox writes one gap for many rows.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatehouse_shared.events import GapReason

MIB: Final = 1024 * 1024
KEEP_ACKED_S: Final = 86_400


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of the outbox; part of the configuration file."""

    max_rows: Annotated[
        int, Meta(ge=1_000, le=100_000_000, description="Rows that wait for the hub")
    ] = 1_000_000
    max_mib: Annotated[int, Meta(ge=8, le=65_536, description="Bytes of all rows, MiB")] = 512
    max_age_days: Annotated[
        int, Meta(ge=1, le=90, description="Bulk rows older than this leave a gap")
    ] = 7


class Shed(StrEnum):
    """Which rows go."""

    ACKED = "acked"
    BULK = "bulk"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Load:
    """What lies in the file: rows and bytes that wait, by lane, and those that are only kept."""

    alarm_rows: int
    alarm_bytes: int
    bulk_rows: int
    bulk_bytes: int
    kept_rows: int
    kept_bytes: int

    @property
    def rows(self) -> int:
        """Rows that wait."""
        return self.alarm_rows + self.bulk_rows

    @property
    def all_bytes(self) -> int:
        """Bytes of every row in the file."""
        return self.alarm_bytes + self.bulk_bytes + self.kept_bytes


def over_half(load: Load, limits: Limits) -> bool:
    """Whether more than half of what may wait does: of the rows, or of the bytes."""
    waiting_bytes = load.alarm_bytes + load.bulk_bytes
    return 2 * load.rows > limits.max_rows or 2 * waiting_bytes > limits.max_mib * MIB


def next_to_go(load: Load, limits: Limits) -> tuple[Shed, GapReason, int] | None:
    """What must go now, why, and how many rows of it at most; None while all is within bounds."""
    step = max(1, limits.max_rows // 100)
    over_bytes = load.all_bytes > limits.max_mib * MIB
    if over_bytes and load.kept_rows:
        return Shed.ACKED, GapReason.DROPPED_BYTES, min(step, load.kept_rows)
    if not over_bytes and load.rows <= limits.max_rows:
        return None
    reason = GapReason.DROPPED_BYTES if over_bytes else GapReason.DROPPED_ROWS
    if load.bulk_rows > 1:
        return Shed.BULK, reason, min(step, load.bulk_rows - 1)
    return (Shed.ALARM, reason, min(step, load.alarm_rows - 1)) if load.alarm_rows > 1 else None
