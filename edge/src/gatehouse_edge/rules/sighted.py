"""The tracks seen in one frame, in fractions of it: worked out once for all the lines and zones of a camera. Pure.

Life    made for one frame and gone with it; what is kept in it is worked out from that frame alone.
"""

from dataclasses import dataclass

from gatehouse_edge.rules.geometry import Box, Point, foot
from gatehouse_edge.rules.views import View, in_frame
from gatehouse_edge.values import Track, Tracks


@dataclass(frozen=True, slots=True)
class Sight:
    """One track that was seen: its box in fractions of the frame, and the middle of its lower edge."""

    track: Track
    box: Box
    foot: Point


class Sighted:
    """The seen tracks of one frame. For one thread."""

    def __init__(self, tracks: Tracks) -> None:
        self.aspect = tracks.width / tracks.height
        boxes = [(track, in_frame(tracks, track)) for track in tracks.tracks if track.seen]
        self.each = tuple(Sight(track, box, foot(box)) for track, box in boxes)
        self._inside: dict[int, tuple[View, tuple[bool, ...]]] = {}

    def inside(self, view: View) -> tuple[bool, ...]:
        """Whether each of them stands in the view's zone, in their order."""
        known = self._inside.get(id(view))
        if known is None:
            known = view, tuple(view.holds(one.foot) for one in self.each)
            self._inside[id(view)] = known
        return known[1]
