"""Source stale: a source gives nothing. Frames, samples, readings and signs of life count alike.

Raise   nothing for `silent_s`, whether or not the source was reported down; dated back to the last sign of life.
Clear   life for `clear_s` without such a silence. Grade 2.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from gatehouse_edge.rules.observations import Moment, Observation, SourceUp
from gatehouse_edge.rules.parameters import GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import Reading, SourceDown, ThermalSample, Tracks
from gatehouse_shared.names import DeviceKind, HazardKind

GRADE: Final = 2


class StaleParams(Params, frozen=True, kw_only=True):
    """How long silence may last."""

    silent_s: Annotated[float, limits("s", 2, 3600, GENERAL, "silence for this long is raised")] = (
        10.0
    )
    clear_s: Annotated[float, limits("s", 0, 600, OURS, "life for this long ends it")] = 5.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        0.0
    )


@dataclass(frozen=True, slots=True)
class StaleMemory(Memory):
    """The last sign of life; the first moment of all when there was none yet. `reason` of the last report."""

    alive: Moment | None = None
    reason: str = "nothing comes from the source"


@dataclass(frozen=True, slots=True)
class StaleSense:
    """True while the last sign of life is too long ago."""

    silent_s: float

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Life is remembered; everything samples the silence."""
        own = memory if isinstance(memory, StaleMemory) else StaleMemory()
        if isinstance(observation, SourceDown):
            own = replace(own, reason=f"the source is down: {observation.reason}")
        alive = isinstance(observation, Tracks | ThermalSample | Reading | SourceUp)
        if alive or own.alive is None:
            own = StaleMemory(now)
        silent = own.alive is not None and now.at - own.alive.at >= self.silent_s
        facts = Facts(reason=own.reason)
        since = own.alive if silent else None
        return own, Sample(now.time, (silent,), (silent,), facts, since)


def build(request: Request) -> Rule:
    """A rule on a source's silence."""
    params = read_params(StaleParams, request.params, request.place)
    timing = Timing(
        stages=(Stage(GRADE, 0.0),),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
        silence_s=float("inf"),
    )
    return Rule(request.binding, timing, StaleSense(params.silent_s))


KINDS: Final = (
    RuleKind(
        "source_stale",
        HazardKind.SOURCE_STALE,
        frozenset(DeviceKind),
        StaleParams,
        build,
        {2: "the source gives nothing"},
    ),
)
