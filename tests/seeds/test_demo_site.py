"""The demo community is a valid site, drawn as its cameras see it, and its sensors' story fits it."""

from itertools import combinations, pairwise
from pathlib import Path
from types import ModuleType

import cv2
import fire_lane
import gate
import numpy as np
import plaza
import pytest
import shed_thermal
import yaml

from gatehouse_shared.names import MAY_RAISE, ZoneKind
from gatehouse_shared.polygons import contains
from gatehouse_shared.site import Site, View, decode_site

CAMERAS: dict[str, ModuleType] = {"cam_plaza": plaza, "cam_lane": fire_lane, "cam_gate": gate}


@pytest.fixture(scope="module")
def site(seeds: Path) -> Site:
    """The demo community."""
    return decode_site(yaml.safe_load((seeds / "sites/demo/site.yaml").read_text()))


@pytest.fixture(scope="module")
def story(seeds: Path) -> dict[str, object]:
    """What its sensors say."""
    return yaml.safe_load((seeds / "sites/demo/story.yaml").read_text())


def test_three_gateways_read_the_devices_of_the_demo(site: Site) -> None:
    assert site.gateways() == ("gw_gate", "gw_plaza", "gw_shed")
    assert {d.id for d in site.devices} >= {
        *("cam_plaza", "cam_lane", "cam_gate", "thermal_shed"),
        *("smoke_shed", "contact_shed", "button_stall", "counter_gate"),
    }


def test_every_name_is_given_in_both_languages(site: Site) -> None:
    assert all(set(named.name) == {"en", "zh-CN"} for named in (site, *site.zones))


def test_zones_do_not_lie_on_each_other(site: Site) -> None:
    """Drawn ten pixels a metre and shrunk by a pixel, so that a shared border is no overlap."""
    drawn = {}
    for zone in site.zones:
        mask = np.zeros((1420, 2020), dtype=np.uint8)
        corners = np.rint(np.array(zone.polygon) * 10 + 10).astype(np.int32)
        cv2.fillPoly(mask, [corners], 1)
        drawn[zone.id] = cv2.erode(mask, np.ones((3, 3), np.uint8)).astype(bool)
    for a, b in combinations(drawn, 2):
        assert not (drawn[a] & drawn[b]).any(), f"{a} lies on {b}"


def test_the_fire_lane_adjoins_the_shed_that_burns(site: Site) -> None:
    assert ("fire_lane", "shed_2") in site.adjoining()
    assert ("market_row", "fire_lane") not in site.adjoining()


def test_rules_ask_of_devices_what_they_may_raise(site: Site) -> None:
    for rule in site.rules:
        device = site.device(rule.device)
        assert device is not None
        assert rule.kind in MAY_RAISE[device.kind]


def views_of(site: Site, device: str) -> list[View]:
    """How a device sees its zones."""
    return [view for view in site.views if view.device == device]


@pytest.mark.parametrize("device", CAMERAS)
def test_marks_are_where_the_camera_of_the_scene_sees_them(site: Site, device: str) -> None:
    camera = CAMERAS[device].CAMERA
    marks = [mark for view in views_of(site, device) for mark in view.marks]
    assert len(marks) >= 4
    for (u, v), (x_m, y_m) in marks:
        assert camera.fraction_of(x_m, y_m) == pytest.approx((u, v), abs=2e-4)


@pytest.mark.parametrize(
    ("device", "zone", "corners"),
    [
        ("cam_plaza", "stage_front", plaza.STAGE_FRONT),
        ("cam_lane", "fire_lane", fire_lane.LANE),
    ],
)
def test_a_zone_seen_whole_is_seen_with_its_own_corners(
    site: Site, device: str, zone: str, corners: tuple[tuple[float, float], ...]
) -> None:
    view = next(view for view in views_of(site, device) if view.zone == zone)
    camera = CAMERAS[device].CAMERA
    seen = [camera.fraction_of(*corner) for corner in corners]
    assert np.array(view.polygon) == pytest.approx(np.array(seen), abs=2e-4)
    declared = site.zone(zone)
    assert declared is not None
    assert set(declared.polygon) == {(float(x), float(y)) for x, y in corners}


