"""How urgent a kind of hazard is by itself at grade 2 or 3, as the hub ranks it. The hub decides; the pack only tells it.

A watch or pre-alarm (grade 1) is one step less urgent, a critical grade (4) one step more; what belongs together may rise.
"""

from typing import Final, Literal

from gatehouse_shared.names import HazardKind

Severity = Literal["P1", "P2", "P3", "P4"]
_K = HazardKind

SEVERITY: Final[dict[HazardKind, Severity]] = {
    _K.FIRE_FLAME: "P1",
    _K.PANEL_ALARM: "P1",
    _K.HELP_BUTTON: "P1",
    _K.PERSON_DOWN: "P1",
    _K.CROWD_SURGE: "P1",
    _K.THERMAL_HOTSPOT: "P2",
    _K.FIRE_SMOKE: "P2",
    _K.CROWD_COUNTERFLOW: "P2",
    _K.PERIMETER_INTRUSION: "P2",
    _K.VESSEL_INTRUSION: "P2",
    _K.DOOR_FORCED: "P2",
    _K.INTERCOM_UNANSWERED: "P2",
    _K.TAMPER: "P2",
    _K.CROWD_DENSITY: "P3",
    _K.DWELL: "P3",
    _K.LANE_BLOCKED: "P3",
    _K.OBJECT_BLOCKING: "P3",
    _K.DOOR_HELD: "P3",
    _K.READING_OUT_OF_RANGE: "P3",
    _K.MAINS_LOST: "P3",
    _K.CAMERA_COVERED: "P3",
    _K.CAMERA_FROZEN: "P3",
    _K.STORAGE_FULL: "P3",
    _K.OUTBOX_RESET: "P3",
    _K.DEVICE_OFFLINE: "P3",
    _K.TOUR_MISSED: "P3",
    _K.EXTERNAL_REPORT: "P3",
    _K.PARKING_FULL: "P4",
    _K.BATTERY_LOW: "P4",
    _K.CAMERA_MOVED: "P4",
    _K.CAMERA_BLURRED: "P4",
    _K.SOURCE_STALE: "P4",
    _K.RATE_BELOW_FLOOR: "P4",
    _K.CLOCK_OFFSET: "P4",
}
