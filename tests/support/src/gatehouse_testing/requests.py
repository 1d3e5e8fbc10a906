"""Requests for rules, as `build` would make them, in few words."""

from typing import Any

from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Binding
from gatehouse_edge.rules.schedule import Arming
from gatehouse_edge.rules.views import View
from gatehouse_shared.names import HazardKind, ZoneKind

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def request(
    kind: HazardKind,
    params: dict[str, float] | None = None,
    *,
    zone: str = "plaza",
    device: str = "cam_1",
    zone_kind: ZoneKind = ZoneKind.PERIMETER,
    area_m2: float = 100.0,
    polygon: tuple[tuple[float, float], ...] = WHOLE,
    **more: Any,
) -> Request:
    """A rule named `rule_1` on a whole view without marks, always armed where it is of presence."""
    more.setdefault("arming", Arming(ZoneKind.PERIMETER))
    more.setdefault("view", View(device, zone, polygon, None, area_m2))
    return Request(
        binding=Binding("rule_1", kind, zone, device),
        zone_kind=zone_kind,
        zone_area_m2=area_m2,
        params=params or {},
        **more,
    )
