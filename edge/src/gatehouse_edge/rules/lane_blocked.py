"""Lane blocked: something stands where fire engines must pass.

On      still vehicles or objects cover at least `least_cover_ratio` of the lane; hold: half of it.
Raise   after `warn_s` as grade 2, grade 3 after `event_s`, grade 4 after `escalate_s`. Clear: gone for `clear_s`.
        Reads zone signals only; stillness and the least size are settled where the signals are made (signals.py).
Source  stationary windows of illegal-parking analytics (60 and 180 s); the cover is a share of the lane on the ground
        where the view has marks, else of its picture.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment, Observation, Speed, ZoneSignals
from gatehouse_edge.rules.parameters import FOUND, GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.signals import Stillness
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_shared.names import DeviceKind, HazardKind, Label

BLOCKING: Final = frozenset(
    {Label.CAR, Label.BUS, Label.TRUCK, Label.MOTORCYCLE, Label.BICYCLE, Label.OBJECT}
)
HOLD_RATIO: Final = 0.5


class LaneParams(Params, frozen=True, kw_only=True):
    """What blocks, and for how long."""

    least_cover_ratio: Annotated[
        float, limits("", 0.01, 1, GENERAL, "share of the lane that must be covered")
    ] = 0.1
    least_object_m2: Annotated[
        float, limits("m2", 0, 20, GENERAL, "smaller things do not block; needs marks")
    ] = 0.5
    greatest_speed_m_s: Annotated[
        float, limits("m/s", 0.01, 1, GENERAL, "slower is standing still")
    ] = 0.1
    least_overlap_ratio: Annotated[
        float, limits("", 0.3, 0.99, GENERAL, "overlap of a box with itself at rest")
    ] = 0.8
    warn_s: Annotated[float, limits("s", 5, 600, FOUND, "standing this long is grade 2")] = 60.0
    event_s: Annotated[float, limits("s", 5, 3600, FOUND, "standing this long is grade 3")] = 180.0
    escalate_s: Annotated[float, limits("s", 5, 7200, GENERAL, "standing this long is grade 4")] = (
        600.0
    )
    clear_s: Annotated[float, limits("s", 1, 600, GENERAL, "empty before it ends")] = 20.0
    rearm_s: Annotated[
        float, limits("s", 0, 3600, GENERAL, "pause before it may be raised again")
    ] = 300.0
    gap_ratio: Annotated[
        float,
        limits("", 0, 0.5, OURS, "share of the time that may be hidden, by people walking past"),
    ] = 0.2


@dataclass(frozen=True, slots=True)
class LaneSense:
    """Reads how much of the lane still things cover."""

    least_cover_ratio: float
    stages: int = 3
    zone: str = "the lane"

    def sense(
        self,
        memory: Memory,
        observation: Observation,
        now: Moment,  # noqa: ARG002 - what a Sense is given
    ) -> tuple[Memory, Sample | None]:
        """One sample for each signal of the zone."""
        if not isinstance(observation, ZoneSignals):
            return memory, None
        still = [r for r in observation.rows if r.speed == Speed.STILL and r.label in BLOCKING]
        cover = min(1.0, sum(r.area_ratio for r in still))
        on = (cover >= self.least_cover_ratio,) * self.stages
        hold = (cover >= self.least_cover_ratio * HOLD_RATIO,) * self.stages
        what = ", ".join(sorted({r.label.value for r in still})) or "nothing"
        facts = Facts(confidence=16, reason=f"{what} covers {cover:.0%} of {self.zone}")
        return memory, Sample(observation.time, on, hold, facts)


def stillness(request: Request) -> Stillness:
    """How the signals of this rule's view judge what stands still."""
    params = read_params(LaneParams, request.params, request.place)
    return Stillness(params.greatest_speed_m_s, params.least_overlap_ratio, params.least_object_m2)


def build(request: Request) -> Rule:
    """A lane rule. RuleConfigError without a view, or when the stages are out of order."""
    params = read_params(LaneParams, request.params, request.place)
    if request.view is None:
        raise RuleConfigError(
            "the device does not see the zone", place=request.place, remedy="Add a view of it"
        )
    if not params.warn_s <= params.event_s <= params.escalate_s:
        raise RuleConfigError(
            "the stages are out of order",
            place=request.place,
            remedy="Give warn_s <= event_s <= escalate_s",
        )
    timing = Timing(
        stages=(Stage(2, params.warn_s), Stage(3, params.event_s), Stage(4, params.escalate_s)),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
        gap_ratio=params.gap_ratio,
    )
    return Rule(request.binding, timing, LaneSense(params.least_cover_ratio))


KINDS: Final = (
    RuleKind(
        "lane_blocked",
        HazardKind.LANE_BLOCKED,
        frozenset({DeviceKind.CAMERA}),
        LaneParams,
        build,
        {2: "blocked for a minute", 3: "blocked for three minutes", 4: "blocked for ten minutes"},
        stillness,
    ),
)
