"""Ways of tracks over the ground of one view: how fast, which way, how far. In metres, so the view needs marks. Pure.

A velocity is taken over `BASE_S`, and a path is the sum of such steps: a box that trembles goes nowhere.
Bounds  at most `WAYS_MAX` tracks a view, each forgotten `FORGET_S` after it was last seen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import hypot
from typing import Final

from gatehouse_edge.rules.geometry import Point, foot
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.views import View, in_frame
from gatehouse_edge.values import Track, TrackId, Tracks

WAYS_MAX: Final = 256
FORGET_S: Final = 2.0
BASE_S: Final = 1.0
"""Between two looks at where a track is; shorter ones would measure how its box trembles."""


@dataclass(frozen=True, slots=True)
class Way:
    """One track inside the zone: since when, from where, how far, and how fast it went at the last look."""

    since: Moment
    first: Point
    here: Point
    here_at: float
    seen_at: float
    score: float
    velocity: Point = (0.0, 0.0)
    path_m: float = 0.0

    @property
    def speed_m_s(self) -> float:
        """Speed at the last look; 0 before the second."""
        return hypot(*self.velocity)

    @property
    def net_m(self) -> float:
        """How far it is from where it was first seen."""
        return hypot(self.here[0] - self.first[0], self.here[1] - self.first[1])


Ways = Mapping[TrackId, Way]


def walked(
    ways: Ways, view: View, tracks: Tracks, now: Moment, wanted: Callable[[Track], bool]
) -> dict[TrackId, Way]:
    """The ways after one frame, of the tracks that are `wanted`, seen and inside the view."""
    after = {k: w for k, w in ways.items() if 0 <= tracks.at - w.seen_at <= FORGET_S}
    for track in tracks.tracks:
        if not track.seen or not wanted(track):
            continue
        at_foot = foot(in_frame(tracks, track))
        ground = None if view.homography is None else view.homography.ground(at_foot)
        if ground is None or not view.holds(at_foot):
            after.pop(track.track_id, None)
        elif track.track_id in after or len(after) < WAYS_MAX:
            after[track.track_id] = _stepped(after.get(track.track_id), ground, track, tracks, now)
    return after


def _stepped(before: Way | None, ground: Point, track: Track, tracks: Tracks, now: Moment) -> Way:
    if before is None:
        since = Moment(now.at, tracks.time)
        return Way(since, ground, ground, tracks.at, tracks.at, track.score)
    passed_s = tracks.at - before.here_at
    seen = replace(before, seen_at=tracks.at, score=track.score)
    if passed_s < BASE_S - 1e-6:
        return seen
    x, y = ground[0] - before.here[0], ground[1] - before.here[1]
    return replace(
        seen,
        here=ground,
        here_at=tracks.at,
        velocity=(x / passed_s, y / passed_s),
        path_m=before.path_m + hypot(x, y),
    )
