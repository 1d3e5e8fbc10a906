"""Flames and smoke in a picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.fire_video import build_flame, build_smoke
from gatehouse_edge.values import Track, TrackId
from gatehouse_shared.names import HazardKind, Label
from gatehouse_testing.requests import LEFT_HALF, request
from gatehouse_testing.watched import HEIGHT, WIDTH, phases, told, tracks

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
