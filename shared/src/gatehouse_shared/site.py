"""The site file: one place, its zones, gates, lines, views, schedules, rules and devices. Known to the gateway and the hub.

Units   metres from the site's origin, x right, y up; points of lines and views in fractions of the frame, y down.
Errors  SiteError, naming the key and what to do. Every id is unique over the whole file, so that none is given twice.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatehouse_shared.errors import SiteError
from gatehouse_shared.ids import HUB_GATEWAY, Id
from gatehouse_shared.names import DeviceKind, HazardKind, Serves, ZoneKind
from gatehouse_shared.polygons import Polygon, area_m2, crossing_edges

OUTSIDE: Final = "outside"
"""The zone beyond every site; always there, never declared."""

Name = Annotated[str, Meta(min_length=1, max_length=80)]
Names = Annotated[dict[Literal["en", "zh-CN"], Name], Meta(min_length=1)]
Hours = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])",
        max_length=11,
    ),
]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])", max_length=5)]
MetrePoint = tuple[
    Annotated[float, Meta(ge=-8191, le=8191)], Annotated[float, Meta(ge=-8191, le=8191)]
]
FramePoint = tuple[Annotated[float, Meta(ge=0, le=1)], Annotated[float, Meta(ge=0, le=1)]]
FramePolygon = Annotated[tuple[FramePoint, ...], Meta(min_length=3, max_length=64)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Part(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What every part of the file has in common: unknown keys are refused."""


class Origin(Part, frozen=True, kw_only=True):
    """Puts the plan on a map; `bearing_deg` is the direction of +y, clockwise from north."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    bearing_deg: Annotated[float, Meta(ge=0, lt=360)] = 0.0


class Zone(Part, frozen=True, kw_only=True):
    """A part of the place. `neighbours` can be walked into; the relation holds both ways however it is written."""

    id: Id
    name: Names
    kind: ZoneKind
    serves: Serves
    polygon: Annotated[tuple[MetrePoint, ...], Meta(min_length=3, max_length=64)]
    level: Annotated[int, Meta(ge=-9, le=99)] = 0
    capacity: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    closed_hours: Annotated[tuple[Hours, ...], Meta(max_length=8)] = ()
    pinch: bool = False
    neighbours: Annotated[tuple[Id, ...], Meta(max_length=32)] = ()

    @property
    def area_m2(self) -> float:
        """Area of the polygon."""
        return area_m2(self.polygon)


class Gate(Part, frozen=True, kw_only=True):
    """A counted edge of the zone graph; inward is from `from_` to `to`."""

    id: Id
    from_: Id = msgspec.field(name="from")
    to: Id
    width_m: Annotated[float, Meta(gt=0, le=100)]


class Line(Part, frozen=True, kw_only=True):
    """Where a device sees a gate. Crossing from the left of first-to-second point to its right is inward."""

    id: Id
    gate: Id
    device: Id
    points: tuple[FramePoint, FramePoint]


class View(Part, frozen=True, kw_only=True):
    """Where a device sees a zone; with four or more marks (frame point, site point) sizes and densities are in metres.

    `rest_areas` are the parts of the frame where people lie down as they please: benches, beds, lawns, play areas.
    """

    device: Id
    zone: Id
    polygon: FramePolygon
    marks: Annotated[tuple[tuple[FramePoint, MetrePoint], ...], Meta(max_length=32)] = ()
    rest_areas: Annotated[tuple[FramePolygon, ...], Meta(max_length=16)] = ()


class Schedule(Part, frozen=True, kw_only=True):
    """Hours and days in the site's time zone; an interval over midnight belongs to the day it starts on."""

    id: Id
    hours: Annotated[tuple[Hours, ...], Meta(min_length=1, max_length=8)]
    days: Annotated[tuple[Day, ...], Meta(min_length=1, max_length=7)]


class Rule(Part, frozen=True, kw_only=True):
    """A rule pack entry switched on: what is watched, where, by what, with which parameters and when it is armed."""

    id: Id
    kind: HazardKind
    zone: Id
    device: Id
    params: Annotated[
        dict[Annotated[str, Meta(max_length=48)], float | int | bool], Meta(max_length=64)
    ] = {}
    schedule: Id | None = None


class Device(Part, frozen=True, kw_only=True):
    """A camera or sensor, where it hangs, and the gateway that reads it."""

    id: Id
    kind: DeviceKind
    zone: Id
    at: MetrePoint
    gateway: Id


class Site(Part, frozen=True, kw_only=True):
    """One place."""

    site: Id
    name: Names
    time_zone: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_+/-]{1,40}(?![\s\S])", max_length=40)]
    closes_at: ClockTime | None = None
    origin: Origin | None = None
    zones: Annotated[tuple[Zone, ...], Meta(min_length=1, max_length=256)]
    gates: Annotated[tuple[Gate, ...], Meta(max_length=256)] = ()
    lines: Annotated[tuple[Line, ...], Meta(max_length=256)] = ()
    views: Annotated[tuple[View, ...], Meta(max_length=512)] = ()
    schedules: Annotated[tuple[Schedule, ...], Meta(max_length=64)] = ()
    rules: Annotated[tuple[Rule, ...], Meta(max_length=1024)] = ()
    devices: Annotated[tuple[Device, ...], Meta(max_length=1024)] = ()

    def zone(self, zone_id: str) -> Zone | None:
        """The zone of that id."""
        return next((z for z in self.zones if z.id == zone_id), None)

    def device(self, device_id: str) -> Device | None:
        """The device of that id."""
        return next((d for d in self.devices if d.id == device_id), None)

    def has_gateway(self, gateway: str) -> bool:
        """Whether a device of the site hangs at this gateway."""
        return any(d.gateway == gateway for d in self.devices)

    def gateways(self) -> tuple[str, ...]:
        """Ids of the site's gateways, sorted."""
        return tuple(sorted({d.gateway for d in self.devices}))

    def adjoining(self) -> frozenset[tuple[str, str]]:
        """Pairs of zones one can walk between, both ways."""
        pairs = {(z.id, n) for z in self.zones for n in z.neighbours}
        pairs |= {(g.from_, g.to) for g in self.gates if OUTSIDE not in (g.from_, g.to)}
        return frozenset(pairs | {(b, a) for a, b in pairs})


