"""Power of a device: its battery runs down, or the mains are gone. By a voltage, or by what the device says itself.

A device says one thing: a voltage, or yes and no. One that says more is listed again under another id with another mapping of
the same topic. The last word stands; a device that falls silent raises `source_stale` of its own.
Hold    a voltage must come back above its limit by `back_v`.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import Measure, Reading
from gatehouse_shared.names import QUANTITIES, DeviceKind, HazardKind, Quantity

SPEAKING: Final = frozenset(DeviceKind) - {DeviceKind.CAMERA, DeviceKind.THERMAL}
"""Devices that give readings."""
STEP_V: Final = QUANTITIES[Quantity.VOLTAGE].step


class BatteryParams(Params, frozen=True, kw_only=True):
    """When a battery is low. The defaults are those of a 12 V lead-acid battery; a 3 V cell needs others."""

    low_v: Annotated[float, limits("V", 0.5, 500, GENERAL, "below this it is low, grade 2")] = 11.5
    empty_v: Annotated[float, limits("V", 0.5, 500, GENERAL, "below this it is empty, grade 3")] = (
        10.8
    )
    back_v: Annotated[float, limits("V", 0, 50, OURS, "above a limit by this much it is over")] = (
        0.3
    )
    dwell_s: Annotated[float, limits("s", 0, 86_400, OURS, "low for this long is raised")] = 60.0
    clear_s: Annotated[float, limits("s", 0, 86_400, OURS, "well for this long ends it")] = 300.0
    rearm_s: Annotated[
        float, limits("s", 0, 86_400, OURS, "pause before it may be raised again")
    ] = 3600.0


class MainsParams(Params, frozen=True, kw_only=True):
    """When the mains are gone."""

    lost_v: Annotated[float, limits("V", 0.5, 500, OURS, "below this the mains are gone")] = 100.0
    back_v: Annotated[float, limits("V", 0, 400, OURS, "above the limit by this much: back")] = 80.0
    dwell_s: Annotated[float, limits("s", 0, 3600, OURS, "gone for this long is raised")] = 5.0
    clear_s: Annotated[float, limits("s", 0, 3600, OURS, "back for this long ends it")] = 60.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        0.0
    )


@dataclass(frozen=True, slots=True)
class SupplyMemory(Memory):
    """The last word, and the last voltage in its steps."""

    state: bool | None = None
    steps: int | None = None


@dataclass(frozen=True, slots=True)
class SupplySense:
    """True while the device says so, or its voltage is below a limit. `limits` in steps, one for each stage."""

    limits: tuple[int, ...]
    back_steps: int
    reason: str

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Readings change what is known; everything samples it. Yes and no concern the first stage only."""
        own = memory if isinstance(memory, SupplyMemory) else SupplyMemory()
        time = now.time
        if isinstance(observation, Reading):
            own, time = _heard(own, observation), observation.time
        if own.state is None and own.steps is None:
            return own, None
        on, hold = self._below(own, 0), self._below(own, self.back_steps)
        return own, Sample(time, on, hold, self._facts(own))

    def _below(self, own: SupplyMemory, ease: int) -> tuple[bool, ...]:
        low = [own.steps is not None and own.steps < limit + ease for limit in self.limits]
        return (low[0] or own.state is True, *low[1:])

    def _facts(self, own: SupplyMemory) -> Facts:
        if own.steps is None:
            return Facts(reason=self.reason)
        passed = [limit for limit in self.limits if own.steps < limit]
        threshold = min(passed, default=self.limits[0])
        measure = Measure(Quantity.VOLTAGE, own.steps, threshold)
        reason = f"{self.reason}: {own.steps * STEP_V:.1f} V, limit {threshold * STEP_V:.1f} V"
        return Facts(measure=measure, reason=reason)


def _heard(own: SupplyMemory, reading: Reading) -> SupplyMemory:
    if reading.state is not None:
        return replace(own, state=reading.state)
    if reading.quantity is Quantity.VOLTAGE and reading.value is not None:
        return replace(own, steps=reading.value)
    return own


def _steps(volts: float) -> int:
    return round(volts / STEP_V)


def build_battery(request: Request) -> Rule:
    """A battery rule. RuleConfigError when empty is not below low."""
    p = read_params(BatteryParams, request.params, request.place)
    if p.empty_v > p.low_v:
        raise RuleConfigError(
            "an empty battery has more volts than a low one",
            place=request.place,
            remedy="Give empty_v <= low_v",
        )
    timing = Timing(
        stages=(Stage(2, p.dwell_s), Stage(3, p.dwell_s)),
        clear_s=p.clear_s,
        rearm_s=p.rearm_s,
        silence_s=float("inf"),
    )
    limits_ = (_steps(p.low_v), _steps(p.empty_v))
    return Rule(
        request.binding, timing, SupplySense(limits_, _steps(p.back_v), "the battery is low")
    )


def build_mains(request: Request) -> Rule:
    """A mains rule, grade 3."""
    p = read_params(MainsParams, request.params, request.place)
    timing = Timing(
        stages=(Stage(3, p.dwell_s),),
        clear_s=p.clear_s,
        rearm_s=p.rearm_s,
        silence_s=float("inf"),
    )
    sense = SupplySense((_steps(p.lost_v),), _steps(p.back_v), "the mains are gone")
    return Rule(request.binding, timing, sense)


KINDS: Final = (
    RuleKind(
        "battery_low",
        HazardKind.BATTERY_LOW,
        SPEAKING,
        BatteryParams,
        build_battery,
        {2: "the battery is low", 3: "the battery is nearly empty"},
    ),
    RuleKind(
        "mains_lost",
        HazardKind.MAINS_LOST,
        SPEAKING,
        MainsParams,
        build_mains,
        {3: "the device runs on its battery, or not at all"},
    ),
)
