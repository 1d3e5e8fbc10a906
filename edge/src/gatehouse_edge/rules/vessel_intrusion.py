"""Vessel intrusion: a boat moves where none should be, while armed.

On      a boat in the zone is `least_length_m` long, sails at a boat's speed, has gone `least_path_lengths` of its own length,
        and not to and fro like what the waves move. Raise after `dwell_s`; after `fast_dwell_s` when it comes in fast; at
        once when it passed a line of this device inward.
Clear   no boat in the zone for `clear_s`; grade 3. What is moored sails nowhere and is never raised.
Needs   marks on the water's plane: piers, buoys, corners of the bank.
Bounds  as ways.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.geometry import Box, distance
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request, needs_marks
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.rules.views import View, in_frame
from gatehouse_edge.rules.ways import Way, walked
from gatehouse_edge.values import Passage, Track, TrackId, Tracks
from gatehouse_shared.names import DeviceKind, HazardKind, Label
from gatehouse_shared.polygons import centroid

RAISES_PER_HOUR: Final = 6
GRADE: Final = 3


class VesselParams(Params, frozen=True, kw_only=True):
    """What counts as a boat under way, and for how long."""

    least_length_m: Annotated[
        float, limits("m", 0.5, 50, GENERAL, "shorter is a bird, a float or a wave")
    ] = 2.0
    least_speed_m_s: Annotated[float, limits("m/s", 0.05, 5, GENERAL, "slower is drifting")] = 0.3
    greatest_speed_m_s: Annotated[
        float, limits("m/s", 3, 40, GENERAL, "faster is another thing, not a boat")
    ] = 15.0
    least_path_lengths: Annotated[
        float, limits("lengths", 0, 20, GENERAL, "way to go, in its own lengths")
    ] = 2.0
    least_net_ratio: Annotated[
        float, limits("", 0, 1, OURS, "displacement over path; less is swaying at a mooring")
    ] = 0.3
    dwell_s: Annotated[float, limits("s", 0, 300, GENERAL, "time inside before it is raised")] = (
        20.0
    )
    fast_m_s: Annotated[
        float,
        limits("m/s", 0.5, 15, GENERAL, "faster than this toward the middle is coming in fast"),
    ] = 3.0
    fast_dwell_s: Annotated[
        float, limits("s", 0, 120, GENERAL, "time inside before one that comes in fast is raised")
    ] = 5.0
    clear_s: Annotated[float, limits("s", 1, 600, GENERAL, "no boat inside before it ends")] = 60.0
    rearm_s: Annotated[
        float, limits("s", 0, 3600, GENERAL, "pause before it may be raised again")
    ] = 300.0
    least_score: Annotated[float, limits("", 0, 1, OURS, "score below which a boat is ignored")] = (
        0.3
    )


@dataclass(frozen=True, slots=True)
class VesselMemory(Memory):
    """Boats inside: their ways, the greatest length each showed, and whether one passed a line since the last frame."""

    ways: dict[TrackId, Way] = field(default_factory=dict[TrackId, Way])
    lengths: dict[TrackId, float] = field(default_factory=dict[TrackId, float])
    passed: bool = False


@dataclass(frozen=True, slots=True)
class VesselSense:
    """Looks for boats in the view; three stages: inside for a while, coming in fast, and over a line."""

    view: View
    params: VesselParams
    lines: frozenset[str] = frozenset()

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Tracks give samples; passages are kept until the next frame."""
        own = memory if isinstance(memory, VesselMemory) else VesselMemory()
        if isinstance(observation, Passage):
            counts = observation.inward and observation.label == Label.BOAT
            passed = own.passed or (counts and observation.line in self.lines)
            return VesselMemory(own.ways, own.lengths, passed), None
        if not isinstance(observation, Tracks):
            return own, None
        ways = walked(own.ways, self.view, observation, now, self._wanted)
        lengths = self._lengths(own.lengths, ways, observation)
        sample = self._sample(ways, lengths, observation, passed=own.passed)
        return VesselMemory(ways, lengths), sample

    def _wanted(self, track: Track) -> bool:
        return track.label == Label.BOAT and track.score >= self.params.least_score

    def _lengths(
        self, before: dict[TrackId, float], ways: dict[TrackId, Way], tracks: Tracks
    ) -> dict[TrackId, float]:
        """A boat that comes head-on shows its beam: its length is the greatest it has shown."""
        shown = {
            t.track_id: self._length_m(in_frame(tracks, t))
            for t in tracks.tracks
            if t.seen and t.track_id in ways
        }
        return {k: max(before.get(k, 0.0), shown.get(k, 0.0)) for k in ways}

    def _length_m(self, box: Box) -> float:
        assert self.view.homography is not None
        left = self.view.homography.ground((box[0], box[3]))
        right = self.view.homography.ground((box[2], box[3]))
        return 0.0 if left is None or right is None else distance(left, right)

    def _sails(self, way: Way, length_m: float) -> bool:
        p = self.params
        return (
            length_m >= p.least_length_m
            and p.least_speed_m_s <= way.speed_m_s <= p.greatest_speed_m_s
            and way.path_m >= p.least_path_lengths * length_m
            and way.net_m >= p.least_net_ratio * way.path_m
        )

    def _comes_in_fast(self, way: Way) -> bool:
        assert self.view.homography is not None
        middle = self.view.homography.ground(centroid(self.view.polygon))
        if middle is None or way.speed_m_s <= self.params.fast_m_s:
            return False
        to_middle = middle[0] - way.here[0], middle[1] - way.here[1]
        return way.velocity[0] * to_middle[0] + way.velocity[1] * to_middle[1] > 0

    def _sample(
        self,
        ways: dict[TrackId, Way],
        lengths: dict[TrackId, float],
        tracks: Tracks,
        *,
        passed: bool,
    ) -> Sample:
        inside = [w for w in ways.values() if w.seen_at == tracks.at]
        sailing = [w for k, w in ways.items() if w in inside and self._sails(w, lengths[k])]
        fast = any(self._comes_in_fast(w) for w in sailing)
        facts = Facts(
            confidence=round(20 * _best(sailing or inside)),
            reason="a boat passed a line into the zone" if passed else "a boat sails in the zone",
        )
        since = min((w.since for w in sailing), key=lambda m: m.at, default=None)
        on, hold = (
            (bool(sailing), fast, passed),
            (bool(inside), bool(inside), bool(inside) or passed),
        )
        return Sample(tracks.time, on, hold, facts, since)


def _best(ways: Iterable[Way]) -> float:
    return max((w.score for w in ways), default=0.8)


def build(request: Request) -> Rule:
    """A vessel rule. RuleConfigError without marks, or when what comes in fast would wait longer."""
    p = read_params(VesselParams, request.params, request.place)
    view = needs_marks(request)
    if p.fast_dwell_s > p.dwell_s:
        raise RuleConfigError(
            "a fast boat would wait longer than a slow one",
            place=request.place,
            remedy="Give fast_dwell_s <= dwell_s",
        )
    timing = Timing(
        stages=(Stage(GRADE, p.dwell_s), Stage(GRADE, p.fast_dwell_s), Stage(GRADE)),
        clear_s=p.clear_s,
        rearm_s=p.rearm_s,
        silence_s=2.0,
        raises_per_hour=RAISES_PER_HOUR,
    )
    return Rule(request.binding, timing, VesselSense(view, p, request.inward_lines), request.arming)


KINDS: Final = (
    RuleKind(
        "vessel_intrusion",
        HazardKind.VESSEL_INTRUSION,
        frozenset({DeviceKind.CAMERA}),
        VesselParams,
        build,
        {3: "a boat is where none should be"},
        by_sample=True,
    ),
)
