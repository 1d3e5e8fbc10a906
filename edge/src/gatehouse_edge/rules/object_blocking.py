"""Object blocking: something was left standing in an exit, at a door, on stairs or before a lift.

On      still things and vehicles cover `least_cover_ratio` of the zone; hold: half of it. Persons and animals do not block.
Raise   after `warn_s` as grade 2, grade 3 after `alarm_s`, grade 4 after `escalate_s`. Clear: gone for `clear_s`.
        Reads zone signals only.
Source  escape routes must be kept clear at all times; how much and how long is ours.
"""

from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.lane_blocked import LaneSense
from gatehouse_edge.rules.parameters import OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request, needs_view
from gatehouse_edge.rules.rule import Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.signals import Stillness
from gatehouse_edge.rules.trigger import Stage, Timing
from gatehouse_shared.names import DeviceKind, HazardKind, ZoneKind

WAYS_OUT: Final = frozenset({ZoneKind.EXIT, ZoneKind.DOOR, ZoneKind.STAIRS, ZoneKind.LIFT})
"""Zones that people must be able to leave by. A lane for vehicles has `lane_blocked`."""


class BlockingParams(Params, frozen=True, kw_only=True):
    """What blocks a way out, and for how long."""

    least_cover_ratio: Annotated[
        float, limits("", 0.01, 1, OURS, "share of the zone that must be covered")
    ] = 0.1
    least_object_m2: Annotated[
        float, limits("m2", 0, 20, OURS, "smaller things do not block; needs marks")
    ] = 0.1
    greatest_speed_m_s: Annotated[
        float, limits("m/s", 0.01, 1, OURS, "slower is standing still")
    ] = 0.1
    least_overlap_ratio: Annotated[
        float, limits("", 0.3, 0.99, OURS, "overlap of a box with itself at rest")
    ] = 0.8
    warn_s: Annotated[float, limits("s", 5, 3600, OURS, "standing this long is grade 2")] = 120.0
    alarm_s: Annotated[float, limits("s", 5, 7200, OURS, "standing this long is grade 3")] = 300.0
    escalate_s: Annotated[float, limits("s", 5, 14_400, OURS, "standing this long is grade 4")] = (
        1800.0
    )
    clear_s: Annotated[float, limits("s", 1, 600, OURS, "free before it ends")] = 20.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        300.0
    )
    gap_ratio: Annotated[
        float,
        limits("", 0, 0.5, OURS, "share of the time that may be hidden, by people walking past"),
    ] = 0.2


def stillness(request: Request) -> Stillness:
    """How the signals of this rule's view judge what stands still."""
    p = read_params(BlockingParams, request.params, request.place)
    return Stillness(p.greatest_speed_m_s, p.least_overlap_ratio, p.least_object_m2)


def build(request: Request) -> Rule:
    """A blocking rule. RuleConfigError outside ways out, without a view, or when the stages are out of order."""
    p = read_params(BlockingParams, request.params, request.place)
    needs_view(request)
    if request.zone_kind not in WAYS_OUT:
        raise RuleConfigError(
            f"the zone is of kind {request.zone_kind}",
            place=request.place,
            remedy=f"Watch a zone of kind {', '.join(sorted(WAYS_OUT))}; lanes have lane_blocked",
        )
    if not p.warn_s <= p.alarm_s <= p.escalate_s:
        raise RuleConfigError(
            "the stages are out of order",
            place=request.place,
            remedy="Give warn_s <= alarm_s <= escalate_s",
        )
    timing = Timing(
        stages=(Stage(2, p.warn_s), Stage(3, p.alarm_s), Stage(4, p.escalate_s)),
        clear_s=p.clear_s,
        rearm_s=p.rearm_s,
        gap_ratio=p.gap_ratio,
    )
    return Rule(request.binding, timing, LaneSense(p.least_cover_ratio, zone="the way out"))


KINDS: Final = (
    RuleKind(
        "object_blocking",
        HazardKind.OBJECT_BLOCKING,
        frozenset({DeviceKind.CAMERA}),
        BlockingParams,
        build,
        {
            2: "something stands in the way",
            3: "it has stood there for five minutes",
            4: "it has stood there for half an hour",
        },
        stillness,
    ),
)
