"""How urgent an incident is and what it is called, with the reasons. A table and one step up; only people step down."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_shared.names import HazardKind

Priority = Literal["P1", "P2", "P3", "P4"]
_K = HazardKind

PRIORITY_OF_KIND: Final[dict[HazardKind, int]] = {
    _K.FIRE_FLAME: 1,
    _K.PERSON_DOWN: 1,
    _K.HELP_BUTTON: 1,
    _K.PANEL_ALARM: 1,
    _K.CROWD_SURGE: 1,
    _K.THERMAL_HOTSPOT: 2,
    _K.FIRE_SMOKE: 2,
    _K.PERIMETER_INTRUSION: 2,
    _K.DOOR_FORCED: 2,
    _K.VESSEL_INTRUSION: 2,
    _K.CROWD_COUNTERFLOW: 2,
    _K.INTERCOM_UNANSWERED: 2,
    _K.CROWD_DENSITY: 3,
    _K.DWELL: 3,
    _K.LANE_BLOCKED: 3,
    _K.OBJECT_BLOCKING: 3,
    _K.DOOR_HELD: 3,
    _K.READING_OUT_OF_RANGE: 3,
    _K.TAMPER: 2,
    _K.EXTERNAL_REPORT: 3,
    _K.TOUR_MISSED: 3,
    _K.PARKING_FULL: 4,
    _K.DEVICE_OFFLINE: 3,
    _K.OUTBOX_RESET: 3,
    _K.STORAGE_FULL: 3,
    _K.CLOCK_OFFSET: 4,
    _K.CAMERA_COVERED: 3,
    _K.CAMERA_MOVED: 4,
    _K.CAMERA_BLURRED: 4,
    _K.CAMERA_FROZEN: 3,
    _K.SOURCE_STALE: 4,
    _K.RATE_BELOW_FLOOR: 4,
    _K.BATTERY_LOW: 4,
    _K.MAINS_LOST: 3,
}
"""Priority of a kind on its own at grade 3."""

FIRE_KINDS: Final = frozenset({_K.THERMAL_HOTSPOT, _K.FIRE_SMOKE, _K.FIRE_FLAME, _K.PANEL_ALARM})


class PriorityReason(StrEnum):
    """Why an incident has its priority."""

    KIND = "kind"
    GRADE = "grade"
    TWO_SOURCES = "two_sources"
    FIRE_CONFIRMED = "fire_confirmed"
    LANE_BLOCKED_DURING_FIRE = "lane_blocked_during_fire"
    FORCED_ENTRY = "forced_entry"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an incident is and how urgent."""

    kind: HazardKind
    zone: str
    priority: Priority
    reasons: tuple[PriorityReason, ...]


def judge(rows: Sequence[AlarmRow]) -> Judgement:
    """Kind and priority of an incident of these rows (at least one, in order of time)."""
    leading = min(rows, key=lambda r: (_own_priority(r), PRIORITY_OF_KIND[r.kind], r.time_ms, r.id))
    number = _own_priority(leading)
    reasons = [PriorityReason.KIND]
    if number != PRIORITY_OF_KIND[leading.kind]:
        reasons.append(PriorityReason.GRADE)
    for reason in _raised_by(rows):
        number = max(1, number - 1)
        reasons.append(reason)
    names: tuple[Priority, ...] = ("P1", "P2", "P3", "P4")
    return Judgement(leading.kind, leading.zone, names[number - 1], tuple(reasons))


def _own_priority(row: AlarmRow) -> int:
    """Of one row: a critical grade is one step more urgent than its kind, a watch one step less."""
    step = {4: -1, 1: 1}.get(row.grade, 0)
    return min(4, max(1, PRIORITY_OF_KIND[row.kind] + step))


def _raised_by(rows: Sequence[AlarmRow]) -> list[PriorityReason]:
    kinds = {row.kind for row in rows}
    fire = kinds & FIRE_KINDS
    reasons: list[PriorityReason] = []
    if len(fire) > 1:
        reasons.append(PriorityReason.FIRE_CONFIRMED)
    if fire and _K.LANE_BLOCKED in kinds:
        reasons.append(PriorityReason.LANE_BLOCKED_DURING_FIRE)
    if {_K.PERIMETER_INTRUSION, _K.DOOR_FORCED} <= kinds:
        reasons.append(PriorityReason.FORCED_ENTRY)
    if not reasons and len({row.device for row in rows}) > 1:
        reasons.append(PriorityReason.TWO_SOURCES)
    return reasons
