"""Intercom unanswered: somebody calls at an entrance, and nobody answers.

On      the intercom says that it calls, and has not said that the call ended. Raise after `wait_s` as grade 1, after `dwell_s`
        as grade 3. Clear: the call ended, or nothing more was heard of it for `forget_s`.
The zone names the entrance; whom somebody called, and who it was, is not known here.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import Reading
from gatehouse_shared.names import DeviceKind, HazardKind


class IntercomParams(Params, frozen=True, kw_only=True):
    """How long a call may wait."""

    wait_s: Annotated[float, limits("s", 5, 600, OURS, "unanswered this long is grade 1")] = 30.0
    dwell_s: Annotated[float, limits("s", 5, 900, OURS, "unanswered this long is grade 3")] = 60.0
    forget_s: Annotated[
        float, limits("s", 10, 3600, OURS, "a call whose end is never told is over after this")
    ] = 180.0
    clear_s: Annotated[float, limits("s", 0, 60, OURS, "ended for this long ends it")] = 2.0
    rearm_s: Annotated[float, limits("s", 0, 600, OURS, "pause before it may be raised again")] = (
        0.0
    )


@dataclass(frozen=True, slots=True)
class CallMemory(Memory):
    """Whether it calls, and when that was last said; nothing before the first word."""

    calls: bool | None = None
    said_at: float = 0.0


@dataclass(frozen=True, slots=True)
class IntercomSense:
    """True while it calls."""

    forget_s: float

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Readings begin and end a call, everything else samples it."""
        own = memory if isinstance(memory, CallMemory) else CallMemory()
        time = now.time
        if isinstance(observation, Reading) and observation.state is not None:
            own, time = CallMemory(observation.state, now.at), observation.time
        if own.calls is None:
            return own, None
        if own.calls and now.at - own.said_at > self.forget_s:
            own = CallMemory(False, own.said_at)
        truth = (own.calls is True,) * 2
        return own, Sample(time, truth, truth, Facts(reason="nobody answers the intercom"))


def build(request: Request) -> Rule:
    """An intercom rule. RuleConfigError when its times are out of order."""
    p = read_params(IntercomParams, request.params, request.place)
    if not p.wait_s <= p.dwell_s < p.forget_s:
        raise RuleConfigError(
            "the times are out of order",
            place=request.place,
            remedy="Give wait_s <= dwell_s < forget_s",
        )
    timing = Timing(
        stages=(Stage(1, p.wait_s), Stage(3, p.dwell_s)),
        clear_s=p.clear_s,
        rearm_s=p.rearm_s,
        silence_s=float("inf"),
        gap_ratio=0.0,
    )
    return Rule(request.binding, timing, IntercomSense(p.forget_s))


KINDS: Final = (
    RuleKind(
        "intercom_unanswered",
        HazardKind.INTERCOM_UNANSWERED,
        frozenset({DeviceKind.INTERCOM}),
        IntercomParams,
        build,
        {1: "a call waits", 3: "nobody answers"},
    ),
)
