"""Registered names: labels, kinds, classes, phases, quantities. What is not here cannot be said on the wire."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Label(StrEnum):
    """What a detector may call an object. Nothing else is counted, drawn or sent."""

    PERSON = "person"
    BICYCLE = "bicycle"
    MOTORCYCLE = "motorcycle"
    CAR = "car"
    BUS = "bus"
    TRUCK = "truck"
    BOAT = "boat"
    ANIMAL = "animal"
    OBJECT = "object"
    FLAME = "flame"
    SMOKE = "smoke"


SMALL_COUNT_LABELS: Final = frozenset({Label.PERSON, Label.BICYCLE, Label.MOTORCYCLE})
"""Labels of which 1 to 9 is only ever sent as `lt10`."""

THING_LABELS: Final = frozenset({Label.CAR, Label.BUS, Label.TRUCK, Label.BOAT})
"""Labels counted exactly, in parking, lane and water zones only."""

LT10: Final = "lt10"
"""How one to nine is written."""

SMALL_COUNT: Final = 10
"""The least number of persons, bicycles or motorcycles that is ever written as a number."""


class Lane(StrEnum):
    """The two queues of a gateway."""

    ALARM = "alarm"
    BULK = "bulk"


class Phase(StrEnum):
    """Where a hazard is in its life."""

    RAISED = "raised"
    UPDATED = "updated"
    CLEARED = "cleared"


class HazardClass(StrEnum):
    """How careful the wire is with a kind: thing, crowd, presence, help."""

    THING = "t"
    CROWD = "c"
    PRESENCE = "p"
    HELP = "h"


class HazardKind(StrEnum):
    """Everything that can be wrong with a place."""

    THERMAL_HOTSPOT = "thermal_hotspot"
    FIRE_FLAME = "fire_flame"
    FIRE_SMOKE = "fire_smoke"
    PANEL_ALARM = "panel_alarm"
    LANE_BLOCKED = "lane_blocked"
    OBJECT_BLOCKING = "object_blocking"
    PARKING_FULL = "parking_full"
    DOOR_FORCED = "door_forced"
    DOOR_HELD = "door_held"
    READING_OUT_OF_RANGE = "reading_out_of_range"
    TAMPER = "tamper"
    EXTERNAL_REPORT = "external_report"
    TOUR_MISSED = "tour_missed"
    CAMERA_COVERED = "camera_covered"
    CAMERA_MOVED = "camera_moved"
    CAMERA_BLURRED = "camera_blurred"
    CAMERA_FROZEN = "camera_frozen"
    SOURCE_STALE = "source_stale"
    RATE_BELOW_FLOOR = "rate_below_floor"
    DEVICE_OFFLINE = "device_offline"
    BATTERY_LOW = "battery_low"
    MAINS_LOST = "mains_lost"
    STORAGE_FULL = "storage_full"
    OUTBOX_RESET = "outbox_reset"
    CLOCK_OFFSET = "clock_offset"
    CROWD_DENSITY = "crowd_density"
    CROWD_COUNTERFLOW = "crowd_counterflow"
    CROWD_SURGE = "crowd_surge"
    PERIMETER_INTRUSION = "perimeter_intrusion"
    DWELL = "dwell"
    VESSEL_INTRUSION = "vessel_intrusion"
    HELP_BUTTON = "help_button"
    PERSON_DOWN = "person_down"
    INTERCOM_UNANSWERED = "intercom_unanswered"


EQUIPMENT_KINDS: Final = frozenset(
    {
        HazardKind.CAMERA_COVERED,
        HazardKind.CAMERA_MOVED,
        HazardKind.CAMERA_BLURRED,
        HazardKind.CAMERA_FROZEN,
        HazardKind.SOURCE_STALE,
        HazardKind.RATE_BELOW_FLOOR,
        HazardKind.DEVICE_OFFLINE,
        HazardKind.BATTERY_LOW,
        HazardKind.MAINS_LOST,
        HazardKind.STORAGE_FULL,
        HazardKind.OUTBOX_RESET,
        HazardKind.CLOCK_OFFSET,
    }
)
"""Class T kinds about our own equipment, which any device may raise."""

CROWD_KINDS: Final = frozenset(
    {HazardKind.CROWD_DENSITY, HazardKind.CROWD_COUNTERFLOW, HazardKind.CROWD_SURGE}
)
PRESENCE_KINDS: Final = frozenset(
    {HazardKind.PERIMETER_INTRUSION, HazardKind.DWELL, HazardKind.VESSEL_INTRUSION}
)
HELP_KINDS: Final = frozenset(
    {HazardKind.HELP_BUTTON, HazardKind.PERSON_DOWN, HazardKind.INTERCOM_UNANSWERED}
)
LATCHED_KINDS: Final = frozenset({HazardKind.HELP_BUTTON, HazardKind.PANEL_ALARM})
"""Kinds that end only when somebody at the site says so."""


def class_of(kind: HazardKind) -> HazardClass:
    """The class whose rules a kind obeys."""
    if kind in CROWD_KINDS:
        return HazardClass.CROWD
    if kind in PRESENCE_KINDS:
        return HazardClass.PRESENCE
    if kind in HELP_KINDS:
        return HazardClass.HELP
    return HazardClass.THING


class ZoneKind(StrEnum):
    """What a zone is for; chooses tables of thresholds and what may be raised there."""

    MOVING = "moving"
    STANDING = "standing"
    STAIRS = "stairs"
    QUEUE = "queue"
    PARKING = "parking"
    LANE = "lane"
    EXIT = "exit"
    LIFT = "lift"
    PERIMETER = "perimeter"
    SHED = "shed"
    WATER = "water"
    DOOR = "door"
    AREA = "area"


THING_ZONE_KINDS: Final = frozenset({ZoneKind.PARKING, ZoneKind.LANE, ZoneKind.WATER})
"""Zones in which vehicles and vessels are counted exactly."""

PRESENCE_ZONE_KINDS: Final = frozenset({ZoneKind.PERIMETER, ZoneKind.WATER, ZoneKind.SHED})
"""Zones in which presence may be a hazard at any hour; others only in their closed hours."""


class Serves(StrEnum):
    """Whom a zone serves. There is no value for a single dwelling, on purpose."""

    PUBLIC = "public"
    SHARED = "shared"


class DeviceKind(StrEnum):
    """What a device is; decides what it may raise."""

    CAMERA = "camera"
    THERMAL = "thermal"
    SMOKE = "smoke"
    GAS = "gas"
    WATER = "water"
    PANEL = "panel"
    CONTACT = "contact"
    BUTTON = "button"
    INTERCOM = "intercom"
    COUNTER = "counter"
    READER = "reader"
    SPEAKER = "speaker"
    SIREN = "siren"
    SIGN = "sign"


_K = HazardKind
MAY_RAISE: Final[dict[DeviceKind, frozenset[HazardKind]]] = {
    DeviceKind.CAMERA: frozenset(
        {
            _K.FIRE_FLAME,
            _K.FIRE_SMOKE,
            _K.LANE_BLOCKED,
            _K.OBJECT_BLOCKING,
            _K.PARKING_FULL,
            _K.PERSON_DOWN,
            *CROWD_KINDS,
            *PRESENCE_KINDS,
        }
    ),
    DeviceKind.THERMAL: frozenset({_K.THERMAL_HOTSPOT}),
    DeviceKind.SMOKE: frozenset({_K.FIRE_SMOKE}),
    DeviceKind.GAS: frozenset({_K.READING_OUT_OF_RANGE}),
    DeviceKind.WATER: frozenset({_K.READING_OUT_OF_RANGE}),
    DeviceKind.PANEL: frozenset({_K.PANEL_ALARM, _K.TAMPER}),
    DeviceKind.CONTACT: frozenset({_K.DOOR_FORCED, _K.DOOR_HELD, _K.TAMPER}),
    DeviceKind.BUTTON: frozenset({_K.HELP_BUTTON}),
    DeviceKind.INTERCOM: frozenset({_K.INTERCOM_UNANSWERED}),
    DeviceKind.COUNTER: frozenset(),
    DeviceKind.READER: frozenset({_K.DOOR_FORCED, _K.DOOR_HELD}),
    DeviceKind.SPEAKER: frozenset(),
    DeviceKind.SIREN: frozenset(),
    DeviceKind.SIGN: frozenset(),
}
"""What each kind of device may raise beside the equipment kinds."""


class Quantity(StrEnum):
    """What a reading or a measure counts."""

    TEMPERATURE = "temperature"
    SMOKE = "smoke"
    WATER_LEVEL = "water_level"
    GAS = "gas"
    CO = "co"
    PRESSURE = "pressure"
    VOLTAGE = "voltage"
    HUMIDITY = "humidity"


@dataclass(frozen=True, slots=True)
class QuantitySpec:
    """A registered quantity: one integer step is `step` of `unit`; `low` and `high` are in steps.

    `interval_s` is the least time between two readings of a sensor.
    """

    unit: str
    step: float
    low: int
    high: int
    interval_s: int


QUANTITIES: Final[dict[Quantity, QuantitySpec]] = {
    Quantity.TEMPERATURE: QuantitySpec("C", 0.1, -600, 15_000, 10),
    Quantity.SMOKE: QuantitySpec("%", 1, 0, 100, 10),
    Quantity.WATER_LEVEL: QuantitySpec("cm", 1, -1_000, 10_000, 10),
    Quantity.GAS: QuantitySpec("% LEL", 1, 0, 100, 10),
    Quantity.CO: QuantitySpec("ppm", 1, 0, 2_000, 10),
    Quantity.PRESSURE: QuantitySpec("kPa", 1, 0, 2_500, 10),
    Quantity.VOLTAGE: QuantitySpec("V", 0.1, 0, 5_000, 10),
    Quantity.HUMIDITY: QuantitySpec("%", 1, 0, 100, 10),
}
"""Unit, step, range in steps and least interval of every quantity."""
