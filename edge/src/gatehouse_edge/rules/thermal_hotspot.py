"""Thermal hot spot: a bay, a battery, a roller grows hotter than it should.

Ways    absolute (`*_c`), above ambient and above the neighbouring zones (`*_above_k`), rate of rise (Theil-Sen slope), each as
        pre-alarm (grade 1) and alarm (grade 3); and a fast path for what is about to burn (grade 3 within seconds).
Hold    each way less `hysteresis_k`; a rise holds while half its slope lasts. Clear: none holds for `clear_s`.
Least   the hot part must cover `least_px` pixels; without a known ambient only absolute and fast ways speak; on a camera without
        a known zero only differences and rises do. A sample that is older than AGE_MAX_S when it comes says nothing.
Living  what is not hotter than people and animals is no hot spot by being above ambient, nor by a jump: somebody who comes in
        from the frost is 35 K above it.
Rise    steps faster than the fast path's are taken out first: what comes into the zone is no rise.
Bounds  one sample a second over two minutes is remembered, whatever the sensor's rate.
Source  classes of EN 54-5 heat detectors and NFPA 72 rate of rise (8.3 K/min); this is no certified detector.
"""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import FOUND, GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import Measure, ThermalSample
from gatehouse_shared.names import QUANTITIES, DeviceKind, HazardKind, Quantity

EVERY_S: Final = 1.0
AGE_MAX_S: Final = 5.0
_NEVER: Final = (False, False, False)
SLOPE_POINTS_MAX: Final = 40
"""A Theil-Sen slope looks at all pairs; more points than this are thinned."""


class ThermalParams(Params, frozen=True, kw_only=True):
    """Temperatures in degrees Celsius, differences in kelvin."""

    pre_c: Annotated[float, limits("C", 0, 300, FOUND, "pre-alarm at this temperature")] = 55.0
    alarm_c: Annotated[float, limits("C", 0, 500, FOUND, "alarm at this temperature")] = 70.0
    pre_above_k: Annotated[float, limits("K", 3, 200, OURS, "pre-alarm this far above ambient")] = (
        20.0
    )
    alarm_above_k: Annotated[float, limits("K", 3, 300, OURS, "alarm this far above ambient")] = (
        30.0
    )
    living_c: Annotated[
        float,
        limits("C", 0, 100, OURS, "a difference or a jump counts from here: people are cooler"),
    ] = 40.0
    least_above_neighbours_k: Annotated[
        float, limits("K", 0, 100, OURS, "needed above the other zones too: sun warms all alike")
    ] = 8.0
    pre_rise_k_min: Annotated[
        float, limits("K/min", 0.5, 60, FOUND, "pre-alarm at this slope over two minutes")
    ] = 5.0
    alarm_rise_k_min: Annotated[
        float, limits("K/min", 0.5, 120, FOUND, "alarm at this slope over one minute")
    ] = 8.3
    pre_rise_s: Annotated[float, limits("s", 30, 120, OURS, "window of the pre-alarm's slope")] = (
        120.0
    )
    alarm_rise_s: Annotated[float, limits("s", 20, 120, OURS, "window of the alarm's slope")] = 60.0
    rise_above_k: Annotated[
        float, limits("K", 0, 100, OURS, "a rise counts only this far above ambient")
    ] = 8.0
    pre_s: Annotated[float, limits("s", 0, 600, FOUND, "persistence of the pre-alarm")] = 30.0
    alarm_s: Annotated[float, limits("s", 0, 600, FOUND, "persistence of the alarm")] = 10.0
    gap_ratio: Annotated[
        float, limits("", 0, 0.5, OURS, "share of samples that may be false meanwhile")
    ] = 0.2
    fast_c: Annotated[float, limits("C", 50, 1000, GENERAL, "fast path at this temperature")] = (
        120.0
    )
    fast_jump_k: Annotated[float, limits("K", 5, 200, OURS, "fast path at this jump")] = 20.0
    fast_jump_s: Annotated[float, limits("s", 2, 60, OURS, "window of the jump")] = 10.0
    fast_s: Annotated[float, limits("s", 0, 30, OURS, "persistence of the fast path")] = 2.0
    hysteresis_k: Annotated[
        float, limits("K", 0, 20, FOUND, "less than a threshold by this: over")
    ] = 3.0
    clear_s: Annotated[float, limits("s", 1, 1800, OURS, "time below before it ends")] = 60.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        0.0
    )
    renotify_s: Annotated[float, limits("s", 30, 600, OURS, "an open hot spot is told again")] = (
        300.0
    )
    least_px: Annotated[
        int, limits("px", 1, 10_000, OURS, "pixels that the hot part must cover")
    ] = 9


@dataclass(frozen=True, slots=True)
class Warmth:
    """One remembered temperature."""

    at: float
    hot_c: float


