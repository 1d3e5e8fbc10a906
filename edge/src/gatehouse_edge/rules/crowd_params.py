"""Parameters of crowd density: three tables of thresholds, a ladder of occupancy, and how sure one must be."""

from dataclasses import dataclass
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.parameters import FOUND, GENERAL, MEASURED, OURS, Params, limits
from gatehouse_shared.names import ZoneKind

STANDING_KINDS: Final = frozenset({ZoneKind.STANDING, ZoneKind.QUEUE})


class CrowdParams(Params, frozen=True, kw_only=True):
    """Everything a crowd rule can be told."""

    moving_watch_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, GENERAL, "walking zone, grade 1 (level of service D to E)")
    ] = 1.08
    moving_warn_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, MEASURED, "walking zone, grade 2 (greatest flow)")
    ] = 1.75
    moving_alarm_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, GENERAL, "walking zone, grade 3 (level of service F)")
    ] = 2.15
    moving_critical_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, FOUND, "walking zone, grade 4 (involuntary contact)")
    ] = 3.5
    standing_watch_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, GENERAL, "standing or queueing zone, grade 1")
    ] = 2.0
    standing_warn_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, GENERAL, "standing or queueing zone, grade 2")
    ] = 3.0
    standing_alarm_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, GENERAL, "standing or queueing zone, grade 3")
    ] = 4.0
    standing_critical_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, FOUND, "standing or queueing zone, grade 4")
    ] = 5.0
    stairs_watch_per_m2: Annotated[float, limits("p/m2", 0.1, 8, GENERAL, "stairs, grade 1")] = 0.8
    stairs_warn_per_m2: Annotated[float, limits("p/m2", 0.1, 8, GENERAL, "stairs, grade 2")] = 1.3
    stairs_alarm_per_m2: Annotated[float, limits("p/m2", 0.1, 8, GENERAL, "stairs, grade 3")] = 1.8
    stairs_critical_per_m2: Annotated[float, limits("p/m2", 0.1, 8, GENERAL, "stairs, grade 4")] = (
        2.5
    )
    occupancy_watch_ratio: Annotated[
        float, limits("", 0.1, 2, OURS, "share of capacity, grade 1: watch")
    ] = 0.6
    occupancy_warn_ratio: Annotated[
        float, limits("", 0.1, 2, FOUND, "share of capacity, grade 2: announce and report")
    ] = 0.8
    occupancy_alarm_ratio: Annotated[
        float, limits("", 0.1, 2, OURS, "share of capacity, grade 3: restrict")
    ] = 0.9
    occupancy_critical_ratio: Annotated[
        float, limits("", 0.1, 2, OURS, "share of capacity, grade 4: stop")
    ] = 1.0
    watch_chance: Annotated[
        float, limits("", 0.05, 0.95, OURS, "probability for grades 1 and 2")
    ] = 0.5
    alarm_chance: Annotated[float, limits("", 0.05, 0.95, OURS, "probability for grade 3")] = 0.3
    critical_chance: Annotated[float, limits("", 0.05, 0.95, OURS, "probability for grade 4")] = 0.2
    watch_s: Annotated[float, limits("s", 1, 600, OURS, "time for grades 1 and 2")] = 30.0
    alarm_s: Annotated[float, limits("s", 1, 600, OURS, "time for grade 3")] = 15.0
    critical_s: Annotated[float, limits("s", 1, 600, OURS, "time for grade 4")] = 10.0
    clear_ratio: Annotated[
        float, limits("", 0.5, 1, OURS, "below this share of a threshold its grade may end")
    ] = 0.85
    clear_s: Annotated[float, limits("s", 10, 1800, OURS, "time below before a grade ends")] = 120.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        0.0
    )
    congestion_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, GENERAL, "density at which slow walking is congestion")
    ] = 1.75
    congestion_s: Annotated[float, limits("s", 5, 600, OURS, "time of congestion for grade 2")] = (
        30.0
    )
    forecast_warn_min: Annotated[
        float, limits("min", 0, 120, OURS, "may be critical within this time: grade 2; 0 is off")
    ] = 15.0
    forecast_alarm_min: Annotated[
        float, limits("min", 0, 120, OURS, "may be critical within this time: grade 3; 0 is off")
    ] = 5.0
    forecast_from_ratio: Annotated[
        float, limits("", 0.1, 1, OURS, "share of the critical count from which is forecast")
    ] = 0.5
    forecast_s: Annotated[float, limits("s", 5, 600, OURS, "time for a forecast to hold")] = 60.0
    trend_s: Annotated[float, limits("s", 60, 1200, OURS, "time over which the trend is taken")] = (
        300.0
    )
    dispersion: Annotated[
        float, limits("", 0, 10, OURS, "variance of a count over the count; 1 is Poisson")
    ] = 1.0
    count_cv: Annotated[float, limits("", 0, 1, GENERAL, "relative error of a camera's count")] = (
        0.08
    )
    least_seen_ratio: Annotated[
        float,
        limits("", 0.05, 1, OURS, "share of the zone in view below which capacity is not judged"),
    ] = 0.25
    plan_moving_per_m2: Annotated[
        float, limits("p/m2", 0.1, 5, GENERAL, "planned density of a walking zone or stairs")
    ] = 1.0
    plan_standing_per_m2: Annotated[
        float, limits("p/m2", 0.1, 5, GENERAL, "planned density of a standing zone")
    ] = 2.0
    plan_level_p_m_min: Annotated[
        float, limits("p/m/min", 10, 120, FOUND, "planned flow through a level exit")
    ] = 60.0
    plan_stairs_p_m_min: Annotated[
        float, limits("p/m/min", 10, 120, GENERAL, "planned flow over stairs")
    ] = 48.0
    egress_min: Annotated[float, limits("min", 1, 30, FOUND, "time to empty the zone")] = 8.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """One grade: density, share of capacity, how likely and for how long."""

    grade: int
    per_m2: float
    capacity_ratio: float
    chance: float
    dwell_s: float


def thresholds(params: CrowdParams, kind: ZoneKind, place: str) -> tuple[Threshold, ...]:
    """The table of a kind of zone. RuleConfigError when a threshold does not rise above the one before."""
    p = params
    moving = (
        p.moving_watch_per_m2,
        p.moving_warn_per_m2,
        p.moving_alarm_per_m2,
        p.moving_critical_per_m2,
    )
    standing = (
        *(p.standing_watch_per_m2, p.standing_warn_per_m2),
        *(p.standing_alarm_per_m2, p.standing_critical_per_m2),
    )
    stairs = (
        p.stairs_watch_per_m2,
        p.stairs_warn_per_m2,
        p.stairs_alarm_per_m2,
        p.stairs_critical_per_m2,
    )
    densities = (
        standing if kind in STANDING_KINDS else stairs if kind is ZoneKind.STAIRS else moving
    )
    shares = (
        *(p.occupancy_watch_ratio, p.occupancy_warn_ratio),
        *(p.occupancy_alarm_ratio, p.occupancy_critical_ratio),
    )
    for ladder, name in ((densities, "densities"), (shares, "shares of capacity")):
        if list(ladder) != sorted(set(ladder)):
            raise RuleConfigError(
                f"the {name} {ladder} do not rise",
                place=place,
                remedy="Give watch < warn < alarm < critical",
            )
    chances = (p.watch_chance, p.watch_chance, p.alarm_chance, p.critical_chance)
    dwells = (p.watch_s, p.watch_s, p.alarm_s, p.critical_s)
    rows = zip((1, 2, 3, 4), densities, shares, chances, dwells, strict=True)
    return tuple(Threshold(*row) for row in rows)
