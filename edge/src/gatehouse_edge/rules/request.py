"""What a kind of rule is built from: its binding, its parameters and the facts of its zone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.rule import Binding
from gatehouse_edge.rules.schedule import Arming, OpenHours
from gatehouse_edge.rules.views import View
from gatehouse_shared.names import ZoneKind


@dataclass(frozen=True, slots=True)
class Exit:
    """A gate of the zone."""

    width_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A rule of the site file, with all that it refers to looked up. `place` names it in errors."""

    binding: Binding
    zone_kind: ZoneKind
    zone_area_m2: float
    params: Mapping[str, float | int | bool] = field(default_factory=dict[str, float | int | bool])
    level: int = 0
    capacity: int | None = None
    exits: tuple[Exit, ...] = ()
    view: View | None = None
    arming: Arming | OpenHours | None = None
    inward_lines: frozenset[str] = frozenset()
    pass_devices: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """How errors name the rule."""
        return f"rule {self.binding.rule} ({self.binding.kind})"


def needs_view(request: Request) -> View:
    """The view of the zone by this device. RuleConfigError where there is none."""
    if request.view is None:
        raise RuleConfigError(
            "the device does not see the zone", place=request.place, remedy="Add a view of it"
        )
    return request.view


def needs_marks(request: Request) -> View:
    """The view, with marks. RuleConfigError where there are none."""
    view = needs_view(request)
    if view.homography is None:
        raise RuleConfigError(
            "the view has no marks, and this rule needs metres",
            place=request.place,
            remedy="Mark four or more points of the ground in the view",
        )
    return view
