"""Between the rules' words and a plug-in's: signals become a view, what it says becomes a sample, or is refused. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatehouse_edge.plugins.api import SPEEDS
from gatehouse_edge.plugins.messages import ROWS_MAX, Said, View
from gatehouse_edge.plugins.spec import OPEN_CLASSES
from gatehouse_edge.rules.observations import PluginSample, ZoneSignals
from gatehouse_edge.rules.plugin_rule import OWN
from gatehouse_shared.names import (
    EQUIPMENT_KINDS,
    MAY_RAISE,
    SMALL_COUNT,
    DeviceKind,
    HazardClass,
    HazardKind,
    class_of,
)
from gatehouse_shared.site import Rule, Site


@dataclass(frozen=True, slots=True)
class Bound:
    """One rule of the site file that a plug-in judges. `params` are its own, without those of the trigger."""

    rule: str
    kind: HazardKind
    zone: str
    device: str
    device_kind: DeviceKind
    params: Mapping[str, float | int | bool] = field(default_factory=dict[str, float | int | bool])

    @property
    def place(self) -> tuple[str, str]:
        """Device and zone whose signals it is given."""
        return self.device, self.zone


def bound(site: Site, rule: Rule) -> Bound:
    """A rule of a checked site file."""
    device = site.device(rule.device)
    assert device is not None
    own = {name: value for name, value in rule.params.items() if name not in OWN}
    return Bound(rule.id, rule.kind, rule.zone, rule.device, device.kind, own)


def view_of(signals: ZoneSignals) -> View:
    """All that a plug-in is told: no device, no time of day, no coordinates, no tracks."""
    rows = tuple(
        (r.label.value, SPEEDS[r.speed], r.count, r.area_ratio, r.stay_s)
        for r in signals.rows[:ROWS_MAX]
    )
    return View(signals.zone, signals.at, rows, signals.hot_c)


def refusal(said: Said, about: Bound) -> str | None:
    """Why nothing of what a plug-in says is taken; None when it may be said."""
    if said.kind in ("", about.kind.value):
        return None
    if said.kind not in HazardKind.__members__.values():
        return f"the kind {said.kind!r} is not registered"
    kind = HazardKind(said.kind)
    if class_of(kind) not in OPEN_CLASSES:
        return f"no plug-in may raise {kind}: it is about people"
    if kind not in MAY_RAISE[about.device_kind] | EQUIPMENT_KINDS:
        return f"a {about.device_kind} may not raise {kind}"
    return f"rule {about.rule} is about {about.kind}, not {kind}"


def doubt(said: Said, about: Bound) -> str | None:
    """Why what a plug-in says counts as untrue; None when it counts."""
    crowd = class_of(about.kind) is HazardClass.CROWD
    if crowd and said.on and (said.count or 0) < SMALL_COUNT:
        return f"{about.kind} needs a count of {SMALL_COUNT} persons or more"
    return None


def sample_of(said: Said, about: Bound, signals: ZoneSignals, reason: str) -> PluginSample:
    """What the rule is told."""
    return PluginSample(
        rule=about.rule,
        zone=about.zone,
        device=about.device,
        at=signals.at,
        time=signals.time,
        on=said.on,
        hold=said.hold,
        grade=said.grade,
        confidence=said.confidence,
        count=said.count,
        reason=reason,
    )
