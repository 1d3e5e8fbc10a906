"""Which flows leave, that small ones never do, and that nobody is lost on the way."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.rules.release_flow import FlowRelease, FlowState, LineFacts, Tally, tally_of
from gatehouse_edge.values import Passage
from gatehouse_shared.counts import FLOW_WINDOWS_S, is_registered_count
from gatehouse_shared.names import LT10, Label
from gatehouse_testing.watched import moment

UTC_ZONE = ZoneInfo("UTC")


def release(*, pinch=False, exact=False, labels=(Label.PERSON,), closes_at="23:30"):
    lines = {"door": LineFacts("cam_1", labels, pinch, exact)}
    return FlowRelease(lines, UTC_ZONE, closes_at)


def play(desk, passed, last, *, label=Label.PERSON, first=0):
    """Windows of a day of ticks, with tallies `{second: (in, out)}`."""
    state, sent = FlowState(), []
    for at in range(first, last + 1):
        inward, outward = passed.get(at, (0, 0))
        tallies = [Tally("door", "cam_1", label, inward, outward)] if inward or outward else []
        state, windows = desk.step(state, tallies, moment(float(at)))
        sent.extend(windows)
    return state, sent


def short(windows):
    return [
        ((w.start - moment(0).time).total_seconds(), w.window_s, w.inward, w.outward)
        for w in windows
    ]


def test_a_window_closes_after_a_minute_when_each_direction_that_passed_holds_ten():
    _, sent = play(release(), {5: (7, 0), 30: (5, 0)}, 100)
    assert short(sent) == [(0, 60, 12, 0)]


def test_a_window_waits_while_one_direction_holds_one_to_nine():
    _, sent = play(release(), {5: (12, 3), 90: (0, 6), 150: (0, 1)}, 200)
    assert short(sent) == [(0, 120, 12, 10)]


def test_a_window_without_anybody_does_not_close():
    state, sent = play(release(), {}, 7200)
    assert sent == []
    assert state.open["door/cam_1/person"].opened_s == int(moment(0).time.timestamp())


def test_a_pinch_closes_after_ten_seconds():
    _, sent = play(release(pinch=True), {3: (10, 0)}, 15)
    assert short(sent) == [(0, 10, 10, 0)]


def test_the_next_window_begins_where_the_last_one_ended():
    _, sent = play(release(), {5: (12, 0), 100: (10, 0)}, 300)
    assert short(sent) == [(0, 60, 12, 0), (60, 60, 10, 0)]


@pytest.mark.parametrize(
    ("passed", "row"),
    [
        ({5: (3, 0)}, (LT10, 0)),
        ({5: (3, 12)}, (LT10, 12)),
        ({}, (0, 0)),
    ],
    ids=["few in", "few in and many out", "nobody"],
)
def test_what_is_left_goes_at_the_closing_time(passed, row):
    desk = release(closes_at="13:00")
    _, sent = play(desk, passed, 3700)
    assert short(sent) == [(0, 3600, *row)]


def test_the_closing_time_is_local_and_comes_once_a_day():
    desk = FlowRelease(
        {"door": LineFacts("cam_1", (Label.PERSON,))}, ZoneInfo("Asia/Shanghai"), "20:30"
    )
    _, sent = play(desk, {5: (3, 0), 2000: (1, 0)}, 4000)
    assert short(sent) == [(0, 1800, LT10, 0)]


def test_a_closing_time_that_passed_while_the_gateway_was_off_is_made_up_for():
    desk, state = release(closes_at="13:00"), FlowState()
    state, _ = desk.step(state, [Tally("door", "cam_1", Label.PERSON, 4, 0)], moment(0.0))
    again = msgspec.json.decode(msgspec.json.encode(state), type=FlowState)
    assert again == state
    _, sent = desk.step(again, [], moment(40_000.0))
    assert [(w.inward, w.outward) for w in sent] == [(LT10, 0)]


def test_a_closing_time_by_a_clock_that_was_never_set_does_not_count():
    desk, state = release(closes_at="13:00"), FlowState()
    tally = Tally("door", "cam_1", Label.PERSON, 4, 0)
    state, _ = desk.step(state, [tally], moment(0.0, time_known=False))
    assert desk.step(state, [], moment(7200.0, time_known=False))[1] == ()


def test_cars_at_a_lane_are_counted_by_the_minute_and_an_empty_quarter_is_nought():
    desk = release(exact=True, labels=(Label.CAR,))
    _, sent = play(desk, {5: (1, 2)}, 1000, label=Label.CAR)
    assert short(sent) == [(0, 60, 1, 2), (60, 900, 0, 0)]


def test_what_a_registered_step_leaves_over_goes_into_the_next_window():
    _, sent = play(release(), {5: (109, 0), 70: (12, 0)}, 200)
    assert short(sent) == [(0, 60, 100, 0), (60, 60, 21, 0)]


def test_a_clock_that_is_set_back_keeps_what_passed():
    desk, state = release(), FlowState()
    state, _ = desk.step(state, [Tally("door", "cam_1", Label.PERSON, 12, 0)], moment(7200.0))
    state, sent = desk.step(state, [], moment(0.0))
    assert sent == ()
    _, sent = desk.step(state, [], moment(60.0))
    assert short(sent) == [(0, 60, 12, 0)]


def test_a_line_or_label_that_the_site_does_not_count_leaves_no_window():
    desk, state = release(), FlowState()
    strange = [
        Tally("hatch", "cam_1", Label.PERSON, 50, 0),
        Tally("door", "cam_1", Label.CAR, 50, 0),
    ]
    state, _ = desk.step(state, strange, moment(0.0))
    _, sent = desk.step(state, [], moment(100.0))
    assert sent == ()
    assert set(state.open) == {"door/cam_1/person"}


def test_a_passage_is_a_tally_of_one():
    passage = Passage("door", "cam_1", Label.PERSON, 1.0, moment(1).time, inward=False)
    assert tally_of(passage) == Tally("door", "cam_1", Label.PERSON, 0, 1)


tallies = st.lists(
    st.tuples(st.integers(1, 400), st.integers(0, 150), st.integers(0, 150)), max_size=60
)


@settings(max_examples=150)
@given(tallies, st.booleans())
def test_no_small_flow_of_persons_ever_leaves_and_sums_hold(steps, pinch):
    desk, state, sent, at = release(pinch=pinch, closes_at="13:00"), FlowState(), [], 0
    came, went = 0, 0
    state, _ = desk.step(state, [], moment(0.0))
    for passed_s, inward, outward in steps:
        at += passed_s
        came, went = came + inward, went + outward
        state, windows = desk.step(
            state, [Tally("door", "cam_1", Label.PERSON, inward, outward)], moment(float(at))
        )
        sent.extend(windows)
    for window in sent:
        assert window.window_s in FLOW_WINDOWS_S
        for count in (window.inward, window.outward):
            assert count in (LT10, 0) or (count >= 10 and is_registered_count(count))
    left = state.open["door/cam_1/person"]
    for total, numbers, rest in (
        (came, [w.inward for w in sent], left.inward),
        (went, [w.outward for w in sent], left.outward),
    ):
        few = numbers.count(LT10)
        known = sum(n for n in numbers if n != LT10) + rest
        assert known + few <= total <= known + 9 * few if few else known == total


@given(tallies)
def test_short_windows_follow_each_other_and_long_ones_are_quarters_of_the_clock(steps):
    desk, state, at = release(closes_at="11:00"), FlowState(), 0
    ends = datetime.min.replace(tzinfo=UTC)
    for passed_s, inward, outward in steps:
        at += passed_s
        now = moment(float(at))
        tally = Tally("door", "cam_1", Label.PERSON, inward, outward)
        state, windows = desk.step(state, [tally], now)
        for window in windows:
            end = window.start + timedelta(seconds=window.window_s)
            assert ends < end <= now.time
            if window.window_s > 600:
                assert window.start.timestamp() % 900 == 0
                assert window.window_s % 900 == 0
            else:
                assert window.start >= ends
            ends = end


def test_a_lone_tenth_walker_does_not_end_the_window_before_the_quarter():
    _, sent = play(release(), {5: (9, 0), 700: (1, 0)}, 1000)
    assert short(sent) == [(0, 900, 10, 0)]
    _, sent = play(release(), {5: (9, 0), 1200: (1, 0)}, 1799)
    assert sent == []
    _, sent = play(release(), {5: (9, 0), 1200: (1, 0)}, 1800)
    assert short(sent) == [(0, 1800, 10, 0)]


def test_persons_at_a_lane_are_not_counted_exactly_and_cars_elsewhere_are_not_sent_small():
    both = (Label.PERSON, Label.CAR)
    _, sent = play(release(exact=True, labels=both), {5: (3, 0)}, 300)
    assert [w for w in sent if w.label is Label.PERSON] == []
    _, sent = play(release(exact=False, labels=(Label.CAR,)), {5: (3, 0)}, 300, label=Label.CAR)
    assert sent == []


@pytest.mark.parametrize(
    ("count", "sent", "left"), [(99, 99, 0), (100, 100, 0), (20_000, 9_900, 10_100)]
)
def test_a_flow_is_sent_in_registered_steps(count, sent, left):
    state, windows = play(release(), {5: (count, 0)}, 70)
    assert [w.inward for w in windows] == [sent]
    assert state.open["door/cam_1/person"].inward == left
