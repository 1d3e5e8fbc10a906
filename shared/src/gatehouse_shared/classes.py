"""Class rules: what schema types cannot say about steps of time and place, small counts, and who may say what where.

Rule    the careful part of the wire is the sum of what a row may say freely. `free_bits` in the tests adds it up per class; the
        tables here (steps, grids, which optional field goes with which phase) are what keeps the sums within budget.
Errors  WireError with a RefusalReason; a refused row goes to quarantine, never further.
"""

from datetime import datetime
from typing import Final

from msgspec import UNSET, UnsetType

from gatehouse_shared.counts import CONFIRM_STEPS_S, FLOW_WINDOWS_S, is_registered_count
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.events import (
    CountData,
    Data,
    Event,
    FlowData,
    GapData,
    HazardData,
    HealthData,
    Place,
    ReadingData,
)
from gatehouse_shared.ids import HUB_GATEWAY, parse_source
from gatehouse_shared.instants import floor_time, parse_instant
from gatehouse_shared.names import (
    EQUIPMENT_KINDS,
    LT10,
    MAY_RAISE,
    PRESENCE_ZONE_KINDS,
    QUANTITIES,
    SMALL_COUNT,
    SMALL_COUNT_LABELS,
    THING_LABELS,
    THING_ZONE_KINDS,
    DeviceKind,
    HazardClass,
    HazardKind,
    Lane,
    Phase,
    class_of,
)
from gatehouse_shared.polygons import bounds
from gatehouse_shared.site import Site, Zone

HUB_KINDS: Final = frozenset(
    {
        HazardKind.DEVICE_OFFLINE,
        HazardKind.CLOCK_OFFSET,
        HazardKind.TOUR_MISSED,
        HazardKind.EXTERNAL_REPORT,
        HazardKind.CROWD_DENSITY,
    }
)
"""What the hub itself may raise."""

TIME_STEPS_S: Final[dict[HazardClass, int]] = {
    HazardClass.THING: 1,
    HazardClass.CROWD: 10,
    HazardClass.PRESENCE: 10,
    HazardClass.HELP: 1,
}
PLACE_STEPS_M: Final[dict[HazardClass, int]] = {
    HazardClass.THING: 1,
    HazardClass.CROWD: 10,
    HazardClass.HELP: 10,
}
PLACE_CELLS: Final[dict[HazardClass, int]] = {
    HazardClass.THING: 2**20,
    HazardClass.CROWD: 2**17,
    HazardClass.HELP: 576,
}
"""How many grid cells a zone may have for a row to name one of them (crowd: cells times possible counts)."""

MEASURED_PLACE_CELLS: Final = 2**10
"""The same for a thing with a measure beside the place."""

PRESENCE_MIN_AREA_M2: Final = 12.0
PRESENCE_MIN_DWELL_S: Final = 60


def time_step_s(data: Data) -> int:
    """Seconds to whose multiples the event's `time` is floored."""
    if isinstance(data, HazardData):
        if data.kind is HazardKind.PERSON_DOWN:
            return 10
        return TIME_STEPS_S[class_of(data.kind)]
    if isinstance(data, CountData):
        return data.window_s
    if isinstance(data, ReadingData):
        return QUANTITIES[data.quantity].interval_s
    return 10 if isinstance(data, FlowData) else 1


def floor_event_time(data: Data, time: datetime) -> datetime:
    """`time` as it may be written for this payload."""
    return floor_time(time, time_step_s(data))


def subject_of(data: Data, gateway: str) -> str:
    """The subject that this payload implies; of health and gaps without a device, the gateway."""
    if isinstance(data, HazardData | CountData):
        return f"zones/{data.zone}"
    if isinstance(data, FlowData):
        return f"lines/{data.line}"
    if isinstance(data, ReadingData):
        return f"devices/{data.device}"
    return f"devices/{gateway}"


