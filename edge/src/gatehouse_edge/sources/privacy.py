"""Privacy zones: parts of a picture that nobody here ever sees, neither model nor rule. What may be written; pure.

A zone is a polygon in fractions of the picture, (0, 0) its upper left corner, so that it holds for every size the camera may
send. `masking` overwrites them in each frame before anybody gets it.
Bounds  ZONES_MAX zones of at most CORNERS_MAX corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta

from gatehouse_edge.errors import ConfigError
from gatehouse_shared.polygons import area_m2, crossing_edges

ZONES_MAX: Final = 16
CORNERS_MAX: Final = 64
REMEDY: Final = (
    "Give the corners in order round the zone, as fractions of width and height from 0 to 1"
)

Fraction = Annotated[float, Meta(ge=0, le=1)]
PrivacyZone = Annotated[
    tuple[tuple[Fraction, Fraction], ...], Meta(min_length=3, max_length=CORNERS_MAX)
]
PrivacyZones = Annotated[tuple[PrivacyZone, ...], Meta(max_length=ZONES_MAX)]


def check_privacy(zones: Sequence[PrivacyZone], place: str) -> None:
    """Refuses zones whose inside is not plain. ConfigError names the zone and its edges, counted from 1.

    A zone that crosses itself would leave a part open that its author thinks hidden.
    """
    if len(zones) > ZONES_MAX:
        raise ConfigError(
            f"{len(zones)} zones, at most {ZONES_MAX}", place=place, remedy="Join some of them"
        )
    for number, zone in enumerate(zones):
        where = f"{place}[{number}]"
        if zone[0] == zone[-1]:
            raise ConfigError(
                "the first corner is repeated at the end",
                place=where,
                remedy="Leave the repeated corner out; the zone closes by itself",
            )
        crossing = crossing_edges(zone)
        if crossing is not None:
            a, b = crossing
            raise ConfigError(f"edge {a + 1} crosses edge {b + 1}", place=where, remedy=REMEDY)
        if area_m2(zone) == 0:
            raise ConfigError("it encloses nothing", place=where, remedy=REMEDY)
