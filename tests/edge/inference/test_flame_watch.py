"""Flames by their flicker, and everything that flickers and is no flame."""

from datetime import timedelta
from itertools import islice

import cv2
import numpy as np
import pytest

from gatehouse_edge.inference.flame_memory import PICTURES_MAX, small_copy
from gatehouse_edge.inference.flame_watch import FlameWatcher
from gatehouse_edge.rules.fire_video import build_flame
from gatehouse_edge.values import Frame, FrameKind
from gatehouse_shared.names import HazardKind
from gatehouse_testing import flickering as drawn
from gatehouse_testing.gateway_parts import START
from gatehouse_testing.requests import WHOLE, request
from gatehouse_testing.watched import run

FPS, SECONDS = 25.0, 6.6
LEAST = 0.6


def cues_of(pictures, *, fps=FPS, zones=None, ignored=(), kind=FrameKind.COLOUR, start_s=0.0):
    """Cues of a clip, in order."""
    watcher = FlameWatcher("cam_1", zones or {"plaza": WHOLE}, ignored)
    said = []
    for number, pixels in enumerate(pictures):
        at = start_s + number / fps
        time = START + timedelta(seconds=at)
        said += watcher.watch(Frame("cam_1", kind, number, at, time, pixels))
    return said


def scores_of(pictures, **more):
    return [cue.score for cue in cues_of(pictures, **more)]


def raised(cues):
    """Findings of a flame rule with defaults that hears these cues."""
    rule = build_flame(request(HazardKind.FIRE_FLAME))
    return run(rule, [(cue.at, cue) for cue in cues])[1]


@pytest.mark.parametrize("ground", ["night", "asphalt", "salmon wall"])
@pytest.mark.parametrize("size", [8, 20, 60])
def test_a_flame_of_any_size_is_raised_within_seven_seconds(size, ground):
    [found] = raised(cues_of(drawn.flame(size, SECONDS, FPS, ground)))
    assert found.kind is HazardKind.FIRE_FLAME
    assert (found.time - START).total_seconds() + found.confirm_s <= 7.5
    assert found.confidence <= 14, "a flicker alone is not sure"


def test_a_flame_that_grows_stays_one():
    assert min(scores_of(drawn.flame(12, SECONDS, FPS, grow=0.3))[1:]) >= LEAST


@pytest.mark.parametrize("fps", [20.0, 30.0, pytest.param(50.0, marks=pytest.mark.long)])
def test_the_rate_of_the_camera_hardly_matters_from_twenty_up(fps):
    assert min(scores_of(drawn.flame(30, SECONDS, fps), fps=fps)[1:]) >= LEAST


OTHERS = {
    **{f"a lamp at {hz} Hz": (drawn.blinking(hz, FPS), "night") for hz in (1, 1.5, 2, 4)},
    "hazard lights in turn": (drawn.blinking(1.5, FPS, lamps=2), "night"),
    "a strobe": (drawn.blinking(8, FPS, share=0.3), "night"),
    "a light bar": (drawn.beacon(FPS), "night"),
    **{f"a tube at {hz} Hz": (drawn.tube(hz, FPS), "asphalt") for hz in (1.7, 5, 10)},
    "bars that roll": (drawn.tube(4, FPS, rows_apart=0.03), "asphalt"),
    "exposure at 2 Hz": (drawn.exposure(2, FPS), "asphalt"),
    "exposure at 3.3 Hz": (drawn.exposure(3.3, FPS), "asphalt"),
    **{
        f"a jacket at {speed} px/s, grain {grain}": (drawn.jacket(speed, FPS, grain), "asphalt")
        for speed, grain in ((0, 0.6), (5, 0.6), (10, 1.2), (20, 0.6), (30, 1.2), (100, 1.2))
    },
    "leaves": (drawn.foliage(0.5, 3, SECONDS, FPS), "asphalt"),
    "leaves in a gale": (drawn.foliage(1, 5, SECONDS, FPS, patch=True), "asphalt"),
    "waves": (drawn.foliage(0.3, 1.2, SECONDS, FPS, grain_px=4), "asphalt"),
    "glints": (drawn.foliage(0.5, 5, SECONDS, FPS, grain_px=1.2, glints=True), "asphalt"),
    **{f"a flag at {hz} Hz": (drawn.flag(hz, FPS), "asphalt") for hz in (1, 2, 2.5, 3, 4)},
    "a red car": (drawn.car(FPS), "asphalt"),
    "headlights": (drawn.headlights(FPS), "night"),
    "an orange wall": (drawn.wall, "asphalt"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_flickers_otherwise_is_no_flame(what):
    draw, ground = OTHERS[what]
    cues = cues_of(drawn.clip(draw, SECONDS, FPS, ground))
    assert len(cues) >= 5
    assert max(cue.score for cue in cues) < LEAST
    assert raised(cues) == []


@pytest.mark.parametrize(
    "noise", [12.0, *(pytest.param(n, marks=pytest.mark.long) for n in (6.0, 20.0))]
)
def test_noise_is_no_flame(noise):
    cues = cues_of(drawn.clip(drawn.wall, SECONDS, FPS, noise=noise))
    assert max(cue.score for cue in cues) < LEAST


def test_from_a_camera_below_fifteen_frames_a_second_nothing_is_said_and_once_in_the_log(caplog):
    assert cues_of(drawn.flame(30, SECONDS, 12), fps=12.0) == []
    assert [r.message for r in caplog.records] == [
        "camera cam_1 gives 12 frames a second; flames are seen by their flicker from 15 on"
    ]


def test_a_gray_picture_has_no_flames():
    gray = (
        np.repeat(picture.max(axis=2, keepdims=True), 3, axis=2)
        for picture in drawn.flame(30, SECONDS, FPS)
    )
    assert set(scores_of(gray)) == {0.0}


def test_where_flames_belong_they_are_ignored():
    chimney = ((0.3, 0.2), (0.7, 0.2), (0.7, 0.8), (0.3, 0.8))
    assert set(scores_of(drawn.flame(30, SECONDS, FPS), ignored=(chimney,))) == {0.0}
    corner = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.2))
    assert max(scores_of(drawn.flame(30, SECONDS, FPS), ignored=(corner,))) >= LEAST


