"""Counterflow: two opposed streams where there is little room to pass each other.

On      ten persons or more, at least half of them walk, the lesser of two opposed streams has a fair share, and the density
        reaches a threshold. Hold: a weaker share, and `clear_ratio` of the density. Never below ten persons.
Needs   marks: directions and densities are in metres.
Source  densities after Fruin: from 1.08 on counterflow is hard, from 2.15 on contact is unavoidable; the shares are ours.
"""

from dataclasses import dataclass, field
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request, needs_marks
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.streams import Streams, streams
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.rules.views import View
from gatehouse_edge.rules.ways import Way, walked
from gatehouse_edge.values import Track, TrackId, Tracks, ZoneCount
from gatehouse_shared.names import SMALL_COUNT, DeviceKind, HazardKind, Label


class CounterflowParams(Params, frozen=True, kw_only=True):
    """How dense, how opposed, and for how long."""

    warn_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, GENERAL, "density for grade 2 (level of service E)")
    ] = 1.08
    alarm_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, GENERAL, "density for grade 3 (level of service F)")
    ] = 2.15
    lesser_ratio: Annotated[
        float, limits("", 0.05, 0.5, OURS, "share of the lesser stream among those in streams")
    ] = 0.3
    walking_ratio: Annotated[
        float, limits("", 0.1, 1, OURS, "share of the persons who must be in one of the streams")
    ] = 0.5
    least_speed_m_s: Annotated[float, limits("m/s", 0.05, 1, OURS, "slower is standing")] = 0.2
    warn_s: Annotated[float, limits("s", 1, 600, OURS, "time for grade 2")] = 30.0
    alarm_s: Annotated[float, limits("s", 1, 600, OURS, "time for grade 3")] = 15.0
    clear_ratio: Annotated[
        float, limits("", 0.5, 1, OURS, "below this part of density and share it may end")
    ] = 0.85
    clear_s: Annotated[float, limits("s", 10, 1800, OURS, "time without it before it ends")] = 60.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        60.0
    )


@dataclass(frozen=True, slots=True)
class CounterflowMemory(Memory):
    """Ways of the persons in the zone."""

    ways: dict[TrackId, Way] = field(default_factory=dict[TrackId, Way])


@dataclass(frozen=True, slots=True)
class CounterflowSense:
    """Follows persons by their tracks; each count of the zone is a sample."""

    view: View
    area_m2: float
    params: CounterflowParams

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Tracks are followed, counts of persons give samples."""
        own = memory if isinstance(memory, CounterflowMemory) else CounterflowMemory()
        if isinstance(observation, Tracks):
            return CounterflowMemory(walked(own.ways, self.view, observation, now, _person)), None
        if not isinstance(observation, ZoneCount) or observation.label != Label.PERSON:
            return own, None
        flow = streams((w.velocity for w in own.ways.values()), self.params.least_speed_m_s)
        on = self._stages(observation.count, flow, 1.0)
        hold = self._stages(observation.count, flow, self.params.clear_ratio)
        density = observation.count / self.area_m2
        facts = Facts(
            confidence=16,
            count=observation.count if observation.count >= SMALL_COUNT else None,
            reason=f"{flow.lesser_ratio:.0%} walk against the others, {density:.2f} persons on a square metre",
        )
        return own, Sample(observation.time, on, hold, facts)

    def _stages(self, count: int, flow: Streams, ease: float) -> tuple[bool, bool]:
        p = self.params
        opposed = (
            count >= SMALL_COUNT
            and flow.walkers >= ease * p.walking_ratio * count
            and flow.lesser_ratio >= ease * p.lesser_ratio
        )
        density = count / self.area_m2
        return (
            opposed and density >= ease * p.warn_per_m2,
            opposed and density >= ease * p.alarm_per_m2,
        )


def _person(track: Track) -> bool:
    return track.label == Label.PERSON


def build(request: Request) -> Rule:
    """A counterflow rule. RuleConfigError without marks, or where the alarm is not above the warning."""
    params = read_params(CounterflowParams, request.params, request.place)
    view = needs_marks(request)
    if params.warn_per_m2 >= params.alarm_per_m2:
        raise RuleConfigError(
            "the densities do not rise",
            place=request.place,
            remedy="Give warn_per_m2 < alarm_per_m2",
        )
    timing = Timing(
        stages=(Stage(2, params.warn_s), Stage(3, params.alarm_s)),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
    )
    area_m2 = view.area_m2 or request.zone_area_m2
    return Rule(request.binding, timing, CounterflowSense(view, area_m2, params))


KINDS: Final = (
    RuleKind(
        "crowd_counterflow",
        HazardKind.CROWD_COUNTERFLOW,
        frozenset({DeviceKind.CAMERA}),
        CounterflowParams,
        build,
        {2: "two streams hinder each other", 3: "two streams press against each other"},
        by_sample=True,
    ),
)
