"""From a site file to the rules, counters and windows of one gateway.

Errors  RuleConfigError naming the rule, view or line and the remedy. Nothing is left out in silence: a rule that cannot be built
        stops the start.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.camera_integrity import INTEGRITY_KINDS
from gatehouse_edge.rules.homography import homography
from gatehouse_edge.rules.line_flow import LineCounter
from gatehouse_edge.rules.plugin_rule import build_plugin_rule
from gatehouse_edge.rules.registry import rule_kind
from gatehouse_edge.rules.release_count import CountRelease
from gatehouse_edge.rules.release_desk import ReleaseDesk
from gatehouse_edge.rules.release_flow import CLOSING_DEFAULT, FlowRelease, LineFacts
from gatehouse_edge.rules.request import Exit, Request
from gatehouse_edge.rules.rule import Binding, Rule
from gatehouse_edge.rules.ruleset import RuleSet
from gatehouse_edge.rules.schedule import Arming, OpenHours, closed_hours, hours, time_zone
from gatehouse_edge.rules.signals import SignalWatch, Stillness
from gatehouse_edge.rules.views import View, check_view
from gatehouse_edge.rules.zone_count import ZoneCounter
from gatehouse_shared import site as site_file
from gatehouse_shared.names import (
    THING_ZONE_KINDS,
    DeviceKind,
    HazardClass,
    HazardKind,
    Label,
    ZoneKind,
    class_of,
)

PRESENCE_LEAST_M2: Final = 12.0
"""A smaller zone would be about one person, not about a place."""

SEEING: Final = frozenset({DeviceKind.CAMERA, DeviceKind.THERMAL})
_ROAD: Final = (Label.CAR, Label.BUS, Label.TRUCK)
COUNTED: Final[dict[ZoneKind, tuple[Label, ...]]] = {
    ZoneKind.PARKING: (Label.PERSON, Label.BICYCLE, Label.MOTORCYCLE, *_ROAD),
    ZoneKind.LANE: (Label.PERSON, Label.BICYCLE, Label.MOTORCYCLE, *_ROAD),
    ZoneKind.SHED: (Label.PERSON, Label.BICYCLE, Label.MOTORCYCLE),
    ZoneKind.WATER: (Label.PERSON, Label.BOAT),
}
"""Labels counted in a zone beside persons. Fixed by kind: to count a label only when it appears would tell that it did."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A site file as one gateway sees it."""

    site: site_file.Site
    devices: dict[str, site_file.Device]

    def zone(self, zone_id: str, place: str) -> site_file.Zone:
        zone = self.site.zone(zone_id)
        if zone is None:
            raise RuleConfigError(f"there is no zone {zone_id!r}", place=place, remedy="Declare it")
        return zone


def build_rules(
    site: site_file.Site,
    gateway: str,
    plugged: Mapping[str, float] | None = None,
    unwatched: frozenset[str] = frozenset(),
) -> RuleSet:
    """The rules of one gateway; a `source_stale`, a `rate_below_floor` and the four of integrity for each of its
    cameras that has none.

    `plugged`: rules that plug-ins judge, and how many seconds lie between their answers. `unwatched`: cameras whose integrity
    nobody watches.
    """
    plan = _plan(site, gateway)
    views = {f"{v.device}/{v.zone}": _view(plan, v) for v in site.views if v.device in plan.devices}
    requests = [
        *(_request(plan, rule, views) for rule in site.rules if rule.device in plan.devices),
        *_silence(plan),
        *_integrity(plan, unwatched),
    ]
    rules: dict[str, Rule] = {}
    still: dict[str, Stillness] = {}
    for request in requests:
        about = request.binding
        if plugged and about.rule in plugged:
            rules[about.rule] = build_plugin_rule(request, plugged[about.rule])
            continue
        kind = rule_kind(about.kind, plan.devices[about.device].kind)
        if kind is None:
            raise RuleConfigError(
                f"no rule watches for {about.kind} by a {plan.devices[about.device].kind}",
                place=request.place,
                remedy="See the list of rules in docs/rules.md",
            )
        rules[about.rule] = kind.build(request)
        if kind.stillness is not None:
            _settle(still, request, kind.stillness(request))
    cameras = {k: v for k, v in views.items() if plan.devices[v.device].kind is DeviceKind.CAMERA}
    return RuleSet(
        rules=rules,
        watches={k: SignalWatch(v, still.get(k, Stillness())) for k, v in cameras.items()},
        counters={
            k: ZoneCounter(v, counted_labels(plan.zone(v.zone, k))) for k, v in cameras.items()
        },
        lines=_lines(plan),
        counting_gates={
            line.device: line.id
            for line in site.lines
            if line.device in plan.devices and plan.devices[line.device].kind is DeviceKind.COUNTER
        },
    )


