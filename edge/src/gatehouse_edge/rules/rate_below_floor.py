"""Rate below floor: a camera gives frames, and the gateway looks at fewer of them than the camera is to have at least.

Too many cameras for the machine, a model that keeps failing, a machine that runs hot; or the camera itself sends too few. A frame
in which nothing moved counts as looked at. A camera that gives nothing at all is `source_stale`, and no evidence here.
Raise   below `below_ratio` of the floor for `dwell_s`.
Clear   above `clear_ratio` of it for `clear_s`. Grade 2.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Looked, Moment, Observation
from gatehouse_edge.rules.parameters import OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_shared.names import DeviceKind, HazardKind

GRADE: Final = 2


class RateParams(Params, frozen=True, kw_only=True):
    """How far and how long the rate may fall."""

    below_ratio: Annotated[
        float, limits("", 0.1, 1, OURS, "a smaller share of the floor is too little")
    ] = 0.8
    clear_ratio: Annotated[
        float, limits("", 0.1, 1, OURS, "a rate above this share of the floor is enough again")
    ] = 0.95
    dwell_s: Annotated[float, limits("s", 5, 3600, OURS, "so long before it is raised")] = 30.0
    clear_s: Annotated[float, limits("s", 0, 3600, OURS, "enough for this long ends it")] = 30.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        60.0
    )


@dataclass(frozen=True, slots=True)
class RateSense:
    """Compares the rate with the floor that comes with it."""

    below_ratio: float
    clear_ratio: float

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """A sample for each rate that is told."""
        if not isinstance(observation, Looked):
            return memory, None
        ratio = observation.looked_fps / observation.floor_fps
        reason = (
            f"looked at {observation.looked_fps:.1f} times a second; "
            f"{observation.floor_fps:.1f} is the least"
        )
        on, hold = ratio < self.below_ratio, ratio < self.clear_ratio
        return memory, Sample(now.time, (on,), (hold,), Facts(reason=reason))


def build(request: Request) -> Rule:
    """A rule on a camera's rate. RuleConfigError when it would clear before it is raised."""
    params = read_params(RateParams, request.params, request.place)
    if params.clear_ratio < params.below_ratio:
        raise RuleConfigError(
            f"clear_ratio {params.clear_ratio:g} is less than below_ratio {params.below_ratio:g}",
            place=request.place,
            remedy="Let it end at the ratio at which it begins, or a higher one",
        )
    timing = Timing(
        stages=(Stage(GRADE, params.dwell_s),), clear_s=params.clear_s, rearm_s=params.rearm_s
    )
    return Rule(request.binding, timing, RateSense(params.below_ratio, params.clear_ratio))


KINDS: Final = (
    RuleKind(
        "rate_below_floor",
        HazardKind.RATE_BELOW_FLOOR,
        frozenset({DeviceKind.CAMERA}),
        RateParams,
        build,
        {2: "the camera is looked at less often than it is to be at least"},
    ),
)