def decode_site(tree: object) -> Site:
    """A checked site from what YAML or JSON gave. SiteError names the key and the remedy."""
    try:
        site = msgspec.convert(tree, Site)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        place = path.strip("`").removeprefix("$").removeprefix(".") or "site file"
        raise SiteError(
            place, message, "Correct or remove this key; see shared/docs/site-file.md"
        ) from None
    check_site(site)
    return site


def check_site(site: Site) -> None:
    """What types cannot say: shapes, unique ids, references. SiteError on the first fault."""
    _check_unique(site)
    for index, zone in enumerate(site.zones):
        _check_polygon(f"zones[{index}].polygon ({zone.id})", zone.polygon)
    for index, view in enumerate(site.views):
        _check_polygon(f"views[{index}].polygon ({view.device} of {view.zone})", view.polygon)
        for area, corners in enumerate(view.rest_areas):
            _check_polygon(f"views[{index}].rest_areas[{area}]", corners)
        if 0 < len(view.marks) < 4:
            raise SiteError(
                f"views[{index}].marks",
                f"{len(view.marks)} marks cannot give a homography",
                "Mark four or more points, no three of them in line, or none at all",
            )
    _check_references(site)


def _check_polygon(place: str, polygon: Polygon) -> None:
    crossing = crossing_edges(polygon)
    if crossing is not None:
        a, b = crossing
        raise SiteError(
            place,
            f"edge {a + 1} crosses edge {b + 1}",
            "Give the corners in order round the zone, without crossing",
        )
    if area_m2(polygon) == 0:
        raise SiteError(place, "encloses nothing", "Give at least three corners not in line")


def _check_unique(site: Site) -> None:
    seen: dict[str, str] = {OUTSIDE: "the outside", HUB_GATEWAY: "the hub itself"}
    named: list[tuple[str, str]] = [
        *((z.id, f"zones[{i}]") for i, z in enumerate(site.zones)),
        *((g.id, f"gates[{i}]") for i, g in enumerate(site.gates)),
        *((x.id, f"lines[{i}]") for i, x in enumerate(site.lines)),
        *((s.id, f"schedules[{i}]") for i, s in enumerate(site.schedules)),
        *((r.id, f"rules[{i}]") for i, r in enumerate(site.rules)),
        *((d.id, f"devices[{i}]") for i, d in enumerate(site.devices)),
        *((gateway, "devices[].gateway") for gateway in site.gateways()),
    ]
    for name, place in named:
        if name in seen:
            raise SiteError(
                f"{place}.id", f"{name!r} is already the id of {seen[name]}", "Choose another id"
            )
        seen[name] = place


def _check_references(site: Site) -> None:
    zones = {z.id for z in site.zones}
    devices = {d.id for d in site.devices}
    for i, zone in enumerate(site.zones):
        _check_known(f"zones[{i}].neighbours", zone.neighbours, zones, "zone")
    for i, gate in enumerate(site.gates):
        _check_known(f"gates[{i}]", (gate.from_, gate.to), zones | {OUTSIDE}, "zone")
    for i, line in enumerate(site.lines):
        _check_known(f"lines[{i}].gate", (line.gate,), {g.id for g in site.gates}, "gate")
        _check_known(f"lines[{i}].device", (line.device,), devices, "device")
    for i, view in enumerate(site.views):
        _check_known(f"views[{i}].zone", (view.zone,), zones, "zone")
        _check_known(f"views[{i}].device", (view.device,), devices, "device")
    for i, rule in enumerate(site.rules):
        _check_known(f"rules[{i}].zone", (rule.zone,), zones, "zone")
        _check_known(f"rules[{i}].device", (rule.device,), devices, "device")
        if rule.schedule is not None:
            schedules = {s.id for s in site.schedules}
            _check_known(f"rules[{i}].schedule", (rule.schedule,), schedules, "schedule")
    for i, device in enumerate(site.devices):
        _check_known(f"devices[{i}].zone", (device.zone,), zones, "zone")


def _check_known(place: str, ids: Iterable[str], known: set[str], what: str) -> None:
    for name in ids:
        if name not in known:
            raise SiteError(
                place, f"there is no {what} {name!r}", f"Declare it, or use one of: {_few(known)}"
            )


def _few(names: set[str]) -> str:
    shown = sorted(names)[:8]
    return ", ".join(shown) + (", …" if len(names) > len(shown) else "")


def site_to_tree(site: Site) -> Any:
    """Plain dicts and lists, to be written as YAML or JSON."""
    return msgspec.to_builtins(site)
