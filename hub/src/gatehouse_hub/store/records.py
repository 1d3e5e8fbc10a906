"""What the store tells the desk and the API: plain rows, read only. Times are aware UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gatehouse_hub.dispatching.telling import TellReason
from gatehouse_hub.dispatching.workflow import Cause
from gatehouse_hub.fusion.occupancy import SourceReason
from gatehouse_hub.store.notifications import NotificationRecord
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.events import (
    CameraHealth,
    ClockState,
    GapReason,
    GatewayHealth,
    Measure,
    Place,
)
from gatehouse_shared.names import HazardClass, HazardKind, Lane, Phase
from gatehouse_shared.out import IncidentState, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardRecord:
    """A hazard, from its raised row (`id`) to what is known of it last."""

    id: str
    site: str
    gateway: str
    kind: HazardKind
    hazard_class: HazardClass
    zone: str
    device: str
    rule: str
    grade: int
    confidence: int
    confirm_s: int
    raised_at: datetime
    updated_at: datetime
    cleared_at: datetime | None
    arrived_at: datetime
    armed: bool
    drill: bool
    historical: bool
    last_known: bool
    count: int | None
    measure: Measure | None
    place: Place | None
    incident: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardStep:
    """One row of a hazard's life."""

    hazard: str
    phase: Phase
    at: datetime
    grade: int
    kind: HazardKind
    zone: str
    device: str
    measure: Measure | None
    count: int | None


@dataclass(frozen=True, slots=True)
class ReasonRecord:
    """Why, for machines and in words."""

    key: str
    params: Mapping[str, str | int | float]
    en: str
    zh_cn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRecord:
    """What joins `hazard` to an earlier member. `score` in thousandths."""

    hazard: str
    to: str
    score: int | None
    reasons: tuple[ReasonRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMissRecord:
    """A hazard that was nearly joined, and what spoke against it."""

    hazard: str
    score: int | None
    reasons: tuple[ReasonRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRecord:
    """What a person, or the linker (`by` null), did to an incident."""

    at: datetime
    act: str
    by: str | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRecord:
    """An incident as a list shows it."""

    id: str
    site: str
    kind: HazardKind
    hazard_class: HazardClass
    zone: str
    zones: tuple[str, ...]
    state: IncidentState
    priority: Literal["P1", "P2", "P3", "P4"]
    opened_at: datetime
    updated_at: datetime
    due_at: datetime | None
    hazards: int
    hazards_open: int
    drill: bool
    historical: bool
    summary_en: str
    summary_zh_cn: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    cause: Cause | None
    merged_into: str | None


@dataclass(frozen=True, slots=True)
class NotTold:
    """A consumer that was told nothing of an incident, and why."""

    consumer: str
    reason: TellReason


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentStory:
    """An incident with its members (raised order), links, steps, acts and near misses."""

    incident: IncidentRecord
    members: tuple[HazardRecord, ...]
    links: tuple[LinkRecord, ...]
    steps: tuple[HazardStep, ...]
    acts: tuple[ActRecord, ...]
    near_misses: tuple[NearMissRecord, ...]
    near: tuple[HazardRecord, ...]
    urgency: tuple[ReasonRecord, ...]
    weights: str
    told: tuple[NotificationRecord, ...]
    not_told: tuple[NotTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFigure:
    """A device that counts a zone: used, or why not."""

    device: str
    measure: Literal["count", "flow"]
    used: bool
    reason: SourceReason
    age_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneFigure:
    """How full a zone is. `mean` with its 90 % interval; `quarter_mean` over the last whole quarter of an hour."""

    zone: str
    level: Level | None
    mean: float | None
    low90: float | None
    high90: float | None
    quarter_mean: float | None
    quarter_start: datetime | None
    window_start: datetime | None
    window_s: int | None
    age_s: int | None
    blind: bool
    counted: bool
    sources: tuple[SourceFigure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFigure:
    """Last health of a camera."""

    device: str
    at: datetime
    health: CameraHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRecord:
    """Numbers that will never come."""

    epoch: str
    lane: Lane
    from_seq: int
    to_seq: int
    reason: GapReason
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRecord:
    """What the hub knows of a gateway."""

    gateway: str
    site: str
    online: bool
    since: datetime | None
    last_seen_at: datetime | None
    clock: ClockState | None
    offset_ms: int | None
    offset_uncertainty_ms: int | None
    offset_at: datetime | None
    software: str | None
    models: tuple[str, ...]
    unreviewed: bool
    config_version: int | None
    wire: int | None
    load: GatewayHealth | None
    load_at: datetime | None
    cameras: tuple[CameraFigure, ...]
    gaps: tuple[GapRecord, ...]
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRecord:
    """What was refused, without its content."""

    id: int
    gateway: str
    reason: RefusalReason
    message: str
    lane: Lane | None
    epoch: str | None
    seq: int | None
    sha256: str
    size_bytes: int
    arrived_at: datetime
    seen: int
