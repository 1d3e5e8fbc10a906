"""A rule that a plug-in judges: the plug-in says what is so; dwell, clearing, re-arming and the one hazard are as for any rule.

On      the plug-in says so, at its grade and every lower one; only after `dwell_s`.
Hold    the plug-in says that it still is, at its grade. A plug-in that is silent, or no longer runs, says nothing: a candidate
        lapses, and an open hazard stays open.
Crowd   a hazard of a crowd is only ever on with ten persons or more, whatever the plug-in says.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from gatehouse_edge.rules.observations import Moment, Observation, PluginSample
from gatehouse_edge.rules.parameters import OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_shared.names import SMALL_COUNT, HazardClass, class_of

GRADES: Final = (1, 2, 3, 4)
SILENT_STEPS: Final = 2.5
"""So many missed answers are silence."""
SILENT_LEAST_S: Final = 5.0


class PluginParams(Params, frozen=True, kw_only=True):
    """What the gateway itself does with a plug-in's word. All other parameters of the rule are the plug-in's own."""

    dwell_s: Annotated[float, limits("s", 0, 3600, OURS, "true for this long is raised")] = 10.0
    clear_s: Annotated[float, limits("s", 0, 3600, OURS, "untrue for this long ends it")] = 30.0
    rearm_s: Annotated[float, limits("s", 0, 7200, OURS, "pause before it may be raised again")] = (
        60.0
    )


OWN: Final = frozenset(PluginParams.__struct_fields__)
"""Parameters of the rule that the gateway keeps to itself."""


@dataclass(frozen=True, slots=True)
class PluginSense:
    """Passes on what the plug-in says of `rule`; `many`: it is about a crowd."""

    rule: str
    many: bool

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Only samples of this rule's own plug-in say anything."""
        del now
        if not isinstance(observation, PluginSample) or observation.rule != self.rule:
            return memory, None
        enough = not self.many or (observation.count or 0) >= SMALL_COUNT
        reached = tuple(enough and observation.grade >= g for g in GRADES)
        facts = Facts(
            confidence=observation.confidence,
            count=observation.count if self.many else None,
            reason=observation.reason,
        )
        return memory, Sample(
            observation.time,
            tuple(observation.on and r for r in reached),
            tuple(observation.hold and r for r in reached),
            facts,
        )


def build_plugin_rule(request: Request, every_s: float) -> Rule:
    """A rule whose plug-in answers every `every_s` seconds. RuleConfigError for a timing out of range."""
    own = {name: value for name, value in request.params.items() if name in OWN}
    params = read_params(PluginParams, own, request.place)
    timing = Timing(
        stages=tuple(Stage(grade, params.dwell_s) for grade in GRADES),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
        silence_s=max(SILENT_LEAST_S, SILENT_STEPS * every_s),
    )
    many = class_of(request.binding.kind) is HazardClass.CROWD
    return Rule(request.binding, timing, PluginSense(request.binding.rule, many))