def build_release(site: site_file.Site, gateway: str) -> ReleaseDesk:
    """The windows of one gateway."""
    plan = _plan(site, gateway)
    facts = {line.id: _line_facts(plan, line) for line in site.lines if line.device in plan.devices}
    return ReleaseDesk(
        CountRelease({z.id: z.kind for z in site.zones}),
        FlowRelease(
            facts, time_zone(site.time_zone, "time_zone"), site.closes_at or CLOSING_DEFAULT
        ),
    )


def views_of(site: site_file.Site, gateway: str, device: str) -> tuple[View, ...]:
    """Where a device of the gateway sees which zones. RuleConfigError for marks that contradict each other."""
    plan = _plan(site, gateway)
    return tuple(_view(plan, view) for view in site.views if view.device == device)


def counted_labels(zone: site_file.Zone) -> tuple[Label, ...]:
    """What is counted in a zone."""
    return COUNTED.get(zone.kind, (Label.PERSON,))


def _plan(site: site_file.Site, gateway: str) -> _Plan:
    devices = {d.id: d for d in site.devices if d.gateway == gateway}
    if not devices:
        raise RuleConfigError(
            f"no device of the site is read by {gateway!r}",
            place="gateway",
            remedy=f"Use one of {', '.join(site.gateways()) or 'none: the site has no devices'}",
        )
    return _Plan(site, devices)


def _view(plan: _Plan, view: site_file.View) -> View:
    place = f"view of {view.zone} by {view.device}"
    ground = homography(view.marks, place) if view.marks else None
    area_m2 = plan.zone(view.zone, place).area_m2
    built = View(
        view.device, view.zone, tuple(view.polygon), ground, area_m2, tuple(view.rest_areas)
    )
    check_view(built, place)
    return built


def _request(plan: _Plan, rule: site_file.Rule, views: dict[str, View]) -> Request:
    place = f"rule {rule.id} ({rule.kind})"
    zone = plan.zone(rule.zone, place)
    return Request(
        binding=Binding(rule.id, rule.kind, rule.zone, rule.device),
        zone_kind=zone.kind,
        zone_area_m2=zone.area_m2,
        params=rule.params,
        level=zone.level,
        capacity=zone.capacity,
        exits=tuple(Exit(g.width_m) for g in plan.site.gates if zone.id in (g.from_, g.to)),
        view=views.get(f"{rule.device}/{rule.zone}"),
        arming=_arming(plan, rule, zone, place),
        inward_lines=_inward_lines(plan.site, rule),
        pass_devices=frozenset(
            d.id
            for d in plan.devices.values()
            if d.kind is DeviceKind.READER and d.zone == rule.zone
        ),
    )


def _arming(
    plan: _Plan, rule: site_file.Rule, zone: site_file.Zone, place: str
) -> Arming | OpenHours | None:
    """When presence is a hazard, and when a full car park is worth telling. All else holds at any hour."""
    schedule = next((s for s in plan.site.schedules if s.id == rule.schedule), None)
    name = plan.site.time_zone
    closed = closed_hours(zone.closed_hours, name, f"zone {zone.id}.closed_hours")
    when = None if schedule is None else hours(schedule.hours, schedule.days, name, place)
    if rule.kind is HazardKind.PARKING_FULL:
        return OpenHours(when, closed)
    if class_of(rule.kind) is not HazardClass.PRESENCE:
        if schedule is not None:
            raise RuleConfigError(
                f"{rule.kind} holds at any hour", place=place, remedy="Remove its schedule"
            )
        return None
    if zone.area_m2 < PRESENCE_LEAST_M2:
        raise RuleConfigError(
            f"zone {zone.id} has {zone.area_m2:.1f} m2",
            place=place,
            remedy=f"Presence needs a zone of at least {PRESENCE_LEAST_M2:g} m2",
        )
    try:
        return Arming(zone.kind, when, closed)
    except RuleConfigError as error:
        raise RuleConfigError(error.message, place=place, remedy=error.remedy) from None


