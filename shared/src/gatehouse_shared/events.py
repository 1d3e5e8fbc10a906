"""Events: a CloudEvents 1.0 envelope in structured JSON round one of six payloads.

Fields are encoded in the order written here; optional ones are left out when they hold their default, so that an event has
exactly one form in bytes. Nothing here is free text, a float, a picture, a track or a list of numbers, and a test keeps it so.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_shared.counts import Count
from gatehouse_shared.ids import Epoch, EventId, Id, Seq, Source, Subject
from gatehouse_shared.instants import Instant
from gatehouse_shared.names import HazardKind, Label, Lane, Phase, Quantity

METRES_MAX: Final = 8_191


class Payload(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What every part of the wire has in common."""


class ClockState(StrEnum):
    """Whether the gateway's clock was set by a time source."""

    SYNCED = "synced"
    UNSYNCED = "unsynced"


Twentieths = Annotated[int, Meta(ge=0, le=20)]
Tenths = Annotated[int, Meta(ge=0, le=10)]
Metre = Annotated[int, Meta(ge=-METRES_MAX, le=METRES_MAX)]
Grade = Annotated[int, Meta(ge=1, le=4, description="1 watch, 2 warn, 3 alarm, 4 critical")]
Steps = Annotated[int, Meta(ge=-1_000, le=15_000, description="Integer steps of the quantity")]


class Measure(Payload, frozen=True, kw_only=True):
    """What was measured against what, in integer steps of a registered quantity."""

    quantity: Quantity
    value: Steps
    threshold: Steps


class Place(Payload, frozen=True, kw_only=True):
    """Where in the site, metres from its origin, floored to the class's grid; `level` is the zone's storey."""

    x_m: Metre
    y_m: Metre
    level: Annotated[int, Meta(ge=-9, le=99)]


class HazardData(Payload, frozen=True, kw_only=True):
    """Something is wrong with a place. `hazard` is the `seq` of its own raised row and holds its life together."""

    hazard: Seq
    phase: Phase
    kind: HazardKind
    zone: Id
    device: Id
    rule: Id
    grade: Grade
    confidence: Twentieths
    confirm_s: Annotated[int, Meta(ge=0, le=600)]
    armed: bool
    drill: bool
    count: Annotated[int, Meta(ge=10, le=20_000)] | UnsetType = UNSET
    measure: Measure | UnsetType = UNSET
    place: Place | UnsetType = UNSET
    evidence: Annotated[int, Meta(ge=1, le=60)] | UnsetType = UNSET
    count_raises: Annotated[int, Meta(ge=1, le=20)] | UnsetType = UNSET


class CountData(Payload, frozen=True, kw_only=True):
    """How full a zone was in one window, of one label, by one device."""

    zone: Id
    device: Id
    label: Label
    window_s: Literal[10, 60, 900]
    mean: Count
    max: Count
    coverage: Twentieths
    quality: Twentieths


class FlowData(Payload, frozen=True, kw_only=True):
    """Passages through a gate's line in one window. `in_` is `in` on the wire."""

    line: Id
    device: Id
    label: Label
    in_: Count = msgspec.field(name="in")
    out: Count
    window_s: Annotated[int, Meta(ge=10, le=86_400)]


class ReadingData(Payload, frozen=True, kw_only=True):
    """One value of one sensor, in integer steps of a registered quantity."""

    device: Id
    quantity: Quantity
    value: Steps


class CameraState(StrEnum):
    """How a camera does."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


class Band(StrEnum):
    """An order of magnitude instead of a number."""

    NONE = "none"
    FEW = "few"
    TENS = "tens"
    HUNDREDS = "hundreds"
    THOUSANDS = "thousands"
    MORE = "more"


class AgeBand(StrEnum):
    """How old the oldest waiting row is."""

    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"


class CameraHealth(Payload, frozen=True, kw_only=True):
    """One camera over five minutes; shares of its target rate in tenths."""

    state: CameraState
    decode: Tenths
    inference: Tenths
    reconnects: Band


class GatewayHealth(Payload, frozen=True, kw_only=True):
    """The gateway over five minutes; shares in tenths, the outbox in bands."""

    cpu: Tenths
    memory: Tenths
    disk: Tenths
    outbox_rows: Band
    outbox_age: AgeBand


class HealthData(Payload, frozen=True, kw_only=True):
    """Health of one camera (subject `devices/{camera}`) or of the gateway (subject `devices/{gateway}`): exactly one of both."""

    camera: CameraHealth | UnsetType = UNSET
    gateway: GatewayHealth | UnsetType = UNSET


class GapReason(StrEnum):
    """Why rows are not coming."""

    DROPPED_ROWS = "dropped_rows"
    DROPPED_BYTES = "dropped_bytes"
    DROPPED_AGE = "dropped_age"
    MERGED = "merged"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"
    LOST = "lost"
    EPOCH = "epoch"


class GapData(Payload, frozen=True, kw_only=True):
    """Numbers of the lane that are accounted for without a row. `epoch` when it is another epoch of the same gateway."""

    from_seq: Seq
    to_seq: Seq
    reason: GapReason
    count: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    epoch: Epoch | UnsetType = UNSET


class Envelope(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=False,
    kw_only=True,
    tag_field="type",
):
    """CloudEvents attributes. `id` is derived from (gateway, epoch, lane, seq); `time` is floored to the class's step."""

    specversion: Literal["1.0"] = "1.0"
    id: EventId
    source: Source
    subject: Subject
    time: Instant
    epoch: Epoch
    lane: Lane
    seq: Seq
    clock: ClockState


class HazardEvent(Envelope, frozen=True, kw_only=True, tag="gatehouse.hazard.v1"):
    """A hazard was raised, updated or cleared. Alarm lane."""

    data: HazardData


class CountEvent(Envelope, frozen=True, kw_only=True, tag="gatehouse.count.v1"):
    """A zone count over a window. Bulk lane."""

    data: CountData


class FlowEvent(Envelope, frozen=True, kw_only=True, tag="gatehouse.flow.v1"):
    """Passages over a window. Bulk lane."""

    data: FlowData


class ReadingEvent(Envelope, frozen=True, kw_only=True, tag="gatehouse.reading.v1"):
    """A sensor value. Bulk lane."""

    data: ReadingData


class HealthEvent(Envelope, frozen=True, kw_only=True, tag="gatehouse.health.v1"):
    """Health of a camera or the gateway. Bulk lane."""

    data: HealthData


class GapEvent(Envelope, frozen=True, kw_only=True, tag="gatehouse.gap.v1"):
    """Rows that will never come. Either lane."""

    data: GapData


Event = HazardEvent | CountEvent | FlowEvent | ReadingEvent | HealthEvent | GapEvent
"""Anything that travels on a lane."""

Data = HazardData | CountData | FlowData | ReadingData | HealthData | GapData
EVENT_OF_DATA: Final[dict[type[Data], Callable[..., Event]]] = {
    HazardData: HazardEvent,
    CountData: CountEvent,
    FlowData: FlowEvent,
    ReadingData: ReadingEvent,
    HealthData: HealthEvent,
    GapData: GapEvent,
}
