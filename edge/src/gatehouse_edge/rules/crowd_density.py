"""Crowd density: a zone grows too full, by persons on a square metre or by its capacity.

Count   the median count of the view. It is an estimate: its error is taken as normal, with variance
        `dispersion * count + (count_cv * count)^2`, that is counting (Poisson) noise plus a share that grows with the count.
On      per grade 1-4: P(density > threshold) reaches the grade's probability, or P(occupancy > its share of capacity) does.
        Congestion is one more way to grade 2: dense, and at least half of the persons slower than half of free walking.
        So is a forecast to grades 2 and 3: by its trend the zone may be critical within minutes.
Hold    the mean stays above `clear_ratio` of the threshold. Never below ten persons: a crowd is many.
Area    ground that the view covers (with marks), else the whole zone; occupancy scales the view's count to the zone.
Source  thresholds after Fruin and Still, capacity after the Green Guide; see docs/rules.md.
"""

from dataclasses import dataclass, field, replace
from math import erf, sqrt
from typing import Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.crowd_capacity import capacity_of
from gatehouse_edge.rules.crowd_forecast import Trend
from gatehouse_edge.rules.crowd_params import CrowdParams, Threshold, thresholds
from gatehouse_edge.rules.observations import Moment, Observation, Speed, ZoneSignals
from gatehouse_edge.rules.parameters import read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import ZoneCount
from gatehouse_shared.names import SMALL_COUNT, DeviceKind, HazardKind, Label

LEAST_DEVIATION: Final = 0.5
"""No count is surer than half a person."""
FRESH_S: Final = 3.0
"""Signals older than this say nothing about how people move now."""


@dataclass(frozen=True, slots=True)
class CrowdMemory(Memory):
    """Share of persons that move slowly, and when that was seen; and the trend of the count."""

    slow_ratio: float = 0.0
    at: float = float("-inf")
    trend: Trend = field(default_factory=Trend)


@dataclass(frozen=True, slots=True)
class CrowdSense:
    """Compares count and area with thresholds. `zone_scale`: whole zone over the part in view; None when too little is seen."""

    params: CrowdParams
    thresholds: tuple[Threshold, ...]
    area_m2: float
    zone_scale: float | None
    capacity: float

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Counts of persons give samples; signals are kept for congestion."""
        own = memory if isinstance(memory, CrowdMemory) else CrowdMemory()
        if isinstance(observation, ZoneSignals):
            return _moved(own, observation, now), None
        if not isinstance(observation, ZoneCount) or observation.label != Label.PERSON:
            return own, None
        count = observation.count
        own = replace(own, trend=own.trend.after(now.at, count, self.params.trend_s))
        many = count >= SMALL_COUNT
        chances = [self._chance(count, t) for t in self.thresholds]
        on = [many and c >= t.chance for c, t in zip(chances, self.thresholds, strict=True)]
        hold = [many and self._holds(count, t) for t in self.thresholds]
        slow = now.at - own.at <= FRESH_S and own.slow_ratio >= 0.5
        density = count / self.area_m2
        congested = many and slow and density > self.params.congestion_per_m2
        on.append(congested)
        hold.append(congested)
        soon = self._soon(own.trend, count) if many else (False, False)
        on.extend(soon)
        hold.extend(soon)
        sure = max((c for c, true in zip(chances, on, strict=False) if true), default=0.5)
        facts = Facts(
            confidence=round(20 * sure),
            count=count if many else None,
            reason=self._reason(count, forecast=any(soon) and not any(on[: len(self.thresholds)])),
        )
        return own, Sample(observation.time, tuple(on), tuple(hold), facts)

    def _reason(self, count: int, *, forecast: bool) -> str:
        now = f"{count / self.area_m2:.2f} persons on a square metre, {self._share(count):.0%} of capacity"
        return f"{now}, and by its trend it may be critical soon" if forecast else now

    def _soon(self, trend: Trend, count: int) -> tuple[bool, bool]:
        """Whether the count may be critical within the times of grade 2 and grade 3."""
        p = self.params
        critical = min(self._limits(self.thresholds[-1]))
        if count < p.forecast_from_ratio * critical:
            return False, False
        left_s = trend.earliest_s(critical, p.trend_s)
        return left_s < 60 * p.forecast_warn_min, left_s < 60 * p.forecast_alarm_min

    def _share(self, count: int) -> float:
        return 0.0 if self.zone_scale is None else count * self.zone_scale / self.capacity

    def _limits(self, threshold: Threshold) -> tuple[float, ...]:
        """Counts in this view above which the threshold is passed: by density, and by capacity where enough is seen."""
        dense = threshold.per_m2 * self.area_m2
        if self.zone_scale is None:
            return (dense,)
        return dense, threshold.capacity_ratio * self.capacity / self.zone_scale

    def _chance(self, count: int, threshold: Threshold) -> float:
        variance = self.params.dispersion * count + (self.params.count_cv * count) ** 2
        deviation = max(LEAST_DEVIATION, sqrt(variance))
        return max(
            0.5 * (1 + erf((count - limit) / (deviation * sqrt(2))))
            for limit in self._limits(threshold)
        )

    def _holds(self, count: int, threshold: Threshold) -> bool:
        return any(count >= self.params.clear_ratio * limit for limit in self._limits(threshold))


def _moved(own: CrowdMemory, signals: ZoneSignals, now: Moment) -> CrowdMemory:
    persons = [r for r in signals.rows if r.label == Label.PERSON]
    total = sum(r.count for r in persons)
    slow = sum(r.count for r in persons if r.speed <= Speed.SLOW)
    return replace(own, slow_ratio=slow / total if total else 0.0, at=now.at)


def build(request: Request) -> Rule:
    """A crowd rule. RuleConfigError without a view, or where thresholds do not rise."""
    params = read_params(CrowdParams, request.params, request.place)
    view = request.view
    if view is None or not view.area_m2:
        raise RuleConfigError(
            "the device does not see the zone", place=request.place, remedy="Add a view of it"
        )
    table = thresholds(params, request.zone_kind, request.place)
    seen = min(1.0, view.area_m2 / request.zone_area_m2)
    timing = Timing(
        stages=(
            *(Stage(t.grade, t.dwell_s) for t in table),
            Stage(2, params.congestion_s),
            Stage(2, params.forecast_s),
            Stage(3, params.forecast_s),
        ),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
    )
    sense = CrowdSense(
        params=params,
        thresholds=table,
        area_m2=view.area_m2,
        zone_scale=1.0 / seen if seen >= params.least_seen_ratio else None,
        capacity=capacity_of(request, params),
    )
    return Rule(request.binding, timing, sense)


KINDS: Final = (
    RuleKind(
        "crowd_density",
        HazardKind.CROWD_DENSITY,
        frozenset({DeviceKind.CAMERA}),
        CrowdParams,
        build,
        {1: "watch", 2: "announce and report", 3: "restrict the inflow", 4: "stop the inflow"},
    ),
)
