"""Recomputation amends: ids stay, nothing that a person touched is emptied, linking starts again at a quiet moment."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_hub.linking.amend import Stored, amend
from gatehouse_hub.linking.linker import link_rows
from gatehouse_hub.linking.quiet import restart_ms
from gatehouse_hub.linking.site_map import map_site
from gatehouse_testing.alarms import alarm
from gatehouse_testing.sites import row_of_zones

SITE = map_site(row_of_zones(["shed", "lane", "moving"]))
HOT = alarm(SITE, "thermal_hotspot", "z0", 1000)
SMOKE = alarm(SITE, "fire_smoke", "z0", 1040, device="smoke_0")
EARLIER = alarm(SITE, "thermal_hotspot", "z0", 980, device="other")
FAR = alarm(SITE, "fire_smoke", "z0", 1000 + 1500, device="smoke_0")


def test_a_new_cluster_is_named_by_its_earliest_row() -> None:
    amended, emptied = amend(link_rows([HOT, SMOKE], SITE), [])
    assert [(a.id, a.is_new) for a in amended] == [(HOT.id, True)]
    assert emptied == ()


def test_a_late_row_before_all_others_does_not_change_the_id() -> None:
    stored = Stored(HOT.id, HOT.time_ms, touched=False, members=frozenset({HOT.id, SMOKE.id}))
    (amended,), _ = amend(link_rows([HOT, SMOKE, EARLIER], SITE), [stored])
    assert (amended.id, amended.is_new) == (HOT.id, False)
    assert [link.row for link in amended.links] == [EARLIER, HOT, SMOKE]


def test_two_that_turn_out_to_be_one_leave_the_older_and_empty_the_other() -> None:
    first = Stored(HOT.id, HOT.time_ms, touched=False, members=frozenset({HOT.id}))
    second = Stored(SMOKE.id, SMOKE.time_ms, touched=False, members=frozenset({SMOKE.id}))
    (amended,), (emptied,) = amend(link_rows([HOT, SMOKE], SITE), [first, second])
    assert amended.id == HOT.id
    assert (emptied.id, emptied.into, emptied.proposed) == (SMOKE.id, HOT.id, False)


def test_one_that_was_acknowledged_keeps_its_rows_and_a_merge_is_proposed() -> None:
    first = Stored(HOT.id, HOT.time_ms, touched=True, members=frozenset({HOT.id}))
    second = Stored(SMOKE.id, SMOKE.time_ms, touched=True, members=frozenset({SMOKE.id}))
    (amended,), (emptied,) = amend(link_rows([HOT, SMOKE], SITE), [first, second])
    assert [link.row for link in amended.links] == [HOT]
    assert (emptied.id, emptied.into, emptied.proposed) == (SMOKE.id, HOT.id, True)


def test_linking_starts_again_behind_the_last_quiet_half_hour() -> None:
    minute = 60_000
    times = [0, 40 * minute, 50 * minute, 75 * minute, 76 * minute]
    assert restart_ms(times, 75 * minute, 1800) == 40 * minute
    assert restart_ms(times, 0, 1800) == 0
    assert restart_ms(times, 39 * minute, 1800) == 39 * minute


@settings(deadline=None)
@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=30), st.integers(0, 29))
def test_linking_from_the_restart_gives_what_linking_everything_gives(
    seconds: list[int], pick: int
) -> None:
    rows = [
        alarm(SITE, "lane_blocked", "z1", at, device=f"cam_{n}")
        for n, at in enumerate(sorted(seconds))
    ]
    changed = rows[pick % len(rows)].time_ms
    start = restart_ms([row.time_ms for row in rows], changed, 1800)
    whole = {i.id: i for i in link_rows(rows, SITE)}
    for incident in link_rows(rows, SITE, from_ms=start):
        assert whole[incident.id] == incident
