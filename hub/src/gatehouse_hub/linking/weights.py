"""What speaks for and against a link, in nats: the expert table that a new hub starts with.

Source  the design's cold-start table; half weight for a causal pair seen in the wrong order and the pairs with a blocked lane are
        ours. Every incident names the version it was linked by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gatehouse_shared.names import HazardKind

_K = HazardKind
CAUSES: Final[Mapping[tuple[HazardKind, HazardKind], float]] = {
    (_K.THERMAL_HOTSPOT, _K.FIRE_SMOKE): 3.0,
    (_K.THERMAL_HOTSPOT, _K.FIRE_FLAME): 3.0,
    (_K.FIRE_SMOKE, _K.FIRE_FLAME): 3.0,
    (_K.THERMAL_HOTSPOT, _K.PANEL_ALARM): 3.0,
    (_K.FIRE_SMOKE, _K.PANEL_ALARM): 3.0,
    (_K.PERIMETER_INTRUSION, _K.DOOR_FORCED): 2.5,
    (_K.DOOR_HELD, _K.DOOR_FORCED): 2.5,
    (_K.DOOR_FORCED, _K.TAMPER): 2.0,
    (_K.PERIMETER_INTRUSION, _K.TAMPER): 2.0,
    (_K.CROWD_DENSITY, _K.CROWD_COUNTERFLOW): 2.0,
    (_K.CROWD_COUNTERFLOW, _K.CROWD_DENSITY): 2.0,
    (_K.CROWD_DENSITY, _K.CROWD_SURGE): 2.0,
    (_K.PERSON_DOWN, _K.HELP_BUTTON): 2.0,
    (_K.CROWD_DENSITY, _K.HELP_BUTTON): 1.5,
    (_K.CROWD_DENSITY, _K.PERSON_DOWN): 1.5,
    (_K.FIRE_SMOKE, _K.HELP_BUTTON): 1.5,
    (_K.FIRE_FLAME, _K.HELP_BUTTON): 1.5,
    (_K.PARKING_FULL, _K.LANE_BLOCKED): 1.5,
    (_K.THERMAL_HOTSPOT, _K.LANE_BLOCKED): 1.5,
    (_K.FIRE_SMOKE, _K.LANE_BLOCKED): 1.5,
    (_K.FIRE_FLAME, _K.LANE_BLOCKED): 1.5,
    (_K.THERMAL_HOTSPOT, _K.HELP_BUTTON): 1.0,
    (_K.FIRE_SMOKE, _K.CROWD_DENSITY): 1.0,
    (_K.FIRE_FLAME, _K.CROWD_DENSITY): 1.0,
    (_K.PERSON_DOWN, _K.CROWD_DENSITY): 1.0,
    (_K.VESSEL_INTRUSION, _K.HELP_BUTTON): 1.0,
    (_K.MAINS_LOST, _K.DEVICE_OFFLINE): 2.5,
    (_K.MAINS_LOST, _K.SOURCE_STALE): 2.5,
    (_K.CAMERA_COVERED, _K.TAMPER): 2.0,
}
"""(earlier kind, later kind) -> how much the first explains the second."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Everything the score depends on. Steps are (upper bound, weight), the last bound infinite.

    `window_s` how far apart two rows may lie; `members` how many of an incident's latest members are compared; `hops` the
    farthest zone; `link` the score from which a row joins; `busy_mean` rows in the window on an ordinary site.
    """

    version: str = "expert-1"
    causes: Mapping[tuple[HazardKind, HazardKind], float] = field(default_factory=lambda: CAUSES)
    same_kind: float = 2.0
    reversed_share: float = 0.5
    other_pair: float = -2.5
    time_steps: tuple[tuple[float, float], ...] = (
        *((10, 2.0), (30, 2.0), (60, 1.5), (120, 1.0), (300, 0.3)),
        *((600, -0.8), (1200, -2.0), (float("inf"), -3.0)),
    )
    distance_steps: tuple[tuple[float, float], ...] = (
        *((10, 2.0), (25, 2.0), (50, 1.2), (100, 0.0), (200, -1.0), (400, -2.0)),
        (float("inf"), -3.0),
    )
    hop_steps: tuple[tuple[float, float], ...] = (
        *((0, 1.0), (1, -0.5), (2, -2.5)),
        (float("inf"), -4.0),
    )
    prior: float = -0.8
    busy_mean: float = 3.85
    damping: float = 0.7
    mean_share: float = 0.3
    link: float = 1.0
    maybe: float = 0.0
    window_s: int = 1800
    members: int = 12
    hops: int = 2


EXPERT: Final = Weights()
