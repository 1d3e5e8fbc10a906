"""What explains what: pairs of kinds of which the earlier may bring about, or show before, the later.

Source  the design's cold-start table, and ours for the kinds that it leaves out. Nats on the table's scale: 1 it happens, 2 it is
        usual, 3 the one is a sign of the other. A pair that stands here only the other way round counts as turned.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gatehouse_shared.names import HazardKind

_K = HazardKind
_FIRE: Final = (_K.THERMAL_HOTSPOT, _K.FIRE_SMOKE, _K.FIRE_FLAME, _K.PANEL_ALARM)
_CROWD: Final = (_K.CROWD_DENSITY, _K.CROWD_COUNTERFLOW, _K.CROWD_SURGE)
_SCENE: Final = (_K.CAMERA_COVERED, _K.CAMERA_MOVED, _K.CAMERA_BLURRED, _K.CAMERA_FROZEN)
_SILENT: Final = (_K.DEVICE_OFFLINE, _K.SOURCE_STALE, _K.CAMERA_FROZEN, _K.RATE_BELOW_FLOOR)

_Pair = tuple[HazardKind, HazardKind]


def _each(
    earlier: Iterable[HazardKind], later: Iterable[HazardKind], nats: float
) -> Iterator[tuple[_Pair, float]]:
    kinds = tuple(later)
    return (((a, b), nats) for a in earlier for b in kinds if a is not b)


CAUSES: Final[Mapping[_Pair, float]] = dict(
    (
        *_each(_FIRE, (_K.EXTERNAL_REPORT, _K.MAINS_LOST), 1.5),
        *_each(_FIRE, (_K.PERSON_DOWN, _K.OBJECT_BLOCKING, _K.DOOR_HELD, *_CROWD), 1.0),
        *_each(_FIRE, (_K.READING_OUT_OF_RANGE, _K.DEVICE_OFFLINE, _K.CAMERA_BLURRED), 1.0),
        *_each(_FIRE, (_K.HELP_BUTTON, _K.LANE_BLOCKED), 1.5),
        *_each((_K.READING_OUT_OF_RANGE,), _FIRE, 2.0),
        *_each((_K.THERMAL_HOTSPOT, _K.FIRE_SMOKE), (_K.FIRE_FLAME, _K.PANEL_ALARM), 3.0),
        *_each((_K.THERMAL_HOTSPOT,), (_K.FIRE_SMOKE,), 3.0),
        *_each((_K.FIRE_FLAME,), (_K.PANEL_ALARM,), 2.5),
        *_each((_K.PANEL_ALARM,), (_K.FIRE_SMOKE, _K.FIRE_FLAME), 2.0),
        *_each(_CROWD, _CROWD, 2.0),
        *_each(_CROWD, (_K.HELP_BUTTON, _K.PERSON_DOWN), 1.5),
        *_each(_CROWD, (_K.EXTERNAL_REPORT, _K.DOOR_HELD), 1.0),
        *_each((_K.PERSON_DOWN,), (_K.HELP_BUTTON,), 2.0),
        *_each((_K.PERSON_DOWN,), (_K.CROWD_DENSITY, _K.INTERCOM_UNANSWERED), 1.0),
        *_each((_K.PERSON_DOWN, _K.HELP_BUTTON), (_K.EXTERNAL_REPORT,), 1.5),
        *_each((_K.HELP_BUTTON,), (_K.PERSON_DOWN, _K.INTERCOM_UNANSWERED), 1.5),
        *_each((_K.INTERCOM_UNANSWERED,), (_K.HELP_BUTTON,), 1.5),
        *_each((_K.PERIMETER_INTRUSION, _K.DOOR_HELD), (_K.DOOR_FORCED,), 2.5),
        *_each((_K.PERIMETER_INTRUSION, _K.DOOR_FORCED), (_K.TAMPER,), 2.0),
        *_each((_K.PERIMETER_INTRUSION,), (_K.DWELL, _K.CAMERA_COVERED, _K.DOOR_HELD), 1.5),
        *_each((_K.PERIMETER_INTRUSION, _K.DOOR_FORCED), (_K.TOUR_MISSED,), 1.0),
        *_each((_K.DWELL,), (_K.PERIMETER_INTRUSION, _K.DOOR_FORCED, _K.TAMPER), 1.5),
        *_each((_K.DOOR_FORCED, _K.TAMPER), (_K.PERIMETER_INTRUSION, _K.DWELL), 1.5),
        *_each((_K.VESSEL_INTRUSION,), (_K.HELP_BUTTON,), 1.0),
        *_each((_K.VESSEL_INTRUSION,), (_K.PERIMETER_INTRUSION, _K.DWELL), 1.5),
        *_each(_SCENE, (_K.TAMPER,), 2.0),
        *_each((_K.TAMPER,), (*_SCENE, _K.DEVICE_OFFLINE, _K.SOURCE_STALE), 2.0),
        *_each(_SCENE, _SCENE, 1.5),
        *_each((_K.MAINS_LOST,), _SILENT, 2.5),
        *_each((_K.MAINS_LOST,), (_K.BATTERY_LOW,), 2.0),
        *_each((_K.BATTERY_LOW, _K.STORAGE_FULL), _SILENT, 1.5),
        *_each(_SILENT, _SILENT, 2.0),
        *_each((_K.STORAGE_FULL, _K.DEVICE_OFFLINE), (_K.OUTBOX_RESET, _K.CLOCK_OFFSET), 1.5),
        *_each((_K.PARKING_FULL,), (_K.LANE_BLOCKED, _K.OBJECT_BLOCKING), 1.5),
        *_each((_K.OBJECT_BLOCKING,), (_K.LANE_BLOCKED,), 2.0),
        *_each((_K.LANE_BLOCKED,), (_K.OBJECT_BLOCKING,), 2.0),
    )
)  # fmt: skip
"""(earlier kind, later kind) -> how much the first explains the second."""
