"""What a module of rules exports as `KINDS`: one row for each rule that it can build."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatehouse_edge.rules.parameters import Params
from gatehouse_edge.rules.request import Request
from gatehouse_edge.rules.rule import Rule
from gatehouse_edge.rules.signals import Stillness
from gatehouse_shared.names import DeviceKind, HazardKind


@dataclass(frozen=True, slots=True)
class RuleKind:
    """One kind of rule on one kind of device. `grades`: what each grade that it can reach means.

    `stillness`: how the signals of the rule's view judge what stands still, where the rule reads that.
    `by_sample`: its sense looks at what is never kept (tracks, passages, the quality of a picture). The gateway keeps its
    samples instead, so a rehearsal can change its timing and its hours, but not what it looks for.
    """

    name: str
    kind: HazardKind
    devices: frozenset[DeviceKind]
    params: type[Params]
    build: Callable[[Request], Rule]
    grades: Mapping[int, str]
    stillness: Callable[[Request], Stillness] | None = None
    by_sample: bool = False
