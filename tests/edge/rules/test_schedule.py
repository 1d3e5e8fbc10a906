"""Hours by the clock on the wall, closed hours, and what is armed when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.errors import RuleConfigError
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.schedule import DAYS, Arming, OpenHours, closed_hours, hours, interval
from gatehouse_shared.names import ZoneKind

BERLIN, SHANGHAI = "Europe/Berlin", "Asia/Shanghai"


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "days", "zone", "time", "covered"),
    [
        ("08:00-17:00", DAYS, SHANGHAI, "2026-06-01T00:00", True),
        ("08:00-17:00", DAYS, SHANGHAI, "2026-06-01T08:59", True),
        ("08:00-17:00", DAYS, SHANGHAI, "2026-06-01T09:00", False),
        ("22:00-06:00", ["fri"], BERLIN, "2026-06-05T20:00", True),
        ("22:00-06:00", ["fri"], BERLIN, "2026-06-06T03:59", True),
        ("22:00-06:00", ["fri"], BERLIN, "2026-06-06T04:00", False),
        ("22:00-06:00", ["fri"], BERLIN, "2026-06-06T20:00", False),
        ("22:00-06:00", ["fri"], BERLIN, "2026-06-05T03:00", False),
        ("00:00-00:00", ["mon"], SHANGHAI, "2026-06-01T15:59", True),
        ("00:00-00:00", ["mon"], SHANGHAI, "2026-06-01T16:00", False),
    ],
    ids=[
        *("eight in the morning there", "last minute", "end is no more", "begin on its day"),
        *("past midnight belongs to the day before", "end", "not the next night"),
        *("not the morning of its day", "whole day", "next day"),
    ],
)
def test_hours_cover_what_the_wall_clock_says(text, days, zone, time, covered):
    assert hours([text], days, zone).covers(utc(time)) is covered


def minutes_covered(text, day):
    """Minutes of real time that are covered in the 30 hours from noon UTC of a day on."""
    night = hours([text], DAYS, BERLIN)
    start = utc(f"{day}T12:00")
    return sum(night.covers(start + timedelta(minutes=m)) for m in range(22 * 60))


@pytest.mark.parametrize(
    ("day", "minutes"),
    [("2026-06-01", 480), ("2026-03-28", 420), ("2026-10-24", 540)],
    ids=["an ordinary night", "the clock goes forward", "the clock goes back"],
)
def test_a_night_is_as_long_as_the_clock_on_the_wall_makes_it(day, minutes):
    assert minutes_covered("22:00-06:00", day) == minutes


def test_an_hour_that_does_not_exist_covers_nothing_and_one_that_comes_twice_counts_twice():
    assert minutes_covered("02:00-03:00", "2026-03-28") == 0
    assert minutes_covered("02:00-03:00", "2026-10-24") == 120


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.integers(0, 365 * 24 * 60),
)
def test_hours_and_their_complement_cover_every_moment_once(start, end, time):
    def clock(minute):
        return f"{minute // 60:02d}:{minute % 60:02d}"

    if start == end:
        return
    time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=time)
    one = hours([f"{clock(start)}-{clock(end)}"], DAYS, BERLIN).covers(time)
    other = hours([f"{clock(end)}-{clock(start)}"], DAYS, BERLIN).covers(time)
    assert one != other


@pytest.mark.parametrize("text", ["22-06", "24:00-06:00", "22:00", "22:00-06:60", "a:b-c:d", ""])
def test_what_are_no_hours_is_refused(text):
    with pytest.raises(RuleConfigError, match=r"rule 3: .*are no hours"):
        interval(text, "rule 3")


def test_an_unknown_day_and_an_unknown_time_zone_are_refused():
    with pytest.raises(RuleConfigError, match="'monday' is no day"):
        hours(["08:00-09:00"], ["monday"], BERLIN)
    with pytest.raises(RuleConfigError, match="no time zone 'Mars/Olympus'"):
        hours(["08:00-09:00"], ["mon"], "Mars/Olympus")


def test_closed_hours_may_cover_twelve_hours_and_no_more():
    assert closed_hours([], BERLIN) is None
    assert closed_hours(["20:00-08:00"], BERLIN) is not None
    overlapping = ["20:00-08:00", "21:00-23:00", "00:00-07:00"]
    assert closed_hours(overlapping, BERLIN) is not None, "overlaps count once, over midnight too"
    with pytest.raises(RuleConfigError, match=r"closed for 12\.5 hours"):
        closed_hours(["20:00-08:00", "12:00-12:30"], BERLIN)


NIGHT = hours(["22:00-06:00"], DAYS, "UTC")
DAY, MIDNIGHT = utc("2026-06-01T12:00"), utc("2026-06-01T23:30")


@pytest.mark.parametrize(
    ("kind", "schedule", "closed", "by_day", "by_night"),
    [
        (ZoneKind.PERIMETER, None, None, True, True),
        (ZoneKind.SHED, NIGHT, None, False, True),
        (ZoneKind.DOOR, None, NIGHT, False, True),
        (ZoneKind.DOOR, NIGHT, hours(["12:00-13:00"], DAYS, "UTC"), False, False),
    ],
    ids=["always", "at its hours", "in closed hours", "never both"],
)
def test_presence_is_a_hazard_only_where_and_when_it_may_be(
    kind, schedule, closed, by_day, by_night
):
    arming = Arming(kind, schedule, closed)
    assert arming.armed(Moment(0.0, DAY), None) is by_day
    assert arming.armed(Moment(0.0, MIDNIGHT), None) is by_night


def test_presence_at_open_hours_of_a_public_place_cannot_be_configured():
    with pytest.raises(RuleConfigError, match="no hazard at open hours"):
        Arming(ZoneKind.MOVING)


@pytest.mark.parametrize(
    ("kind", "before", "armed"),
    [
        (ZoneKind.PERIMETER, None, True),
        (ZoneKind.WATER, None, True),
        (ZoneKind.SHED, None, False),
        (ZoneKind.SHED, True, True),
        (ZoneKind.PERIMETER, False, False),
    ],
)
def test_while_the_time_is_unknown_what_was_armed_stays_and_perimeters_are_armed(
    kind, before, armed
):
    arming = Arming(kind, NIGHT)
    assert arming.armed(Moment(0.0, MIDNIGHT, time_known=False), before) is armed


@pytest.mark.parametrize(
    ("day", "minutes"),
    [("2026-06-01", 480), ("2026-03-28", 420), ("2026-10-24", 540)],
    ids=["an ordinary night", "the clock goes forward", "the clock goes back"],
)
def test_a_zone_is_armed_and_a_car_park_is_shut_through_the_night_of_the_change(day, minutes):
    """Minute by minute, each from what it was before, over a night in Berlin."""
    night = hours(["22:00-06:00"], DAYS, BERLIN)
    fence, car_park = Arming(ZoneKind.PERIMETER, night), OpenHours(closed=night)
    armed = opened = None
    changes, shut = 0, 0
    for minute in range(22 * 60):
        now = Moment(60.0 * minute, utc(f"{day}T12:00") + timedelta(minutes=minute))
        was, armed, opened = armed, fence.armed(now, armed), car_park.armed(now, opened)
        assert armed is not opened
        changes += was is not None and was is not armed
        shut += not opened
    assert (changes, shut) == (2, minutes)
