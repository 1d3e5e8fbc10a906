"""Signals of a zone, once a second: how many of what move how fast, how much they cover, how long the longest has been there.

This is what rules on places read, what a plug-in would get, and what a rehearsal would keep: no coordinates, no tracks.

Still   a thing is still when its box overlaps the box it had at rest by `still_overlap_ratio`, for at least a second, and its
        foot moves slower than `still_speed_m_s`.
Shared  how a thing moves is the same for all views of a camera with the same marks, and is worked out for the first of them.
Bounds  at most `TRACKS_MAX` tracks a view, each forgotten `FORGET_S` after it was last seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gatehouse_edge.rules.geometry import Box, Point, overlap
from gatehouse_edge.rules.observations import Signal, Speed, ZoneSignals
from gatehouse_edge.rules.sighted import Sight, Sighted
from gatehouse_edge.rules.views import View
from gatehouse_edge.values import TrackId, Tracks
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
    """How one track moves: where it rested, how fast it goes. Spots are on the ground, metres."""

    label: Label
    rest_box: Box
    rest_spot: Point | None
    rest_at: float
    last_box: Box
    last_spot: Point | None
    seen_at: float
    speed_m_s: float = 0.0


Moves = dict[TrackId, tuple[Follow | None, Follow]]
"""How the tracks of one frame moved: what was known of each before, and what is known now."""


@dataclass(frozen=True, slots=True)
class SignalState:
    """What one view remembers: its tracks, and since when those inside are there. Start from `SignalState()`."""

    told_at: float = float("-inf")
    follows: Mapping[TrackId, Follow] = field(default_factory=dict[TrackId, Follow])
    inside: Mapping[TrackId, float] = field(default_factory=dict[TrackId, float])


@dataclass(frozen=True, slots=True)
class SignalWatch:
    """Makes signals of one view out of the tracks of its device."""

    view: View
    stillness: Stillness = Stillness()

    def moves_as(self, other: "SignalWatch") -> bool:
        """Whether tracks move alike in both views, so that one frame's `moves` serve both."""
        mine, theirs = self.stillness, other.stillness
        return (self.view.device, self.view.homography, mine.speed_m_s, mine.overlap_ratio) == (
            other.view.device,
            other.view.homography,
            theirs.speed_m_s,
            theirs.overlap_ratio,
        )

    def step(
        self,
        state: SignalState,
        tracks: Tracks,
        sighted: Sighted | None = None,
        moves: Moves | None = None,
    ) -> tuple[SignalState, ZoneSignals | None]:
        """Take in the tracks of one frame; signals once a second, else None.

        `sighted`: these tracks, where they are worked out already. `moves`: what views that move alike share of this frame.
        """
        sighted = Sighted(tracks) if sighted is None else sighted
        moves = {} if moves is None else moves
        at = tracks.at
        follows = {k: f for k, f in state.follows.items() if 0 <= at - f.seen_at <= FORGET_S}
        inside = {k: since for k, since in state.inside.items() if k in follows}
        for one, held in zip(sighted.each, sighted.inside(self.view), strict=True):
            name = one.track.track_id
            before = follows.get(name)
            if before is None and len(follows) >= TRACKS_MAX:
                continue
            moved = moves.get(name)
            if moved is None or moved[0] is not before:
                moves[name] = moved = before, self._followed(before, one, at, sighted.aspect)
            follows[name] = moved[1]
            if not held or before is None or before.label != one.track.label:
                inside.pop(name, None)
            if held:
                inside.setdefault(name, at)
        if 0 <= at - state.told_at < EVERY_S - 1e-6:
            return SignalState(state.told_at, follows, inside), None
        rows = self._rows(follows, inside, at)
        signals = ZoneSignals(self.view.zone, self.view.device, at, tracks.time, rows)
        return SignalState(at, follows, inside), signals

    def _followed(self, before: Follow | None, one: Sight, at: float, aspect: float) -> Follow:
        box, label, view = one.box, one.track.label, self.view
        spot = None if view.homography is None else view.homography.ground(one.foot)
        if before is None or before.label != label:
            return Follow(label, box, spot, at, box, spot, at)
        passed_s = at - before.seen_at
        speed = before.speed_m_s
        if passed_s > 0:
            way = view.way_between(before.last_box, before.last_spot, box, spot, label, aspect)
            keep = SMOOTHING_S / (SMOOTHING_S + passed_s)
            speed = keep * speed + (1 - keep) * way / passed_s
        rest_box, rest_spot, rest_at = before.rest_box, before.rest_spot, before.rest_at
        if not self._rests(before, box, spot, at, aspect):
            rest_box, rest_spot, rest_at = box, spot, at
        return Follow(label, rest_box, rest_spot, rest_at, box, spot, at, speed)

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

    def _rows(
        self, follows: Mapping[TrackId, Follow], inside: Mapping[TrackId, float], at: float
    ) -> tuple[Signal, ...]:
        rows: dict[tuple[Label, Speed], Signal] = {}
        for name, follow in follows.items():
            since = inside.get(name)
            area_ratio, area_m2 = self.view.covered(follow.last_box)
            small = area_m2 is not None and area_m2 < self.stillness.least_m2
            if (since is None and area_ratio == 0.0) or small:
                continue
            key = (follow.label, self._speed(follow))
            was = rows.get(key, Signal(*key, 0, 0.0, 0.0))
            stay_s = 0.0 if since is None else at - since
            rows[key] = Signal(
                *key,
                was.count + (since is not None),
                min(1.0, was.area_ratio + area_ratio),
                max(was.stay_s, stay_s),
            )
        return tuple(rows[key] for key in sorted(rows))
