"""Every kind of rule there is. A new one is a module with `KINDS` and a line here; what is not here cannot be switched on."""

from typing import Final

from gatehouse_edge.rules import (
    camera_integrity,
    crowd_counterflow,
    crowd_density,
    crowd_surge,
    door_forced,
    dwell,
    fire_video,
    help_button,
    intercom_unanswered,
    lane_blocked,
    object_blocking,
    parking_full,
    perimeter_intrusion,
    person_down,
    rate_below_floor,
    reading_out_of_range,
    source_stale,
    state_sensor,
    supply,
    thermal_hotspot,
    vessel_intrusion,
)
from gatehouse_edge.rules.parameters import specs
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.severity import SEVERITY
from gatehouse_shared.names import DeviceKind, HazardKind, class_of

RULE_KINDS: Final[tuple[RuleKind, ...]] = (
    *perimeter_intrusion.KINDS,
    *dwell.KINDS,
    *lane_blocked.KINDS,
    *crowd_density.KINDS,
    *thermal_hotspot.KINDS,
    *fire_video.KINDS,
    *state_sensor.KINDS,
    *help_button.KINDS,
    *door_forced.KINDS,
    *reading_out_of_range.KINDS,
    *crowd_counterflow.KINDS,
    *crowd_surge.KINDS,
    *intercom_unanswered.KINDS,
    *object_blocking.KINDS,
    *parking_full.KINDS,
    *person_down.KINDS,
    *supply.KINDS,
    *vessel_intrusion.KINDS,
    *source_stale.KINDS,
    *rate_below_floor.KINDS,
    *camera_integrity.KINDS,
)
"""One row a rule; `name` is its section in the docs and in `seeds/rules/default.yaml`."""


def rule_kind(kind: HazardKind, device: DeviceKind) -> RuleKind | None:
    """The rule that watches for `kind` by such a device."""
    return next((r for r in RULE_KINDS if r.kind is kind and device in r.devices), None)


def pack() -> dict[str, object]:
    """The shipped rule pack as plain values: every rule, its grades and its parameters with unit, range, default and source."""
    return {
        r.name: {
            "kind": r.kind.value,
            "class": class_of(r.kind).name.lower(),
            "severity": SEVERITY[r.kind],
            "devices": sorted(d.value for d in r.devices),
            "grades": dict(r.grades),
            "params": {
                s.name: {
                    "default": s.default,
                    **({"unit": s.unit} if s.unit else {}),
                    "min": s.low,
                    "max": s.high,
                    "source": s.source,
                    "about": s.about,
                }
                for s in specs(r.params)
            },
        }
        for r in RULE_KINDS
    }