def test_the_gate_line_lies_where_people_are_counted_and_its_right_is_inside(site: Site) -> None:
    line = next(line for line in site.lines if line.device == "cam_gate")
    ends = {tuple(np.round(gate.CAMERA.fraction_of(*end), 4)) for end in gate.LINE}
    assert set(line.points) == ends
    (ax, _), (bx, _) = line.points
    assert ax < bx, "inward is down the frame, the right of a line drawn left to right"


def test_rooms_of_the_thermal_view_are_those_of_the_scene(site: Site) -> None:
    rooms = {"shed_1": shed_thermal.ROOM_1_PX, "shed_2": shed_thermal.ROOM_2_PX}
    for view in views_of(site, "thermal_shed"):
        x0, y0, x1, y1 = rooms[view.zone]
        corners = np.array(view.polygon) * [shed_thermal.SCENE.width, shed_thermal.SCENE.height]
        assert corners.min(axis=0) == pytest.approx([x0, y0], abs=0.01)
        assert corners.max(axis=0) == pytest.approx([x1, y1], abs=0.01)


def test_presence_rules_are_left_to_a_real_site(site: Site) -> None:
    """The story plays at any hour; a rule armed at night would speak or not by the time of day."""
    assert [rule.id for rule in site.rules if rule.kind in {"dwell", "perimeter_intrusion"}] == []


def test_cameras_hang_where_their_scene_puts_them(site: Site) -> None:
    for name, module in CAMERAS.items():
        device = site.device(name)
        assert device is not None
        assert device.at == pytest.approx((module.CAMERA.x_m, module.CAMERA.y_m))


def test_the_stage_front_is_large_enough_for_a_level_and_small_enough_for_the_crowd(
    site: Site,
) -> None:
    zone = site.zone("stage_front")
    assert zone is not None
    assert zone.kind is ZoneKind.MOVING
    assert 1.08 < plaza.CROWD / zone.area_m2 < 1.75


def test_the_story_is_told_in_order_within_its_period_by_devices_of_the_site(
    site: Site, story: dict[str, object]
) -> None:
    messages, devices = story["messages"], story["devices"]
    assert isinstance(messages, list)
    assert isinstance(devices, dict)
    times = [message["at_s"] for message in messages]
    assert story["period_s"] == plaza.PERIOD_S
    assert all(a <= b for a, b in pairwise(times))
    assert 0 <= times[0] <= times[-1] < plaza.PERIOD_S
    assert (
        {message["device"] for message in messages} == set(devices) <= {d.id for d in site.devices}
    )


def test_smoke_car_heat_and_button_come_within_a_hundred_seconds(story: dict[str, object]) -> None:
    messages = story["messages"]
    assert isinstance(messages, list)
    smoke = next(m["at_s"] for m in messages if m["payload"].get("smoke"))
    button = next(m["at_s"] for m in messages if "action" in m["payload"])
    hot = next(at for at in range(240) if shed_thermal.battery_c(at) > 70)
    assert max(smoke, button, hot, fire_lane.STANDS_S[0]) < 100
    assert fire_lane.STANDS_S[0] < smoke < fire_lane.STANDS_S[1]


def test_the_real_camera_can_be_appended_to_the_site(seeds: Path) -> None:
    tree = yaml.safe_load((seeds / "sites/demo/site.yaml").read_text())
    more = yaml.safe_load((seeds / "sites/demo/real_clip.yaml").read_text())
    for key, parts in more.items():
        tree[key] += parts
    site = decode_site(tree)
    camera = site.device("cam_real")
    assert camera is not None
    zone = site.zone(camera.zone)
    assert zone is not None
    assert contains(zone.polygon, camera.at)
