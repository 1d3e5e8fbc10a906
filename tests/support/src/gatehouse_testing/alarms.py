"""Rows for linking tests."""

import hashlib

from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.site_map import SiteMap
from gatehouse_shared.names import HazardKind


def alarm(
    site_map: SiteMap,
    kind: HazardKind | str,
    zone: str,
    at_s: float,
    *,
    device: str = "",
    drill: bool = False,
    grade: int = 3,
) -> AlarmRow:
    """A raised row of `kind` in the middle of `zone`, `at_s` seconds after 1970."""
    x_m, y_m, level = site_map.centres[zone]
    name = hashlib.sha256(f"{kind}/{zone}/{at_s}/{device}/{drill}".encode()).hexdigest()[:32]
    return AlarmRow(
        id=name, time_ms=int(at_s * 1000), gateway="gw_1", epoch="0" * 16, hazard=1, kind=HazardKind(kind), zone=zone,
        device=device or f"cam_{zone[1:]}", grade=grade, drill=drill, x_m=x_m, y_m=y_m, level=level,
    )  # fmt: skip
