"""Signals of a zone, once a second: how many of what move how fast, how much they cover, how long the longest has been there.

This is what rules on places read, what a plug-in would get, and what a rehearsal would keep: no coordinates, no tracks.

Still   a thing is still when its box overlaps the box it had at rest by `still_overlap_ratio`, for at least a second, and its
        foot moves slower than `still_speed_m_s`.
Bounds  at most `TRACKS_MAX` tracks a view, each forgotten `FORGET_S` after it was last seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gatehouse_edge.rules.geometry import Box, Point, foot, overlap
from gatehouse_edge.rules.observations import Signal, Speed, ZoneSignals
from gatehouse_edge.rules.views import View, in_frame
from gatehouse_edge.values import Track, TrackId, Tracks
from gatehouse_shared.names import Label

TRACKS_MAX: Final = 256
FORGET_S: Final = 3.0
EVERY_S: Final = 1.0
SETTLE_S: Final = 1.0
"""Shorter than this nothing counts as still."""
SPEED_LIMITS_M_S: Final = (0.1, 0.67, 2.5)
"""Upper limits of still, slow and walking; 0.67 is half of Weidmann's free speed of 1.34 m/s."""
SMOOTHING_S: Final = 0.7
"""Time constant of a track's speed, so that a trembling box is no motion."""


@dataclass(frozen=True, slots=True)
class Stillness:
    """When a thing stands still, and how small it may be to matter."""

    speed_m_s: float = 0.1
    overlap_ratio: float = 0.8
    least_m2: float = 0.0


@dataclass(frozen=True, slots=True)
class Follow:
    """One track in one view: since when it is inside, where it rested, how fast it goes. Spots are on the ground, metres."""

    label: Label
    inside_at: float | None
    rest_box: Box
    rest_spot: Point | None
    rest_at: float
    last_box: Box
    last_spot: Point | None
    seen_at: float
    speed_m_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SignalState:
    """What one view remembers. Start from `SignalState()`."""

    told_at: float = float("-inf")
    follows: Mapping[TrackId, Follow] = field(default_factory=dict[TrackId, Follow])


@dataclass(frozen=True, slots=True)
class SignalWatch:
    """Makes signals of one view out of the tracks of its device."""

    view: View
    stillness: Stillness = Stillness()

    def step(self, state: SignalState, tracks: Tracks) -> tuple[SignalState, ZoneSignals | None]:
        """Take in the tracks of one frame; signals once a second, else None."""
        follows = {k: f for k, f in state.follows.items() if 0 <= tracks.at - f.seen_at <= FORGET_S}
        for track in tracks.tracks:
            if track.seen and (track.track_id in follows or len(follows) < TRACKS_MAX):
                before = follows.get(track.track_id)
                follows[track.track_id] = self._followed(before, track, tracks)
        if 0 <= tracks.at - state.told_at < EVERY_S - 1e-6:
            return SignalState(state.told_at, follows), None
        rows = self._rows(follows, tracks.at)
        signals = ZoneSignals(self.view.zone, self.view.device, tracks.at, tracks.time, rows)
        return SignalState(tracks.at, follows), signals

    def _followed(self, before: Follow | None, track: Track, tracks: Tracks) -> Follow:
        box, at, view = in_frame(tracks, track), tracks.at, self.view
        inside, spot = view.holds(foot(box)), view.spot(box)
        if before is None or before.label != track.label:
            return Follow(track.label, at if inside else None, box, spot, at, box, spot, at)
        inside_at = (at if before.inside_at is None else before.inside_at) if inside else None
        passed_s, aspect = at - before.seen_at, tracks.width / tracks.height
        speed = before.speed_m_s
        if passed_s > 0:
            way = view.way_between(
                before.last_box, before.last_spot, box, spot, track.label, aspect
            )
            keep = SMOOTHING_S / (SMOOTHING_S + passed_s)
            speed = keep * speed + (1 - keep) * way / passed_s
        rest_box, rest_spot, rest_at = before.rest_box, before.rest_spot, before.rest_at
        if not self._rests(before, box, spot, at, aspect):
            rest_box, rest_spot, rest_at = box, spot, at
        return Follow(track.label, inside_at, rest_box, rest_spot, rest_at, box, spot, at, speed)

    def _rests(
        self, before: Follow, box: Box, spot: Point | None, at: float, aspect: float
    ) -> bool:
        """Whether the box stays on its place of rest."""
        if overlap(before.rest_box, box) < self.stillness.overlap_ratio:
            return False
        drift_m = self.view.way_between(
            before.rest_box, before.rest_spot, box, spot, before.label, aspect
        )
        return drift_m <= self.stillness.speed_m_s * max(at - before.rest_at, SETTLE_S)

    def _speed(self, follow: Follow) -> Speed:
        if follow.seen_at - follow.rest_at >= SETTLE_S:
            return Speed.STILL
        _, slow, walking = SPEED_LIMITS_M_S
        if follow.speed_m_s <= slow:
            return Speed.SLOW
        return Speed.WALKING if follow.speed_m_s <= walking else Speed.FAST

    def _rows(self, follows: Mapping[TrackId, Follow], at: float) -> tuple[Signal, ...]:
        rows: dict[tuple[Label, Speed], Signal] = {}
        for follow in follows.values():
            area_ratio, area_m2 = self.view.covered(follow.last_box)
            small = area_m2 is not None and area_m2 < self.stillness.least_m2
            if (follow.inside_at is None and area_ratio == 0.0) or small:
                continue
            key = (follow.label, self._speed(follow))
            was = rows.get(key, Signal(*key, 0, 0.0, 0.0))
            stay_s = 0.0 if follow.inside_at is None else at - follow.inside_at
            rows[key] = Signal(
                *key,
                was.count + (follow.inside_at is not None),
                min(1.0, was.area_ratio + area_ratio),
                max(was.stay_s, stay_s),
            )
        return tuple(rows[key] for key in sorted(rows))
