"""Plane geometry that rules need: sides, meetings, clipping, overlap. Pure, without numpy.

Shapes  points are `(x, y)`, boxes `(x1, y1, x2, y2)`; any unit, as long as it is one. With y down, as in a picture, the
        positive side of `a -> b` is its right.
Source  O'Rourke, Computational Geometry in C, 2nd ed., ch. 1; clipping: Sutherland and Hodgman 1974.
"""

from collections.abc import Sequence
from math import hypot

Point = tuple[float, float]
Box = tuple[float, float, float, float]


def cross(a: Point, b: Point, p: Point) -> float:
    """Twice the signed area of the triangle a, b, p; positive on the right of `a -> b` when y points down."""
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def distance(a: Point, b: Point) -> float:
    """Length of `a -> b`."""
    return hypot(b[0] - a[0], b[1] - a[1])


def offset(a: Point, b: Point, p: Point) -> float:
    """Signed distance of `p` from the straight through `a` and `b`."""
    return cross(a, b, p) / distance(a, b)


def crossing_share(a: Point, b: Point, p: Point, q: Point) -> float | None:
    """Where the straight through `a`, `b` is met on the way from `p` to `q`: 0 at `a`, 1 at `b`, outside either end beyond.

    None when both lie on the same side. A point on the straight itself meets it there.

    >>> crossing_share((0, 0), (4, 0), (1, -1), (1, 1))
    0.25
    >>> crossing_share((0, 0), (4, 0), (1, 1), (2, 1)) is None
    True
    """
    before, after = cross(a, b, p), cross(a, b, q)
    if before * after > 0 or before == after:
        return None
    way = 1.0 if after == 0 else before / (before - after)
    x, y = p[0] + way * (q[0] - p[0]), p[1] + way * (q[1] - p[1])
    length = distance(a, b)
    return ((x - a[0]) * (b[0] - a[0]) + (y - a[1]) * (b[1] - a[1])) / (length * length)


def foot(box: Box) -> Point:
    """Bottom centre of a box: where what it shows stands."""
    return (box[0] + box[2]) / 2.0, box[3]


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def clipped(polygon: Sequence[Point], box: Box) -> tuple[Point, ...]:
    """The part of `polygon` inside `box`; empty when there is none.

    >>> clipped(((0, 0), (4, 0), (4, 4), (0, 4)), (2, 2, 9, 9))
    ((2.0, 2.0), (4.0, 2.0), (4, 4), (2.0, 4.0))
    """
    part = tuple(polygon)
    for axis, limit, keep_above in (
        (0, box[0], True),
        (0, box[2], False),
        (1, box[1], True),
        (1, box[3], False),
    ):
        part = _cut(part, axis, limit, keep_above=keep_above)
    return part


def _cut(
    polygon: tuple[Point, ...], axis: int, limit: float, *, keep_above: bool
) -> tuple[Point, ...]:
    kept: list[Point] = []
    for i, p in enumerate(polygon):
        before = polygon[i - 1]
        inside = p[axis] >= limit if keep_above else p[axis] <= limit
        was_inside = before[axis] >= limit if keep_above else before[axis] <= limit
        if inside != was_inside:
            way = (limit - before[axis]) / (p[axis] - before[axis])
            kept.append(
                (before[0] + way * (p[0] - before[0]), before[1] + way * (p[1] - before[1]))
            )
        if inside:
            kept.append(p)
    return tuple(kept)
