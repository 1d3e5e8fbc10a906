"""How busy a site is: onsets, from rows alone, within stated bounds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_hub.linking.busyness import REACH_MS, Busyness, Onsets
from gatehouse_hub.linking.rows import AlarmRow, sort_key
from gatehouse_hub.linking.site_map import map_site
from gatehouse_testing.alarms import alarm
from gatehouse_testing.sites import row_of_zones

SITE = map_site(row_of_zones(["shed", "lane", "moving"]))
HOUR_S = 3600


def counted(rows: list[AlarmRow]) -> Onsets:
    busyness = Busyness()
    return [busyness.step(row) for row in sorted(rows, key=sort_key)][-1]


def test_what_flutters_is_one_onset() -> None:
    rows = [alarm(SITE, "lane_blocked", "z1", at) for at in range(0, 1200, 60)]
    assert counted([*rows, alarm(SITE, "lane_blocked", "z1", 1300)]) == Onsets(1, 1, 1, 1)


def test_zone_site_and_hours_count_apart() -> None:
    rows = [
        alarm(SITE, "lane_blocked", "z1", 0),
        alarm(SITE, "lane_blocked", "z1", 5 * HOUR_S),
        alarm(SITE, "lane_blocked", "z2", 5 * HOUR_S),
        alarm(SITE, "fire_smoke", "z1", 5 * HOUR_S),
    ]
    found = counted([*rows, alarm(SITE, "lane_blocked", "z1", 6 * HOUR_S)])
    assert found == Onsets(kind_here=2, kind_on_site=3, site=3, kind_lately=1)


def test_a_day_later_nothing_is_left() -> None:
    busyness = Busyness()
    for n in range(10_000):
        busyness.step(
            alarm(SITE, "lane_blocked", f"z{n}", n * 0.001, device="d") if n < 3 else far(n)
        )
    late = alarm(SITE, "lane_blocked", "z1", 3 * 86_400)
    assert busyness.step(late) == Onsets(0, 0, 0, 0)
    assert busyness.entries <= 4


def far(n: int) -> AlarmRow:
    """A row of a zone of its own, which the site file does not know."""
    row = alarm(SITE, "fire_smoke", "z0", n * 0.001, device=f"d{n}")
    return AlarmRow(
        id=row.id, time_ms=row.time_ms, gateway=row.gateway, epoch=row.epoch, hazard=n, kind=row.kind, zone=f"far{n}",
        device=row.device, grade=3, drill=False, x_m=0.0, y_m=0.0, level=0,
    )  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fire_smoke", "door_held"]), st.integers(0, 2), st.integers(0, 60 * 60)
        ),
        min_size=1,
        max_size=60,
    )
)
def test_rows_before_the_reach_change_nothing(said: list[tuple[str, int, int]]) -> None:
    rows = sorted(
        (alarm(SITE, kind, f"z{zone}", minute * 60) for kind, zone, minute in said), key=sort_key
    )
    last = rows[-1]
    within = [row for row in rows if row.time_ms >= last.time_ms - REACH_MS]
    assert counted(within) == counted(rows)
