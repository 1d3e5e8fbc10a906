"""Door forced: it opened, and nobody had been let through. Exists only where a reader of the same zone says who may pass.

A pass (a reader's reading with state True, also a request to exit) lets the door open within `pass_s`; it then stays allowed
until it was closed for `mask_s`. The event ends when the door is closed. Nothing about who passed is known here.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.parameters import FOUND, GENERAL, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import Reading
from gatehouse_shared.names import DeviceKind, HazardKind

GRADE: Final = 3
LONG_AGO: Final = float("-inf")


class DoorForcedParams(Params, frozen=True, kw_only=True):
    """When an opening is allowed."""

    dwell_s: Annotated[float, limits("s", 0.2, 30, GENERAL, "open for this long is raised")] = 0.5
    pass_s: Annotated[
        float, limits("s", 1, 60, FOUND, "a pass lets the door open for this long")
    ] = 10.0
    mask_s: Annotated[
        float, limits("s", 0, 30, GENERAL, "a bounce after closing is no opening")
    ] = 3.0
    clear_s: Annotated[float, limits("s", 0.5, 60, GENERAL, "closed for this long ends it")] = 2.0


@dataclass(frozen=True, slots=True)
class DoorMemory(Memory):
    """Whether the door is open, and was let open; when it closed, and when a pass was given."""

    open: bool | None = None
    allowed: bool = False
    closed_at: float = LONG_AGO
    passed_at: float = LONG_AGO


@dataclass(frozen=True, slots=True)
class DoorForcedSense:
    """True while the door stands open that nobody was let through."""

    door: str
    params: DoorForcedParams

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Readings of the contact and of the readers change the state; everything else samples it."""
        own = memory if isinstance(memory, DoorMemory) else DoorMemory()
        time = now.time
        if isinstance(observation, Reading) and observation.state is not None:
            time = observation.time
            if observation.device == self.door:
                own = self._moved(own, now, is_open=observation.state)
            elif observation.state:
                own = replace(own, passed_at=now.at)
        if own.open is None:
            return own, None
        forced = (own.open and not own.allowed,)
        return own, Sample(time, forced, forced, Facts(reason="the door opened without a pass"))

    def _moved(self, own: DoorMemory, now: Moment, *, is_open: bool) -> DoorMemory:
        if own.open is None and is_open:
            # Found open at the start: whoever opened it did so before anybody watched.
            return replace(own, open=True, allowed=True)
        if is_open == own.open:
            return own
        if not is_open:
            return replace(own, open=False, closed_at=now.at)
        bounced = own.allowed and now.at - own.closed_at <= self.params.mask_s
        passed = now.at - own.passed_at <= self.params.pass_s
        return replace(own, open=True, allowed=bounced or passed)


def build(request: Request) -> Rule:
    """A door rule. RuleConfigError where no reader of this gateway stands in the zone."""
    params = read_params(DoorForcedParams, request.params, request.place)
    if not request.pass_devices:
        raise RuleConfigError(
            "no reader says who may pass",
            place=request.place,
            remedy="Add a device of kind reader to the zone, or use door_held",
        )
    timing = Timing(
        stages=(Stage(GRADE, params.dwell_s),), clear_s=params.clear_s, silence_s=float("inf")
    )
    sense = DoorForcedSense(request.binding.device, params)
    return Rule(request.binding, timing, sense, also_devices=request.pass_devices)


KINDS: Final = (
    RuleKind(
        "door_forced",
        HazardKind.DOOR_FORCED,
        frozenset({DeviceKind.CONTACT}),
        DoorForcedParams,
        build,
        {3: "the door opened without a pass"},
    ),
)
