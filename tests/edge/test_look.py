"""One camera's sight: watchers at their rate, looks at theirs, and what stands while nobody looks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from gatehouse_edge.app.sight import CameraTracker, source_for
from gatehouse_edge.gate.motion import MotionGate
from gatehouse_edge.pipeline import Look
from gatehouse_edge.rules.observations import SourceUp
from gatehouse_edge.sources.spec import SourceSpec
from gatehouse_edge.tracking.tracker import Tracker
from gatehouse_edge.values import Detection, Frame, FrameKind, Tracks
from gatehouse_shared.names import Label

START = datetime(2026, 5, 4, tzinfo=UTC)
STANDING = Detection(Label.PERSON, 0.9, (100.0, 50.0, 130.0, 140.0))
PLACE = np.random.default_rng(7).integers(60, 180, (180, 320, 3)).astype(np.uint8)


def frame(at, pixels=PLACE):
    return Frame("cam", FrameKind.COLOUR, 0, at, START + timedelta(seconds=at), pixels)


class Model:
    """Sees the same people in every frame."""

    name = "same"

    def __init__(self, *found):
        self.found, self.asked = found, []

    def look(self, frame):
        self.asked.append(frame.at)
        return self.found

    def close(self):
        """Nothing is open."""


class Watcher:
    """Remembers when it was shown a frame."""

    def __init__(self, least_fps=0.0):
        self.least_fps, self.seen = least_fps, []

    def watch(self, frame):
        self.seen.append(frame.at)
        return ()


def sight(model, *watchers, rate_fps=None):
    return Look(MotionGate(), model, CameraTracker(Tracker(), 1), watchers, rate_fps=rate_fps)


def film(look, first, last, fps, pixels=PLACE):
    """Frames from `first` to `last` seconds; what was said of each."""
    steps = range(round(first * fps), round(last * fps))
    return [(k / fps, look.see(frame(k / fps, pixels))) for k in steps]


def standing(said):
    return [(at, t) for at, words in said for t in words if isinstance(t, Tracks)]


def test_watchers_see_every_frame_and_the_model_only_those_that_are_due():
    model, watcher = Model(STANDING), Watcher(20)
    film(sight(model, watcher, rate_fps=5), 0, 0.6, 20)
    assert watcher.seen == [k / 20 for k in range(12)]
    assert model.asked == [0.0, 0.2, 0.4]


@pytest.mark.parametrize(
    ("needs", "rate_fps", "source_fps"), [((), 5, 5), ((20.0, 0.0), 5, 20), ((2.0,), 5, 5)]
)
def test_the_source_gives_as_many_frames_as_the_fastest_wants(needs, rate_fps, source_fps):
    look = sight(Model(), *map(Watcher, needs))
    spec = SourceSpec(url="scene:gate", rate_fps=rate_fps)
    assert source_for(spec, look).rate_fps == source_fps


def test_a_recording_of_which_every_frame_is_wanted_stays_so():
    spec = SourceSpec(url="clip.mp4")
    assert source_for(spec, sight(Model(), Watcher(20.0))).rate_fps is None


def test_one_who_stands_is_told_in_every_frame_and_looked_at_every_second():
    model = Model(STANDING)
    said = film(sight(model), 0, 10, 5)
    tracks = standing(said)
    assert [at for at, _ in tracks] == [k / 5 for k in range(50)]
    confirmed = [t for at, t in tracks if at >= 0.4]
    assert all(len(t.tracks) == 1 and t.tracks[0].seen for t in confirmed)
    assert len({t.tracks[0].track_id for t in confirmed}) == 1
    assert [at for at in model.asked if at > 0.6] == pytest.approx(
        [1.4 + k for k in range(9)], abs=0.3
    )


def test_the_age_of_one_who_stands_goes_on():
    ages = [
        t.tracks[0].age_s for at, t in standing(film(sight(Model(STANDING)), 0, 4, 5)) if at > 1
    ]
    assert ages == pytest.approx([k / 5 for k in range(6, 20)])


def test_one_who_is_gone_at_a_second_look_is_looked_for_in_every_frame():
    model = Model(STANDING)
    look = sight(model)
    film(look, 0, 4, 5)
    model.found, model.asked = (), []
    film(look, 4, 6, 5)
    first = model.asked[0]
    assert model.asked == pytest.approx([first + k / 5 for k in range(len(model.asked))])
    assert not standing(film(look, 6, 9, 5))[-1][1].tracks


def test_an_empty_place_stays_empty_without_the_model():
    model = Model()
    said = standing(film(sight(model), 0, 3, 5))
    assert len(said) == 15
    assert not any(t.tracks for _, t in said)
    assert model.asked == [0.0]


def test_while_a_look_is_awaited_nothing_is_said_of_tracks():
    look = sight(Model(STANDING))
    film(look, 0, 2, 5)
    assert look.glance(frame(2.0), awaited=True).said == (SourceUp("cam"),)
    assert isinstance(look.glance(frame(2.05)).said[0], Tracks)


def test_a_picture_of_another_size_says_nothing_of_what_stood_in_the_old_one():
    look = sight(Model(STANDING))
    film(look, 0, 2, 5)
    larger = np.repeat(np.repeat(PLACE, 2, axis=0), 2, axis=1)
    assert look.glance(frame(2.05, larger)).said == (SourceUp("cam"),)


def test_frames_are_counted_as_inferred_or_answered():
    model = Model(STANDING)
    look = sight(model)
    film(look, 0, 10, 5)
    assert look.inferred == len(model.asked)
    assert look.inferred + look.answered == 50


def test_a_camera_that_comes_back_with_an_earlier_time_is_looked_at():
    model = Model()
    look = sight(model, Watcher(20), rate_fps=5)
    film(look, 100, 101, 20)
    model.asked.clear()
    look.see(replace(frame(3.0)))
    assert model.asked == [3.0]