def fit_place(kind: HazardKind, zone: Zone, x_m: float, y_m: float) -> Place | None:
    """The place a raised row may name: clamped into the zone's box, floored to the class's grid. None where none may be named."""
    step = PLACE_STEPS_M.get(class_of(kind))
    if step is None:
        return None
    x0, y0, x1, y1 = bounds(zone.polygon)
    x, y = min(max(x_m, x0), x1), min(max(y_m, y0), y1)
    return Place(x_m=int(x // step * step), y_m=int(y // step * step), level=zone.level)


def place_cells(hazard_class: HazardClass, zone: Zone) -> int:
    """How many places of the class's grid lie in the zone's box."""
    step = PLACE_STEPS_M[hazard_class]
    x0, y0, x1, y1 = bounds(zone.polygon)
    return int((x1 // step - x0 // step + 1) * (y1 // step - y0 // step + 1))


def may_place(data: HazardData, zone: Zone) -> bool:
    """Whether the zone is small enough for this row to name a place in it."""
    hazard_class = class_of(data.kind)
    if hazard_class is HazardClass.PRESENCE:
        return False
    cells = place_cells(hazard_class, zone)
    if hazard_class is HazardClass.CROWD:
        counts = 1 if data.count is UNSET else max(1, data.count - SMALL_COUNT + 1)
        return cells * counts <= PLACE_CELLS[hazard_class]
    if hazard_class is HazardClass.THING and data.measure is not UNSET:
        return cells <= MEASURED_PLACE_CELLS
    return cells <= PLACE_CELLS[hazard_class]


def check_event(event: Event, site: Site) -> None:
    """Everything a single row must obey at its site. WireError names the first rule it breaks."""
    _, gateway = parse_source(event.source)
    known = gateway == HUB_GATEWAY or site.has_gateway(gateway)
    _require(known, RefusalReason.UNKNOWN_GATEWAY, "not a gateway of this site")
    step = time_step_s(event.data)
    time = parse_instant(event.time)
    _require(floor_time(time, step) == time, RefusalReason.TIME_STEP, f"not a multiple of {step} s")
    data = event.data
    if isinstance(data, GapData):
        _require(
            data.from_seq <= data.to_seq, RefusalReason.OUT_OF_RANGE, "a gap ends before it starts"
        )
        return _check_subject(event, f"devices/{gateway}")
    alarm = isinstance(data, HazardData)
    _require(
        event.lane is (Lane.ALARM if alarm else Lane.BULK),
        RefusalReason.WRONG_LANE,
        "type and lane differ",
    )
    if isinstance(data, HazardData):
        _check_hazard(event.seq, gateway, data, site)
    elif isinstance(data, CountData):
        _check_count(data, site)
    elif isinstance(data, FlowData):
        _check_flow(data, site)
    elif isinstance(data, ReadingData):
        _check_reading(data, site)
    else:
        return _check_health(event, data, gateway, site)
    return _check_subject(event, subject_of(data, gateway))


def _require(kept: bool, reason: RefusalReason, message: str) -> None:
    if not kept:
        raise WireError(reason, message)


def _check_subject(event: Event, subject: str) -> None:
    _require(event.subject == subject, RefusalReason.WRONG_SUBJECT, "subject and data differ")


def _zone(site: Site, zone_id: str) -> Zone:
    zone = site.zone(zone_id)
    if zone is None:
        raise WireError(RefusalReason.UNKNOWN_NAME, "no such zone at this site")
    return zone


def _device_kind(site: Site, device_id: str) -> DeviceKind | None:
    """The device's kind; None for a gateway or the hub, which may raise equipment kinds only."""
    device = site.device(device_id)
    if device is not None:
        return device.kind
    known = device_id == HUB_GATEWAY or site.has_gateway(device_id)
    _require(known, RefusalReason.UNKNOWN_NAME, "no such device")
    return None


def _check_hazard(seq: int, gateway: str, data: HazardData, site: Site) -> None:
    zone = _zone(site, data.zone)
    kind = _device_kind(site, data.device)
    by_hub = gateway == HUB_GATEWAY and data.kind in HUB_KINDS
    allowed = data.kind in EQUIPMENT_KINDS or (kind is not None and data.kind in MAY_RAISE[kind])
    _require(
        allowed or by_hub or (data.kind is HazardKind.TAMPER and kind is None),
        RefusalReason.CLASS_RULE,
        f"a {kind or 'gateway'} may not raise {data.kind}",
    )
    if data.kind is HazardKind.TOUR_MISSED or data.kind is HazardKind.EXTERNAL_REPORT:
        _require(gateway == HUB_GATEWAY, RefusalReason.HUB_ONLY, "only the hub says this")
    raised = data.phase is Phase.RAISED
    if raised:
        _require(
            data.hazard == seq, RefusalReason.CLASS_RULE, "hazard is the seq of its raised row"
        )
    else:
        _require(
            data.hazard < seq, RefusalReason.CLASS_RULE, "a hazard is raised before it goes on"
        )
    _check_optional(data, raised)
    hazard_class = class_of(data.kind)
    steps = CONFIRM_STEPS_S[hazard_class]
    _require(
        data.confirm_s in steps, RefusalReason.OUT_OF_RANGE, "confirm_s is not a registered step"
    )
    _check_measure(data)
    _check_place(data, hazard_class, zone)
    if hazard_class is HazardClass.PRESENCE:
        _check_presence(data, zone)
    if hazard_class is HazardClass.CROWD and data.phase is not Phase.CLEARED:
        _require(
            data.count is not UNSET, RefusalReason.CLASS_RULE, "a crowd has a count of ten or more"
        )


def _check_optional(data: HazardData, raised: bool) -> None:
    """Which optional field goes with which phase and class."""
    crowd = class_of(data.kind) is HazardClass.CROWD
    presence = class_of(data.kind) is HazardClass.PRESENCE
    updated = data.phase is Phase.UPDATED
    _require(raised or data.place is UNSET, RefusalReason.CLASS_RULE, "place only when raised")
    _require(raised or data.confirm_s == 0, RefusalReason.CLASS_RULE, "confirm_s only when raised")
    _require(crowd or data.count is UNSET, RefusalReason.CLASS_RULE, "count only for crowds")
    _require(
        data.evidence is UNSET or (updated and not presence),
        RefusalReason.CLASS_RULE,
        "evidence only in updates, never for presence",
    )
    _require(
        data.count_raises is UNSET or (updated and presence),
        RefusalReason.CLASS_RULE,
        "count_raises only in updates of presence",
    )


def _check_measure(data: HazardData) -> None:
    if isinstance(data.measure, UnsetType):
        return
    thing = class_of(data.kind) is HazardClass.THING
    _require(thing, RefusalReason.CLASS_RULE, "measure only for things")
    spec = QUANTITIES[data.measure.quantity]
    for steps in (data.measure.value, data.measure.threshold):
        _require(spec.low <= steps <= spec.high, RefusalReason.OUT_OF_RANGE, "measure out of range")


def _check_place(data: HazardData, hazard_class: HazardClass, zone: Zone) -> None:
    if isinstance(data.place, UnsetType):
        return
    _require(
        hazard_class is not HazardClass.PRESENCE, RefusalReason.CLASS_RULE, "presence has no place"
    )
    fitted = fit_place(data.kind, zone, data.place.x_m, data.place.y_m)
    step = PLACE_STEPS_M[hazard_class]
    on_grid = data.place.x_m % step == 0 and data.place.y_m % step == 0
    _require(on_grid, RefusalReason.CLASS_RULE, f"place is a multiple of {step} m")
    # A floored corner may lie up to one step outside the box; what fit_place itself made must pass.
    near = fitted is not None and (
        abs(fitted.x_m - data.place.x_m) <= step and abs(fitted.y_m - data.place.y_m) <= step
    )
    _require(near, RefusalReason.CLASS_RULE, "place lies outside its zone")
    _require(data.place.level == zone.level, RefusalReason.CLASS_RULE, "level is the zone's")
    _require(
        may_place(data, zone), RefusalReason.CLASS_RULE, "the zone is too large to name a place"
    )


def _check_presence(data: HazardData, zone: Zone) -> None:
    _require(data.armed, RefusalReason.CLASS_RULE, "presence only while armed")
    _require(
        zone.kind in PRESENCE_ZONE_KINDS or bool(zone.closed_hours),
        RefusalReason.CLASS_RULE,
        "presence only in perimeter, water and shed zones or closed hours",
    )
    _require(zone.area_m2 >= PRESENCE_MIN_AREA_M2, RefusalReason.CLASS_RULE, "zone is under 12 m2")
    if data.kind is HazardKind.DWELL and data.phase is Phase.RAISED:
        long_enough = data.confirm_s >= PRESENCE_MIN_DWELL_S
        _require(long_enough, RefusalReason.CLASS_RULE, "a dwell lasts 60 s or more")


def _check_count(data: CountData, site: Site) -> None:
    zone = _zone(site, data.zone)
    _device_kind(site, data.device)
    things = data.label in THING_LABELS
    _require(
        data.label in SMALL_COUNT_LABELS or (things and zone.kind in THING_ZONE_KINDS),
        RefusalReason.CLASS_RULE,
        "persons and cycles anywhere, vehicles and boats in parking, lane and water zones only",
    )
    low, high = _order(data.mean), _order(data.max)
    _require(low <= high, RefusalReason.OUT_OF_RANGE, "mean above max")
    _require(
        data.mean != 0 or data.max == 0 or things, RefusalReason.SMALL_COUNT, "not empty throughout"
    )
    for count in (data.mean, data.max):
        _check_released(data.label in SMALL_COUNT_LABELS, count)
        if data.label in SMALL_COUNT_LABELS and count == 0:
            _require(data.window_s == 900, RefusalReason.SMALL_COUNT, "zero only over 900 s")
    if data.window_s == 10:
        whole = isinstance(data.mean, int) and data.mean >= SMALL_COUNT
        _require(whole, RefusalReason.SMALL_COUNT, "10 s windows only at ten or more")


def _check_flow(data: FlowData, site: Site) -> None:
    line = next((x for x in site.lines if x.id == data.line), None)
    counted = _device_kind(site, data.device) is DeviceKind.COUNTER
    _require(line is not None or counted, RefusalReason.UNKNOWN_NAME, "no such line")
    _require(
        data.window_s in FLOW_WINDOWS_S, RefusalReason.OUT_OF_RANGE, "window is not registered"
    )
    small = data.label in SMALL_COUNT_LABELS
    _require(small or data.label in THING_LABELS, RefusalReason.CLASS_RULE, "label is not counted")
    for count in (data.in_, data.out):
        _check_released(small, count)


def _check_released(small: bool, count: int | str) -> None:
    if isinstance(count, str):
        _require(small, RefusalReason.SMALL_COUNT, "things are counted exactly")
        return
    _require(
        not (small and 0 < count < SMALL_COUNT), RefusalReason.SMALL_COUNT, "one to nine is lt10"
    )
    _require(is_registered_count(count), RefusalReason.OUT_OF_RANGE, "count is not registered")


def _order(count: int | str) -> int:
    return 5 if count == LT10 else int(count)


def _check_reading(data: ReadingData, site: Site) -> None:
    kind = _device_kind(site, data.device)
    silent = (DeviceKind.CONTACT, DeviceKind.BUTTON, DeviceKind.READER, DeviceKind.CAMERA)
    _require(
        kind is not None and kind not in silent,
        RefusalReason.CLASS_RULE,
        f"no readings of a {kind}",
    )
    spec = QUANTITIES[data.quantity]
    _require(spec.low <= data.value <= spec.high, RefusalReason.OUT_OF_RANGE, "value out of range")


def _check_health(event: Event, data: HealthData, gateway: str, site: Site) -> None:
    whole = (data.camera is UNSET) != (data.gateway is UNSET)
    _require(whole, RefusalReason.WRONG_SCHEMA, "health is of one camera or of the gateway")
    if data.gateway is not UNSET:
        return _check_subject(event, f"devices/{gateway}")
    name = event.subject.removeprefix("devices/")
    kind = _device_kind(site, name)
    cameras = (DeviceKind.CAMERA, DeviceKind.THERMAL)
    return _require(kind in cameras, RefusalReason.WRONG_SUBJECT, "camera health is of a camera")
