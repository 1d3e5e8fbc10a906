"""Presence is never followed: two adjoining zones, ten minutes, in whatever order rows come."""

from itertools import permutations

import pytest

from gatehouse_hub.linking.presence import may_hold
from gatehouse_hub.linking.site_map import map_site
from gatehouse_testing.alarms import alarm
from gatehouse_testing.sites import row_of_zones

SITE = map_site(row_of_zones(["perimeter"] * 4))


@pytest.mark.parametrize(
    ("seen", "held"),
    [
        pytest.param([(0, 0), (1, 100)], True, id="two that adjoin"),
        pytest.param([(0, 0), (2, 100)], False, id="two that do not"),
        pytest.param([(0, 0), (1, 100), (2, 200)], False, id="three"),
        pytest.param([(0, 0), (1, 100), (0, 200), (1, 600)], True, id="to and fro for ten minutes"),
        pytest.param([(0, 0), (0, 610)], False, id="one for longer"),
        pytest.param([], True, id="none"),
    ],
)
def test_what_one_incident_may_hold(seen: list[tuple[int, int]], held: bool) -> None:
    rows = [alarm(SITE, "perimeter_intrusion", f"z{zone}", 1000 + at) for zone, at in seen]
    other = alarm(SITE, "door_forced", "z3", 5000)
    for order in permutations([*rows, other]):
        assert may_hold(order, SITE) is held
