"""Flame and smoke in a picture, where the model knows such things. Supplementary: never a certified detector.

On      a flame (or smoke) of at least `least_score` touches the zone. Raise after `dwell_s`, grade 3 for flame, 2 for smoke:
        a camera alone is no ground to call smoke a fire.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.rules.views import View, in_frame
from gatehouse_edge.values import Tracks
from gatehouse_shared.names import DeviceKind, HazardKind, Label


class FlameParams(Params, frozen=True, kw_only=True):
    """When a flame is believed."""

    least_score: Annotated[float, limits("", 0.1, 0.99, GENERAL, "score of a flame")] = 0.6
    dwell_s: Annotated[
        float, limits("s", 1, 60, GENERAL, "persistence; 3 s is enough from 20 frames a second up")
    ] = 5.0
    clear_s: Annotated[float, limits("s", 1, 600, OURS, "no flame for this long ends it")] = 30.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        0.0
    )


class SmokeVideoParams(Params, frozen=True, kw_only=True):
    """When smoke is believed."""

    least_score: Annotated[float, limits("", 0.1, 0.99, GENERAL, "score of smoke")] = 0.6
    dwell_s: Annotated[float, limits("s", 1, 60, GENERAL, "persistence")] = 8.0
    clear_s: Annotated[float, limits("s", 1, 600, OURS, "no smoke for this long ends it")] = 30.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        0.0
    )


@dataclass(frozen=True, slots=True)
class FireSense:
    """Looks for one label whose box touches the zone."""

    view: View
    label: Label
    least_score: float

    def sense(
        self,
        memory: Memory,
        observation: Observation,
        now: Moment,  # noqa: ARG002 - what a Sense is given
    ) -> tuple[Memory, Sample | None]:
        """One sample a frame."""
        if not isinstance(observation, Tracks):
            return memory, None
        scores = [
            t.score
            for t in observation.tracks
            if t.seen
            and t.label == self.label
            and self.view.covered(in_frame(observation, t))[0] > 0
        ]
        best = max(scores, default=0.0)
        truth = (best >= self.least_score,)
        facts = Facts(round(best * 20), reason=f"{self.label} with score {best:.2f}")
        return memory, Sample(observation.time, truth, truth, facts)


def build_flame(request: Request) -> Rule:
    """A flame rule on a camera."""
    p = read_params(FlameParams, request.params, request.place)
    return _built(request, Label.FLAME, p, Stage(3, p.dwell_s))


def build_smoke(request: Request) -> Rule:
    """A smoke rule on a camera."""
    p = read_params(SmokeVideoParams, request.params, request.place)
    return _built(request, Label.SMOKE, p, Stage(2, p.dwell_s))


def _built(
    request: Request, label: Label, params: FlameParams | SmokeVideoParams, stage: Stage
) -> Rule:
    if request.view is None:
        raise RuleConfigError(
            "the device does not see the zone", place=request.place, remedy="Add a view of it"
        )
    timing = Timing(stages=(stage,), clear_s=params.clear_s, rearm_s=params.rearm_s, silence_s=2.0)
    return Rule(request.binding, timing, FireSense(request.view, label, params.least_score))


KINDS: Final = (
    RuleKind(
        "fire_flame",
        HazardKind.FIRE_FLAME,
        frozenset({DeviceKind.CAMERA}),
        FlameParams,
        build_flame,
        {3: "a flame is seen"},
    ),
    RuleKind(
        "fire_smoke_video",
        HazardKind.FIRE_SMOKE,
        frozenset({DeviceKind.CAMERA}),
        SmokeVideoParams,
        build_smoke,
        {2: "smoke is seen"},
    ),
)
