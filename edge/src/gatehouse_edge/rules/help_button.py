"""Help button: somebody pressed it. Latched: ends only when acknowledged at the site.

A press shorter than `press_s` is a knock. Buttons that say only "pressed" count once `press_s` has gone by without a release.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from gatehouse_edge.rules.observations import Acknowledged, Moment, Observation
from gatehouse_edge.rules.parameters import GENERAL, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import Reading
from gatehouse_shared.names import DeviceKind, HazardKind

GRADE: Final = 4


class ButtonParams(Params, frozen=True, kw_only=True):
    """How long a press must last."""

    press_s: Annotated[
        float, limits("s", 0, 10, GENERAL, "shorter presses are knocks; 2 s where often misused")
    ] = 0.3


@dataclass(frozen=True, slots=True)
class ButtonMemory(Memory):
    """Since when the button is pressed."""

    pressed: Moment | None = None


@dataclass(frozen=True, slots=True)
class ButtonSense:
    """True from the press on, once it has lasted."""

    press_s: float

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Readings press and release; ticks let a press last. An acknowledgement forgets the press."""
        own = memory if isinstance(memory, ButtonMemory) else ButtonMemory()
        if isinstance(observation, Acknowledged):
            return (ButtonMemory() if observation.at_site else own), None
        released = False
        if isinstance(observation, Reading) and observation.state is not None:
            released = not observation.state
            if observation.state and own.pressed is None:
                own = ButtonMemory(Moment(now.at, observation.time))
        if own.pressed is None:
            return own, Sample(now.time, (False,), (False,))
        lasted = now.at - own.pressed.at >= self.press_s - 1e-6
        facts = Facts(reason="the button was pressed")
        sample = Sample(own.pressed.time, (lasted,), (lasted,), facts, own.pressed)
        return (ButtonMemory() if released else own), sample


def build(request: Request) -> Rule:
    """A help button, grade 4."""
    params = read_params(ButtonParams, request.params, request.place)
    timing = Timing(stages=(Stage(GRADE, 0.0),), clear_s=0.0, silence_s=float("inf"), latched=True)
    return Rule(request.binding, timing, ButtonSense(params.press_s), momentary=True)


KINDS: Final = (
    RuleKind(
        "help_button",
        HazardKind.HELP_BUTTON,
        frozenset({DeviceKind.BUTTON}),
        ButtonParams,
        build,
        {4: "somebody asks for help"},
    ),
)
