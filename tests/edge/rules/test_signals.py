"""Zone counts and zone signals: what is said of a zone once a second, without a track in it."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.observations import Speed
from gatehouse_edge.rules.sighted import Sighted
from gatehouse_edge.rules.signals import (
    TRACKS_MAX,
    SignalState,
    SignalWatch,
    Stillness,
)
from gatehouse_edge.rules.views import View
from gatehouse_edge.rules.zone_count import SAMPLES_MAX, CountState, ZoneCounter
from gatehouse_shared.names import Label
from gatehouse_testing.watched import person, thing, tracks

LOWER = View("cam_1", "plaza", ((0.0, 0.4), (1.0, 0.4), (1.0, 1.0), (0.0, 1.0)), None, 100.0)
COUNTER = ZoneCounter(LOWER, (Label.PERSON, Label.CAR))
WATCH = SignalWatch(LOWER)


def counted(frames, counter=COUNTER):
    state, out = CountState(), []
    for at, seen in frames:
        state, counts = counter.step(state, tracks(at, *seen))
        out.extend(counts)
    return state, out


def signalled(frames, watch=WATCH):
    state, out = SignalState(), []
    for at, seen in frames:
        state, signal = watch.step(state, tracks(at, *seen))
        out.extend([signal] if signal is not None else [])
    return state, out


def test_only_feet_in_the_zone_are_counted():
    inside, above = person(1, (0.5, 0.5)), person(2, (0.5, 0.39))
    coasting, car = person(3, (0.6, 0.6), seen=False), person(4, (0.3, 0.9), label=Label.CAR)
    _, counts = counted([(0.0, (inside, above, coasting, car))])
    assert [(c.label, c.count) for c in counts] == [(Label.PERSON, 1), (Label.CAR, 1)]


def test_a_missed_frame_does_not_change_the_count():
    here = (person(1, (0.5, 0.5)),)
    frames = [(i / 5, () if i == 13 else here) for i in range(30)]
    _, counts = counted(frames)
    assert {c.count for c in counts if c.label is Label.PERSON} == {1}


def test_counts_come_once_a_second_and_follow_within_three():
    frames = [(i / 5, (person(1, (0.5, 0.5)),) if i >= 25 else ()) for i in range(50)]
    _, counts = counted(frames)
    persons = [c for c in counts if c.label is Label.PERSON]
    assert [c.at for c in persons] == [float(s) for s in range(10)]
    assert next(c.at for c in persons if c.count) == 7.0


def test_a_hundred_frames_a_second_do_not_fill_the_memory():
    state, _ = counted([(i / 100, ()) for i in range(1000)])
    assert len(state.samples) <= SAMPLES_MAX


def test_a_camera_that_starts_its_time_again_is_counted_again():
    _, counts = counted([(100.0, ()), (0.0, (person(1, (0.5, 0.5)),))])
    assert counts[-2].count == 1


@pytest.mark.parametrize(
    ("metres_a_second", "speed"),
    [(0.0, Speed.STILL), (0.4, Speed.SLOW), (1.3, Speed.WALKING), (4.0, Speed.FAST)],
)
def test_speed_is_told_in_four_classes(metres_a_second, speed):
    # A person of 0.2 frames is 1.7 m; the frame is 4/3 as wide as high.
    step = metres_a_second / 1.7 * 0.2 / (4 / 3)
    frames = [(i / 5, (person(1, (0.05 + step * i / 5, 0.8)),)) for i in range(11)]
    _, signals = signalled(frames)
    [row] = signals[-1].rows
    assert (row.speed, row.count, row.stay_s) == (speed, 1, 2.0)


def test_a_thing_at_rest_is_still_after_a_second_and_covers_its_share():
    car = thing(1, (0.2, 0.4, 0.6, 0.7))
    _, signals = signalled([(i / 2, (car,)) for i in range(5)])
    assert signals[0].rows[0].speed is not Speed.STILL
    [row] = signals[-1].rows
    assert (row.label, row.speed) == (Label.CAR, Speed.STILL)
    assert row.area_ratio == pytest.approx(0.4 * 0.3 / 0.6)


def test_a_box_that_trembles_is_still_and_one_that_creeps_is_not():
    def at_x(x):
        return (thing(1, (x, 0.4, x + 0.4, 0.7)),)

    _, signals = signalled([(i / 5, at_x(0.2 + 0.004 * (i % 2))) for i in range(50)])
    assert signals[-1].rows[0].speed is Speed.STILL
    _, signals = signalled([(i / 5, at_x(0.1 + 0.008 * i)) for i in range(50)])
    assert signals[-1].rows[0].speed is not Speed.STILL


def test_things_smaller_than_matters_cover_nothing_where_sizes_are_known():
    from gatehouse_edge.rules.homography import homography

    marks = [((0, 0), (0, 10)), ((1, 0), (10, 10)), ((1, 1), (10, 0)), ((0, 1), (0, 0))]
    view = dataclasses.replace(LOWER, homography=homography(marks))
    watch = SignalWatch(view, Stillness(least_m2=0.5))
    frames = [
        (float(i), (thing(1, (0.5, 0.5, 0.56, 0.56)), thing(2, (0.1, 0.5, 0.2, 0.6))))
        for i in range(4)
    ]
    _, signals = signalled(frames, watch)
    [row] = signals[-1].rows
    assert row.count == 1, "0.36 m2 is too small, 1 m2 is not"


def test_signals_hold_no_coordinates_and_no_tracks():
    _, signals = signalled([(0.0, (person(77, (0.5, 0.5)),))])
    fields = {f.name for f in dataclasses.fields(signals[0].rows[0])}
    assert fields == {"label", "speed", "count", "area_ratio", "stay_s"}


def test_ten_thousand_tracks_do_not_fill_the_memory_of_signals():
    frames = [
        (i * 0.1, tuple(person(100 * i + k, (0.5, 0.5)) for k in range(100))) for i in range(100)
    ]
    state, _ = signalled(frames)
    assert len(state.follows) <= TRACKS_MAX
    state, _ = WATCH.step(state, tracks(60.0))
    assert not state.follows


places = st.tuples(st.floats(0, 1), st.floats(0, 1))


@given(st.lists(st.lists(places, max_size=5), max_size=30))
def test_what_signals_say_is_possible(frames):
    _, signals = signalled(
        [
            (i * 0.5, tuple(person(k, p) for k, p in enumerate(seen)))
            for i, seen in enumerate(frames)
        ]
    )
    for signal in signals:
        assert len(signal.rows) <= len(Speed)
        for row in signal.rows:
            assert 0.0 <= row.area_ratio <= 1.0
            assert 0.0 <= row.stay_s <= signal.at
            assert 0 <= row.count <= 5


def test_views_that_share_what_moves_say_what_each_says_alone():
    left = View("cam_1", "lane", ((0.0, 0.4), (0.5, 0.4), (0.5, 1.0), (0.0, 1.0)), None, 50.0)
    watches = (WATCH, SignalWatch(left))
    assert watches[0].moves_as(watches[1])
    frames = [
        (i / 5, (person(1, (0.1 + i / 100, 0.6)), *([person(2, (0.7, 0.8))] if i % 20 else [])))
        for i in range(60)
    ]
    alone = [signalled(frames, watch)[1] for watch in watches]
    states, shared = [SignalState(), SignalState()], ([], [])
    for at, seen in frames:
        here, moves = tracks(at, *seen), {}
        sighted = Sighted(here)
        for n, watch in enumerate(watches):
            states[n], signal = watch.step(states[n], here, sighted, moves)
            shared[n].extend([] if signal is None else [signal])
    assert list(shared) == alone


def test_views_of_other_stillness_or_marks_share_nothing():
    assert not WATCH.moves_as(SignalWatch(LOWER, Stillness(speed_m_s=0.2)))
    assert not WATCH.moves_as(SignalWatch(dataclasses.replace(LOWER, device="cam_2")))
