"""Rules on a sensor that says yes or no: smoke present, door held open, panel in alarm, housing opened.

A sensor speaks when its state changes, so the last word stands: every tick samples it again. A source that is reported down
leaves its last word standing too, and raises `source_stale` of its own.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Acknowledged, Moment, Observation
from gatehouse_edge.rules.parameters import FOUND, GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import Reading
from gatehouse_shared.names import DeviceKind, HazardKind


class SmokeParams(Params, frozen=True, kw_only=True):
    """A smoke detector decides by itself; here only how fast we follow."""

    dwell_s: Annotated[float, limits("s", 0, 60, OURS, "smoke for this long is raised")] = 0.0
    clear_s: Annotated[float, limits("s", 1, 600, OURS, "no smoke for this long ends it")] = 10.0
    rearm_s: Annotated[float, limits("s", 0, 600, OURS, "pause before it may be raised again")] = (
        0.0
    )


class PanelParams(Params, frozen=True, kw_only=True):
    """An alarm panel's contact. Latched until acknowledged at the site."""

    dwell_s: Annotated[float, limits("s", 0, 60, OURS, "alarm for this long is raised")] = 0.0


class DoorHeldParams(Params, frozen=True, kw_only=True):
    """How long a door may stand open."""

    dwell_s: Annotated[float, limits("s", 5, 600, FOUND, "open for this long is raised")] = 30.0
    pre_s: Annotated[
        float, limits("s", 0, 120, FOUND, "pre-warning (grade 1) this long before; 0 is none")
    ] = 5.0
    alarm_s: Annotated[
        float, limits("s", 0, 7200, OURS, "open for this long is grade 3; 0 is never")
    ] = 600.0
    clear_s: Annotated[float, limits("s", 0.5, 60, GENERAL, "closed for this long ends it")] = 2.0
    rearm_s: Annotated[
        float, limits("s", 0, 3600, GENERAL, "pause before it may be raised again")
    ] = 60.0


class TamperParams(Params, frozen=True, kw_only=True):
    """A contact in a housing: it was opened, or torn off."""

    dwell_s: Annotated[float, limits("s", 0, 60, OURS, "open for this long is raised")] = 0.5
    clear_s: Annotated[float, limits("s", 1, 600, OURS, "closed for this long ends it")] = 10.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        60.0
    )


@dataclass(frozen=True, slots=True)
class StateMemory(Memory):
    """The sensor's last word; None before the first, or after an acknowledgement."""

    state: bool | None = None


@dataclass(frozen=True, slots=True)
class StateSense:
    """True while the sensor says so."""

    stages: int
    reason: str
    confidence: int = 20

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Readings change the state, everything else samples it. An acknowledgement waits for the next word."""
        own = memory if isinstance(memory, StateMemory) else StateMemory()
        if isinstance(observation, Acknowledged):
            return (replace(own, state=None) if observation.at_site else own), None
        time = now.time
        if isinstance(observation, Reading) and observation.state is not None:
            own, time = StateMemory(observation.state), observation.time
        if own.state is None:
            return own, None
        truth = (own.state,) * self.stages
        return own, Sample(time, truth, truth, Facts(self.confidence, reason=self.reason))


def build_smoke(request: Request) -> Rule:
    """Fire smoke from a smoke detector, grade 3."""
    params = read_params(SmokeParams, request.params, request.place)
    timing = Timing(
        stages=(Stage(3, params.dwell_s),),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
        silence_s=float("inf"),
    )
    return Rule(request.binding, timing, StateSense(1, "the smoke detector is in alarm"))


def build_panel(request: Request) -> Rule:
    """Panel alarm, grade 3, latched."""
    params = read_params(PanelParams, request.params, request.place)
    timing = Timing(
        stages=(Stage(3, params.dwell_s),), clear_s=0.0, silence_s=float("inf"), latched=True
    )
    return Rule(request.binding, timing, StateSense(1, "the panel is in alarm"))


def build_door_held(request: Request) -> Rule:
    """Door held open, grade 2, with an optional pre-warning of grade 1 and alarm of grade 3.

    RuleConfigError for a door that would be an alarm before it is held.
    """
    params = read_params(DoorHeldParams, request.params, request.place)
    stages: tuple[Stage, ...] = (Stage(2, params.dwell_s),)
    if params.pre_s > 0:
        stages = (Stage(1, max(0.0, params.dwell_s - params.pre_s)), *stages)
    if params.alarm_s > 0:
        if params.alarm_s < params.dwell_s:
            raise RuleConfigError(
                "the alarm comes before the door is held",
                place=request.place,
                remedy="Give dwell_s <= alarm_s, or alarm_s 0 for none",
            )
        stages = (*stages, Stage(3, params.alarm_s))
    timing = Timing(
        stages=stages, clear_s=params.clear_s, rearm_s=params.rearm_s, silence_s=float("inf")
    )
    return Rule(request.binding, timing, StateSense(len(stages), "the door stands open"))


def build_tamper(request: Request) -> Rule:
    """A tamper contact, grade 3."""
    params = read_params(TamperParams, request.params, request.place)
    timing = Timing(
        stages=(Stage(3, params.dwell_s),),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
        silence_s=float("inf"),
    )
    return Rule(request.binding, timing, StateSense(1, "a housing was opened"))


KINDS: Final = (
    RuleKind(
        "fire_smoke",
        HazardKind.FIRE_SMOKE,
        frozenset({DeviceKind.SMOKE}),
        SmokeParams,
        build_smoke,
        {3: "the smoke detector is in alarm"},
    ),
    RuleKind(
        "panel_alarm",
        HazardKind.PANEL_ALARM,
        frozenset({DeviceKind.PANEL}),
        PanelParams,
        build_panel,
        {3: "the panel is in alarm"},
    ),
    RuleKind(
        "door_held",
        HazardKind.DOOR_HELD,
        frozenset({DeviceKind.CONTACT}),
        DoorHeldParams,
        build_door_held,
        {
            1: "the door has been open for a while",
            2: "the door stands open",
            3: "the door has been open for ten minutes",
        },
    ),
    RuleKind(
        "tamper",
        HazardKind.TAMPER,
        frozenset({DeviceKind.CONTACT, DeviceKind.PANEL}),
        TamperParams,
        build_tamper,
        {3: "a housing was opened"},
    ),
)
