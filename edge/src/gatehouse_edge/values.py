"""The words of the agent's inside: frames, detections, tracks, readings, findings. Frozen, and without behaviour.

Units   `at` is seconds of media time of one source (monotonic, float); `time` is aware UTC. Boxes are `xyxy` in pixels of
        the frame they belong to. Points that rules see are fractions of the frame, or metres where a view has a homography.
Life    frames live until the next one, tracks for seconds inside one camera; neither is ever written or sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NewType, Protocol

from gatehouse_shared.events import ClockState, Data
from gatehouse_shared.names import HazardKind, Label, Lane, Phase, Quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TrackId = NewType("TrackId", int)


class FrameKind(StrEnum):
    """What the numbers of a frame are."""

    COLOUR = "colour"
    THERMAL = "thermal"


class FrameMemory(Protocol):
    """Memory that a decoder fills and other processes of the agent may map, in slots of one picture each."""

    @property
    def number(self) -> int:
        """Tells this memory from every other one that this process has had."""
        ...

    def duplicate(self) -> int:
        """A descriptor of it, the caller's to close. Raises OSError when the memory was given back."""
        ...

    def hold(self, slot: int) -> None:
        """Nothing is written into this slot until `release`. Holds are counted."""
        ...

    def release(self, slot: int) -> None:
        """Ends one hold."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame lies: a slot of a memory, which begins at byte `offset`."""

    memory: FrameMemory
    slot: int
    offset: int


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image of one camera.

    `pixels`: colour `(h, w, 3)` uint8 BGR; thermal `(h, w)` float32 degrees Celsius. `index` counts frames of the source
    from 0; `at` is media time in seconds; `time` is when it was taken. `place` is set where the pixels lie in memory that
    another process can map; whoever looks at them after the source was asked for the next frame holds that slot.
    """

    device: str
    kind: FrameKind
    index: int
    at: float
    time: datetime
    pixels: NDArray[np.uint8] | NDArray[np.float32]
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """One object in one frame: `xyxy` in pixels, `score` 0-1, `label` from the allow-list."""

    label: Label
    score: float
    xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Track:
    """One object over a few seconds of one camera. `track_id` is random per camera and dies with the track.

    `age_s` since its first hit; `hits` matched detections so far; `seen` is true when matched in this frame (a track that is
    coasting is carried, not counted). `xyxy` in pixels of the frame.
    """

    track_id: TrackId
    label: Label
    score: float
    xyxy: tuple[float, float, float, float]
    age_s: float
    hits: int
    seen: bool


@dataclass(frozen=True, slots=True)
class Tracks:
    """All confirmed tracks of one camera at one instant. `width` and `height` of the frame in pixels."""

    device: str
    at: float
    time: datetime
    width: int
    height: int
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class ThermalSample:
    """Temperatures of one zone in one thermal frame, degrees Celsius.

    `hot_c`: 99th percentile inside the zone's polygon, or its ninth hottest where that is hotter; `ambient_c`: median of
    the reference area (None until it is known); `neighbours_c`: median of the other zones that this device sees (None when
    there are none); `hot_px`: pixels within 1 K of `hot_c` or above. `absolute` is False where the zero of the
    scale is not known: then only differences mean anything.
    """

    device: str
    zone: str
    at: float
    time: datetime
    hot_c: float
    ambient_c: float | None
    neighbours_c: float | None
    hot_px: int
    absolute: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """What a local sensor said, after its mapping: a boolean state, a registered quantity, or counted passages.

    Exactly one of `state`, `value` (integer steps of `quantity`) and `passed` is set. `state` is True for open, pressed, smoke
    present. `passed` is (in, out) since the last reading.
    """

    device: str
    time: datetime
    at: float
    state: bool | None = None
    quantity: Quantity | None = None
    value: int | None = None
    passed: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SourceDown:
    """A source gives nothing: no frame for the stall time, a crash, a refused connection. `reason` is for the log."""

    device: str
    time: datetime
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Measure:
    """What made a rule speak: integer steps of a registered quantity (see `gatehouse_shared.names.QUANTITIES`)."""

    quantity: Quantity
    value: int
    threshold: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of one (rule, zone): the hazard was raised, updated or cleared.

    `time` is event time: of `raised` the first true sample (back-dated), of the others their own moment. `confirm_s` whole
    seconds from `time` to confirmation. `grade` 1 watch, 2 warn, 3 alarm, 4 critical. `confidence` 0-20 (twentieths).
    `count` only for class C and never below 10. `place_m` (x, y, level) in site metres where the class allows one.
    `evidence`: the number of a scene plate on the gateway's disk, in updates only.
    `drill`: raised under a drill or a walk test, to be seen and never paged. `reason` is an English sentence for log and
    `--explain`; it is never sent.
    """

    rule: str
    zone: str
    device: str
    kind: HazardKind
    phase: Phase
    time: datetime
    confirm_s: int = 0
    grade: int = 3
    confidence: int = 20
    armed: bool = False
    count: int | None = None
    measure: Measure | None = None
    place_m: tuple[float, float, int] | None = None
    count_raises: int | None = None
    evidence: int | None = None
    drill: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """How many of a label stand in a zone at one instant (median over 3 s already taken)."""

    zone: str
    device: str
    label: Label
    at: float
    time: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Passage:
    """One crossing of one line. `inward` follows the gate's `from` -> `to`. Never leaves the gateway by itself."""

    line: str
    device: str
    label: Label
    at: float
    time: datetime
    inward: bool


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a camera is doing, for the health event. Rates in frames a second over the last window.

    `looked_ratio`: share of the frames that were due for the model since the last row and were looked at, by it or by the gate
    where nothing moved; the rest was skipped for want of time.
    """

    device: str
    state: str
    decoded_fps: float = 0.0
    looked_ratio: float = 0.0
    target_fps: float = 0.0
    reconnects: int = 0
    extra: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Draft:
    """A row before it has a number. `time` is exact and aware; the encoder floors it to the step of its class.

    `subject` only where the payload does not say it (health of a camera). `clock` only where it is not the clock of
    now (a row that moves to another epoch). A raised hazard carries its own coming number.
    """

    lane: Lane
    time: datetime
    data: Data
    subject: str | None = None
    clock: ClockState | None = None


@dataclass(frozen=True, slots=True)
class StreamMark:
    """One lane of one epoch in the outbox.

    `acked`: the hub has accounted for everything up to here. `last`: the highest number given. `held`: the highest number
    when this process opened the file; no honest hub can hold more before we have sent anything. `current` is False for the
    epochs of a salvaged outbox, which get no new rows.
    """

    epoch: str
    lane: Lane
    acked: int
    last: int
    held: int
    current: bool


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row as it lies in the outbox: canonical bytes. It accounts for `seq` to `upto` (more than one number only for
    a gap). `solo` rows travel in a message of their own, because a message with them was refused.
    """

    seq: int
    upto: int
    payload: bytes
    solo: bool = False


@dataclass(frozen=True, slots=True)
class GatewayLoad:
    """How the gateway itself does: shares of processor, memory and disk in use, 0 to 1; rows that wait, and since when,
    seconds.
    """

    cpu: float
    memory: float
    disk: float
    outbox_rows: int
    outbox_age_s: float
