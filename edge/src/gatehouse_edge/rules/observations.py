"""What a rule can be told, beside the values of the sources: the moment, silence, and signals of zones.

Life    zone signals carry no coordinates and no tracks: they are what a plug-in or a rehearsal would see.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from gatehouse_edge.values import (
    Passage,
    Reading,
    SourceDown,
    ThermalSample,
    Tracks,
    ZoneCount,
)
from gatehouse_shared.names import Label


@dataclass(frozen=True, slots=True)
class Moment:
    """Now. `at` seconds of one timeline that never goes back; `time` aware UTC.

    `time_known` is False while the wall clock was never set: schedules then keep what was armed, and perimeter and water
    zones of unknown state are armed.
    """

    at: float
    time: datetime
    time_known: bool = True


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing new but the time: dwell, clear and update timers go on."""


@dataclass(frozen=True, slots=True)
class SourceUp:
    """A source gives frames or readings: a sign of life, also for frames that are not inferred. Once a second is enough."""

    device: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody acknowledged the open hazard of a rule; only `at_site` ends a latched one."""

    rule: str
    at_site: bool


class Speed(IntEnum):
    """How fast things move. Limits between the classes: 0.1, 0.67 (half of Weidmann's free walk) and 2.5 m/s."""

    STILL = 0
    SLOW = 1
    WALKING = 2
    FAST = 3


@dataclass(frozen=True, slots=True)
class Signal:
    """One label in one speed class in one zone: how many, how much they cover of it (0-1), how long the longest is there."""

    label: Label
    speed: Speed
    count: int
    area_ratio: float
    stay_s: float


@dataclass(frozen=True, slots=True)
class ZoneSignals:
    """One zone as one device sees it, once a second: one row per label and speed class; no rows in an empty zone.

    `hot_c` is the temperature where the device measures one.
    """

    zone: str
    device: str
    at: float
    time: datetime
    rows: tuple[Signal, ...] = ()
    hot_c: float | None = None


Observation = (
    Tracks
    | ThermalSample
    | Reading
    | ZoneCount
    | ZoneSignals
    | Passage
    | SourceDown
    | SourceUp
    | Acknowledged
    | Tick
)
"""Everything a rule may be told."""
