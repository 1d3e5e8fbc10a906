"""Which counts leave, and that small ones never do."""

import itertools
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.release_count import CountRelease, CountsState
from gatehouse_edge.values import ZoneCount
from gatehouse_shared.counts import is_registered_count
from gatehouse_shared.names import LT10, Label, ZoneKind
from gatehouse_testing.watched import moment

KINDS = {"plaza": ZoneKind.MOVING, "park": ZoneKind.PARKING, "pond": ZoneKind.WATER}
RELEASE = CountRelease(KINDS)


def play(counts, *, zone="plaza", label=Label.PERSON, release=RELEASE, last=None):
    """Windows from `(second, count)` pairs; time goes on to `last`."""
    state, sent = CountsState(), []
    for at, count in counts:
        now = moment(float(at))
        one = ZoneCount(zone, "cam_1", label, now.at, now.time, count)
        state, windows = release.step(state, [one], now)
        sent.extend(windows)
    if last is not None:
        _, windows = release.step(state, [], moment(float(last)))
        sent.extend(windows)
    return sent


def short(windows):
    start = int(moment(0).time.timestamp())
    return [(int(w.start.timestamp()) - start, w.window_s, w.mean, w.max) for w in windows]


def steady(count, first, last):
    return [(at, count) for at in range(first, last)]


def test_a_minute_of_few_says_lt10():
    assert short(play(steady(4, 0, 60), last=70)) == [(0, 60, LT10, LT10)]


def test_a_minute_of_none_says_no_more_than_a_minute_of_few():
    assert short(play(steady(0, 0, 60), last=70)) == [(0, 60, LT10, LT10)]


def test_ten_seconds_of_many_are_sent_at_once_and_not_again_in_the_minute():
    sent = short(play(steady(4, 0, 20) + steady(12, 20, 40) + steady(8, 40, 60), last=70))
    assert sent == [(20, 10, 12, 12), (30, 10, 12, 12)]


def test_ten_seconds_that_fall_below_ten_once_are_not_sent():
    counts = steady(30, 0, 60)
    counts[15] = (15, 9)
    sent = short(play(counts, last=70))
    assert [start for start, *_ in sent] == [0, 20, 30, 40, 50]


def test_a_minute_that_swings_round_ten_may_have_a_mean_and_a_max():
    counts = [(at, 30 if at % 10 else 5) for at in range(60)]
    assert short(play(counts, last=70)) == [(0, 60, 28, 30)]
    counts = [(at, 5 if at % 10 else 30) for at in range(60)]
    assert short(play(counts, last=70)) == [(0, 60, LT10, 30)]


def test_only_a_whole_quarter_without_anybody_says_nought():
    assert short(play(steady(0, 0, 900), last=910))[-1] == (0, 900, 0, 0)
    assert short(play([*steady(0, 0, 899), (899, 1)], last=910))[-1] == (0, 900, LT10, LT10)
    assert short(play(steady(0, 100, 900), last=910))[-1] == (0, 900, LT10, LT10)


def test_a_quarter_that_reached_ten_has_no_window_of_its_own():
    sent = short(play(steady(0, 0, 500) + steady(10, 500, 520) + steady(0, 520, 900), last=910))
    assert {window for _, window, _, _ in sent} == {10, 60}


def test_the_mean_is_over_time_and_rounds_half_up():
    assert short(play(steady(10, 0, 5) + steady(11, 5, 10), last=20))[0] == (0, 10, 11, 11)
    assert short(play([(0, 10), (1, 11), *steady(11, 2, 10)], last=20))[0] == (0, 10, 11, 11)
    assert short(play(steady(10, 0, 6) + steady(11, 6, 10), last=20))[0] == (0, 10, 10, 11)


def test_cars_are_counted_exactly_where_they_belong_and_nowhere_else():
    sent = short(play(steady(3, 0, 60), zone="park", label=Label.CAR, last=70))
    assert sent == [(0, 60, 3, 3)]
    assert play(steady(3, 0, 60), zone="plaza", label=Label.CAR, last=70) == []


@pytest.mark.parametrize("label", [Label.ANIMAL, Label.OBJECT, Label.FLAME, Label.SMOKE])
def test_other_labels_are_not_counted(label):
    assert play(steady(3, 0, 60), zone="park", label=label, last=70) == []


