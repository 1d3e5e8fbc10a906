"""More of the small site of `rule_site.py`: crowds, a car park, a way out, a pond, a desk of sensors; and what happens there."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gatehouse_edge.rules.observations import Observation, Tick
from gatehouse_edge.values import Reading, Track
from gatehouse_shared.names import Label, Quantity
from gatehouse_testing.watched import moment, person, state_of, thing, tracks

Told = list[tuple[float, Observation]]
Tree = dict[str, Any]

WHOLE: Final = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
POND_MARKS: Final = [
    [[0.0, 0.0], [0.0, 30.0]],
    [[1.0, 0.0], [40.0, 30.0]],
    [[1.0, 1.0], [40.0, 0.0]],
    [[0.0, 1.0], [0.0, 0.0]],
]
"""A camera high above 40 by 30 metres of water."""


def _zone(name: str, kind: str, width: float, depth: float, **more: Any) -> Tree:
    polygon = [[0.0, 0.0], [width, 0.0], [width, depth], [0.0, depth]]
    words = {"id": name, "name": {"en": name}, "kind": kind, "serves": "shared"}
    return {**words, "polygon": polygon, **more}


def _rule(name: str, kind: str, zone: str, device: str) -> Tree:
    return {"id": name, "kind": kind, "zone": zone, "device": device, "params": {}}


def _device(name: str, kind: str, zone: str) -> Tree:
    return {"id": name, "kind": kind, "zone": zone, "at": [0.0, 0.0], "gateway": "gw_1"}


ZONES: Final = [
    _zone("car_park", "parking", 30, 12, capacity=10),
    _zone("way_out", "exit", 6, 3),
    _zone("pond", "water", 40, 30),
    _zone("hall", "area", 8, 6),
]
VIEWS: Final = [
    {"device": "cam_park", "zone": "car_park", "polygon": WHOLE},
    {"device": "cam_exit", "zone": "way_out", "polygon": WHOLE},
    {"device": "cam_pond", "zone": "pond", "polygon": WHOLE, "marks": POND_MARKS},
    {"device": "cam_hall", "zone": "hall", "polygon": WHOLE},
]
RULES: Final = [
    _rule("plaza_opposed", "crowd_counterflow", "plaza", "cam_plaza"),
    _rule("plaza_surge", "crowd_surge", "plaza", "cam_plaza"),
    _rule("park_full", "parking_full", "car_park", "cam_park"),
    _rule("exit_free", "object_blocking", "way_out", "cam_exit"),
    _rule("pond_boat", "vessel_intrusion", "pond", "cam_pond"),
    _rule("hall_fall", "person_down", "hall", "cam_hall"),
    _rule("hall_call", "intercom_unanswered", "hall", "intercom_1"),
    _rule("hall_lid", "tamper", "hall", "lid_1"),
    _rule("hall_battery", "battery_low", "hall", "battery_1"),
    _rule("hall_mains", "mains_lost", "hall", "mains_1"),
]
DEVICES: Final = [
    _device("cam_park", "camera", "car_park"),
    _device("cam_exit", "camera", "way_out"),
    _device("cam_pond", "camera", "pond"),
    _device("cam_hall", "camera", "hall"),
    _device("intercom_1", "intercom", "hall"),
    _device("lid_1", "contact", "hall"),
    _device("battery_1", "panel", "hall"),
    _device("mains_1", "panel", "hall"),
]


def film(
    device: str, first: float, last: float, seen: Callable[[float], tuple[Track, ...]], fps: int = 5
) -> Told:
    """Frames of a camera: what `seen` says at each moment."""
    steps = range(round(first * fps), round(last * fps) + 1)
    return [(i / fps, tracks(i / fps, *seen(i / fps), device=device)) for i in steps]


def beats(first: int, last: int) -> Told:
    """A tick a second."""
    return [(float(at), Tick()) for at in range(first, last + 1)]


def opposed(at: float, count: int, against: int, *, pace: float = 0.06) -> tuple[Track, ...]:
    """Persons in rows, `against` of them the other way, at `pace` widths of the frame a second; who leaves comes in anew."""
    seen: list[Track] = []
    for i in range(count):
        way = 0.017 * i + pace * at
        x = way % 1.0 if i >= against else 1.0 - way % 1.0
        y = 0.2 + 0.75 * (i % 20) / 20
        seen.append(person(1000 * (1 + int(way)) + i, (min(x, 0.999), y), tall=0.1))
    return tuple(seen)


def _opposed(at: float) -> tuple[Track, ...]:
    return opposed(at, 60, 24) if at < 60 else opposed(at, 12, 0)


def _surge(at: float) -> tuple[Track, ...]:
    count = 20 if at < 40 else 60 if at < 80 else 12
    places = [(0.05 + 0.09 * (i % 10), 0.15 + 0.09 * (i // 10)) for i in range(count)]
    return tuple(person(100 + i, place, tall=0.1) for i, place in enumerate(places))


def _parked(at: float) -> tuple[Track, ...]:
    boxes = [(0.02 + 0.19 * (i % 5), 0.1 + 0.4 * (i // 5)) for i in range(10 if at < 200 else 8)]
    return tuple(thing(i + 1, (x, y, x + 0.17, y + 0.3)) for i, (x, y) in enumerate(boxes))


def _left(at: float) -> tuple[Track, ...]:
    return (thing(1, (0.3, 0.4, 0.7, 0.75), Label.BICYCLE),) if 2 <= at <= 330 else ()


def _boat(at: float) -> tuple[Track, ...]:
    x = 0.05 + 0.025 * at
    return (thing(1, (x, 0.4, x + 0.1, 0.45), Label.BOAT),) if x <= 0.85 else ()


def _fall(at: float) -> tuple[Track, ...]:
    if 5 <= at <= 50:
        return (thing(1, (0.4, 0.72, 0.6, 0.8), Label.PERSON),)
    return (person(1, (0.5, 0.8), tall=0.4),)


def _volts(device: str, at: float, decivolts: int) -> tuple[float, Observation]:
    return at, Reading(device, moment(at).time, at, quantity=Quantity.VOLTAGE, value=decivolts)


def stories() -> Mapping[str, tuple[str, Told]]:
    """For each kind of rule of this module: the rule of the site, and what its device is told."""
    return {
        "crowd_counterflow": ("plaza_opposed", film("cam_plaza", 0, 150, _opposed, fps=2)),
        "crowd_surge": ("plaza_surge", film("cam_plaza", 0, 200, _surge, fps=2)),
        "parking_full": ("park_full", film("cam_park", 0, 360, _parked, fps=1)),
        "object_blocking": ("exit_free", film("cam_exit", 0, 370, _left, fps=1)),
        "vessel_intrusion": ("pond_boat", film("cam_pond", 0, 110, _boat, fps=2)),
        "person_down": ("hall_fall", film("cam_hall", 0, 60, _fall, fps=5)),
        "intercom_unanswered": (
            "hall_call",
            [
                (1.0, state_of(1, True, "intercom_1")),
                *beats(2, 70),
                (71.0, state_of(71, False, "intercom_1")),
                *beats(72, 80),
            ],
        ),
        "tamper": (
            "hall_lid",
            [
                (1.0, state_of(1, True, "lid_1")),
                *beats(2, 9),
                (10.0, state_of(10, False, "lid_1")),
                *beats(11, 30),
            ],
        ),
        "battery_low": (
            "hall_battery",
            [
                _volts("battery_1", 0, 124),
                _volts("battery_1", 10, 113),
                *beats(11, 100),
                _volts("battery_1", 101, 106),
                *beats(102, 200),
                _volts("battery_1", 201, 128),
                *beats(202, 560),
            ],
        ),
        "mains_lost": (
            "hall_mains",
            [
                _volts("mains_1", 0, 2310),
                _volts("mains_1", 10, 0),
                *beats(11, 40),
                _volts("mains_1", 41, 2300),
                *beats(42, 120),
            ],
        ),
    }
