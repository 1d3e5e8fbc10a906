"""Line flow: one passage each time a track goes from one side of a line to the other.

Pure: no clock, no I/O. The caller carries the state.

Units   line points in fractions of the frame; inside, positions and the band are in frame heights, so that neither the frame
        rate nor the resolution asks for retuning. Times in seconds of media time.
Inward  from the left of first-to-second point, as seen on screen, to its right.
Band    within `BAND_BODY_RATIO` of a body height (at least `BAND_MIN_RATIO`) of the line a track keeps the side it had: a box
        that trembles on the line stays silent. A passage counts when the far side of the band is reached and the line itself was
        met between its ends; a track counts again only in the other direction.
Bounds  at most `TRACKS_MAX` tracks are remembered, each for `FORGET_S` after it was last seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gatehouse_edge.errors import RuleConfigError, TimeWentBackError
from gatehouse_edge.rules.geometry import Point, cross, crossing_share, distance
from gatehouse_edge.rules.sighted import Sight, Sighted
from gatehouse_edge.values import Passage, Track, TrackId, Tracks

BAND_BODY_RATIO: Final = 0.12
"""Half of the usual quarter: on the labelled clip people turn round within 15 px of a line, and a quarter body missed them."""
BAND_MIN_RATIO: Final = 1 / 60
"""Eight lines of a picture of 480."""
BAND_LINE_RATIO: Final = 0.5
"""The band never exceeds this share of the line's own length."""
MIN_AGE_S: Final = 0.25
"""Three frames at ten a second: younger tracks are not believed."""
FORGET_S: Final = 3.0
TRACKS_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class Side:
    """What is remembered of one track: its settled side (None at first), its last point, and where it last met the line.

    `met` is 0 at the line's first point and 1 at its second; None when it was not met since the side settled.
    """

    right: bool | None
    last: Point
    seen_at: float
    met: float | None = None


@dataclass(frozen=True, slots=True)
class LineState:
    """What one line remembers. Start from `LineState()`."""

    at: float = float("-inf")
    sides: Mapping[TrackId, Side] = field(default_factory=dict[TrackId, Side])


class _Drawn(NamedTuple):
    """The line in frame heights, its length, and when the frame is."""

    a: Point
    b: Point
    length: float
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCounter:
    """Counts passages over the segment from `a` to `b`, points in fractions of the frame.

    >>> from datetime import UTC, datetime
    >>> from gatehouse_shared.names import Label
    >>> noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    >>> def seen(at, y):
    ...     walker = Track(TrackId(7), Label.PERSON, 0.9, (45, y - 20, 55, y), 1.0 + at, 9, True)
    ...     return Tracks("cam_1", at, noon, 100, 100, (walker,))
    >>> door = LineCounter(line="door", device="cam_1", a=(0.1, 0.5), b=(0.9, 0.5))
    >>> state, _ = door.step(LineState(), seen(0.0, 40))
    >>> _, passages = door.step(state, seen(0.5, 60))
    >>> [(p.line, p.inward, p.at) for p in passages]
    [('door', True, 0.5)]
    """

    line: str
    device: str
    a: Point
    b: Point
    band_body_ratio: float = BAND_BODY_RATIO
    band_min_ratio: float = BAND_MIN_RATIO
    min_age_s: float = MIN_AGE_S
    forget_s: float = FORGET_S

    def __post_init__(self) -> None:
        if distance(self.a, self.b) < 2 * self.band_min_ratio:
            raise RuleConfigError(
                "the line is too short to be crossed",
                place=self.line,
                remedy=f"Draw it at least {2 * self.band_min_ratio:.2f} of the frame long",
            )

    def step(
        self, state: LineState, tracks: Tracks, sighted: Sighted | None = None
    ) -> tuple[LineState, tuple[Passage, ...]]:
        """Take in the tracks of one frame; TimeWentBackError when it is older than the one before.

        `sighted`: these tracks, where they are worked out already.
        """
        if tracks.at < state.at:
            raise TimeWentBackError(
                f"frame at {tracks.at:.3f} s after one at {state.at:.3f} s", place=self.line
            )
        sighted = Sighted(tracks) if sighted is None else sighted
        at, aspect = tracks.at, sighted.aspect
        sides = {k: s for k, s in state.sides.items() if at - s.seen_at <= self.forget_s}
        a, b = (self.a[0] * aspect, self.a[1]), (self.b[0] * aspect, self.b[1])
        drawn = _Drawn(a, b, distance(a, b), at)
        passages: list[Passage] = []
        for one in sighted.each:
            track = one.track
            known = sides.get(track.track_id)
            if known is None and len(sides) >= TRACKS_MAX:
                continue
            side, passed = self._moved(known, one, (one.foot[0] * aspect, one.foot[1]), drawn)
            sides[track.track_id] = side
            if passed:
                passages.append(self._passage(track, tracks, inward=bool(side.right)))
        return LineState(at, sides), tuple(passages)

    def _moved(
        self, known: Side | None, one: Sight, here: Point, drawn: _Drawn
    ) -> tuple[Side, bool]:
        """The track's side after this frame, and whether it has passed the line now."""
        a, b, length, at = drawn
        away = cross(a, b, here) / length
        band = max(self.band_body_ratio * (one.box[3] - one.box[1]), self.band_min_ratio)
        settled = abs(away) >= min(band, BAND_LINE_RATIO * length)
        right = away > 0
        if known is None:
            return Side(right if settled else None, here, at), False
        share = crossing_share(a, b, known.last, here)
        met = known.met if share is None else share
        if not settled:
            return Side(known.right, here, at, met), False
        if known.right is None or known.right == right:
            return Side(right, here, at), False
        if one.track.age_s < self.min_age_s:
            return Side(known.right, here, at, met), False
        return Side(right, here, at), met is not None and 0.0 <= met <= 1.0

    def _passage(self, track: Track, tracks: Tracks, *, inward: bool) -> Passage:
        return Passage(
            line=self.line,
            device=self.device,
            label=track.label,
            at=tracks.at,
            time=tracks.time,
            inward=inward,
        )
