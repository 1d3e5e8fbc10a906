"""What the hub's stages hand to each other. Times named `_ms` are milliseconds since 1970 by the hub's clock."""

from dataclasses import dataclass
from enum import StrEnum

from gatehouse_shared.names import Lane


class Presence(StrEnum):
    """Whether a gateway is there."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, order=True)
class LaneKey:
    """One lane of one outbox file of one gateway: what is counted without holes."""

    gateway: str
    epoch: str
    lane: Lane


@dataclass(frozen=True, slots=True, order=True)
class EventKey:
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
