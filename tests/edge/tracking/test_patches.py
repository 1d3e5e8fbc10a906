from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gatehouse_edge.tracking.table import Moment, Patch, TrackerState
from gatehouse_edge.tracking.tracker import Tracker
from gatehouse_edge.values import Detection
from gatehouse_shared.names import Label

START = datetime(2026, 5, 4, tzinfo=UTC)
FAR = (0.0, 0.0, 640.0, 200.0)


def person(x, y=100.0):
    return Detection(Label.PERSON, 0.9, (x, y, x + 10, y + 25))


def looks(seen, *, step_s=0.2, told=True):
    """All tracks after each look. A look of None is of the whole picture alone, which shows nobody far off."""
    tracker, state, closely, said = Tracker(), TrackerState(1), float("-inf"), []
    for number, found in enumerate(seen):
        at = number * step_s
        patch = Patch(FAR, closely, looked=found is not None)
        moment = Moment(
            "cam", at, START + timedelta(seconds=at), 640, 480, (patch,) if told else ()
        )
        state, tracks = tracker.step(state, found or (), moment)
        closely = at if found is not None else closely
        said.append(tracks.tracks)
    return said


def every_second(count, missing=()):
    return [
        ((person(100 + 3 * n),) if n not in missing else ()) if n % 2 == 0 else None
        for n in range(count)
    ]


def test_who_stands_far_off_is_seen_all_the_time_though_tiles_are_looked_at_every_second_look():
    told = looks(every_second(30))[6:]
    assert {len(tracks) for tracks in told} == {1}
    assert all(tracks[0].seen for tracks in told)
    assert len({tracks[0].track_id for tracks in told}) == 1


def test_a_tracker_that_is_not_told_would_see_them_half_the_time():
    told = looks(every_second(30), told=False)[6:]
    assert {tracks[0].seen for tracks in told} == {True, False}


def test_who_is_gone_at_the_next_close_look_is_unseen_until_found_again():
    told = looks(every_second(30, missing=(20, 22)))
    assert [bool(t and t[0].seen) for t in told[18:26]] == [
        *(True, True, False, False, False, False, True, True)
    ]


@pytest.mark.parametrize("step_s", [0.1, 0.2, 0.4])
def test_a_new_track_is_confirmed_at_any_rate(step_s):
    told = looks(every_second(12), step_s=step_s)
    assert len(told[-1]) == 1


def test_unsure_detections_keep_a_far_track_as_they_do_a_near_one():
    weak = replace(person(160), score=0.3)
    seen = [*every_second(20), (weak,), None]
    assert [t[0].seen for t in looks(seen)[20:]] == [True, True]
    assert [t[0].seen for t in looks(seen, told=False)[20:]] == [False, False]


def test_near_people_are_judged_by_the_whole_picture():
    near = Detection(Label.PERSON, 0.9, (300.0, 300.0, 350.0, 450.0))
    tracker, state, said = Tracker(), TrackerState(1), []
    for number in range(10):
        at = number * 0.2
        patch = Patch(FAR, at - 0.2, looked=False)
        moment = Moment("cam", at, START + timedelta(seconds=at), 640, 480, (patch,))
        state, tracks = tracker.step(state, (near,) if number < 8 else (), moment)
        said.append([t.seen for t in tracks.tracks])
    assert said[7:] == [[True], [False], [False]]
