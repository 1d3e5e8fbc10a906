from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import TimeWentBackError
from gatehouse_edge.inference.manifest import Scores
from gatehouse_edge.tracking.parameters import DEFAULTS, TrackerParameters, parameters_for
from gatehouse_edge.tracking.table import (
    MAX_DETECTIONS,
    MAX_TRACKS,
    Moment,
    TrackerState,
    track_ids,
)
from gatehouse_edge.tracking.tracker import Tracker
from gatehouse_edge.values import Detection
from gatehouse_shared.names import Label

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def moment(at):
    return Moment("cam", at, NOON + timedelta(seconds=at), 640, 480)


def person(x, y=200.0, score=0.9, label=Label.PERSON, width=30.0, height=80.0):
    """A detection by the middle of its box."""
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return Detection(label, score, box)


def run(frames, fps=10.0, parameters=DEFAULTS, seed=1):
    """Tracks of each frame; a frame is a list of detections."""
    tracker, state, told = Tracker(parameters), TrackerState(seed), []
    for number, detections in enumerate(frames):
        state, tracks = tracker.step(state, tuple(detections), moment(number / fps))
        told.append(tracks.tracks)
    return told


def walk(start, speed, seconds, fps=10.0, y=200.0, **more):
    """One person walking along x, a frame each."""
    return [[person(start + speed * k / fps, y, **more)] for k in range(round(seconds * fps))]


def together(*walks):
    return [[one for frame in frames for one in frame] for frames in zip(*walks, strict=True)]


def ids(told):
    return {track.track_id for tracks in told for track in tracks}


@pytest.mark.parametrize("fps", [5.0, 7.0, 10.0, 15.0, 30.0])
@pytest.mark.parametrize("speed", [0.0, 60.0, 120.0])
def test_one_walker_is_one_track_at_any_rate(fps, speed):
    told = run(walk(50, speed, 4, fps), fps)
    assert [len(tracks) for tracks in told[:3]] == [0, 0, 1]
    assert len(ids(told)) == 1
    assert told[-1][0].xyxy[0] == pytest.approx(50 + speed * (4 - 1 / fps) - 15, abs=4)


def test_two_who_pass_one_another_keep_their_tracks():
    told = run(together(walk(100, 60, 6), walk(460, -60, 6, y=215, height=95.0)))
    assert len(ids(told)) == 2
    first = next(t for t in told[5] if t.xyxy[0] < 200).track_id
    assert next(t for t in told[-1] if t.track_id == first).xyxy[0] > 350


@pytest.mark.parametrize(("gap_s", "count"), [(0.3, 1), (0.9, 1), (1.8, 1), (2.6, 2)])
def test_who_is_hidden_for_less_than_two_seconds_is_the_same(gap_s, count):
    frames = walk(50, 80, 7)
    hidden = range(20, 20 + round(gap_s * 10))
    told = run([[] if k in hidden else frame for k, frame in enumerate(frames)])
    assert len(ids(told)) == count


def test_who_is_hidden_is_carried_but_not_seen():
    frames = walk(50, 80, 4)
    told = run([[] if 20 <= k < 25 else frame for k, frame in enumerate(frames)])
    assert [t.seen for t in told[19] + told[22] + told[25]] == [True, False, True]
    assert told[22][0].xyxy[0] == pytest.approx(50 + 80 * 2.2 - 15, abs=6)
    assert told[22][0].age_s == pytest.approx(2.2)
    assert told[22][0].hits == 20


@pytest.mark.parametrize("fps", [5.0, 10.0, 25.0])
def test_who_stops_sharply_is_told_where_he_stands(fps):
    frames = walk(50, 120, 2, fps) + [[person(290)] for _ in range(round(2 * fps))]
    ahead = [t.xyxy[0] - (290 - 15) for tracks in run(frames, fps) for t in tracks]
    assert max(ahead) <= DEFAULTS.place_noise * 80 + 0.1


def test_an_unsure_detection_carries_a_track_on_but_begins_none():
    weak = replace(DEFAULTS, score_high=0.6, score_low=0.1, score_new=0.7)
    fading = walk(50, 40, 2) + [[person(50 + 40 * (2 + k / 10), score=0.2)] for k in range(10)]
    assert len(run(fading, parameters=weak)[-1]) == 1
    assert run(fading, parameters=weak)[-1][0].seen
    assert run(walk(50, 40, 2, score=0.2), parameters=weak)[-1] == ()
    assert run(walk(50, 40, 2, score=0.65), parameters=weak)[-1] == ()


def test_a_flash_of_one_frame_is_never_told():
    frames = [[] for _ in range(20)]
    frames[5] = [person(300)]
    frames[12] = [person(310)]
    assert ids(run(frames)) == set()