def test_a_zone_that_the_site_does_not_know_is_not_counted():
    assert play(steady(3, 0, 60), zone="kitchen", last=70) == []


def test_large_counts_are_rounded_to_registered_steps():
    assert short(play(steady(137, 0, 10), last=20))[0] == (0, 10, 140, 140)


@pytest.mark.parametrize(
    ("counts", "coverage", "quality"),
    [
        (steady(4, 0, 60), 20, 20),
        (steady(4, 0, 30), 10, 18),
        (steady(4, 30, 60), 10, 20),
        ([(at, 4) for at in range(0, 60, 2)], 20, 10),
        ([(at, 4) for at in range(0, 60, 6)], 10, 6),
    ],
    ids=["whole", "camera lost", "camera came late", "every other second", "every sixth"],
)
def test_a_window_says_how_much_of_it_was_seen_and_how_well(counts, coverage, quality):
    [window] = play(counts, last=70)
    assert (window.coverage, window.quality) == (coverage, quality)


def test_a_camera_that_is_gone_gives_no_windows():
    sent = play(steady(4, 0, 30), last=1000)
    assert [(w.window_s, w.coverage) for w in sent] == [(60, 10), (900, 0)]
    state, _ = RELEASE.step(CountsState(), [], moment(0.0))
    assert RELEASE.step(state, [], moment(5000.0))[1] == ()


def test_a_clock_that_leaps_by_years_neither_floods_nor_hangs():
    state, sent = CountsState(), []
    for at in (0, 1, 2, 3 * 365 * 86_400, 3 * 365 * 86_400 + 1):
        now = moment(float(at))
        one = ZoneCount("plaza", "cam_1", Label.PERSON, now.at, now.time, 4)
        state, windows = RELEASE.step(state, [one], now)
        sent.extend(windows)
    assert len(sent) <= 2


def test_a_clock_that_is_set_back_starts_the_windows_afresh():
    noon, morning = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC), datetime(2026, 6, 1, 8, tzinfo=UTC)
    state = CountsState()
    for at, time in ((0.0, noon), (1.0, morning)):
        one = ZoneCount("plaza", "cam_1", Label.PERSON, at, time, 4)
        state, _ = RELEASE.step(state, [one], Moment(at, time))
    [series] = state.series.values()
    assert series.ten_start == int(morning.timestamp())


def test_open_windows_survive_a_restart():
    state = CountsState()
    for at in range(30):
        now = moment(float(at))
        one = ZoneCount("plaza", "cam_1", Label.PERSON, now.at, now.time, 4)
        state, _ = RELEASE.step(state, [one], now)
    assert msgspec.json.decode(msgspec.json.encode(state), type=CountsState) == state


step = st.tuples(st.floats(0.05, 40), st.integers(0, 30))


@settings(max_examples=200)
@given(st.lists(step, max_size=150), st.sampled_from([Label.PERSON, Label.BICYCLE, Label.CAR]))
def test_no_small_count_of_persons_ever_leaves_and_every_window_is_well_formed(steps, label):
    at, counts = 0.0, []
    for passed, count in steps:
        at += passed
        counts.append((at, count))
    zone = "park" if label is Label.CAR else "plaza"
    sent = play(counts, zone=zone, label=label, last=at + 2000)
    for window in sent:
        assert int(window.start.timestamp()) % window.window_s == 0
        assert 0 <= window.coverage <= 20
        assert 0 <= window.quality <= 20
        for count in (window.mean, window.max):
            if label is Label.CAR:
                assert isinstance(count, int)
                continue
            assert count in (LT10, 0) or count >= 10
            assert count != 0 or window.window_s == 900
            assert count == LT10 or is_registered_count(count)
        if window.window_s == 10:
            assert window.mean != LT10
    spans = [(w.start, w.window_s) for w in sent]
    assert len(set(spans)) == len(spans), "no window is sent twice"


@given(st.lists(step, max_size=100))
def test_no_number_is_told_again_in_a_longer_window(steps):
    at, counts = 0.0, []
    for passed, count in steps:
        at += passed
        counts.append((at, count))
    told = [
        (w.start.timestamp(), w.start.timestamp() + w.window_s)
        for w in play(counts, last=at + 2000)
        if isinstance(w.mean, int)
    ]
    told.sort()
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(told))
