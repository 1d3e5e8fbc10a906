"""What a camera's marks are worth: how far each lies off, and how large a metre and a person are near and far. Pure.

Scale    pixels of the camera's own picture a metre of ground across the picture, at a point.
Person   1.7 m tall, as the picture shows metres across: right for cameras that look along, too tall where one looks down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import Final

from gatehouse_edge.rules.geometry import Point
from gatehouse_edge.rules.homography import Homography, Mark
from gatehouse_edge.rules.views import USUAL_HEIGHT_M
from gatehouse_shared.names import Label
from gatehouse_shared.polygons import contains

SMALL_PX: Final = 32
"""Models find people that are smaller in their input only sometimes."""
_STEPS: Final = 24
_STEP: Final = 0.005


@dataclass(frozen=True, slots=True)
class Scale:
    """Of one point: `place` in fractions of the frame, `px_per_m`, and how tall a person stands there, pixels."""

    place: Point
    px_per_m: float
    person_px: float


@dataclass(frozen=True, slots=True)
class Ground:
    """A view in metres: where it is largest and smallest, and which share of it shows people too small for the model."""

    near: Scale
    far: Scale
    small_ratio: float


def mark_residuals_m(fit: Homography, marks: Sequence[Mark]) -> tuple[float | None, ...]:
    """How far each mark lies from where the fit puts it, metres; None beyond the horizon.

    >>> from gatehouse_edge.rules.homography import homography
    >>> square = [((0, 0), (0, 4)), ((1, 0), (4, 4)), ((1, 1), (4, 0)), ((0, 1), (0, 0))]
    >>> [round(r, 3) for r in mark_residuals_m(homography(square), square)]
    [0.0, 0.0, 0.0, 0.0]
    """
    found = [(fit.ground(frame), site) for frame, site in marks]
    return tuple(
        None if at is None else hypot(at[0] - site[0], at[1] - site[1]) for at, site in found
    )


def ground_of(
    fit: Homography, polygon: Sequence[Point], *, width_px: int, model_ratio: float
) -> Ground | None:
    """Scales over a polygon of the frame. `model_ratio`: the model's input over the camera's picture. None without a point."""
    scales = [
        scale
        for row in range(_STEPS)
        for column in range(_STEPS)
        if contains(polygon, place := ((column + 0.5) / _STEPS, (row + 0.5) / _STEPS))
        and (scale := scale_at(fit, place, width_px)) is not None
    ]
    if not scales:
        return None
    small = sum(s.person_px * model_ratio < SMALL_PX for s in scales)
    near, far = max(scales, key=_size), min(scales, key=_size)
    return Ground(near, far, small / len(scales))


def scale_at(fit: Homography, place: Point, width_px: int) -> Scale | None:
    """Scale at a point of the frame; None on or above the horizon."""
    left, right = fit.ground((place[0] - _STEP, place[1])), fit.ground((place[0] + _STEP, place[1]))
    if left is None or right is None:
        return None
    metres = hypot(right[0] - left[0], right[1] - left[1])
    if metres <= 0:
        return None
    px_per_m = 2 * _STEP * width_px / metres
    return Scale(place, px_per_m, px_per_m * USUAL_HEIGHT_M[Label.PERSON])


def _size(scale: Scale) -> float:
    return scale.px_per_m
