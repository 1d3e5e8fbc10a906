"""Perimeter intrusion: a person where nobody should be, while armed.

On      a person's foot point is in the zone; as tall as a person (with marks); has gone `least_path_m`, and not to and fro
        like something that sways. Or a person passed a line of this device inward into the zone.
Raise   inside for `dwell_s`; dated back to the first frame inside. A passage raises at once.
Clear   nobody in the zone for `clear_s`; grade 3.
Bounds  at most `WALKERS_MAX` tracks are followed, each for `FORGET_S` after it was last seen.
Source  presence, size and sway filters as shipped by makers of perimeter analytics; the figures are rule-pack defaults.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.geometry import Box, foot
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import FOUND, GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.rules.views import View, in_frame
from gatehouse_edge.values import Passage, Track, TrackId, Tracks
from gatehouse_shared.names import DeviceKind, HazardKind, Label

WALKERS_MAX: Final = 256
FORGET_S: Final = 2.0
PATH_STEP_M: Final = 0.1
"""Shorter moves are trembling of the box and add nothing to a path."""
RAISES_PER_HOUR: Final = 6
GRADE: Final = 3
LINE_SCORE: Final = 0.8
"""How sure a passage over a line is when nobody is in sight any more."""


class PerimeterParams(Params, frozen=True, kw_only=True):
    """What counts as an intruder, and for how long."""

    least_height_m: Annotated[
        float, limits("m", 0.2, 2.0, GENERAL, "smaller is no person; needs marks")
    ] = 0.8
    greatest_height_m: Annotated[
        float, limits("m", 1.5, 4.0, GENERAL, "taller is no person; needs marks")
    ] = 2.4
    greatest_speed_m_s: Annotated[
        float, limits("m/s", 3, 30, GENERAL, "a faster step is another object, not a person")
    ] = 12.0
    least_path_m: Annotated[
        float, limits("m", 0, 10, FOUND, "way to go before it counts as walking")
    ] = 0.5
    least_net_ratio: Annotated[
        float, limits("", 0, 1, FOUND, "displacement over path; less is swaying")
    ] = 0.3
    least_age_s: Annotated[
        float, limits("s", 0, 5, GENERAL, "age of a track before it is believed")
    ] = 0.3
    dwell_s: Annotated[float, limits("s", 0, 60, GENERAL, "time inside before it is raised")] = 1.0
    clear_s: Annotated[float, limits("s", 1, 600, GENERAL, "nobody inside before it ends")] = 10.0
    rearm_s: Annotated[
        float, limits("s", 0, 3600, GENERAL, "pause before it may be raised again")
    ] = 60.0
    least_score: Annotated[
        float, limits("", 0, 1, OURS, "score below which a person is ignored")
    ] = 0.3


@dataclass(frozen=True, slots=True)
class Walker:
    """One track inside the zone: since when, where it began, the path so far, and the last score."""

    since: Moment
    score: float
    first: Box
    last: Box
    path_m: float
    seen_at: float


@dataclass(frozen=True, slots=True)
class PerimeterMemory(Memory):
    """Walkers inside, and whether someone has passed a line since the last frame."""

    walkers: Mapping[TrackId, Walker] = field(default_factory=dict[TrackId, Walker])
    passed: bool = False


@dataclass(frozen=True, slots=True)
class PerimeterSense:
    """Looks for persons inside the view; two stages: inside for a while, and over a line."""

    view: View
    params: PerimeterParams
    lines: frozenset[str] = frozenset()

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Tracks give samples; passages are kept until the next frame."""
        own = memory if isinstance(memory, PerimeterMemory) else PerimeterMemory()
        if isinstance(observation, Passage):
            counts = observation.inward and observation.label == Label.PERSON
            passed = own.passed or (counts and observation.line in self.lines)
            return replace(own, passed=passed), None
        if not isinstance(observation, Tracks):
            return own, None
        walkers = {
            k: w for k, w in own.walkers.items() if 0 <= observation.at - w.seen_at <= FORGET_S
        }
        intruders: list[Walker] = []
        for track in self._persons(observation):
            walker = self._walked(walkers.get(track.track_id), track, observation, now)
            if walker is None:
                walkers.pop(track.track_id, None)
            elif track.track_id in walkers or len(walkers) < WALKERS_MAX:
                walkers[track.track_id] = walker
                if self._walks(track, walker, observation):
                    intruders.append(walker)
        inside = [w for w in walkers.values() if w.seen_at == observation.at]
        sample = _sample(inside, intruders, observation, passed=own.passed)
        return PerimeterMemory(walkers), sample

    def _persons(self, tracks: Tracks) -> Iterator[Track]:
        for track in tracks.tracks:
            believed = track.seen and track.score >= self.params.least_score
            if believed and track.label == Label.PERSON:
                yield track

    def _walked(
        self, before: Walker | None, track: Track, tracks: Tracks, now: Moment
    ) -> Walker | None:
        """The walker after this frame; None when it is not inside or not as tall as a person."""
        box, aspect = in_frame(tracks, track), tracks.width / tracks.height
        tall = self.view.height_m(box, aspect)
        fits = tall is None or self.params.least_height_m <= tall <= self.params.greatest_height_m
        if not fits or not self.view.holds(foot(box)):
            return None
        fresh = Walker(Moment(now.at, tracks.time), track.score, box, box, 0.0, tracks.at)
        if before is None:
            return fresh
        way = self.view.way_m(before.last, box, Label.PERSON, aspect)
        if way > self.params.greatest_speed_m_s * max(tracks.at - before.seen_at, 0.1):
            return fresh
        if way < PATH_STEP_M:
            return replace(before, score=track.score, seen_at=tracks.at)
        path_m = before.path_m + way
        return replace(before, score=track.score, last=box, path_m=path_m, seen_at=tracks.at)

    def _walks(self, track: Track, walker: Walker, tracks: Tracks) -> bool:
        aspect = tracks.width / tracks.height
        net_m = self.view.way_m(walker.first, walker.last, Label.PERSON, aspect)
        return (
            track.age_s >= self.params.least_age_s
            and walker.path_m >= self.params.least_path_m
            and net_m >= self.params.least_net_ratio * walker.path_m
        )


