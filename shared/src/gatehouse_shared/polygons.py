"""Just enough geometry to check a site file: area, simplicity, bounding box. Pure.

Source  orientation tests: O'Rourke, Computational Geometry in C, 2nd ed., chapter 1.
"""

from collections.abc import Sequence

Point = tuple[float, float]
Polygon = Sequence[Point]


def area_m2(polygon: Polygon) -> float:
    """Area in the square of the corners' unit, whatever the winding.

    >>> area_m2([(0, 0), (4, 0), (4, 3), (0, 3)])
    12.0
    """
    pairs = zip(polygon, [*polygon[1:], polygon[0]], strict=True)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)) / 2.0


def bounds(polygon: Polygon) -> tuple[float, float, float, float]:
    """(least x, least y, greatest x, greatest y)."""
    xs, ys = [p[0] for p in polygon], [p[1] for p in polygon]
    return min(xs), min(ys), max(xs), max(ys)


def contains(polygon: Polygon, point: Point) -> bool:
    """Whether `point` lies inside; the border belongs to one side only, so that tiles do not overlap."""
    x, y = point
    inside = False
    ax, ay = polygon[-1]
    for bx, by in polygon:
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
        ax, ay = bx, by
    return inside


def centroid(polygon: Polygon) -> Point:
    """Centre of the area; the mean of the corners when there is none."""
    doubled = cx = cy = 0.0
    for (ax, ay), (bx, by) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        turn = ax * by - bx * ay
        doubled += turn
        cx += (ax + bx) * turn
        cy += (ay + by) * turn
    if doubled == 0:
        return sum(p[0] for p in polygon) / len(polygon), sum(p[1] for p in polygon) / len(polygon)
    return cx / (3 * doubled), cy / (3 * doubled)


def crossing_edges(polygon: Polygon) -> tuple[int, int] | None:
    """The first two edges that cross or touch without being neighbours; None for a simple polygon.

    >>> crossing_edges([(0, 0), (2, 2), (2, 0), (0, 2)])
    (0, 2)
    """
    n = len(polygon)
    for i in range(n):
        for j in range(i + 1, n):
            if j == i + 1 or (i == 0 and j == n - 1):
                continue
            if _meet(polygon[i], polygon[(i + 1) % n], polygon[j], polygon[(j + 1) % n]):
                return i, j
    return None


def _side(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def _between(a: Point, b: Point, p: Point) -> bool:
    return min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    s1, s2, s3, s4 = _side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)
    if ((s1 > 0) != (s2 > 0)) and ((s3 > 0) != (s4 > 0)) and 0 not in (s1, s2, s3, s4):
        return True
    touches = ((s1, a, b, c), (s2, a, b, d), (s3, c, d, a), (s4, c, d, b))
    return any(s == 0 and _between(p, q, r) for s, p, q, r in touches)
