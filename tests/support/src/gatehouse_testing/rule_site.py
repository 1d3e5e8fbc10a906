"""One small site with every kind of rule, and for each kind what happens there: for golden and whole-rule tests."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from gatehouse_edge.rules.observations import Acknowledged, Looked, Observation, SourceUp
from gatehouse_edge.values import Reading, SourceDown, Track
from gatehouse_shared.names import Label, Quantity
from gatehouse_shared.site import Site, decode_site
from gatehouse_testing import picture_stories, rule_stories
from gatehouse_testing.rule_stories import WHOLE, Told, beats, film
from gatehouse_testing.watched import moment, person, state_of, thing, warmth

LOWER: Final = [[0.0, 0.3], [1.0, 0.3], [1.0, 1.0], [0.0, 1.0]]
SQUARE_MARKS: Final = [
    [[0.0, 0.0], [0.0, 6.0]],
    [[1.0, 0.0], [8.0, 6.0]],
    [[1.0, 1.0], [8.0, 0.0]],
    [[0.0, 1.0], [0.0, 0.0]],
]
"""A camera that looks straight down on 8 by 6 metres: a hundredth of the frame is 8 cm across and 6 cm down."""


def rule_site(**changes: Any) -> Site:
    """The site; keyword arguments replace top-level keys."""
    return decode_site({**site_tree(), **changes})


def site_tree() -> dict[str, Any]:
    """The site as plain values, to be changed by a test."""
    return {
        "site": "testing",
        "name": {"en": "Testing"},
        "time_zone": "Europe/Berlin",
        "closes_at": "23:30",
        "zones": [
            _zone("plaza", "moving", 8, 6, capacity=40, neighbours=["fence"]),
            _zone("fence", "perimeter", 8, 6),
            _zone("fire_lane", "lane", 20, 4),
            _zone("shed", "shed", 6, 5),
            _zone("lobby", "door", 5, 4, closed_hours=["22:00-06:00"]),
            _zone("cellar", "area", 10, 5, pinch=True),
            *deepcopy(rule_stories.ZONES),
        ],
        "gates": [
            {"id": "plaza_gate", "from": "outside", "to": "plaza", "width_m": 3.0},
            {"id": "fence_gate", "from": "plaza", "to": "fence", "width_m": 1.0},
            {"id": "lane_gate", "from": "outside", "to": "fire_lane", "width_m": 4.0},
            {"id": "cellar_gate", "from": "lobby", "to": "cellar", "width_m": 1.2},
        ],
        "lines": [
            _line("plaza_line", "plaza_gate", "cam_plaza"),
            _line("fence_line", "fence_gate", "cam_fence"),
            _line("lane_line", "lane_gate", "cam_lane"),
            _line("cellar_line", "cellar_gate", "counter_1"),
        ],
        "views": [
            {"device": "cam_plaza", "zone": "plaza", "polygon": WHOLE, "marks": SQUARE_MARKS},
            {"device": "cam_fence", "zone": "fence", "polygon": LOWER},
            {"device": "cam_lane", "zone": "fire_lane", "polygon": LOWER},
            {"device": "cam_shed", "zone": "shed", "polygon": WHOLE},
            *deepcopy(rule_stories.VIEWS),
        ],
        "schedules": [
            {"id": "night", "hours": ["22:00-06:00"], "days": ["mon", "tue", "wed", "thu", "fri"]}
        ],
        "rules": [
            _rule("plaza_crowd", "crowd_density", "plaza", "cam_plaza"),
            _rule("fence_walk", "perimeter_intrusion", "fence", "cam_fence"),
            _rule("fence_stay", "dwell", "fence", "cam_fence", {"dwell_s": 60}),
            _rule("lane_free", "lane_blocked", "fire_lane", "cam_lane"),
            _rule("shed_hot", "thermal_hotspot", "shed", "thermal_1"),
            _rule("shed_flame", "fire_flame", "shed", "cam_shed"),
            _rule("shed_haze", "fire_smoke", "shed", "cam_shed"),
            _rule("shed_smoke", "fire_smoke", "shed", "smoke_1"),
            _rule("lobby_help", "help_button", "lobby", "button_1"),
            _rule("lobby_panel", "panel_alarm", "lobby", "panel_1"),
            _rule("lobby_held", "door_held", "lobby", "contact_1"),
            _rule("lobby_forced", "door_forced", "lobby", "contact_1"),
            _rule("cellar_gas", "reading_out_of_range", "cellar", "gas_1"),
            _rule("lane_silent", "source_stale", "fire_lane", "cam_lane"),
            *deepcopy(rule_stories.RULES),
        ],
        "devices": [
            _device("cam_plaza", "camera", "plaza"),
            _device("cam_fence", "camera", "fence"),
            _device("cam_lane", "camera", "fire_lane"),
            _device("cam_shed", "camera", "shed"),
            _device("thermal_1", "thermal", "shed"),
            _device("smoke_1", "smoke", "shed"),
            _device("button_1", "button", "lobby"),
            _device("panel_1", "panel", "lobby"),
            _device("contact_1", "contact", "lobby"),
            _device("reader_1", "reader", "lobby"),
            _device("counter_1", "counter", "cellar"),
            _device("gas_1", "gas", "cellar"),
            *deepcopy(rule_stories.DEVICES),
        ],
    }


def _zone(name: str, kind: str, width: float, depth: float, **more: Any) -> dict[str, Any]:
    polygon = [[0.0, 0.0], [width, 0.0], [width, depth], [0.0, depth]]
    words = {"id": name, "name": {"en": name}, "kind": kind, "serves": "shared"}
    return {**words, "polygon": polygon, **more}


def _line(name: str, gate: str, device: str) -> dict[str, Any]:
    return {"id": name, "gate": gate, "device": device, "points": [[0.1, 0.6], [0.9, 0.6]]}


def _rule(
    name: str, kind: str, zone: str, device: str, params: dict[str, float] | None = None
) -> dict[str, Any]:
    return {"id": name, "kind": kind, "zone": zone, "device": device, "params": params or {}}


def _device(name: str, kind: str, zone: str) -> dict[str, Any]:
    return {"id": name, "kind": kind, "zone": zone, "at": [0.0, 0.0], "gateway": "gw_1"}


def _grid(count: int) -> tuple[Track, ...]:
    places = [(0.05 + 0.09 * (i % 10), 0.15 + 0.09 * (i // 10)) for i in range(count)]
    return tuple(person(100 + i, place, tall=0.1) for i, place in enumerate(places))


def _slow(first: int, last: int, fps: float) -> Told:
    """A camera that is looked at `fps` times a second, where one is the least."""
    return [
        (float(at), Looked("cam_lane", float(at), moment(at).time, fps, 1.0))
        for at in range(first, last + 1)
    ]


def _crowd(at: float) -> tuple[Track, ...]:
    return _grid(26 if at < 50 else 60 if at < 80 else 12)


def _walk(at: float) -> tuple[Track, ...]:
    return (person(1, (0.1 + 0.05 * at, 0.8)),) if 2 <= at <= 8 else ()


def _stay(at: float) -> tuple[Track, ...]:
    return (person(1, (0.5, 0.8)),) if 2 <= at <= 90 else ()


def _car(at: float) -> tuple[Track, ...]:
    x = max(0.1, 0.7 - 0.1 * at)
    return (thing(1, (x, 0.4, x + 0.3, 0.8)),) if at < 650 else ()


def _fire(label: Label, at: float) -> tuple[Track, ...]:
    return (thing(1, (0.4, 0.4, 0.5, 0.5), label),) if 2 <= at <= 20 else ()


def _heat(at: int) -> float:
    return 30.0 if at < 5 else 44.0 if at < 50 else 58.0 if at < 90 else 30.0


def _gas(at: float, value: int) -> tuple[float, Observation]:
    return at, Reading("gas_1", moment(at).time, at, quantity=Quantity.GAS, value=value)


def _down(at: float) -> tuple[float, Observation]:
    return at, SourceDown("cam_lane", moment(at).time, at, "no frame")


def stories() -> Mapping[str, tuple[str, Told]]:
    """For each kind of rule by its name: the rule of the site, and what its device is told."""
    alive: Told = [(float(at), SourceUp("cam_lane")) for at in range(30, 41)]
    return {
        **rule_stories.stories(),
        **picture_stories.stories(),
        "perimeter_intrusion": ("fence_walk", film("cam_fence", 0, 25, _walk)),
        "dwell": ("fence_stay", film("cam_fence", 0, 130, _stay, fps=2)),
        "lane_blocked": ("lane_free", film("cam_lane", 0, 690, _car, fps=2)),
        "crowd_density": ("plaza_crowd", film("cam_plaza", 0, 220, _crowd, fps=2)),
        "thermal_hotspot": (
            "shed_hot",
            [(float(at), warmth(float(at), _heat(at))) for at in range(200)],
        ),
        "fire_flame": (
            "shed_flame",
            film("cam_shed", 0, 60, lambda at: _fire(Label.FLAME, at)),
        ),
        "fire_smoke_video": (
            "shed_haze",
            film("cam_shed", 0, 60, lambda at: _fire(Label.SMOKE, at)),
        ),
        "fire_smoke": (
            "shed_smoke",
            [
                (1.0, state_of(1, True, "smoke_1")),
                (20.0, state_of(20, False, "smoke_1")),
                *beats(20, 40),
            ],
        ),
        "help_button": (
            "lobby_help",
            [
                (1.0, state_of(1, True, "button_1")),
                (2.0, state_of(2, False, "button_1")),
                *beats(2, 10),
                (11.0, Acknowledged("lobby_help", at_site=True)),
            ],
        ),
        "panel_alarm": (
            "lobby_panel",
            [
                (1.0, state_of(1, True, "panel_1")),
                (2.0, state_of(2, False, "panel_1")),
                *beats(2, 10),
                (11.0, Acknowledged("lobby_panel", at_site=True)),
            ],
        ),
        "door_held": (
            "lobby_held",
            [
                (1.0, state_of(1, True, "contact_1")),
                *beats(2, 40),
                (41.0, state_of(41, False, "contact_1")),
                *beats(42, 50),
            ],
        ),
        "door_forced": (
            "lobby_forced",
            [
                (0.0, state_of(0, False, "contact_1")),
                (5.0, state_of(5, True, "contact_1")),
                *beats(6, 9),
                (10.0, state_of(10, False, "contact_1")),
                *beats(11, 20),
            ],
        ),
        "reading_out_of_range": (
            "cellar_gas",
            [
                _gas(0, 2),
                _gas(10, 15),
                *beats(11, 30),
                _gas(31, 25),
                *beats(32, 60),
                _gas(61, 5),
                *beats(62, 140),
            ],
        ),
        "rate_below_floor": ("cam_lane_rate", [*_slow(0, 50, 0.4), *_slow(51, 90, 3.0)]),
        "source_stale": ("lane_silent", [*beats(0, 3), _down(4.0), *beats(5, 29), *alive]),
    }