@dataclass(frozen=True, slots=True)
class ThermalMemory(Memory):
    """Two minutes of temperatures, one a second, and the slopes over them in K/min: None until one of them matters."""

    past: tuple[Warmth, ...] = ()
    slopes: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ThermalSense:
    """Judges temperatures of one zone; three stages: pre-alarm, alarm, fast path."""

    params: ThermalParams

    def sense(
        self,
        memory: Memory,
        observation: Observation,
        now: Moment,
    ) -> tuple[Memory, Sample | None]:
        """One sample for each thermal sample that is fresh."""
        if not isinstance(observation, ThermalSample):
            return memory, None
        if (now.time - observation.time).total_seconds() > AGE_MAX_S:
            return memory, None
        own = self._remembered(memory, observation)
        if not self._may_matter(observation):
            # A slope looks at all pairs of two minutes. It is left out where nothing could be true, whatever it were.
            return own, Sample(
                observation.time, _NEVER, _NEVER, self._facts(observation, None, _NEVER)
            )
        own = own if own.slopes is not None else ThermalMemory(own.past, self._slopes(own.past))
        pre_slope, alarm_slope = own.slopes or (0.0, 0.0)
        p, large = self.params, observation.hot_px >= self.params.least_px
        pre = self._ways(observation, pre_slope, (p.pre_c, p.pre_above_k, p.pre_rise_k_min))
        alarm = self._ways(
            observation, alarm_slope, (p.alarm_c, p.alarm_above_k, p.alarm_rise_k_min)
        )
        fast = self._fast(own, observation)
        on = (pre[0] and large, alarm[0] and large, fast[0] and large)
        hold = (pre[1] and large, alarm[1] and large, fast[1] and large)
        return own, Sample(observation.time, on, hold, self._facts(observation, alarm_slope, on))

    def _remembered(self, memory: Memory, sample: ThermalSample) -> ThermalMemory:
        own = memory if isinstance(memory, ThermalMemory) else ThermalMemory()
        past = own.past
        if past and sample.at < past[-1].at:
            past = ()
        if past and sample.at - past[-1].at < EVERY_S - 1e-6:
            return own
        span_s = max(self.params.pre_rise_s, self.params.alarm_rise_s, self.params.fast_jump_s)
        past = (*(w for w in past if sample.at - w.at <= span_s), Warmth(sample.at, sample.hot_c))
        return ThermalMemory(past)

    def _slopes(self, past: tuple[Warmth, ...]) -> tuple[float, float]:
        p = self.params
        smooth = without_jumps(past, p.fast_jump_k / p.fast_jump_s)
        return slope(smooth, p.pre_rise_s), slope(smooth, p.alarm_rise_s)

    def _may_matter(self, sample: ThermalSample) -> bool:
        """Whether any way could be true or hold, were the slope and the jump as steep as one likes."""
        p, slack = self.params, self.params.hysteresis_k
        if sample.hot_px < p.least_px:
            return False
        if sample.absolute and sample.hot_c >= min(p.pre_c, p.alarm_c, p.fast_c) - slack:
            return True
        if not self._living(sample) and sample.absolute:
            return True
        if sample.ambient_c is None:
            return False
        warmer = sample.hot_c - sample.ambient_c
        return warmer >= min(p.rise_above_k, p.pre_above_k, p.alarm_above_k) - slack

    def _ways(
        self, sample: ThermalSample, rise_k_min: float, limits_: tuple[float, float, float]
    ) -> tuple[bool, bool]:
        """(on, hold) of a level by temperature, by difference and by rise."""
        limit_c, above_k, least_rise = limits_
        slack = self.params.hysteresis_k
        on = sample.absolute and sample.hot_c >= limit_c
        hold = sample.absolute and sample.hot_c >= limit_c - slack
        if sample.ambient_c is None:
            return on, hold
        living = self._living(sample)
        warmer = sample.hot_c - sample.ambient_c
        apart = self.params.least_above_neighbours_k
        beside = apart if sample.neighbours_c is None else sample.hot_c - sample.neighbours_c
        on |= warmer >= above_k and beside >= apart and not living
        hold |= warmer >= above_k - slack and beside >= apart - slack
        on |= rise_k_min >= least_rise and warmer >= self.params.rise_above_k
        hold |= rise_k_min >= least_rise / 2 and warmer >= self.params.rise_above_k - slack
        return on, hold

    def _fast(self, own: ThermalMemory, sample: ThermalSample) -> tuple[bool, bool]:
        recent = [w.hot_c for w in own.past if sample.at - w.at <= self.params.fast_jump_s]
        jump = sample.hot_c - min(recent, default=sample.hot_c)
        if not sample.absolute or self._living(sample):
            return False, False
        hot = sample.hot_c >= self.params.fast_c
        held = sample.hot_c >= self.params.fast_c - self.params.hysteresis_k
        jumped = jump >= self.params.fast_jump_k
        return hot or jumped, held or jumped

    def _living(self, sample: ThermalSample) -> bool:
        """Whether it may be a person or an animal. Without a known zero nobody can tell, and differences speak for themselves."""
        return sample.absolute and sample.hot_c < self.params.living_c

    def _facts(
        self, sample: ThermalSample, rise_k_min: float | None, on: tuple[bool, bool, bool]
    ) -> Facts:
        p = self.params
        level = (p.alarm_c, p.alarm_above_k) if on[1] else (p.pre_c, p.pre_above_k)
        threshold = p.fast_c if sample.hot_c >= p.fast_c else _least(sample, *level, p.living_c)
        measure = Measure(Quantity.TEMPERATURE, _steps(sample.hot_c), _steps(threshold))
        ambient = "unknown" if sample.ambient_c is None else f"{sample.ambient_c:.1f} C"
        rising = "" if rise_k_min is None else f", rising {rise_k_min:.1f} K/min"
        return Facts(
            confidence=18,
            measure=measure if sample.absolute else None,
            reason=f"{sample.hot_c:.1f} C, ambient {ambient}{rising}",
        )


