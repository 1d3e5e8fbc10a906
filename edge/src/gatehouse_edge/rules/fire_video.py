"""Flame and smoke in a picture. Supplementary: never a certified detector.

Model    a flame (or smoke) of at least `least_score` touches the zone, where the model knows such things. Raise after `dwell_s`,
         grade 3 for flame, 2 for smoke: a camera alone is no ground to call smoke a fire.
Flicker  something in the zone flickers like a flame with at least `least_flicker_score`, whatever the model knows. Raise after
         `flicker_s`. Needs a camera with colour and 15 frames a second; smoke has no such cue, see shared/docs/adr/0016.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import FlameCue, Moment, Observation
from gatehouse_edge.rules.parameters import GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.rules.views import View, in_frame
from gatehouse_edge.values import Tracks
from gatehouse_shared.names import DeviceKind, HazardKind, Label

FLICKER_FRESH_S: Final = 2.0
"""Cues come once a second; an older one says nothing."""
FLICKER_CONFIDENCE: Final = 14
"""Of 20: the most that a flicker alone is good for."""


class FlameParams(Params, frozen=True, kw_only=True):
    """When a flame is believed."""

    least_score: Annotated[float, limits("", 0.1, 0.99, GENERAL, "score of a flame")] = 0.6
    dwell_s: Annotated[float, limits("s", 1, 60, GENERAL, "persistence of what the model sees")] = (
        5.0
    )
    flicker: Annotated[
        int,
        limits("0, 1", 0, 1, OURS, "1: look for flames by their flicker too; 0: only the model"),
    ] = 1
    least_flicker_score: Annotated[
        float, limits("", 0.1, 1, GENERAL, "likeness of what flickers to a flame")
    ] = 0.6
    flicker_s: Annotated[float, limits("s", 1, 60, GENERAL, "persistence of the flicker")] = 3.0
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


@dataclass(frozen=True, slots=True)
class FlameMemory(Memory):
    """The last cue, the pipeline's time of it, and what the model said last."""

    cue: FlameCue | None = None
    cue_at: float = float("-inf")
    seen: Sample | None = None


@dataclass(frozen=True, slots=True)
class FlameSense:
    """What the model sees, and what flickers. Two stages, flicker first; with both the surer of them says how sure."""

    seen: FireSense
    least_flicker_score: float

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """One sample for each look of the model and each cue."""
        own = memory if isinstance(memory, FlameMemory) else FlameMemory()
        if isinstance(observation, FlameCue):
            own = replace(own, cue=observation, cue_at=now.at)
            return own, self._sample(own, observation.time)
        _, seen = self.seen.sense(memory, observation, now)
        if seen is None:
            return own, None
        cue = own.cue if now.at - own.cue_at <= FLICKER_FRESH_S else None
        own = replace(own, cue=cue, seen=seen)
        return own, self._sample(own, seen.time)

    def _sample(self, own: FlameMemory, time: datetime) -> Sample:
        flickers = own.cue is not None and own.cue.score >= self.least_flicker_score
        burns = own.seen is not None and own.seen.on[0]
        truth = (flickers, burns)
        if own.seen is not None and (burns or own.cue is None):
            return Sample(time, truth, truth, own.seen.facts)
        return Sample(time, truth, truth, _flicker_facts(own.cue))


def _flicker_facts(cue: FlameCue | None) -> Facts:
    if cue is None:
        return Facts(0)
    return Facts(
        min(FLICKER_CONFIDENCE, round(cue.score * 20)),
        reason=f"{cue.area_ratio:.2%} of the zone flickers like a flame at {cue.flicker_hz:.0f}/s,"
        f" score {cue.score:.2f}",
    )


def build_flame(request: Request) -> Rule:
    """A flame rule on a camera."""
    p = read_params(FlameParams, request.params, request.place)
    seen = _sense(request, Label.FLAME, p.least_score)
    stages = (Stage(3, p.flicker_s), Stage(3, p.dwell_s))
    # Without the flicker no score is enough for it; the watcher is not even built.
    flicker = p.least_flicker_score if p.flicker else float("inf")
    return Rule(request.binding, _timing(p, *stages), FlameSense(seen, flicker))


def build_smoke(request: Request) -> Rule:
    """A smoke rule on a camera."""
    p = read_params(SmokeVideoParams, request.params, request.place)
    seen = _sense(request, Label.SMOKE, p.least_score)
    return Rule(request.binding, _timing(p, Stage(2, p.dwell_s)), seen)


def watches_flicker(params: Mapping[str, float | int | bool]) -> bool:
    """Whether a flame rule with these parameters needs cues: a gateway then takes more frames of its camera."""
    return bool(params.get("flicker", FlameParams().flicker))


def _sense(request: Request, label: Label, least_score: float) -> FireSense:
    if request.view is None:
        raise RuleConfigError(
            "the device does not see the zone", place=request.place, remedy="Add a view of it"
        )
    return FireSense(request.view, label, least_score)


def _timing(params: FlameParams | SmokeVideoParams, *stages: Stage) -> Timing:
    return Timing(stages=stages, clear_s=params.clear_s, rearm_s=params.rearm_s, silence_s=2.0)


KINDS: Final = (
    RuleKind(
        "fire_flame",
        HazardKind.FIRE_FLAME,
        frozenset({DeviceKind.CAMERA}),
        FlameParams,
        build_flame,
        {3: "a flame is seen"},
        by_sample=True,
    ),
    RuleKind(
        "fire_smoke_video",
        HazardKind.FIRE_SMOKE,
        frozenset({DeviceKind.CAMERA}),
        SmokeVideoParams,
        build_smoke,
        {2: "smoke is seen"},
        by_sample=True,
    ),
)
