"""Dwell: a person stays in a zone longer than one should, while armed.

On      the longest stay of a person in the zone reaches `dwell_s`; hold: anybody is in the zone.
Raise   at once then, dated back to when the stay began, but never to before the rule was armed.
Clear   nobody in the zone for `clear_s`; grade 2. Reads zone signals only.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment, Observation, ZoneSignals
from gatehouse_edge.rules.parameters import GENERAL, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_shared.names import DeviceKind, HazardKind, Label

RAISES_PER_HOUR: Final = 6
GRADE: Final = 2


class DwellParams(Params, frozen=True, kw_only=True):
    """How long is too long. The wire allows nothing below a minute."""

    dwell_s: Annotated[float, limits("s", 60, 600, GENERAL, "stay that is too long")] = 120.0
    clear_s: Annotated[float, limits("s", 1, 600, GENERAL, "nobody inside before it ends")] = 30.0
    rearm_s: Annotated[
        float, limits("s", 0, 3600, GENERAL, "pause before it may be raised again")
    ] = 600.0


@dataclass(frozen=True, slots=True)
class DwellSense:
    """Reads the longest stay."""

    dwell_s: float

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """One sample for each signal of the zone."""
        if not isinstance(observation, ZoneSignals):
            return memory, None
        rows = [r for r in observation.rows if r.label == Label.PERSON and r.count > 0]
        stay_s = max((r.stay_s for r in rows), default=0.0)
        on = stay_s >= self.dwell_s
        since = Moment(now.at - stay_s, observation.time - timedelta(seconds=stay_s))
        facts = Facts(confidence=16, reason=f"somebody has been in the zone for {stay_s:.0f} s")
        return memory, Sample(observation.time, (on,), (bool(rows),), facts, since if on else None)


def build(request: Request) -> Rule:
    """A dwell rule. RuleConfigError without a view of the zone by this device."""
    params = read_params(DwellParams, request.params, request.place)
    if request.view is None or request.arming is None:
        raise RuleConfigError(
            "the device does not see the zone", place=request.place, remedy="Add a view of it"
        )
    timing = Timing(
        stages=(Stage(GRADE, params.dwell_s),),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
        raises_per_hour=RAISES_PER_HOUR,
    )
    return Rule(request.binding, timing, DwellSense(params.dwell_s), request.arming)


KINDS: Final = (
    RuleKind(
        "dwell",
        HazardKind.DWELL,
        frozenset({DeviceKind.CAMERA}),
        DwellParams,
        build,
        {2: "a person has stayed too long"},
    ),
)
