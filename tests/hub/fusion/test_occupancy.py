"""How full a zone is: the fullest current view, levels by density and capacity, and no number below ten."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_hub.fusion.occupancy import Occupancy, SourceReason, Window, fuse, interval, level_of
from gatehouse_hub.fusion.recorded import fuse_recorded
from gatehouse_shared.counts import Count
from gatehouse_shared.events import ClockState, CountData
from gatehouse_shared.names import Label, Lane, ZoneKind
from gatehouse_shared.offline import OfflineRow
from gatehouse_shared.out import Level
from gatehouse_shared.wire import build_event
from gatehouse_testing.sites import row_of_zones

NOW_MS = 1_000_000_000


def window(device: str, mean: Count, *, age_s: int = 10, window_s: int = 60) -> Window:
    return Window(device, NOW_MS - age_s * 1000, window_s, mean)


def plaza(*windows: Window, capacity: int | None = None) -> Occupancy:
    return fuse(windows, ZoneKind.MOVING, 20.0, capacity, NOW_MS)


def test_the_fullest_current_view_holds_and_views_are_not_added_up() -> None:
    found = plaza(window("a", 14), window("b", 22), window("c", 40, age_s=400))
    assert found.mean == 22
    reasons = {s.device: s.reason for s in found.sources}
    assert reasons == {
        "a": SourceReason.LESS_FULL,
        "b": SourceReason.FULLEST,
        "c": SourceReason.STALE,
    }


def test_few_is_an_interval_and_no_number() -> None:
    found = plaza(window("a", "lt10"))
    assert (found.few, found.low90, found.high90, found.level) == (True, 1.0, 9.0, Level.NORMAL)


def test_a_zone_that_nothing_current_sees_is_blind_and_not_empty() -> None:
    for found in (plaza(), plaza(window("a", 30, age_s=181))):
        assert (found.blind, found.mean, found.level) == (True, None, None)


def test_a_long_window_is_believed_for_as_long_again() -> None:
    assert not plaza(window("a", 0, age_s=1700, window_s=900)).blind
    assert plaza(window("a", 0, age_s=1801, window_s=900)).blind


@pytest.mark.parametrize(
    ("kind", "people", "area_m2", "capacity", "level"),
    [
        pytest.param(ZoneKind.MOVING, 21, 20, None, Level.NORMAL, id="below watch"),
        pytest.param(ZoneKind.MOVING, 22, 20, None, Level.WATCH, id="1.08 a square metre"),
        pytest.param(ZoneKind.MOVING, 35, 20, None, Level.WARN, id="1.75"),
        pytest.param(ZoneKind.MOVING, 43, 20, None, Level.ALARM, id="2.15"),
        pytest.param(ZoneKind.MOVING, 70, 20, None, Level.CRITICAL, id="3.5"),
        pytest.param(ZoneKind.STANDING, 43, 20, None, Level.WATCH, id="who stands is denser"),
        pytest.param(ZoneKind.STAIRS, 43, 20, None, Level.ALARM, id="stairs are less"),
        pytest.param(ZoneKind.AREA, 400, 20, None, Level.NORMAL, id="no table, no capacity"),
        pytest.param(ZoneKind.AREA, 60, 1000, 100, Level.WATCH, id="60 % of capacity"),
        pytest.param(ZoneKind.AREA, 100, 1000, 100, Level.CRITICAL, id="full"),
        pytest.param(ZoneKind.MOVING, 22, 20, 23, Level.ALARM, id="the higher of both"),
    ],
)
def test_levels(
    kind: ZoneKind, people: int, area_m2: float, capacity: int | None, level: Level
) -> None:
    assert level_of(people, kind, area_m2, capacity) is level


@given(st.integers(0, 9_900), st.integers(0, 9_900))
def test_more_people_never_lower_the_level_and_the_interval_holds_the_mean(a: int, b: int) -> None:
    fewer, more = sorted((a, b))
    assert level_of(fewer, ZoneKind.MOVING, 50, 400) <= level_of(more, ZoneKind.MOVING, 50, 400)
    low, high = interval(more)
    assert 0 <= low <= more <= high


def count(seq: int, minute: int, mean: Count, device: str = "cam_0") -> OfflineRow:
    data = CountData(
        zone="z0", device=device, label=Label.PERSON, window_s=60, mean=mean, max=mean, coverage=20, quality=20
    )  # fmt: skip
    at = datetime(2026, 5, 4, 12, tzinfo=UTC) + timedelta(minutes=minute)
    return OfflineRow(
        build_event(
            site="testing", gateway="gw_1", epoch="0" * 16, lane=Lane.BULK, seq=seq, time=at, clock=ClockState.SYNCED, data=data
        )
    )  # fmt: skip


def test_recorded_counts_are_told_once_a_minute_whatever_their_order() -> None:
    site = row_of_zones(["moving"])
    rows = [count(1, 0, "lt10"), count(2, 1, 14), count(3, 1, 20, "cam_b"), count(4, 6, 30)]
    lines = list(fuse_recorded(rows, site))
    assert [(line.time[11:16], line.mean) for line in lines] == [
        *(("12:01", 5.0), ("12:02", 20.0), ("12:03", 20.0), ("12:04", 20.0)),
        *(("12:05", 20.0), ("12:06", None), ("12:07", 30.0)),
    ]
    assert lines[1].sources == ("cam_b",)
    shuffled = rows * 2
    random.Random(3).shuffle(shuffled)
    assert list(fuse_recorded(shuffled, site)) == lines