def test_each_zone_hears_of_what_burns_in_it():
    halves = {
        "left": ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0)),
        "middle": ((0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0)),
    }
    cues = cues_of(drawn.flame(30, SECONDS, FPS), zones=halves)
    assert max(c.score for c in cues if c.zone == "left") == 0.0
    burning = [c for c in cues if c.zone == "middle"]
    assert min(c.score for c in burning[1:]) >= LEAST
    assert 0.001 < burning[-1].area_ratio < 0.1
    assert burning[-1].flicker_hz >= 5


def test_a_camera_that_pauses_or_starts_anew_is_watched_from_the_start_again():
    watcher, said = FlameWatcher("cam_1", {"plaza": WHOLE}), []
    for number, pixels in enumerate(drawn.flame(30, SECONDS, FPS)):
        at = number / FPS + (10.0 if number >= 100 else 0.0)
        said += watcher.watch(Frame("cam_1", FrameKind.COLOUR, number, at, START, pixels))
    assert {cue.at < 4.0 or cue.at > 15.5 for cue in said} == {True}
    for number, pixels in enumerate(drawn.flame(30, 2.0, FPS)):
        assert (
            watcher.watch(Frame("cam_1", FrameKind.COLOUR, number, number / FPS, START, pixels))
            == ()
        )


def test_what_is_kept_of_a_camera_is_small_and_short():
    watcher = FlameWatcher("cam_1", {"plaza": WHOLE})
    picture = np.zeros((720, 1280, 3), np.uint8)
    for number in range(400):
        watcher.watch(Frame("cam_1", FrameKind.COLOUR, number, number / 50, START, picture))
    assert PICTURES_MAX <= 64
    assert small_copy(picture).shape == (240, 426, 3)
    assert len(watcher._memory._pictures) <= PICTURES_MAX


def test_the_same_clip_says_the_same():
    assert cues_of(drawn.flame(20, 4.0, FPS)) == cues_of(drawn.flame(20, 4.0, FPS))


@pytest.mark.parametrize(
    "name",
    [
        "car-detection.mp4",
        "pets09-s2l1-first400.mp4",
        pytest.param("one-by-one-person-detection.mp4", marks=pytest.mark.long),
        pytest.param("overhead-road.avi", marks=pytest.mark.long),
    ],
)
def test_a_flame_cut_into_a_clip_is_found_and_the_clip_alone_has_none(assets, name):
    frames = [picture.astype(np.uint8) for picture in islice(recorded(assets, name), 200)]
    width = frames[0].shape[1]
    assert max(scores_of(iter(frames))) < LEAST
    assert raised(cues_of(drawn.flame(12 * width // 426, SECONDS, FPS, frames)))


@pytest.mark.parametrize(
    "name", ["pets09-s2l1-first400.mp4", pytest.param("hall-720p.avi", marks=pytest.mark.long)]
)
def test_people_under_orange_light_are_no_flames(assets, name):
    """At 25 frames a second the people of the first clip run three times as fast as people do."""
    light, haze = np.array((0.45, 0.8, 1.2), np.float32), np.array((0, 5, 20), np.float32)
    clip = islice(recorded(assets, name), 300)
    lit = (np.clip(p * light + haze, 0, 255).astype(np.uint8) for p in clip)
    assert max(scores_of(lit)) < 0.5


def test_the_burning_house_is_raised_within_ten_seconds(assets):
    cues = cues_of(islice(recorded(assets, "fire-house6.mp4"), 330), fps=29.97)
    [found] = raised(cues)
    assert (found.time - START).total_seconds() + found.confirm_s <= 10.0
    assert min(cue.score for cue in cues[1:]) >= 0.7, "the margin"


def recorded(assets, name):
    path = assets / "video" / name
    if not path.exists():
        pytest.skip(f"no test material; {name} is missing")
    capture = cv2.VideoCapture(str(path))
    while True:
        there, pixels = capture.read()
        if not there:
            return
        yield pixels
