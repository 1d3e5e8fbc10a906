"""Sites: the plan, and how full each zone is."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from gatehouse_hub.api.schemas.parts import Instant, Names, Priority, Schema
from gatehouse_hub.fusion.occupancy import SourceReason
from gatehouse_shared.names import DeviceKind, Serves, ZoneKind
from gatehouse_shared.out import Level

PlanPoint = tuple[float, float]


class SiteSummary(Schema):
    """One line of the list of sites. `blind` counts devices that should see and do not."""

    site: str
    name: Names
    time_zone: str
    open_incidents: int
    highest_priority: Priority | None
    gateways: int
    gateways_online: int
    blind: int


class Sites(Schema):
    """The sites that the caller may see, by id."""

    sites: list[SiteSummary]


class Origin(Schema):
    """Puts the plan on a map; `bearing_deg` is the direction of +y, clockwise from north."""

    lat: float
    lon: float
    bearing_deg: float


class PlanZone(Schema):
    """A zone. `polygon` in metres from the site's origin, x right, y up."""

    id: str
    name: Names
    kind: ZoneKind
    serves: Serves
    polygon: list[PlanPoint]
    storey: int
    area_m2: float
    capacity: int | None
    closed_hours: list[str]
    neighbours: list[str] = Field(description="Zones one can walk into, both ways")


class PlanGate(Schema):
    """A counted edge between two zones, inward from `from` to `to`; `outside` is everything else."""

    id: str
    from_: str = Field(alias="from")
    to: str
    width_m: float


class PlanDevice(Schema):
    """A camera or sensor and where it hangs. `zones` are those it watches."""

    id: str
    kind: DeviceKind
    zone: str
    zones: list[str]
    at: PlanPoint
    gateway: str


class SitePlan(Schema):
    """A site as its file describes it. `bounds` is min x, min y, max x, max y over all zones, in metres."""

    site: str
    name: Names
    time_zone: str
    closes_at: str | None
    origin: Origin | None
    bounds: tuple[float, float, float, float]
    zones: list[PlanZone]
    gates: list[PlanGate]
    devices: list[PlanDevice]


class Sight(StrEnum):
    """What a figure rests on now. `blind`: nothing that counts here has reported lately, so there is no figure."""

    LIVE = "live"
    BLIND = "blind"
    UNCOUNTED = "uncounted"


class OccupancySource(Schema):
    """A device that counts here, whether the figure used it, and why."""

    device: str
    measure: Literal["count", "flow"]
    used: bool
    reason: SourceReason
    age_s: int


class ZoneOccupancy(Schema):
    """How full a zone is.

    `count` is `few` from one to nine; for viewers it is null or, over the last quarter of an hour,
    at least ten and rounded to five. `low` and `high` bound it with 90 %; null for viewers and below ten.
    `age_s` of a blind zone is that of the last report, null for none.
    """

    zone: str
    level: Level | None
    count: int | Literal["few"] | None
    low: int | None
    high: int | None
    window_start: Instant | None
    window_s: int | None
    age_s: int | None
    sight: Sight
    sources: list[OccupancySource]


class Occupancy(Schema):
    """Every zone of a site at `as_of`."""

    site: str
    as_of: Instant
    zones: list[ZoneOccupancy]