def test_a_second_box_on_the_same_person_begins_no_second_track():
    told = run([[person(100), person(103, score=0.8, height=76.0)] for _ in range(20)])
    assert len(told[-1]) == 1


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        (Label.CAR, Label.TRUCK, 1),
        (Label.BICYCLE, Label.MOTORCYCLE, 1),
        (Label.PERSON, Label.CAR, 2),
    ],
)
def test_labels_that_are_taken_for_one_another_are_one_track(one, other, count):
    frames = [[person(100 + 2 * k, label=one if k % 10 < 7 else other)] for k in range(40)]
    told = run(frames)
    assert len(ids(told)) == count
    if count == 1:
        assert {tracks[0].label for tracks in told[10:]} == {one}


def test_time_that_stands_or_goes_back_is_refused():
    tracker = Tracker()
    state, _ = tracker.step(TrackerState(1), (), moment(1.0))
    for at in (1.0, 0.5):
        with pytest.raises(TimeWentBackError):
            tracker.step(state, (), moment(at))


def test_a_step_changes_neither_its_state_nor_the_other_branch():
    tracker = Tracker()
    state = TrackerState(1)
    for k in range(5):
        state, _ = tracker.step(state, (person(100 + k),), moment(k / 10))
    before = state.table.copy()
    ids = state.table.ids.copy()
    one = tracker.step(state, (person(105),), moment(0.5))[1]
    tracker.step(state, (person(90), person(300)), moment(0.6))
    assert np.array_equal(state.table.fields, before.fields)
    assert np.array_equal(state.table.trail, before.trail)
    assert np.array_equal(state.table.ids, ids)
    assert tracker.step(state, (person(105),), moment(0.5))[1] == one


detections = st.builds(
    person,
    x=st.floats(0, 640),
    y=st.floats(0, 480),
    score=st.sampled_from([0.05, 0.2, 0.5, 0.75, 0.9]),
    label=st.sampled_from([Label.PERSON, Label.CAR, Label.TRUCK]),
    width=st.floats(0, 300),
    height=st.floats(0, 300),
)
scenes = st.lists(st.lists(detections, max_size=6), max_size=12)


@settings(max_examples=60, deadline=None)
@given(frames=scenes, fps=st.sampled_from([2.0, 7.0, 25.0]))
def test_no_two_tracks_share_an_id_and_none_comes_back(frames, fps):
    told = run(frames, fps)
    gone, last = set(), set()
    for tracks in told:
        now = [track.track_id for track in tracks]
        assert len(set(now)) == len(now)
        gone |= last - set(now)
        assert not gone & set(now)
        last = set(now)


@settings(max_examples=60, deadline=None)
@given(frames=scenes, data=st.data())
def test_the_order_of_detections_does_not_matter(frames, data):
    mixed = [data.draw(st.permutations(frame)) for frame in frames]
    assert run(mixed) == run(frames)


@settings(max_examples=40, deadline=None)
@given(frames=scenes)
def test_a_second_run_says_the_same(frames):
    assert run(frames) == run(frames)


@settings(max_examples=40, deadline=None)
@given(frames=scenes)
def test_boxes_stay_numbers_and_ages_never_fall(frames):
    ages = {}
    for tracks in run(frames):
        for track in tracks:
            assert np.isfinite(track.xyxy).all()
            assert track.xyxy[0] < track.xyxy[2]
            assert track.xyxy[1] < track.xyxy[3]
            assert track.age_s >= ages.get(track.track_id, 0.0)
            ages[track.track_id] = track.age_s


def test_memory_is_bounded_whatever_is_detected():
    random = np.random.default_rng(3)
    tracker, state = Tracker(), TrackerState(1)
    for k in range(12):
        crowd = tuple(
            person(float(x), float(y), width=4.0, height=8.0)
            for x, y in random.uniform(0, 5000, (2 * MAX_DETECTIONS, 2))
        )
        state, tracks = tracker.step(state, crowd, moment(k / 10))
        assert len(state.table) <= MAX_TRACKS
        assert len(tracks.tracks) <= MAX_TRACKS


def test_what_was_tracked_is_forgotten():
    tracker, state = Tracker(), TrackerState(1)
    for k in range(20):
        state, _ = tracker.step(state, (person(100), person(300)), moment(k / 10))
    state, tracks = tracker.step(state, (), moment(60.0))
    assert len(state.table) == 0
    assert tracks.tracks == ()


def test_ids_differ_from_start_to_start_and_say_nothing_of_order():
    frames = together(*(walk(50 + 90 * k, 0, 1, y=200) for k in range(6)))
    one, other = run(frames, seed=1)[-1], run(frames, seed=2)[-1]
    assert not {t.track_id for t in one} & {t.track_id for t in other}
    numbers = [t.track_id for t in one]
    assert numbers != sorted(numbers)


@given(seed=st.integers(0, 2**63 - 1), start=st.integers(0, 2**40))
def test_ids_of_a_start_are_all_different(seed, start):
    numbers = np.arange(start, start + 500, dtype=np.int64)
    assert len(set(track_ids(numbers, seed))) == 500


def test_settings_take_the_scores_of_the_model():
    settings_of = parameters_for(Scores(high=0.4, low=0.2, new=0.45))
    assert (settings_of.score_high, settings_of.score_low, settings_of.score_new) == (
        0.4,
        0.2,
        0.45,
    )
    assert settings_of.keep_s == TrackerParameters().keep_s
