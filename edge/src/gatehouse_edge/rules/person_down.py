"""Person down: somebody who stood lies now, and does not move. By the shape of boxes alone, of whoever it is.

On      a person's box that was upright for `least_upright_s` is wider than tall by `down_aspect_ratio`, and stays within
        `still_ratio` of its length. Hold: it lies, whether or not it moves, or was lost from sight `lost_s` ago at most.
Raise   after `pre_s` as grade 1, after `dwell_s` as grade 3. Clear: upright, or gone, for `clear_s`.
Place   where it lies, with marks; the wire rounds it to ten metres and never moves it.
Not     in the view's `rest_areas`: benches, beds, lawns, play areas. Who lies down slowly out of sight is not seen to fall.
Bounds  at most `BODIES_MAX` tracks, each forgotten `FORGET_S` after it was last seen, one that lies after `lost_s`.
Source  aspect, stillness and both times as man-down devices and their manuals have them; the shapes are rule-pack defaults.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.geometry import Box, Point, distance, foot
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import FOUND, GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request, needs_view
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.rules.views import View, in_frame
from gatehouse_edge.values import Track, TrackId, Tracks
from gatehouse_shared.names import DeviceKind, HazardKind, Label
from gatehouse_shared.polygons import contains

BODIES_MAX: Final = 256
FORGET_S: Final = 2.0
"""Who falls is often lost for a moment and found again as another track."""
SETTLE_S: Final = 3.0
"""Whoever moved is still again only after this: who crawls on is never still."""
UPRIGHT_ASPECT: Final = 0.8
"""Width over height of a box that stands; between this and the parameter nothing is said."""


class DownParams(Params, frozen=True, kw_only=True):
    """What lying is, and for how long."""

    down_aspect_ratio: Annotated[
        float, limits("", 0.9, 3, GENERAL, "width over height of a box that lies")
    ] = 1.2
    still_ratio: Annotated[
        float, limits("", 0.02, 1, GENERAL, "motion in body lengths that is none")
    ] = 0.1
    least_upright_s: Annotated[
        float, limits("s", 0.2, 30, OURS, "time seen upright before it may lie")
    ] = 1.0
    least_size_ratio: Annotated[
        float, limits("", 0.01, 0.5, OURS, "longer side of the box in heights of the frame")
    ] = 0.06
    least_score: Annotated[
        float, limits("", 0, 1, OURS, "score below which a person is ignored")
    ] = 0.3
    pre_s: Annotated[float, limits("s", 2, 300, FOUND, "lying still this long is grade 1")] = 10.0
    dwell_s: Annotated[float, limits("s", 5, 300, FOUND, "lying still this long is grade 3")] = 20.0
    lost_s: Annotated[
        float, limits("s", 1, 300, OURS, "not seen any more, who lay is taken to lie this long")
    ] = 20.0
    clear_s: Annotated[float, limits("s", 1, 600, GENERAL, "up for this long ends it")] = 3.0
    rearm_s: Annotated[
        float, limits("s", 0, 3600, GENERAL, "pause before it may be raised again")
    ] = 60.0


@dataclass(frozen=True, slots=True)
class Body:
    """One track: how long it was upright, whether it lies, where it rests, when it moved last and whether it is still."""

    centre: Point
    length: float
    foot: Point
    score: float
    seen_at: float
    upright_s: float = 0.0
    lies: bool = False
    rest: Point | None = None
    moved_at: float = float("-inf")
    still: bool = False


@dataclass(frozen=True, slots=True)
class DownMemory(Memory):
    """Bodies in sight."""

    bodies: Mapping[TrackId, Body] = field(default_factory=dict[TrackId, Body])


@dataclass(frozen=True, slots=True)
class DownSense:
    """Follows persons of one view. Centres and lengths are in heights of the frame."""

    view: View
    params: DownParams

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """One sample a frame."""
        del now
        own = memory if isinstance(memory, DownMemory) else DownMemory()
        if not isinstance(observation, Tracks):
            return own, None
        bodies = self._kept(own.bodies, observation.at)
        for track in self._persons(observation):
            before = bodies.get(track.track_id)
            fresh = _body(track, observation)
            if before is None:
                heir = _nearest(bodies, fresh, observation.at)
                before = None if heir is None else bodies.pop(heir)
            if before is not None or len(bodies) < BODIES_MAX:
                bodies[track.track_id] = self._stepped(before, fresh, track)
        return DownMemory(bodies), self._sample(bodies, observation)

    def _kept(self, bodies: Mapping[TrackId, Body], at: float) -> dict[TrackId, Body]:
        return {
            k: b
            for k, b in bodies.items()
            if 0 <= at - b.seen_at <= (self.params.lost_s if b.lies else FORGET_S)
        }

    def _persons(self, tracks: Tracks) -> Iterator[Track]:
        for track in tracks.tracks:
            if not track.seen or track.label != Label.PERSON:
                continue
            box = in_frame(tracks, track)
            large = _longer_side(box, tracks) >= self.params.least_size_ratio
            if large and track.score >= self.params.least_score and self._watched(box):
                yield track

    def _watched(self, box: Box) -> bool:
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        resting = any(
            contains(area, p) for area in self.view.rest_areas for p in (middle, foot(box))
        )
        return self.view.holds(foot(box)) and not resting

    def _stepped(self, before: Body | None, fresh: Body, track: Track) -> Body:
        x1, y1, x2, y2 = track.xyxy
        aspect = (x2 - x1) / max(y2 - y1, 1e-6)
        was = before or fresh
        passed_s = min(fresh.seen_at - was.seen_at, 1.0)
        if aspect <= UPRIGHT_ASPECT:
            return replace(fresh, upright_s=was.upright_s + passed_s)
        lies = was.lies or (
            aspect >= self.params.down_aspect_ratio
            and was.upright_s >= self.params.least_upright_s - 1e-6
        )
        body = replace(fresh, upright_s=was.upright_s, lies=lies)
        if not lies:
            return body
        rest = was.rest or fresh.centre
        if distance(rest, fresh.centre) > self.params.still_ratio * fresh.length:
            return replace(body, rest=fresh.centre, moved_at=fresh.seen_at)
        still = fresh.seen_at - was.moved_at >= SETTLE_S
        return replace(body, rest=rest, moved_at=was.moved_at, still=still)

    def _sample(self, bodies: Mapping[TrackId, Body], tracks: Tracks) -> Sample:
        lying = [b for b in bodies.values() if b.lies]
        still = [b for b in lying if b.still and b.seen_at == tracks.at]
        best = max(still or lying, key=lambda b: b.score, default=None)
        ground = None
        if best is not None and self.view.homography is not None:
            ground = self.view.homography.ground(best.foot)
        facts = Facts(
            confidence=0 if best is None else round(min(best.score, 0.8) * 20),
            reason="a person lies in the zone and does not move",
            place_m=ground,
        )
        return Sample(tracks.time, (bool(still),) * 2, (bool(lying),) * 2, facts)


def _longer_side(box: Box, tracks: Tracks) -> float:
    return max((box[2] - box[0]) * tracks.width / tracks.height, box[3] - box[1])


def _body(track: Track, tracks: Tracks) -> Body:
    box = in_frame(tracks, track)
    aspect = tracks.width / tracks.height
    centre = (box[0] + box[2]) / 2 * aspect, (box[1] + box[3]) / 2
    return Body(centre, _longer_side(box, tracks), foot(box), track.score, tracks.at)


def _nearest(bodies: Mapping[TrackId, Body], fresh: Body, at: float) -> TrackId | None:
    """The body that was lost just here: within a length of it, and not seen in this frame."""
    lost = {
        k: distance(b.centre, fresh.centre)
        for k, b in bodies.items()
        if b.seen_at < at and distance(b.centre, fresh.centre) <= max(b.length, fresh.length)
    }
    return min(lost, key=lambda k: (lost[k], k), default=None)


def build(request: Request) -> Rule:
    """A person-down rule. RuleConfigError without a view, or when the warning comes after the event."""
    p = read_params(DownParams, request.params, request.place)
    view = needs_view(request)
    if p.pre_s > p.dwell_s:
        raise RuleConfigError(
            "the warning comes after the event",
            place=request.place,
            remedy="Give pre_s <= dwell_s",
        )
    timing = Timing(
        stages=(Stage(1, p.pre_s), Stage(3, p.dwell_s)),
        clear_s=p.clear_s,
        rearm_s=p.rearm_s,
        silence_s=2.0,
    )
    return Rule(request.binding, timing, DownSense(view, p), level=request.level)


KINDS: Final = (
    RuleKind(
        "person_down",
        HazardKind.PERSON_DOWN,
        frozenset({DeviceKind.CAMERA}),
        DownParams,
        build,
        {1: "a person lies still", 3: "a person has lain still for too long"},
        by_sample=True,
    ),
)
