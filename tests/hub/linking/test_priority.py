"""What an incident is called and how urgent it is."""

import pytest

from gatehouse_hub.linking.priority import PRIORITY_OF_KIND, PriorityReason, judge
from gatehouse_hub.linking.site_map import map_site
from gatehouse_hub.linking.words import KIND_NAMES, PRIORITY_WORDS
from gatehouse_shared.names import HazardKind
from gatehouse_testing.alarms import alarm
from gatehouse_testing.sites import row_of_zones

SITE = map_site(row_of_zones(["shed", "lane", "perimeter"]))


@pytest.mark.parametrize(
    ("rows", "kind", "priority"),
    [
        pytest.param([("fire_smoke", 3)], "fire_smoke", "P2", id="smoke alone"),
        pytest.param(
            [("thermal_hotspot", 3), ("fire_smoke", 3)],
            "thermal_hotspot",
            "P1",
            id="two signs of fire",
        ),
        pytest.param([("lane_blocked", 3)], "lane_blocked", "P3", id="a lane"),
        pytest.param([("lane_blocked", 4)], "lane_blocked", "P2", id="a lane for long"),
        pytest.param(
            [("lane_blocked", 4), ("thermal_hotspot", 3)],
            "thermal_hotspot",
            "P1",
            id="fire leads the lane beside it",
        ),
        pytest.param([("crowd_density", 1)], "crowd_density", "P4", id="a watch is less"),
        pytest.param([("crowd_density", 4)], "crowd_density", "P2", id="critical is more"),
        pytest.param(
            [("perimeter_intrusion", 3), ("door_forced", 3)],
            "perimeter_intrusion",
            "P1",
            id="forced entry",
        ),
        pytest.param([("help_button", 3)], "help_button", "P1", id="help"),
    ],
)
def test_kind_and_priority(rows: list[tuple[str, int]], kind: str, priority: str) -> None:
    found = judge([alarm(SITE, k, "z0", 10 * n, grade=grade) for n, (k, grade) in enumerate(rows)])
    assert (found.kind, found.priority) == (kind, priority)


def test_two_independent_sources_are_a_reason_and_one_twice_is_not() -> None:
    once = alarm(SITE, "lane_blocked", "z1", 0, device="cam_1")
    again = alarm(SITE, "lane_blocked", "z1", 60, device="cam_1")
    other = alarm(SITE, "lane_blocked", "z1", 60, device="cam_9")
    assert PriorityReason.TWO_SOURCES not in judge([once, again]).reasons
    assert PriorityReason.TWO_SOURCES in judge([once, other]).reasons
    assert judge([once, other]).priority == "P2"


def test_every_kind_has_a_priority_and_a_name_in_both_languages() -> None:
    assert set(PRIORITY_OF_KIND) == set(HazardKind) == set(KIND_NAMES)
    assert set(PRIORITY_WORDS) == set(PriorityReason)
    assert all(english and chinese for english, chinese in KIND_NAMES.values())
