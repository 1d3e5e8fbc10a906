"""From a point of the frame to a point of the ground, by marks that a person set. Pure, without numpy.

Units   frame points in fractions of the frame, site points in metres.
Errors  RuleConfigError where the marks lie too nearly in line, or contradict each other by more than `RESIDUAL_MAX_M`.
Source  direct linear transform by least squares with normalised points: Hartley and Zisserman, Multiple View Geometry,
        2nd ed., 4.1 and 4.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.geometry import Point

RESIDUAL_MAX_M = 2.0
"""More than this on average between a mark and where the fit puts it: a typing error, not a wide lens."""

Mark = tuple[Point, Point]
Row = list[float]


@dataclass(frozen=True, slots=True)
class Homography:
    """A plane-to-plane map, row by row, and the mean distance in metres by which it misses its own marks."""

    rows: tuple[tuple[float, float, float], ...]
    residual_m: float

    def ground(self, p: Point) -> Point | None:
        """Metres on the ground; None for a point on or above the horizon."""
        (a, b, c), (d, e, f), (g, h, i) = self.rows
        w = g * p[0] + h * p[1] + i
        if w <= 1e-9:
            return None
        return (a * p[0] + b * p[1] + c) / w, (d * p[0] + e * p[1] + f) / w


def homography(marks: Sequence[Mark], place: str = "") -> Homography:
    """The map that fits four or more marks best.

    >>> square = [((0, 0), (0, 4)), ((1, 0), (4, 4)), ((1, 1), (4, 0)), ((0, 1), (0, 0))]
    >>> tuple(round(v, 6) for v in homography(square).ground((0.5, 0.25)))
    (2.0, 3.0)
    """
    if len(marks) < 4:
        raise RuleConfigError(
            f"{len(marks)} marks cannot give a homography",
            place=place,
            remedy="Mark four or more points",
        )
    frame, frame_centre, frame_scale = _normalised([m[0] for m in marks])
    ground, ground_centre, ground_scale = _normalised([m[1] for m in marks])
    system: list[Row] = []
    for (x, y), (u, v) in zip(frame, ground, strict=True):
        system.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        system.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    solution = _least_squares(system)
    if solution is None:
        raise RuleConfigError(
            "the marks lie too nearly in line",
            place=place,
            remedy="Spread the marks over the ground",
        )
    rows = _restored(solution, frame_centre, frame_scale, ground_centre, ground_scale)
    rows = _oriented(rows, marks)
    residual = _residual_m(Homography(rows, 0.0), marks)
    if residual is None or residual > RESIDUAL_MAX_M:
        raise RuleConfigError(
            "the marks contradict each other"
            + ("" if residual is None else f" by {residual:.1f} m"),
            place=place,
            remedy="Check each mark's frame point and site point",
        )
    return Homography(rows, residual)


def _normalised(points: Sequence[Point]) -> tuple[list[Point], Point, float]:
    """Points about their centre with mean distance sqrt 2, so that the normal equations stay well conditioned."""
    n = len(points)
    cx, cy = sum(p[0] for p in points) / n, sum(p[1] for p in points) / n
    mean = sum(hypot(p[0] - cx, p[1] - cy) for p in points) / n
    scale = sqrt(2) / mean if mean > 0 else 1.0
    return [((p[0] - cx) * scale, (p[1] - cy) * scale) for p in points], (cx, cy), scale


def _least_squares(system: Sequence[Row]) -> Row | None:
    """Normal equations of eight unknowns; the last column is the right-hand side."""
    n = 8
    normal = [[sum(row[i] * row[j] for row in system) for j in range(n + 1)] for i in range(n)]
    return _solved(normal)


def _solved(matrix: list[Row]) -> Row | None:
    """Gauss with partial pivoting; None when singular."""
    n = len(matrix)
    for column in range(n):
        pivot = max(range(column, n), key=lambda r: abs(matrix[r][column]))
        if abs(matrix[pivot][column]) < 1e-10:
            return None
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        for row in range(column + 1, n):
            factor = matrix[row][column] / matrix[column][column]
            for k in range(column, n + 1):
                matrix[row][k] -= factor * matrix[column][k]
    solution = [0.0] * n
    for row in reversed(range(n)):
        known = sum(matrix[row][k] * solution[k] for k in range(row + 1, n))
        solution[row] = (matrix[row][n] - known) / matrix[row][row]
    return solution


def _restored(
    solution: Row,
    frame_centre: Point,
    frame_scale: float,
    ground_centre: Point,
    ground_scale: float,
) -> tuple[tuple[float, float, float], ...]:
    """The map between the points as they were given: T_ground^-1 * H * T_frame."""
    h = [solution[0:3], solution[3:6], [*solution[6:8], 1.0]]
    fx, fy = frame_centre
    shifted = [
        [r[0] * frame_scale, r[1] * frame_scale, r[2] - frame_scale * (r[0] * fx + r[1] * fy)]
        for r in h
    ]
    gx, gy = ground_centre
    top = tuple(shifted[0][k] / ground_scale + gx * shifted[2][k] for k in range(3))
    middle = tuple(shifted[1][k] / ground_scale + gy * shifted[2][k] for k in range(3))
    bottom = tuple(shifted[2])
    return (
        (top[0], top[1], top[2]),
        (middle[0], middle[1], middle[2]),
        (bottom[0], bottom[1], bottom[2]),
    )


def _oriented(
    rows: tuple[tuple[float, float, float], ...], marks: Sequence[Mark]
) -> tuple[tuple[float, float, float], ...]:
    """Sign chosen so that the marks lie on this side of the horizon."""
    g, h, i = rows[2]
    if sum(g * x + h * y + i for (x, y), _ in marks) >= 0:
        return rows
    return tuple((-a, -b, -c) for a, b, c in rows)


def _residual_m(fit: Homography, marks: Sequence[Mark]) -> float | None:
    total = 0.0
    for frame, (x, y) in marks:
        at = fit.ground(frame)
        if at is None:
            return None
        total += hypot(at[0] - x, at[1] - y)
    return total / len(marks)
