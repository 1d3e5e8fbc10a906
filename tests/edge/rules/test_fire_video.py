"""Flames and smoke in a picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.fire_video import (
    FLICKER_CONFIDENCE,
    build_flame,
    build_smoke,
    watches_flicker,
)
from gatehouse_edge.rules.observations import FlameCue
from gatehouse_edge.values import Track, TrackId
from gatehouse_shared.names import HazardKind, Label
from gatehouse_testing.requests import LEFT_HALF, request
from gatehouse_testing.watched import HEIGHT, WIDTH, moment, phases, told, tracks

BAY = (0.1, 0.1, 0.2, 0.2)


def flame(params=None):
    return build_flame(request(HazardKind.FIRE_FLAME, params, polygon=LEFT_HALF))


def smoke(params=None):
    return build_smoke(request(HazardKind.FIRE_SMOKE, params, polygon=LEFT_HALF))


def burns(label, seconds, *, first=0.0, score=0.9, box=BAY, seen=True):
    x1, y1, x2, y2 = box
    xyxy = (x1 * WIDTH, y1 * HEIGHT, x2 * WIDTH, y2 * HEIGHT)
    track = Track(TrackId(1), label, score, xyxy, 1.0, 5, seen)
    times = [first + i / 5 for i in range(round(seconds * 5) + 1)]
    return [(at, tracks(at, track)) for at in times]


def dark(first, seconds):
    return [(first + i / 5, tracks(first + i / 5)) for i in range(round(seconds * 5))]


def test_a_flame_is_raised_after_five_seconds_and_smoke_after_eight_as_a_warning():
    [found] = told(flame(), *burns(Label.FLAME, 10))
    assert (found.grade, found.confirm_s, found.confidence) == (3, 5, 18)
    [found] = told(smoke(), *burns(Label.SMOKE, 10))
    assert (found.grade, found.confirm_s) == (2, 8)


@pytest.mark.parametrize(
    "frames",
    [
        burns(Label.FLAME, 4.5),
        burns(Label.FLAME, 60, score=0.5),
        burns(Label.SMOKE, 60),
        burns(Label.FLAME, 60, box=(0.6, 0.1, 0.9, 0.9)),
        burns(Label.FLAME, 60, seen=False),
        [
            f
            for n in range(10)
            for f in (*burns(Label.FLAME, 2, first=4.0 * n), *dark(4.0 * n + 2.2, 1.6))
        ],
    ],
    ids=["a flash", "hardly seen", "another label", "elsewhere", "coasting", "a lamp that blinks"],
)
def test_what_is_no_flame_is_not_raised(frames):
    assert told(flame(), *frames) == []


def flickers(first, scores, every_s=1.0):
    """A cue a second."""
    times = [first + i * every_s for i in range(len(scores))]
    return [(at, cue(at, score)) for at, score in zip(times, scores, strict=True)]


def cue(at, score, device="cam_1"):
    return FlameCue(device, "plaza", at, moment(at).time, score, 0.02, 8.0)


def together(*observed):
    return sorted((one for more in observed for one in more), key=lambda one: one[0])


@pytest.mark.parametrize(
    ("scores", "confirm_s"),
    [
        ([0.9] * 4, 3),
        ([0.6] * 4, 3),
        ([0.0, 0.0, 0.9, 0.9, 0.9, 0.9], 3),
        ([0.9] * 3, None),
        ([0.59] * 60, None),
        ([0.9, 0.9, 0.0] * 20, None),
    ],
    ids=["a flame", "just enough", "later", "two seconds", "hardly", "on and off"],
)
def test_what_flickers_like_a_flame_for_three_seconds_is_raised_without_a_model(scores, confirm_s):
    found = told(flame(), *flickers(1.0, scores))
    assert [f.confirm_s for f in found] == ([] if confirm_s is None else [confirm_s])
    assert {(f.grade, f.confidence <= FLICKER_CONFIDENCE) for f in found} <= {(3, True)}


def test_a_model_that_knows_no_flames_does_not_speak_against_the_flicker():
    [found] = told(flame(), *together(flickers(1.05, [0.9] * 8), dark(0.0, 9)))
    assert found.confirm_s == 3
    assert "2.00% of the zone flickers like a flame at 8/s" in found.reason


def test_a_cue_that_is_old_says_nothing():
    assert told(flame(), *together(flickers(1.05, [0.9] * 2), dark(0.0, 20))) == []
    [found] = told(flame(), *together(flickers(1.05, [0.9] * 5), dark(0.0, 6), dark(6.5, 40)))[:1]
    assert found.phase == "raised"


def test_what_both_see_is_as_sure_as_the_model():
    found = told(flame(), *together(flickers(1.05, [0.9] * 8), burns(Label.FLAME, 9)))
    assert max(f.confidence for f in found) == 18


def test_the_flicker_can_be_switched_off():
    assert told(flame({"flicker": 0}), *flickers(1.0, [1.0] * 30)) == []
    assert watches_flicker({})
    assert watches_flicker({"flicker": 1})
    assert not watches_flicker({"flicker": 0})


def test_a_cue_of_another_camera_is_not_ours():
    elsewhere = [(at, cue(at, 1.0, "cam_2")) for at in range(1, 9)]
    assert told(flame(), *elsewhere) == []


@given(st.lists(st.floats(0, 1), max_size=60))
def test_no_three_seconds_below_the_limit_are_raised(scores):
    longest = max(
        (len(run) for run in "".join("x" if s >= 0.6 else " " for s in scores).split()), default=0
    )
    assert bool(told(flame(), *flickers(1.0, scores))) == (longest >= 4)


def test_it_is_over_when_nothing_burnt_for_half_a_minute():
    found = told(flame(), *burns(Label.FLAME, 10), *dark(10.2, 40))
    assert phases(found) == [("raised", 3, 0.0), ("cleared", 3, 40.2)]


@given(st.lists(st.floats(0, 1), max_size=100))
def test_scores_below_the_limit_are_never_a_fire(scores):
    frames = [
        f
        for i, s in enumerate(scores)
        for f in burns(Label.FLAME, 0, first=i / 5, score=min(s, 0.59))
    ]
    assert told(flame(), *frames) == []
