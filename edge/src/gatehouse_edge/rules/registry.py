"""Every kind of rule there is: parameters, builder, what its grades mean. What is not here cannot be switched on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gatehouse_edge.rules import (
    crowd_density,
    door_forced,
    dwell,
    fire_video,
    help_button,
    lane_blocked,
    perimeter_intrusion,
    reading_out_of_range,
    source_stale,
    state_sensor,
    thermal_hotspot,
)
from gatehouse_edge.rules.crowd_params import CrowdParams
from gatehouse_edge.rules.parameters import Params, specs
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Rule
from gatehouse_shared.names import DeviceKind, HazardKind


@dataclass(frozen=True, slots=True)
class RuleKind:
    """One kind of rule on one kind of device. `grades`: what each grade that it can reach means."""

    name: str
    kind: HazardKind
    devices: frozenset[DeviceKind]
    params: type[Params]
    build: Callable[[Request], Rule]
    grades: Mapping[int, str]


_D = DeviceKind
_CAMERA: Final = frozenset({_D.CAMERA})

RULE_KINDS: Final[tuple[RuleKind, ...]] = (
    RuleKind(
        "perimeter_intrusion",
        HazardKind.PERIMETER_INTRUSION,
        _CAMERA,
        perimeter_intrusion.PerimeterParams,
        perimeter_intrusion.build,
        {3: "a person is where nobody should be"},
    ),
    RuleKind(
        "dwell",
        HazardKind.DWELL,
        _CAMERA,
        dwell.DwellParams,
        dwell.build,
        {2: "a person has stayed too long"},
    ),
    RuleKind(
        "lane_blocked",
        HazardKind.LANE_BLOCKED,
        _CAMERA,
        lane_blocked.LaneParams,
        lane_blocked.build,
        {2: "blocked for a minute", 3: "blocked for three minutes", 4: "blocked for ten minutes"},
    ),
    RuleKind(
        "crowd_density",
        HazardKind.CROWD_DENSITY,
        _CAMERA,
        CrowdParams,
        crowd_density.build,
        {1: "watch", 2: "announce and report", 3: "restrict the inflow", 4: "stop the inflow"},
    ),
    RuleKind(
        "thermal_hotspot",
        HazardKind.THERMAL_HOTSPOT,
        frozenset({_D.THERMAL}),
        thermal_hotspot.ThermalParams,
        thermal_hotspot.build,
        {1: "pre-alarm: warmer than it should be", 3: "alarm: hot, or heating up fast"},
    ),
    RuleKind(
        "fire_flame",
        HazardKind.FIRE_FLAME,
        _CAMERA,
        fire_video.FlameParams,
        fire_video.build_flame,
        {3: "a flame is seen"},
    ),
    RuleKind(
        "fire_smoke_video",
        HazardKind.FIRE_SMOKE,
        _CAMERA,
        fire_video.SmokeVideoParams,
        fire_video.build_smoke,
        {2: "smoke is seen"},
    ),
    RuleKind(
        "fire_smoke",
        HazardKind.FIRE_SMOKE,
        frozenset({_D.SMOKE}),
        state_sensor.SmokeParams,
        state_sensor.build_smoke,
        {3: "the smoke detector is in alarm"},
    ),
    RuleKind(
        "help_button",
        HazardKind.HELP_BUTTON,
        frozenset({_D.BUTTON}),
        help_button.ButtonParams,
        help_button.build,
        {4: "somebody asks for help"},
    ),
    RuleKind(
        "panel_alarm",
        HazardKind.PANEL_ALARM,
        frozenset({_D.PANEL}),
        state_sensor.PanelParams,
        state_sensor.build_panel,
        {3: "the panel is in alarm"},
    ),
    RuleKind(
        "door_held",
        HazardKind.DOOR_HELD,
        frozenset({_D.CONTACT}),
        state_sensor.DoorHeldParams,
        state_sensor.build_door_held,
        {1: "the door has been open for a while", 2: "the door stands open"},
    ),
    RuleKind(
        "door_forced",
        HazardKind.DOOR_FORCED,
        frozenset({_D.CONTACT}),
        door_forced.DoorForcedParams,
        door_forced.build,
        {3: "the door opened without a pass"},
    ),
    RuleKind(
        "reading_out_of_range",
        HazardKind.READING_OUT_OF_RANGE,
        frozenset({_D.GAS, _D.WATER}),
        reading_out_of_range.RangeParams,
        reading_out_of_range.build,
        {2: "beyond the warning limit", 3: "beyond the alarm limit"},
    ),
    RuleKind(
        "source_stale",
        HazardKind.SOURCE_STALE,
        frozenset(DeviceKind),
        source_stale.StaleParams,
        source_stale.build,
        {2: "the source gives nothing"},
    ),
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
