"""How near two zones of a site are: hops on the walking graph, and metres on the plan."""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gatehouse_shared.polygons import centroid, contains
from gatehouse_shared.site import Site

HOPS_NEAR: Final = 2
"""How far linking looks for what may belong together."""

HOPS_FAR: Final = 99
"""Hops between zones that no walk joins, and of zones the site file does not know."""

STOREY_M: Final = 30.0
"""What one storey counts for in metres: as far as the other end of a hall, so that floors do not run together."""


@dataclass(frozen=True, slots=True)
class SiteMap:
    """Hops between all pairs of zones, and where zones and devices are. Bounded by the site file (256 zones).

    `near` holds for each zone those within HOPS_NEAR, itself among them, in order of their names.
    """

    site: str
    hops: Mapping[tuple[str, str], int]
    centres: Mapping[str, tuple[float, float, int]]
    devices: Mapping[tuple[str, str], tuple[float, float, int]]
    near: Mapping[str, Mapping[str, int]]

    def hops_between(self, a: str, b: str) -> int:
        """Steps from zone to zone; 0 within one, HOPS_FAR where there is no way."""
        return 0 if a == b else self.hops.get((a, b), HOPS_FAR)

    def near_zones(self, zone: str) -> Mapping[str, int]:
        """Zones within HOPS_NEAR and their hops; a zone that the site file does not know is near itself only."""
        return self.near.get(zone) or {zone: 0}

    def stand_in(self, zone: str, device: str) -> tuple[float, float, int]:
        """(x_m, y_m, level) for a row that names no place."""
        unknown = (0.0, 0.0, 0)
        return self.devices.get((zone, device)) or self.centres.get(zone, unknown)


def metres_between(a: tuple[float, float, int], b: tuple[float, float, int]) -> float:
    """Distance on the plan, storeys included."""
    return math.dist((a[0], a[1], a[2] * STOREY_M), (b[0], b[1], b[2] * STOREY_M))


def map_site(site: Site) -> SiteMap:
    """The map of a checked site file."""
    centres = {z.id: (*centroid(z.polygon), z.level) for z in site.zones}
    inside = {
        (z.id, d.id): (float(d.at[0]), float(d.at[1]), z.level)
        for d in site.devices
        for z in site.zones
        if d.zone == z.id and contains(z.polygon, d.at)
    }
    return map_places(centres, site.adjoining(), site=site.site, devices=inside)


def map_places(
    centres: Mapping[str, tuple[float, float, int]],
    adjoining: Iterable[tuple[str, str]],
    *,
    site: str = "",
    devices: Mapping[tuple[str, str], tuple[float, float, int]] | None = None,
) -> SiteMap:
    """The map of zones of which it is known where their middles are and which adjoin."""
    beside: dict[str, set[str]] = {zone: set() for zone in centres}
    for a, b in adjoining:
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    hops: dict[tuple[str, str], int] = {}
    near: dict[str, Mapping[str, int]] = {}
    for start in beside:
        walked = _walk(beside, start)
        hops.update(((start, end), n) for end, n in walked.items())
        near[start] = {end: n for end, n in sorted(walked.items()) if n <= HOPS_NEAR}
    return SiteMap(site, hops, centres, devices or {}, near)


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
