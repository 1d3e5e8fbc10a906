"""Where a device sees a zone: what stands in it, how tall it is, how far it goes. Pure.

Units   the polygon in fractions of the frame; sizes and ways in metres. With marks, by the view's homography; without, by the
        usual height of a label, which is rough (a fifth either way) and never used to refuse a size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.geometry import Box, Point, clipped, foot
from gatehouse_edge.rules.homography import Homography
from gatehouse_edge.values import Track, Tracks
from gatehouse_shared.names import Label
from gatehouse_shared.polygons import area_m2, contains

USUAL_HEIGHT_M: Final = {
    Label.PERSON: 1.7,
    Label.BICYCLE: 1.5,
    Label.MOTORCYCLE: 1.5,
    Label.CAR: 1.5,
    Label.BUS: 3.0,
    Label.TRUCK: 3.0,
    Label.BOAT: 2.0,
    Label.ANIMAL: 0.6,
    Label.OBJECT: 0.6,
    Label.FLAME: 0.5,
    Label.SMOKE: 2.0,
}
"""Ours: the scale of a picture without marks."""


@dataclass(frozen=True, slots=True)
class View:
    """A zone in the picture of a device. `zone_area_m2` is the whole zone's; None where no zone stands behind the view.

    `rest_areas`: parts of the frame where people lie down as they please.
    """

    device: str
    zone: str
    polygon: tuple[Point, ...]
    homography: Homography | None = None
    zone_area_m2: float | None = None
    rest_areas: tuple[tuple[Point, ...], ...] = ()

    def holds(self, p: Point) -> bool:
        """Whether a frame point lies in the zone."""
        return contains(self.polygon, p)

    @property
    def area_m2(self) -> float | None:
        """Ground that the view covers: of its polygon by the homography, else the whole zone. None when neither is known."""
        seen = self.ground_area_m2(self.polygon)
        return self.zone_area_m2 if seen is None else seen

    def ground_area_m2(self, polygon: Sequence[Point]) -> float | None:
        """Area on the ground of a polygon of the frame; None without a homography or across the horizon."""
        if self.homography is None:
            return None
        ground = [self.homography.ground(p) for p in polygon]
        known = [p for p in ground if p is not None]
        return area_m2(known) if len(known) == len(ground) and len(known) > 2 else None

    def covered(self, box: Box) -> tuple[float, float | None]:
        """Share of the zone (0-1) that a box covers in the picture or, with marks, on the ground; and the area in metres."""
        part = clipped(self.polygon, box)
        if len(part) < 3:
            return 0.0, None
        part_m2, whole_m2 = self.ground_area_m2(part), self.ground_area_m2(self.polygon)
        if part_m2 is not None and whole_m2:
            return min(1.0, part_m2 / whole_m2), part_m2
        return min(1.0, area_m2(part) / area_m2(self.polygon)), None

    def height_m(self, box: Box, aspect: float) -> float | None:
        """How tall what stands at the box's foot is, by the ground's scale across the picture there. None without marks.

        `aspect`: width of the frame over its height. A camera that looks down steeply sees people shorter than they are.
        """
        if self.homography is None:
            return None
        x, y = foot(box)
        half = (box[2] - box[0]) / 2.0
        left, right = self.homography.ground((x - half, y)), self.homography.ground((x + half, y))
        if left is None or right is None or half <= 0:
            return None
        metres_per_width = hypot(right[0] - left[0], right[1] - left[1]) / (2.0 * half)
        return (box[3] - box[1]) * metres_per_width / aspect

    def way_m(self, before: Box, after: Box, label: Label, aspect: float) -> float:
        """How far the foot went between two boxes, in metres; without marks by the usual height of the label."""
        return self.way_between(before, self.spot(before), after, self.spot(after), label, aspect)

    def spot(self, box: Box) -> Point | None:
        """Where a box's foot stands on the ground, metres. None without marks, or above their horizon."""
        return None if self.homography is None else self.homography.ground(foot(box))

    def way_between(
        self,
        before: Box,
        before_spot: Point | None,
        after: Box,
        after_spot: Point | None,
        label: Label,
        aspect: float,
    ) -> float:
        """As `way_m`, for who knows the spots of both boxes already: finding them is half the cost of a zone's signals."""
        if before_spot is not None and after_spot is not None:
            return hypot(after_spot[0] - before_spot[0], after_spot[1] - before_spot[1])
        tall = max(before[3] - before[1], after[3] - after[1])
        if tall <= 0:
            return 0.0
        a, b = foot(before), foot(after)
        return hypot((b[0] - a[0]) * aspect, b[1] - a[1]) / tall * USUAL_HEIGHT_M[label]


def in_frame(tracks: Tracks, track: Track) -> Box:
    """The box in fractions of the frame."""
    x1, y1, x2, y2 = track.xyxy
    return x1 / tracks.width, y1 / tracks.height, x2 / tracks.width, y2 / tracks.height


def check_view(view: View, place: str) -> None:
    """RuleConfigError when marks put a part of the zone beyond the horizon."""
    if view.homography is None:
        return
    for corner in view.polygon:
        if view.homography.ground(corner) is None:
            raise RuleConfigError(
                f"corner {corner} lies above the horizon of the marks",
                place=place,
                remedy="Check the marks, or draw the zone lower in the picture",
            )
