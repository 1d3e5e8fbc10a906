"""Sites that could be: communities of gateways with a plaza, a fire lane, an e-bike shed and a fence each. Pure.

The same numbers give the same site files, so that a hub can be set up once and a fleet started against it again and again.

Bounds  at most GATEWAYS_MAX gateways a site (its zones and devices are bounded by the site file), SITES_MAX sites.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

GATEWAYS_MAX: Final = 50
SITES_MAX: Final = 100_000
PLOT_M: Final = 60.0
"""Side of what one gateway looks after."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One gateway and the names of what it looks after. `number` counts all gateways, `place` those of the site."""

    number: int
    place: int
    site: str
    gateway: str

    def name(self, what: str) -> str:
        """Id of one of its zones, devices, gates, lines or rules."""
        return f"{what}_{self.place}"


def plots(sites: int, gateways: int) -> Iterator[Plot]:
    """Every gateway of a fleet, dealt out over the sites in turn. ValueError beyond the bounds."""
    if not 1 <= sites <= SITES_MAX:
        raise ValueError(f"1 to {SITES_MAX} sites, not {sites}")
    if not sites <= gateways <= sites * GATEWAYS_MAX:
        raise ValueError(
            f"{sites} sites have {sites} to {sites * GATEWAYS_MAX} gateways, not {gateways}"
        )
    for number in range(gateways):
        yield Plot(number, number // sites, site_id(number % sites), gateway_id(number))


def site_id(number: int) -> str:
    """Id of a site; in two groups of digits, since ids hold no run of five.

    >>> site_id(12345)
    'sim_012_345'
    """
    return f"sim_{number // 1000:03d}_{number % 1000:03d}"


def gateway_id(number: int) -> str:
    """Id of a gateway."""
    return f"simgw_{number // 1000:03d}_{number % 1000:03d}"


def site_tree(number: int, own: list[Plot]) -> dict[str, Any]:
    """The site file of one site, as YAML or JSON has it."""
    return {
        "site": site_id(number),
        "name": {"en": f"Simulated community {number}", "zh-CN": f"模拟社区{number}"},
        "time_zone": "Asia/Shanghai",
        "closes_at": "23:30",
        "zones": [zone for plot in own for zone in _zones(plot)],
        "gates": [
            {"id": p.name("gate"), "from": "outside", "to": p.name("plaza"), "width_m": 3.0}
            for p in own
        ],
        "lines": [
            {
                "id": p.name("line"),
                "gate": p.name("gate"),
                "device": p.name("cam_plaza"),
                "points": [[0.1, 0.8], [0.9, 0.8]],
            }
            for p in own
        ],
        "rules": [rule for plot in own for rule in _rules(plot)],
        "devices": [device for plot in own for device in _devices(plot)],
    }


_ZONES: Final = (
    ("plaza", "moving", (0.0, 0.0, 40.0, 25.0)),
    ("lane", "lane", (0.0, 25.0, 40.0, 31.0)),
    ("shed", "shed", (40.0, 25.0, 52.0, 35.0)),
    ("fence", "perimeter", (0.0, 40.0, 50.0, 44.0)),
)
_DEVICES: Final = (
    ("cam_plaza", "camera", "plaza", (20.0, 1.0)),
    ("cam_lane", "camera", "lane", (1.0, 28.0)),
    ("cam_fence", "camera", "fence", (25.0, 42.0)),
    ("thermal", "thermal", "shed", (41.0, 30.0)),
    ("smoke", "smoke", "shed", (46.0, 30.0)),
    ("gas", "gas", "shed", (51.0, 30.0)),
    ("button", "button", "plaza", (39.0, 24.0)),
)
_RULES: Final = (
    ("hot", "thermal_hotspot", "shed", "thermal"),
    ("smoky", "fire_smoke", "shed", "smoke"),
    ("blocked", "lane_blocked", "lane", "cam_lane"),
    ("crowded", "crowd_density", "plaza", "cam_plaza"),
    ("intruded", "perimeter_intrusion", "fence", "cam_fence"),
    ("pressed", "help_button", "plaza", "button"),
)


def _zones(plot: Plot) -> Iterator[dict[str, Any]]:
    x, y = (plot.place % 8) * PLOT_M, (plot.place // 8) * PLOT_M
    for what, kind, (x0, y0, x1, y1) in _ZONES:
        yield {
            "id": plot.name(what),
            "name": {"en": f"{what.capitalize()} {plot.place}"},
            "kind": kind,
            "serves": "shared",
            "polygon": [[x + x0, y + y0], [x + x1, y + y0], [x + x1, y + y1], [x + x0, y + y1]],
            "neighbours": [plot.name("lane")] if what in ("plaza", "shed") else [],
        }


def _devices(plot: Plot) -> Iterator[dict[str, Any]]:
    x, y = (plot.place % 8) * PLOT_M, (plot.place // 8) * PLOT_M
    for what, kind, zone, (at_x, at_y) in _DEVICES:
        yield {
            "id": plot.name(what),
            "kind": kind,
            "zone": plot.name(zone),
            "at": [x + at_x, y + at_y],
            "gateway": plot.gateway,
        }


def _rules(plot: Plot) -> Iterator[dict[str, Any]]:
    for what, kind, zone, device in _RULES:
        yield {
            "id": plot.name(what),
            "kind": kind,
            "zone": plot.name(zone),
            "device": plot.name(device),
        }
