"""Class rules: who may say what, where, how precisely."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_shared import wire
from gatehouse_shared.classes import check_event, fit_place, may_place
from gatehouse_shared.counts import floor_confirm, is_registered_count, release_count, round_count
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.events import Band as HealthBand
from gatehouse_shared.events import (
    CameraHealth,
    CameraState,
    ClockState,
    CountData,
    Data,
    Event,
    FlowData,
    GapData,
    GapReason,
    HazardData,
    HealthData,
    Measure,
    Place,
    ReadingData,
)
from gatehouse_shared.names import HazardClass, HazardKind, Label, Lane, Phase, Quantity
from gatehouse_shared.site import Site, decode_site

AT = datetime(2026, 5, 4, 16, 0, 0, tzinfo=UTC)
SQUARE = [[0, 0], [20, 0], [20, 20], [0, 20]]


def site() -> Site:
    kinds = {
        "plaza": "moving",
        "lane_1": "lane",
        "fence": "perimeter",
        "nook": "perimeter",
        "hall": "area",
    }
    zones: list[dict[str, Any]] = [
        {"id": name, "name": {"en": name}, "kind": kind, "serves": "public", "polygon": SQUARE}
        for name, kind in kinds.items()
    ]
    zones[3]["polygon"] = [[0, 0], [3, 0], [3, 3], [0, 3]]
    zones[4]["closed_hours"] = ["23:00-05:00"]
    zones.append(
        {
            "id": "vast",
            "name": {"en": "vast"},
            "kind": "moving",
            "serves": "public",
            "polygon": [[0, 0], [2000, 0], [2000, 2000], [0, 2000]],
        }
    )
    devices = [
        {"id": f"{kind}_1", "kind": kind, "zone": "plaza", "at": [1, 1], "gateway": "gw_1"}
        for kind in ("camera", "thermal", "smoke", "button", "contact", "counter", "gas", "panel")
    ]
    gates = [{"id": "gate_1", "from": "outside", "to": "plaza", "width_m": 3}]
    lines = [{"id": "line_1", "gate": "gate_1", "device": "camera_1", "points": [[0, 0], [1, 1]]}]
    return decode_site(
        {
            "site": "court",
            "name": {"en": "Court"},
            "time_zone": "UTC",
            "zones": zones,
            "gates": gates,
            "lines": lines,
            "devices": devices,
        }
    )


SITE = site()


def event(data: Data, *, seq: int = 7, lane: Lane | None = None, gateway: str = "gw_1") -> Event:
    alarm = isinstance(data, HazardData)
    return wire.build_event(
        site="court", gateway=gateway, epoch="0" * 16, lane=lane or (Lane.ALARM if alarm else Lane.BULK), seq=seq, time=AT,
        clock=ClockState.SYNCED, data=data,
    )  # fmt: skip


def hazard(kind: str, zone: str, device: str, **changes: Any) -> HazardData:
    fields: dict[str, Any] = {
        "hazard": 7, "phase": Phase.RAISED, "kind": HazardKind(kind), "zone": zone, "device": device, "rule": "rule_1",
        "grade": 3, "confidence": 20, "confirm_s": 0, "armed": True, "drill": False,
    }  # fmt: skip
    return HazardData(**(fields | changes))


def count(**changes: Any) -> CountData:
    fields: dict[str, Any] = {
        "zone": "plaza", "device": "camera_1", "label": Label.PERSON,
        "window_s": 60, "mean": 12, "max": 20, "coverage": 20, "quality": 20,
    }  # fmt: skip
    return CountData(**(fields | changes))


def flow(**changes: Any) -> FlowData:
    fields: dict[str, Any] = {
        "line": "line_1",
        "device": "camera_1",
        "label": Label.PERSON,
        "in_": 12,
        "out": "lt10",
        "window_s": 60,
    }
    return FlowData(**(fields | changes))


ALLOWED: dict[str, Data] = {
    "hot spot with measure": hazard(
        "thermal_hotspot",
        "plaza",
        "thermal_1",
        measure=Measure(quantity=Quantity.TEMPERATURE, value=712, threshold=700),
    ),
    "blocked lane with place": hazard(
        "lane_blocked", "lane_1", "camera_1", place=Place(x_m=3, y_m=4, level=0), confirm_s=180
    ),
    "crowd with count and place": hazard(
        "crowd_density", "plaza", "camera_1", count=40, place=Place(x_m=10, y_m=0, level=0)
    ),
    "intrusion at a fence": hazard("perimeter_intrusion", "fence", "camera_1", confirm_s=1),
    "intrusion in closed hours": hazard("perimeter_intrusion", "hall", "camera_1"),
    "dwell": hazard("dwell", "fence", "camera_1", confirm_s=120),
    "further presence": hazard(
        "dwell", "fence", "camera_1", hazard=3, phase=Phase.UPDATED, count_raises=7
    ),
    "help": hazard("help_button", "plaza", "button_1", place=Place(x_m=10, y_m=10, level=0)),
    "equipment of any device": hazard("source_stale", "plaza", "smoke_1"),
    "equipment of the gateway": hazard("outbox_reset", "plaza", "gw_1"),
    "tamper of the gateway": hazard("tamper", "plaza", "gw_1"),
    "count": count(),
    "few": count(mean="lt10", max="lt10"),
    "empty quarter": count(mean=0, max=0, window_s=900),
    "dense ten seconds": count(mean=40, max=44, window_s=10),
    "cars in a lane": count(zone="lane_1", label=Label.CAR, mean=1, max=2),
    "flow": flow(),
    "reading": ReadingData(device="gas_1", quantity=Quantity.GAS, value=12),
    "gap": GapData(from_seq=3, to_seq=5, reason=GapReason.DROPPED_AGE, count=3),
}


@pytest.mark.parametrize("data", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_allowed_passes(data: Data) -> None:
    check_event(event(data), SITE)


R = RefusalReason
REFUSED: dict[str, tuple[Data, RefusalReason]] = {
    "no such zone": (hazard("lane_blocked", "moon", "camera_1"), R.UNKNOWN_NAME),
    "no such device": (hazard("lane_blocked", "plaza", "cam_9"), R.UNKNOWN_NAME),
    "smoke sensor seeing persons": (
        hazard("perimeter_intrusion", "fence", "smoke_1"),
        R.CLASS_RULE,
    ),
    "camera pressing a button": (hazard("help_button", "plaza", "camera_1"), R.CLASS_RULE),
    "counter raising": (hazard("crowd_density", "plaza", "counter_1", count=40), R.CLASS_RULE),
    "gateway seeing fire": (hazard("fire_flame", "plaza", "gw_1"), R.CLASS_RULE),
    "tour by a gateway": (hazard("tour_missed", "plaza", "gw_1"), R.CLASS_RULE),
    "presence on a plaza": (hazard("perimeter_intrusion", "plaza", "camera_1"), R.CLASS_RULE),
    "presence while disarmed": (
        hazard("perimeter_intrusion", "fence", "camera_1", armed=False),
        R.CLASS_RULE,
    ),
    "presence in a nook": (hazard("perimeter_intrusion", "nook", "camera_1"), R.CLASS_RULE),
    "presence with a place": (
        hazard("dwell", "fence", "camera_1", confirm_s=120, place=Place(x_m=10, y_m=10, level=0)),
        R.CLASS_RULE,
    ),
    "short dwell": (hazard("dwell", "fence", "camera_1", confirm_s=45), R.CLASS_RULE),
    "presence with a count": (
        hazard("dwell", "fence", "camera_1", confirm_s=120, count=12),
        R.CLASS_RULE,
    ),
    "crowd without a count": (hazard("crowd_density", "plaza", "camera_1"), R.CLASS_RULE),
    "unregistered delay": (
        hazard("crowd_density", "plaza", "camera_1", count=40, confirm_s=17),
        R.OUT_OF_RANGE,
    ),
    "place off the grid": (
        hazard("crowd_density", "plaza", "camera_1", count=40, place=Place(x_m=3, y_m=0, level=0)),
        R.CLASS_RULE,
    ),
    "place elsewhere": (
        hazard("lane_blocked", "lane_1", "camera_1", place=Place(x_m=300, y_m=4, level=0)),
        R.CLASS_RULE,
    ),
    "place on another storey": (
        hazard("lane_blocked", "lane_1", "camera_1", place=Place(x_m=3, y_m=4, level=2)),
        R.CLASS_RULE,
    ),
    "place in too vast a zone": (
        hazard("crowd_density", "vast", "camera_1", count=400, place=Place(x_m=10, y_m=0, level=0)),
        R.CLASS_RULE,
    ),
    "moving place": (
        hazard(
            "lane_blocked",
            "lane_1",
            "camera_1",
            hazard=3,
            phase=Phase.UPDATED,
            place=Place(x_m=3, y_m=4, level=0),
        ),
        R.CLASS_RULE,
    ),
    "hazard that is not its own": (
        hazard("lane_blocked", "lane_1", "camera_1", hazard=6),
        R.CLASS_RULE,
    ),
    "update before the raise": (
        hazard("lane_blocked", "lane_1", "camera_1", hazard=9, phase=Phase.UPDATED),
        R.CLASS_RULE,
    ),
    "small count": (count(mean=9, max=12), R.SMALL_COUNT),
    "zero in a minute": (count(mean=0, max=0), R.SMALL_COUNT),
    "zero mean of some": (count(mean=0, max="lt10", window_s=900), R.SMALL_COUNT),
    "ten seconds of few": (count(mean="lt10", max=12, window_s=10), R.SMALL_COUNT),
    "mean above max": (count(mean=30, max=20), R.OUT_OF_RANGE),
    "unregistered count": (count(mean=12, max=137), R.OUT_OF_RANGE),
    "cars on a plaza": (count(label=Label.CAR, mean=12, max=12), R.CLASS_RULE),
    "few cars": (count(zone="lane_1", label=Label.CAR, mean="lt10", max="lt10"), R.SMALL_COUNT),
    "animals": (count(label=Label.ANIMAL), R.CLASS_RULE),
    "small flow": (flow(out=3), R.SMALL_COUNT),
    "unregistered window": (flow(window_s=61), R.OUT_OF_RANGE),
    "no such line": (flow(line="line_9"), R.UNKNOWN_NAME),
    "reading of a contact": (
        ReadingData(device="contact_1", quantity=Quantity.VOLTAGE, value=30),
        R.CLASS_RULE,
    ),
    "reading of a camera": (
        ReadingData(device="camera_1", quantity=Quantity.TEMPERATURE, value=30),
        R.CLASS_RULE,
    ),
    "reading out of range": (
        ReadingData(device="gas_1", quantity=Quantity.GAS, value=101),
        R.OUT_OF_RANGE,
    ),
    "health of nobody": (HealthData(), R.WRONG_SCHEMA),
    "health of a camera under the gateway": (
        HealthData(
            camera=CameraHealth(
                state=CameraState.OK, decode=10, inference=10, reconnects=HealthBand.NONE
            )
        ),
        R.WRONG_SUBJECT,
    ),
    "backward gap": (GapData(from_seq=5, to_seq=3, reason=GapReason.LOST, count=1), R.OUT_OF_RANGE),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_allowed_is_refused_with_its_reason(data: Data, reason: RefusalReason) -> None:
    with pytest.raises(WireError) as caught:
        check_event(event(data), SITE)
    assert caught.value.reason is reason


def test_a_hazard_does_not_travel_in_bulk() -> None:
    with pytest.raises(WireError) as caught:
        check_event(event(hazard("lane_blocked", "lane_1", "camera_1"), lane=Lane.BULK), SITE)
    assert caught.value.reason is RefusalReason.WRONG_LANE


def test_another_sites_gateway_is_unknown() -> None:
    with pytest.raises(WireError) as caught:
        check_event(event(count(), gateway="gw_2"), SITE)
    assert caught.value.reason is RefusalReason.UNKNOWN_GATEWAY


@given(
    st.sampled_from(sorted(HazardKind)),
    st.floats(-50, 2100),
    st.floats(-50, 2100),
    st.sampled_from(SITE.zones),
)
def test_what_fit_place_gives_passes_where_a_place_may_be(
    kind: HazardKind, x_m: float, y_m: float, zone: Any
) -> None:
    place = fit_place(kind, zone, x_m, y_m)
    assert (place is None) == (kind in {"perimeter_intrusion", "dwell", "vessel_intrusion"})
    if place is None:
        return
    crowd = {"count": 40} if kind.startswith("crowd") else {}
    data = hazard(kind, zone.id, "camera_1", place=place, **crowd)
    if may_place(data, zone):
        faults = _faults(data)
        assert not faults or "may not raise" in faults or "only the hub" in faults


def _faults(data: Data) -> str:
    try:
        check_event(event(data), SITE)
    except WireError as error:
        return error.message
    return ""


@given(st.integers(0, 20_000))
def test_released_numbers_are_registered_and_near(number: int) -> None:
    rounded = round_count(number)
    assert is_registered_count(rounded)
    assert abs(rounded - min(number, 9_900)) <= max(0.05 * number, 0)
    assert release_count(Label.PERSON, number) not in range(1, 10)


@given(st.sampled_from(list(HazardClass)), st.floats(0, 10_000))
def test_a_delay_is_floored_to_a_registered_step(hazard_class: HazardClass, seconds: float) -> None:
    assert floor_confirm(hazard_class, seconds) <= seconds
