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
class Looked:
    """How often a camera is looked at, about once a second while it gives frames: looks a second over the last seconds.

    A frame in which nothing moved is looked at when the gate says so. `floor_fps`: what it is to have at least.
    """

    device: str
    at: float
    time: datetime
    looked_fps: float
    floor_fps: float


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody acknowledged the open hazard of a rule; only `at_site` ends a latched one."""

    rule: str
    at_site: bool


@dataclass(frozen=True, slots=True)
class DrillOrder:
    """A drill of a rule begins, or of every rule (None, a walk test): for `left_s` more seconds; none or fewer end it."""

    rule: str | None
    left_s: float


@dataclass(frozen=True, slots=True)
class MaintenanceOrder:
    """All rules that are under maintenance from now on."""

    rules: frozenset[str]


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


@dataclass(frozen=True, slots=True)
class FlameCue:
    """How much something in a zone behaves like a flame, by its flicker over the last two seconds; said once a second.

    `score` 0-1; `area_ratio`: share of the zone in view that flickers; `flicker_hz`: crossings of zero a second. Where within the
    zone is not said.
    """

    device: str
    zone: str
    at: float
    time: datetime
    score: float = 0.0
    area_ratio: float = 0.0
    flicker_hz: float = 0.0


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """Whether a camera still shows its place, about once a second. Ratios against the view as it was learned; no pixels.

    `learned` is False while there is nothing to compare with; then only `same_s` says something. `view` numbers the learned
    views of this process from 0. `match_ratio` how well the edges lie where they were (0 not at all); `apart_ratio` share of
    the picture that fits better elsewhere, and `way_ratio` how far away, of the width. `texture_ratio` parts with structure,
    `spread_ratio` difference of dark and light parts, `sharpness_ratio` fine steps over coarse ones. `clipped_ratio` share
    that is dazzled or black more than usual. `settled_s`: for how long a picture that is not the view has stayed the same;
    `same_s`: for how long nothing at all has changed.
    """

    device: str
    at: float
    time: datetime
    learned: bool = False
    view: int = 0
    match_ratio: float = 1.0
    apart_ratio: float = 0.0
    way_ratio: float = 0.0
    texture_ratio: float = 1.0
    spread_ratio: float = 1.0
    sharpness_ratio: float = 1.0
    clipped_ratio: float = 0.0
    settled_s: float = 0.0
    same_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PluginSample:
    """What a plug-in said of one rule: `on` it is so, `hold` it still is, at `grade` (1-4). `count` only of a crowd, from 10 up.

    Checked at the plug-in's door; `reason` is for log and explanation only.
    """

    rule: str
    zone: str
    device: str
    at: float
    time: datetime
    on: bool
    hold: bool
    grade: int
    confidence: int = 20
    count: int | None = None
    reason: str = ""


Observation = (
    Tracks
    | FlameCue
    | ThermalSample
    | Reading
    | ZoneCount
    | ZoneSignals
    | Passage
    | PictureQuality
    | PluginSample
    | SourceDown
    | SourceUp
    | Looked
    | Acknowledged
    | DrillOrder
    | MaintenanceOrder
    | Tick
)
"""Everything a rule may be told."""
