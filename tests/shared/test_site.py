"""The site file: what is wrong is named with its place and its remedy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_shared.errors import SiteError
from gatehouse_shared.polygons import area_m2, centroid, contains, crossing_edges
from gatehouse_shared.site import decode_site


def tree(**changes: Any) -> dict[str, Any]:
    zone = {
        "id": "plaza",
        "name": {"en": "Plaza"},
        "kind": "moving",
        "serves": "public",
        "polygon": [[0, 0], [4, 0], [4, 3], [0, 3]],
    }
    whole: dict[str, Any] = {
        "site": "court",
        "name": {"en": "Court"},
        "time_zone": "Asia/Shanghai",
        "zones": [zone],
        "devices": [
            {"id": "cam_1", "kind": "camera", "zone": "plaza", "at": [1, 1], "gateway": "gw_1"}
        ],
    }
    return whole | changes


def zone(**changes: Any) -> list[dict[str, Any]]:
    return [tree()["zones"][0] | changes]


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown key": (tree(color="red"), "site file", "unknown field `color`"),
    "unknown key in a zone": (tree(zones=zone(colour="red")), "zones[0]", "unknown field `colour`"),
    "crossing polygon": (
        tree(zones=zone(polygon=[[0, 0], [2, 2], [2, 0], [0, 2]])),
        "zones[0].polygon (plaza)",
        "edge 1 crosses edge 3",
    ),
    "flat polygon": (
        tree(zones=zone(polygon=[[0, 0], [2, 0], [4, 0]])),
        "zones[0].polygon (plaza)",
        "",
    ),
    "one dwelling": (tree(zones=zone(serves="dwelling")), "zones[0].serves", "Invalid enum value"),
    "no such neighbour": (
        tree(zones=zone(neighbours=["moon"])),
        "zones[0].neighbours",
        "there is no zone 'moon'",
    ),
    "five digits": (tree(zones=zone(id="zone_13800")), "zones[0].id", "matching regex"),
    "same id twice": (tree(zones=zone() + zone()), "zones[1].id", "already the id of zones[0]"),
    "three marks": (
        tree(
            views=[
                {
                    "device": "cam_1",
                    "zone": "plaza",
                    "polygon": [[0, 0], [1, 0], [1, 1]],
                    "marks": [[[0, 0], [0, 0]]] * 3,
                }
            ]
        ),
        "views[0].marks",
        "3 marks cannot give a homography",
    ),
    "device in no zone": (
        tree(
            devices=[
                {"id": "cam_1", "kind": "camera", "zone": "moon", "at": [1, 1], "gateway": "gw_1"}
            ]
        ),
        "devices[0].zone",
        "there is no zone",
    ),
}


@pytest.mark.parametrize(("faulty", "place", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_named_with_its_place_and_a_remedy(
    faulty: dict[str, Any], place: str, message: str
) -> None:
    with pytest.raises(SiteError) as caught:
        decode_site(faulty)
    assert caught.value.place == place
    assert message in caught.value.message
    assert caught.value.remedy


def test_a_good_file_reads() -> None:
    assert decode_site(tree()).gateways() == ("gw_1",)


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(1, 50), st.floats(1, 50))
def test_a_rectangle_is_what_it_is(x: float, y: float, width: float, height: float) -> None:
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    assert area_m2(corners) == pytest.approx(width * height)
    assert crossing_edges(corners) is None
    assert contains(corners, centroid(corners))
    assert crossing_edges([corners[0], corners[2], corners[1], corners[3]]) is not None
