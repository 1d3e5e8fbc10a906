"""What the hub's stages hand to each other. Times named `_ms` are milliseconds since 1970 by the hub's clock."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from gatehouse_shared.names import Lane


class Presence(StrEnum):
    """Whether a gateway is there."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"


class LaneKey(NamedTuple):
    """One lane of one outbox file of one gateway: what is counted without holes."""

    gateway: str
    epoch: str
    lane: Lane


class EventKey(NamedTuple):
    """The idempotent key of a row."""

    gateway: str
    epoch: str
    lane: Lane
    seq: int

    @property
    def of_lane(self) -> LaneKey:
        """The lane it belongs to."""
        return LaneKey(self.gateway, self.epoch, self.lane)


@dataclass(frozen=True, slots=True)
class Offset:
    """How far a gateway's clock is ahead of the hub's, and how far that may be wrong."""

    offset_ms: int
    uncertainty_ms: int


HISTORICAL_MS: Final = 15 * 60_000
"""Later than this from confirmation to arrival, a row is linked but nobody is paged for it."""


class TimeBasis(StrEnum):
    """How the corrected time of a row was found."""

    MEASURED = "measured"
    """The gateway's time less its measured offset."""
    STATED = "stated"
    """The gateway's clock was set by a time source, and its offset is not known: taken as it is."""
    RECEIVED = "received"
    """The gateway's clock was not set and nothing is known of it: when the row came."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An offset, and whether the gateway's clock was set by a time source when it was measured."""

    offset: Offset
    synced: bool


class CorrectedTime(NamedTuple):
    """When a row happened by the hub's clock, and how that was found. `offset` is None unless it was used."""

    time_ms: int
    basis: TimeBasis
    offset: Offset | None


def correct_time(
    stated_ms: int, *, synced: bool, sample: Sample | None, arrived_ms: int
) -> CorrectedTime:
    """When a row happened by the hub's clock.

    An offset counts only for rows written by the clock it was measured on: one measured before the gateway's clock was
    set says nothing of rows written after, and the other way round. Nothing happens after it has arrived.

    >>> correct_time(10_000, synced=True, sample=Sample(Offset(4_000, 5), True), arrived_ms=7_000).time_ms
    6000
    """
    if sample is not None and sample.synced == synced:
        time_ms = stated_ms - sample.offset.offset_ms
        return CorrectedTime(min(time_ms, arrived_ms), TimeBasis.MEASURED, sample.offset)
    if synced:
        return CorrectedTime(min(stated_ms, arrived_ms), TimeBasis.STATED, None)
    return CorrectedTime(arrived_ms, TimeBasis.RECEIVED, None)


def is_historical(corrected: CorrectedTime, *, confirm_s: int, arrived_ms: int) -> bool:
    """Whether a row came so late that nobody may be paged for it. Never so while its clock is unknown."""
    known = corrected.basis is TimeBasis.MEASURED
    return known and arrived_ms - corrected.time_ms - confirm_s * 1000 > HISTORICAL_MS