def _least(sample: ThermalSample, limit_c: float, above_k: float, living_c: float) -> float:
    """The temperature from which the level speaks: its own, or where it is lower, so far above ambient and hotter than people."""
    if sample.ambient_c is None:
        return limit_c
    return min(limit_c, max(living_c, sample.ambient_c + above_k))


def _steps(celsius: float) -> int:
    """Tenths of a degree within the registered range."""
    spec = QUANTITIES[Quantity.TEMPERATURE]
    return max(spec.low, min(spec.high, round(celsius / spec.step)))


def without_jumps(past: tuple[Warmth, ...], fastest_k_s: float) -> tuple[Warmth, ...]:
    """The same course without steps faster than `fastest_k_s`: those are the fast path's, or something warm that came into view.

    >>> [w.hot_c for w in without_jumps(tuple(map(Warmth, (0.0, 1.0, 2.0), (20.0, 34.0, 34.5))), 2)]
    [20.0, 20.0, 20.5]
    """
    smooth = past[:1]
    for before, after in pairwise(past):
        step_k = after.hot_c - before.hot_c
        jumped = abs(step_k) > fastest_k_s * (after.at - before.at)
        smooth += (Warmth(after.at, smooth[-1].hot_c + (0.0 if jumped else step_k)),)
    return smooth


def slope(past: tuple[Warmth, ...], window_s: float) -> float:
    """Theil-Sen slope in K/min over the last `window_s`; 0 until nine tenths of the window are known.

    >>> slope(tuple(Warmth(float(t), 20 + t / 10) for t in range(61)), 60)
    6.0
    """
    recent = [w for w in past if past[-1].at - w.at <= window_s]
    if len(recent) < 2 or recent[-1].at - recent[0].at < 0.9 * window_s:
        return 0.0
    step = 1 + (len(recent) - 1) // SLOPE_POINTS_MAX
    points = recent[::-1][::step]
    slopes = [
        (a.hot_c - b.hot_c) / (a.at - b.at) * 60.0
        for i, a in enumerate(points)
        for b in points[i + 1 :]
        if a.at > b.at
    ]
    return round(median(slopes), 6) if slopes else 0.0


def build(request: Request) -> Rule:
    """A thermal rule. RuleConfigError when the alarm is not above the pre-alarm."""
    params = read_params(ThermalParams, request.params, request.place)
    for low, high, name in (
        (params.pre_c, params.alarm_c, "alarm_c"),
        (params.pre_above_k, params.alarm_above_k, "alarm_above_k"),
        (params.pre_rise_k_min, params.alarm_rise_k_min, "alarm_rise_k_min"),
    ):
        if high < low:
            raise RuleConfigError(
                f"{name} is {high:g}",
                place=request.place,
                remedy=f"Give at least the pre-alarm's {low:g}",
            )
    timing = Timing(
        stages=(Stage(1, params.pre_s), Stage(3, params.alarm_s), Stage(3, params.fast_s)),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
        gap_ratio=params.gap_ratio,
        update_max_s=params.renotify_s,
    )
    return Rule(request.binding, timing, ThermalSense(params))


KINDS: Final = (
    RuleKind(
        "thermal_hotspot",
        HazardKind.THERMAL_HOTSPOT,
        frozenset({DeviceKind.THERMAL}),
        ThermalParams,
        build,
        {1: "pre-alarm: warmer than it should be", 3: "alarm: hot, or heating up fast"},
    ),
)
