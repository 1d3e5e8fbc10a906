"""Camera integrity: covered, blurred, moved, frozen. A camera that no longer shows its place protects nobody there.

Covered  the learned edges are gone, and what is there has no structure or no lights and darks of its own.
Blurred  the edges are where they were, and lost their fine steps: dirt, breath, water, a focus that slipped.
Moved    the edges fit better elsewhere; or the picture shows another place, sharp, lit and at rest. It stays a hazard until the
         view comes back, or somebody at the site acknowledges it: then the new view is the right one.
Frozen   nothing at all changes, not even noise, while frames keep coming.
Dark     gradual loss of contrast is learned, brightness alone is none of these, and while nothing is learned nothing is said.
Restart  views are not written down. An open hazard of blur or move then stays until it is acknowledged at the site, or seen to
         come and go again: the new start may have learned the fault.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Final

from gatehouse_edge.rules.observations import Acknowledged, Moment, Observation, PictureQuality
from gatehouse_edge.rules.parameters import MEASURED, OURS, P, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule, Sense
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_shared.names import DeviceKind, HazardKind

GRADE: Final = 2
SURE_RATIO: Final = 0.7
"""A picture that matches so well in place has not moved, whatever else it resembles."""
DAZZLED_RATIO: Final = 0.2
"""A picture so much more clipped than usual is judged by displacement only: it is a lamp in the lens, or the night."""
DIM_RATIO: Final = 0.35
"""A picture with so little of the usual contrast is too dim to be judged for sharpness."""
VIEWS_ACCEPTED_MAX: Final = 16

ClearS = Annotated[float, limits("s", 1, 600, OURS, "a sound picture for this long ends it")]
RearmS = Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")]


class CoveredParams(Params, frozen=True, kw_only=True):
    """What counts as covered."""

    match_ratio: Annotated[
        float, limits("", 0.05, 0.5, MEASURED, "the learned edges match less than this")
    ] = 0.3
    texture_ratio: Annotated[
        float, limits("", 0.05, 0.9, MEASURED, "and less than this share has structure,")
    ] = 0.35
    spread_ratio: Annotated[
        float, limits("", 0.05, 0.9, MEASURED, "or lights and darks differ less than this")
    ] = 0.4
    covered_s: Annotated[float, limits("s", 2, 600, OURS, "for this long")] = 10.0
    clear_s: ClearS = 10.0
    rearm_s: RearmS = 60.0


class BlurredParams(Params, frozen=True, kw_only=True):
    """What counts as blurred."""

    sharpness_ratio: Annotated[
        float, limits("", 0.1, 0.9, MEASURED, "fine steps are weaker than this share of the usual")
    ] = 0.5
    clear_ratio: Annotated[float, limits("", 0.2, 1.0, OURS, "and it is over above this share")] = (
        0.65
    )
    blurred_s: Annotated[float, limits("s", 2, 3600, OURS, "for this long")] = 15.0
    clear_s: ClearS = 15.0
    rearm_s: RearmS = 600.0


class MovedParams(Params, frozen=True, kw_only=True):
    """What counts as moved."""

    apart_ratio: Annotated[
        float, limits("", 0.1, 1.0, MEASURED, "this share of the picture fits better elsewhere")
    ] = 0.33
    match_ratio: Annotated[
        float, limits("", 0.05, 0.5, MEASURED, "or the learned edges match less than this")
    ] = 0.3
    settled_s: Annotated[
        float, limits("s", 5, 600, OURS, "in a picture that has been at rest for this long")
    ] = 10.0
    moved_s: Annotated[float, limits("s", 2, 600, OURS, "for this long")] = 12.0
    clear_s: ClearS = 10.0
    rearm_s: RearmS = 60.0


class FrozenParams(Params, frozen=True, kw_only=True):
    """What counts as frozen."""

    frozen_s: Annotated[
        float,
        limits("s", 10, 3600, OURS, "nothing changes for this long; above a stream's key interval"),
    ] = 25.0
    clear_s: ClearS = 5.0
    rearm_s: RearmS = 60.0


@dataclass(frozen=True, slots=True)
class PictureMemory(Memory):
    """`seen` is True once this process saw the fault itself, or was told at the site that all is well.

    `accepted`: numbers of views that are right; `accept_next`: the next view that is learned is right too.
    """

    seen: bool = False
    accepted: frozenset[int] = frozenset({0})
    accept_next: bool = False
    view: int = 0


@dataclass(frozen=True, slots=True)
class CoveredSense:
    """True while the place is hidden."""

    params: CoveredParams

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """A sample for each look at a learned view."""
        if not isinstance(observation, PictureQuality) or not observation.learned:
            return memory, None
        quality, limit = observation, self.params
        lost = quality.match_ratio < limit.match_ratio
        bare = (
            quality.texture_ratio < limit.texture_ratio or quality.spread_ratio < limit.spread_ratio
        )
        reason = f"{_percent(quality.match_ratio)} of the view is left"
        return memory, _sample(now, lost and bare, lost, reason)


@dataclass(frozen=True, slots=True)
class BlurredSense:
    """True while the view is there and not sharp."""

    params: BlurredParams

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """A sample for each look at a learned view; none while something hides it, or in the dark: noise is not sharp."""
        own = memory if isinstance(memory, PictureMemory) else PictureMemory()
        if isinstance(observation, Acknowledged) and observation.at_site:
            return replace(own, seen=True), None
        if not isinstance(observation, PictureQuality) or not observation.learned:
            return own, None
        hidden = observation.match_ratio < CoveredParams().match_ratio
        if hidden or observation.spread_ratio < DIM_RATIO:
            return own, None
        sharp = observation.sharpness_ratio
        blurred = sharp < self.params.sharpness_ratio
        own = replace(own, seen=own.seen or blurred)
        hold = sharp < self.params.clear_ratio or not own.seen
        return own, _sample(now, blurred, hold, f"{_percent(sharp)} of the usual sharpness")


@dataclass(frozen=True, slots=True)
class MovedSense:
    """True while another view than an accepted one is seen."""

    params: MovedParams

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """A sample for each look at a learned view. Acknowledged at the site, the view of now is right, or becomes it."""
        own = memory if isinstance(memory, PictureMemory) else PictureMemory()
        if isinstance(observation, Acknowledged) and observation.at_site:
            accepted = frozenset(sorted({*own.accepted, own.view})[-VIEWS_ACCEPTED_MAX:])
            own = replace(own, seen=True, accepted=accepted, accept_next=True)
            return own, _sample(now, False, False, "the view was accepted at the site")
        if not isinstance(observation, PictureQuality) or not observation.learned:
            return own, None
        own = self._known(own, observation)
        strange = observation.view not in own.accepted
        moved = strange or (not own.accept_next and self._moved(observation))
        own = replace(own, seen=own.seen or moved)
        way = observation.way_ratio
        reason = f"the view lies {_percent(way)} of its width apart" if way else "another view"
        return own, _sample(now, moved, moved or not own.seen, reason)

    def _known(self, own: PictureMemory, quality: PictureQuality) -> PictureMemory:
        """Which view this is; the first new one after an acknowledgement is right, and so ends the waiting for it."""
        fresh = quality.view > own.view
        sound = quality.view in own.accepted and not self._moved(quality)
        if own.accept_next and fresh:
            accepted = frozenset(sorted({*own.accepted, quality.view})[-VIEWS_ACCEPTED_MAX:])
            return replace(own, accepted=accepted, accept_next=False, view=quality.view)
        return replace(own, view=quality.view, accept_next=own.accept_next and not sound)

    def _moved(self, quality: PictureQuality) -> bool:
        limit, covered = self.params, CoveredParams()
        if (
            quality.texture_ratio < covered.texture_ratio
            or quality.spread_ratio < covered.spread_ratio
        ):
            return False
        if quality.apart_ratio >= limit.apart_ratio and quality.match_ratio < SURE_RATIO:
            return True
        return (
            quality.match_ratio < limit.match_ratio
            and quality.settled_s >= limit.settled_s
            and quality.sharpness_ratio >= BlurredParams().sharpness_ratio
            and quality.clipped_ratio <= DAZZLED_RATIO
        )


@dataclass(frozen=True, slots=True)
class FrozenSense:
    """True while a picture with structure does not change at all; dated back to its last change."""

    params: FrozenParams

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """A sample for each look at a learned view. A covered lens may be as black as a still: that is not frozen."""
        if not isinstance(observation, PictureQuality) or not observation.learned:
            return memory, None
        same_s = observation.same_s
        shown = observation.match_ratio >= CoveredParams().match_ratio
        frozen = shown and same_s >= self.params.frozen_s
        since = Moment(now.at - same_s, now.time - timedelta(seconds=same_s)) if frozen else None
        hold = same_s > 0
        return memory, _sample(now, frozen, hold, f"nothing has changed for {same_s:.0f} s", since)


def _sample(now: Moment, on: bool, hold: bool, reason: str, since: Moment | None = None) -> Sample:
    return Sample(now.time, (on,), (hold,), Facts(confidence=18, reason=reason), since)


def _percent(ratio: float) -> str:
    return f"{max(0.0, ratio):.0%}"


def _timing(dwell_s: float, clear_s: float, rearm_s: float) -> Timing:
    return Timing(stages=(Stage(GRADE, dwell_s),), clear_s=clear_s, rearm_s=rearm_s)


def _covered(params: CoveredParams) -> tuple[Timing, Sense]:
    return _timing(params.covered_s, params.clear_s, params.rearm_s), CoveredSense(params)


def _blurred(params: BlurredParams) -> tuple[Timing, Sense]:
    return _timing(params.blurred_s, params.clear_s, params.rearm_s), BlurredSense(params)


def _moved(params: MovedParams) -> tuple[Timing, Sense]:
    return _timing(params.moved_s, params.clear_s, params.rearm_s), MovedSense(params)


def _frozen(params: FrozenParams) -> tuple[Timing, Sense]:
    return _timing(0.0, params.clear_s, params.rearm_s), FrozenSense(params)


def _kind(
    kind: HazardKind, params: type[P], parts: Callable[[P], tuple[Timing, Sense]], meaning: str
) -> RuleKind:
    """A row of the registry."""

    def build(request: Request) -> Rule:
        timing, sense = parts(read_params(params, request.params, request.place))
        return Rule(request.binding, timing, sense)

    cameras = frozenset({DeviceKind.CAMERA})
    return RuleKind(kind.value, kind, cameras, params, build, {GRADE: meaning}, by_sample=True)


KINDS: Final = (
    _kind(HazardKind.CAMERA_COVERED, CoveredParams, _covered, "something hides the place"),
    _kind(HazardKind.CAMERA_BLURRED, BlurredParams, _blurred, "the picture lost its sharpness"),
    _kind(HazardKind.CAMERA_MOVED, MovedParams, _moved, "the camera shows another view"),
    _kind(HazardKind.CAMERA_FROZEN, FrozenParams, _frozen, "the picture stands still"),
)
INTEGRITY_KINDS: Final = tuple(kind.kind for kind in KINDS)
"""What every colour camera is watched for unless it is switched off."""