def _sample(
    inside: list[Walker], intruders: list[Walker], tracks: Tracks, *, passed: bool
) -> Sample:
    someone = bool(inside)
    since = min((w.since for w in intruders), key=lambda m: m.at, default=None)
    score = max((w.score for w in intruders or inside), default=LINE_SCORE)
    reason = "a person passed a line into the zone" if passed else "a person walks in the zone"
    facts = Facts(confidence=round(score * 20), reason=reason)
    hold = (someone, someone or passed)
    return Sample(tracks.time, (bool(intruders), passed), hold, facts, since)


def build(request: Request) -> Rule:
    """A perimeter rule. RuleConfigError without a view of the zone by this device."""
    params = read_params(PerimeterParams, request.params, request.place)
    if request.view is None or request.arming is None:
        raise RuleConfigError(
            "the device does not see the zone", place=request.place, remedy="Add a view of it"
        )
    timing = Timing(
        stages=(Stage(GRADE, params.dwell_s), Stage(GRADE)),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
        silence_s=2.0,
        raises_per_hour=RAISES_PER_HOUR,
    )
    sense = PerimeterSense(request.view, params, request.inward_lines)
    return Rule(request.binding, timing, sense, request.arming)


KINDS: Final = (
    RuleKind(
        "perimeter_intrusion",
        HazardKind.PERIMETER_INTRUSION,
        frozenset({DeviceKind.CAMERA}),
        PerimeterParams,
        build,
        {3: "a person is where nobody should be"},
        by_sample=True,
    ),
)
