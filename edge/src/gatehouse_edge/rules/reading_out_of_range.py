"""Reading out of range: gas, carbon monoxide, water or pressure beyond a limit, with hysteresis.

Two stages: warn (grade 2) and alarm (grade 3). The last value stands for `fresh_s`; after that the sensor says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import Measure, Reading
from gatehouse_shared.names import QUANTITIES, DeviceKind, HazardKind, Quantity


class RangeParams(Params, frozen=True, kw_only=True):
    """Limits in registered steps of each quantity; a limit at the end of its range is off."""

    gas_warn_lel: Annotated[int, limits("% LEL", 1, 100, GENERAL, "combustible gas, grade 2")] = 10
    gas_alarm_lel: Annotated[int, limits("% LEL", 1, 100, GENERAL, "combustible gas, grade 3")] = 20
    co_warn_ppm: Annotated[int, limits("ppm", 1, 2000, GENERAL, "carbon monoxide, grade 2")] = 30
    co_alarm_ppm: Annotated[int, limits("ppm", 1, 2000, GENERAL, "carbon monoxide, grade 3")] = 100
    water_warn_cm: Annotated[int, limits("cm", -1000, 10_000, OURS, "water level, grade 2")] = 50
    water_alarm_cm: Annotated[int, limits("cm", -1000, 10_000, OURS, "water level, grade 3")] = 100
    pressure_warn_kpa: Annotated[
        int, limits("kPa", 0, 2500, OURS, "pressure below this, grade 2; 0 is off")
    ] = 0
    pressure_alarm_kpa: Annotated[
        int, limits("kPa", 0, 2500, OURS, "pressure below this, grade 3; 0 is off")
    ] = 0
    hysteresis_ratio: Annotated[
        float, limits("", 0, 0.5, OURS, "share of a limit by which a value must fall back")
    ] = 0.1
    dwell_s: Annotated[float, limits("s", 0, 600, OURS, "beyond for this long is raised")] = 10.0
    clear_s: Annotated[float, limits("s", 1, 1800, OURS, "within for this long ends it")] = 60.0
    fresh_s: Annotated[float, limits("s", 10, 86_400, OURS, "a value stands for this long")] = 900.0


@dataclass(frozen=True, slots=True)
class Limit:
    """Warn and alarm of one quantity, in its steps; `below` when small is bad."""

    warn: int
    alarm: int
    below: bool = False

    def passed(self, value: int, limit: int, slack_ratio: float) -> bool:
        """Whether `value` is beyond `limit`, eased by a share of it."""
        if self.below:
            return value < limit * (1 + slack_ratio)
        return value >= limit - abs(limit) * slack_ratio


@dataclass(frozen=True, slots=True)
class RangeMemory(Memory):
    """The last value of each quantity and when it came; at most one for each registered quantity."""

    values: Mapping[Quantity, tuple[int, float]] = field(
        default_factory=dict[Quantity, tuple[int, float]]
    )


@dataclass(frozen=True, slots=True)
class RangeSense:
    """Compares the last values with their limits."""

    limits: Mapping[Quantity, Limit]
    hysteresis_ratio: float
    fresh_s: float

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Readings of a limited quantity are remembered; everything samples what is fresh."""
        own = memory if isinstance(memory, RangeMemory) else RangeMemory()
        time = now.time
        if isinstance(observation, Reading) and observation.value is not None:
            quantity, time = observation.quantity, observation.time
            if quantity is not None and quantity in self.limits:
                own = RangeMemory({**own.values, quantity: (observation.value, now.at)})
        fresh = {q: v for q, (v, at) in own.values.items() if now.at - at <= self.fresh_s}
        if not fresh:
            return own, None
        on = self._stages(fresh, 0.0)
        return own, Sample(time, on, self._stages(fresh, self.hysteresis_ratio), self._facts(fresh))

    def _stages(self, fresh: Mapping[Quantity, int], slack: float) -> tuple[bool, bool]:
        warn = any(self.limits[q].passed(v, self.limits[q].warn, slack) for q, v in fresh.items())
        alarm = any(self.limits[q].passed(v, self.limits[q].alarm, slack) for q, v in fresh.items())
        return warn, alarm

    def _facts(self, fresh: Mapping[Quantity, int]) -> Facts:
        """The quantity that is worst, by grade, then by name."""

        def badness(quantity: Quantity) -> tuple[bool, bool, str]:
            one = {quantity: fresh[quantity]}
            warn, alarm = self._stages(one, self.hysteresis_ratio)
            return alarm, warn, quantity

        worst = max(fresh, key=badness)
        value, limit = fresh[worst], self.limits[worst]
        threshold = limit.alarm if limit.passed(value, limit.alarm, 0.0) else limit.warn
        measure = Measure(worst, value, threshold)
        reason = f"{worst} is {value} {QUANTITIES[worst].unit}, limit {threshold}"
        return Facts(measure=measure, reason=reason)


def build(request: Request) -> Rule:
    """A rule on a gas or water sensor."""
    p = read_params(RangeParams, request.params, request.place)
    table = {
        Quantity.GAS: Limit(p.gas_warn_lel, p.gas_alarm_lel),
        Quantity.CO: Limit(p.co_warn_ppm, p.co_alarm_ppm),
        Quantity.WATER_LEVEL: Limit(p.water_warn_cm, p.water_alarm_cm),
        Quantity.PRESSURE: Limit(p.pressure_warn_kpa, p.pressure_alarm_kpa, below=True),
    }
    timing = Timing(
        stages=(Stage(2, p.dwell_s), Stage(3, p.dwell_s)), clear_s=p.clear_s, silence_s=p.fresh_s
    )
    return Rule(request.binding, timing, RangeSense(table, p.hysteresis_ratio, p.fresh_s))


KINDS: Final = (
    RuleKind(
        "reading_out_of_range",
        HazardKind.READING_OUT_OF_RANGE,
        frozenset({DeviceKind.GAS, DeviceKind.WATER}),
        RangeParams,
        build,
        {2: "beyond the warning limit", 3: "beyond the alarm limit"},
    ),
)
