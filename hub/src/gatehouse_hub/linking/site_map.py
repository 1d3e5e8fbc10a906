"""How near two zones of a site are: hops on the walking graph, and metres on the plan."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gatehouse_shared.polygons import centroid, contains
from gatehouse_shared.site import Site

HOPS_FAR: Final = 99
"""Hops between zones that no walk joins, and of zones the site file does not know."""

STOREY_M: Final = 30.0
"""What one storey counts for in metres: as far as the other end of a hall, so that floors do not run together."""


@dataclass(frozen=True, slots=True)
class SiteMap:
    """Hops between all pairs of zones, and where zones and devices are. Bounded by the site file (256 zones)."""

    site: str
    hops: Mapping[tuple[str, str], int]
    centres: Mapping[str, tuple[float, float, int]]
    devices: Mapping[tuple[str, str], tuple[float, float, int]]

    def hops_between(self, a: str, b: str) -> int:
        """Steps from zone to zone; 0 within one, HOPS_FAR where there is no way."""
        return 0 if a == b else self.hops.get((a, b), HOPS_FAR)

    def stand_in(self, zone: str, device: str) -> tuple[float, float, int]:
        """(x_m, y_m, level) for a row that names no place."""
        unknown = (0.0, 0.0, 0)
        return self.devices.get((zone, device)) or self.centres.get(zone, unknown)


def metres_between(a: tuple[float, float, int], b: tuple[float, float, int]) -> float:
    """Distance on the plan, storeys included."""
    return math.dist((a[0], a[1], a[2] * STOREY_M), (b[0], b[1], b[2] * STOREY_M))


def map_site(site: Site) -> SiteMap:
    """The map of a checked site file."""
    near: dict[str, set[str]] = {zone.id: set() for zone in site.zones}
    for a, b in site.adjoining():
        near[a].add(b)
    hops = {(start, end): n for start in near for end, n in _walk(near, start).items()}
    centres = {z.id: (*centroid(z.polygon), z.level) for z in site.zones}
    inside = {
        (z.id, d.id): (float(d.at[0]), float(d.at[1]), z.level)
        for d in site.devices
        for z in site.zones
        if d.zone == z.id and contains(z.polygon, d.at)
    }
    return SiteMap(site.site, hops, centres, inside)


def _walk(near: Mapping[str, set[str]], start: str) -> dict[str, int]:
    found = {start: 0}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in sorted(near[here]):
            if there not in found:
                found[there] = found[here] + 1
                waiting.append(there)
    return found
