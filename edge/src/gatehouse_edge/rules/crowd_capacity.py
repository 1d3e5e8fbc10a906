"""How many a zone may hold: the approved number, else the lesser of its floor and of what leaves in time.

Source  rate of passage times width times egress time with the widest exit lost, after the Green Guide; planned rates lowered to
        what was measured at stadium exits (Larsson et al., Fire Safety Journal 120, 2021).
"""

from gatehouse_edge.rules.crowd_params import STANDING_KINDS, CrowdParams
from gatehouse_edge.rules.request import Request
from gatehouse_shared.names import ZoneKind


def capacity_of(request: Request, params: CrowdParams) -> float:
    """Persons. With fewer than two gates the exits say nothing, and the floor decides."""
    if request.capacity is not None:
        return float(request.capacity)
    standing = request.zone_kind in STANDING_KINDS
    floor = request.zone_area_m2 * (
        params.plan_standing_per_m2 if standing else params.plan_moving_per_m2
    )
    if len(request.exits) < 2:
        return max(1.0, floor)
    rate = (
        params.plan_stairs_p_m_min
        if request.zone_kind is ZoneKind.STAIRS
        else params.plan_level_p_m_min
    )
    widths = sorted(e.width_m for e in request.exits)[:-1]
    return max(1.0, min(floor, sum(widths) * rate * params.egress_min))