def _inward_lines(site: site_file.Site, rule: site_file.Rule) -> frozenset[str]:
    into = {g.id for g in site.gates if g.to == rule.zone}
    return frozenset(x.id for x in site.lines if x.device == rule.device and x.gate in into)


_ALWAYS: Final = (
    (HazardKind.SOURCE_STALE, "stale", SEEING),
    (HazardKind.RATE_BELOW_FLOOR, "rate", frozenset({DeviceKind.CAMERA})),
)
"""Equipment kinds that every device of these has a rule for, and how its id ends."""


def _silence(plan: _Plan) -> Iterable[Request]:
    """A request for every camera whose silence, or whose slowness, nobody asked to be told."""
    watched = {(r.device, r.kind) for r in plan.site.rules}
    for device in plan.devices.values():
        for kind, end, devices in _ALWAYS:
            if device.kind in devices and (device.id, kind) not in watched:
                zone = plan.zone(device.zone, f"device {device.id}")
                yield Request(
                    binding=Binding(f"{device.id[:26]}_{end}", kind, device.zone, device.id),
                    zone_kind=zone.kind,
                    zone_area_m2=zone.area_m2,
                )


def _integrity(plan: _Plan, unwatched: frozenset[str]) -> Iterable[Request]:
    """A request for each kind of integrity that the site file does not name for a colour camera."""
    named = {(r.device, r.kind) for r in plan.site.rules}
    for device in plan.devices.values():
        if device.kind is not DeviceKind.CAMERA or device.id in unwatched:
            continue
        zone = plan.zone(device.zone, f"device {device.id}")
        for kind in INTEGRITY_KINDS:
            if (device.id, kind) not in named:
                name = f"{device.id[:23]}_{kind.value.removeprefix('camera_')}"
                yield Request(
                    binding=Binding(name, kind, device.zone, device.id),
                    zone_kind=zone.kind,
                    zone_area_m2=zone.area_m2,
                )


def _settle(still: dict[str, Stillness], request: Request, wanted: Stillness) -> None:
    """The view's idea of standing still comes from the rule that needs it; two that differ cannot both hold."""
    key = f"{request.binding.device}/{request.binding.zone}"
    if still.setdefault(key, wanted) != wanted:
        raise RuleConfigError(
            "another rule of this camera and zone judges stillness otherwise",
            place=request.place,
            remedy="Give both the same speed, overlap and least size, or keep one",
        )


def _lines(plan: _Plan) -> dict[str, LineCounter]:
    return {
        x.id: LineCounter(line=x.id, device=x.device, a=x.points[0], b=x.points[1])
        for x in plan.site.lines
        if x.device in plan.devices and plan.devices[x.device].kind is DeviceKind.CAMERA
    }


def _line_facts(plan: _Plan, line: site_file.Line) -> LineFacts:
    gate = next((g for g in plan.site.gates if g.id == line.gate), None)
    ends = (gate.from_, gate.to) if gate else ()
    zones = [z for z in plan.site.zones if z.id in ends]
    exact = any(z.kind in THING_ZONE_KINDS for z in zones)
    camera = plan.devices[line.device].kind is DeviceKind.CAMERA
    labels = {label for z in zones for label in counted_labels(z)} if camera else {Label.PERSON}
    return LineFacts(
        device=line.device,
        labels=tuple(sorted(labels | {Label.PERSON})),
        pinch=any(z.pinch for z in zones),
        exact_things=exact,
    )
