"""Parking full: still vehicles stand in nearly all bays, at open hours.

Bays    the zone's `capacity`, or the parameter `bays` where the camera sees only a part of them. The site file draws no single
        bays, so a vehicle that stands anywhere in the zone takes one.
Steady  the number of vehicles rises to what was seen throughout `in_s`, and falls to what was not exceeded for `out_s`.
On      the share taken reaches `full_ratio`; hold: it is above `clear_ratio`. Reads zone signals only.
Bounds  one number a second over `out_s`, at most `COUNTS_MAX`.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment, Observation, Speed, ZoneSignals
from gatehouse_edge.rules.parameters import GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request, needs_view
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.signals import Stillness
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_shared.names import DeviceKind, HazardKind, Label, ZoneKind

VEHICLES: Final = frozenset({Label.CAR, Label.BUS, Label.TRUCK})
COUNTS_MAX: Final = 256
GRADE: Final = 1


class ParkingParams(Params, frozen=True, kw_only=True):
    """When a car park is full."""

    full_ratio: Annotated[
        float, limits("", 0.5, 1, GENERAL, "share of the bays taken at which it is full")
    ] = 0.95
    clear_ratio: Annotated[
        float, limits("", 0.3, 1, GENERAL, "below this share it is full no more")
    ] = 0.9
    bays: Annotated[
        int, limits("bays", 0, 2000, OURS, "bays that this camera sees; 0 is the zone's capacity")
    ] = 0
    in_s: Annotated[float, limits("s", 1, 120, GENERAL, "a bay is taken after this long")] = 10.0
    out_s: Annotated[float, limits("s", 1, 120, GENERAL, "a bay is free after this long")] = 20.0
    dwell_s: Annotated[float, limits("s", 5, 1800, GENERAL, "full for this long is raised")] = 120.0
    clear_s: Annotated[float, limits("s", 5, 1800, GENERAL, "not full for this long ends it")] = (
        120.0
    )
    rearm_s: Annotated[
        float, limits("s", 0, 7200, GENERAL, "pause before it may be raised again")
    ] = 900.0


@dataclass(frozen=True, slots=True)
class ParkingMemory(Memory):
    """Numbers of still vehicles with their moments, and the steady number."""

    counts: tuple[tuple[float, int], ...] = ()
    steady: int = 0


@dataclass(frozen=True, slots=True)
class ParkingSense:
    """Counts still vehicles against the bays."""

    bays: int
    params: ParkingParams

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """One sample for each signal of the zone."""
        own = memory if isinstance(memory, ParkingMemory) else ParkingMemory()
        if not isinstance(observation, ZoneSignals):
            return own, None
        still = sum(
            r.count for r in observation.rows if r.label in VEHICLES and r.speed == Speed.STILL
        )
        own = self._steadied(own, still, now)
        share = own.steady / self.bays
        facts = Facts(confidence=16, reason=f"{own.steady} of {self.bays} bays are taken")
        on, hold = share >= self.params.full_ratio, share >= self.params.clear_ratio
        return own, Sample(observation.time, (on,), (hold,), facts)

    def _steadied(self, own: ParkingMemory, still: int, now: Moment) -> ParkingMemory:
        p = self.params
        longest = max(p.in_s, p.out_s)
        counts = (*(c for c in own.counts if now.at - c[0] <= longest), (now.at, still))
        steady = own.steady
        if counts[0][0] <= now.at - p.in_s:
            steady = max(steady, min(n for at, n in counts if now.at - at <= p.in_s))
        if counts[0][0] <= now.at - p.out_s:
            steady = min(steady, max(n for at, n in counts if now.at - at <= p.out_s))
        return ParkingMemory(counts[-COUNTS_MAX:], steady)


def stillness(request: Request) -> Stillness:
    """A parked vehicle stands as any other thing does."""
    del request
    return Stillness()


def build(request: Request) -> Rule:
    """A parking rule. RuleConfigError outside parking zones, without a view or without a number of bays."""
    params = read_params(ParkingParams, request.params, request.place)
    needs_view(request)
    if request.zone_kind is not ZoneKind.PARKING:
        raise RuleConfigError(
            f"the zone is of kind {request.zone_kind}",
            place=request.place,
            remedy="Vehicles are counted in zones of kind parking",
        )
    bays = int(params.bays) or request.capacity
    if not bays:
        raise RuleConfigError(
            "it is not said how many bays there are",
            place=request.place,
            remedy="Give the zone a capacity, or the rule its bays",
        )
    if params.clear_ratio > params.full_ratio:
        raise RuleConfigError(
            "it would end before it begins",
            place=request.place,
            remedy="Give clear_ratio <= full_ratio",
        )
    timing = Timing(
        stages=(Stage(GRADE, params.dwell_s),), clear_s=params.clear_s, rearm_s=params.rearm_s
    )
    return Rule(request.binding, timing, ParkingSense(bays, params), request.arming)


KINDS: Final = (
    RuleKind(
        "parking_full",
        HazardKind.PARKING_FULL,
        frozenset({DeviceKind.CAMERA}),
        ParkingParams,
        build,
        {1: "no bay is free"},
        stillness,
    ),
)
