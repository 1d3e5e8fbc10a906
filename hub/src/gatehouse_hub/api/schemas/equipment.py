"""Gateways, cameras, gaps and the quarantine."""

from enum import StrEnum

from pydantic import Field

from gatehouse_hub.api.schemas.parts import Instant, Schema
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.events import AgeBand, Band, ClockState, GapReason
from gatehouse_shared.names import DeviceKind, Lane


class Presence(StrEnum):
    """Whether a gateway is there. `never`: it is in the site file and has not been heard yet."""

    ONLINE = "online"
    OFFLINE = "offline"
    NEVER = "never"


class Sees(StrEnum):
    """How a device does. `unknown`: nothing heard of it for 15 min, or its gateway is not online."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class GatewayLoad(Schema):
    """Last health of a gateway; shares in tenths, the outbox in bands."""

    at: Instant
    cpu: int
    memory: int
    disk: int
    outbox_rows: Band
    outbox_age: AgeBand


class DeviceHealth(Schema):
    """A camera or sensor; `decode` and `inference` are tenths of the target rate, null for what is no camera."""

    device: str
    kind: DeviceKind
    zone: str
    state: Sees
    decode: int | None
    inference: int | None
    reconnects: Band | None
    at: Instant | None


class Gap(Schema):
    """Rows that will never come, and why."""

    epoch: str
    lane: Lane
    from_seq: int
    to_seq: int
    reason: GapReason
    at: Instant


class LaneAccount(Schema):
    """One lane of one outbox, in its numbers.

    `last`: the highest that the gateway told of or the hub has met; `upto`: no number up to here is unaccounted for;
    `stored`: rows that are kept; `unaccounted`: not come yet, though later ones have; `waiting`: still at the gateway, as
    far as it has told; `quarantined`: refused rows, which are accounted for.
    """

    epoch: str
    lane: Lane
    last: int
    upto: int
    stored: int
    unaccounted: int
    waiting: int
    quarantined: int


class GapFigure(Schema):
    """Rows that will never come, and why. They were written between `after` and `before`, where those are known."""

    epoch: str
    lane: Lane
    from_seq: int
    to_seq: int
    reason: GapReason
    count: int = Field(description="Rows that are gone; of `merged` ones nothing is lost")
    at: Instant = Field(description="When the hub was told")
    after: Instant | None
    before: Instant | None


class GapReport(Schema):
    """What of a gateway's rows is here, on its way or gone."""

    gateway: str
    site: str
    as_of: Instant
    heard_at: Instant | None = Field(description="When anything of it was last heard")
    complete: bool = Field(description="Nothing is missing, nothing is on its way")
    missing: int = Field(description="Rows that will never come")
    on_the_way: int = Field(description="Rows that have not come yet, as far as the hub was told")
    lanes: list[LaneAccount]
    gaps: list[GapFigure] = Field(description="The last 100, newest first")
    more_gaps: bool


class Gateway(Schema):
    """A gateway. `offset_ms` = its clock minus the hub's, within `offset_uncertainty_ms`; null until measured."""

    gateway: str
    site: str
    presence: Presence
    since: Instant | None = Field(description="Since when `presence` holds")
    last_seen_at: Instant | None
    clock: ClockState | None
    offset_ms: int | None
    offset_uncertainty_ms: int | None
    offset_at: Instant | None = Field(description="When the offset was last measured anew")
    software: str | None
    models: list[str]
    unreviewed_model: bool = Field(description="A model runs that the catalogue does not know")
    config_version: int | None
    wire: int | None
    load: GatewayLoad | None
    devices: list[DeviceHealth]
    gaps: list[Gap] = Field(description="The last 20, newest first")
    quarantined: int


class Gateways(Schema):
    """Every gateway of a site, by id."""

    site: str
    as_of: Instant
    gateways: list[Gateway]


class QuarantineRow(Schema):
    """What was refused and why; never its content. `lane`, `epoch`, `seq` where the row carried a key."""

    id: int
    gateway: str
    reason: RefusalReason
    message: str
    lane: Lane | None
    epoch: str | None
    seq: int | None
    sha256: str
    size_bytes: int
    arrived_at: Instant
    seen: int = Field(description="How often the same bytes came")


class Quarantine(Schema):
    """Newest first. `next_before` asks for what comes after; null at the end."""

    site: str
    rows: list[QuarantineRow]
    next_before: int | None
