"""The watcher of pictures and its rules on real clips: the right hazard in time, and none for light, weather and people."""

from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gatehouse_edge.gate.integrity import LEARN_LOOKS, IntegrityWatcher
from gatehouse_edge.rules.observations import Acknowledged, PictureQuality
from gatehouse_edge.values import Frame, FrameKind
from gatehouse_shared.names import Phase
from gatehouse_testing.picture_faults import (
    CLIPS,
    FAULTS,
    HARMLESS,
    START,
    Watched,
    play,
    stills,
)

IN_TIME_S = (5.0, 32.0)
MOST = 20
LEARN = LEARN_LOOKS + 5


@cache
def frames(assets: Path, clip: str) -> list[NDArray[np.uint8]]:
    name, step = CLIPS[clip]
    if not (assets / name).exists():
        pytest.skip(f"no {name} in the test material")
    return stills(assets / name, step, MOST)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_by_its_name_in_time_and_ends_with_it(assets, name):
    kind, change = FAULTS[name]
    outcome = play(frames(assets, "pets"), change, freeze=name == "frozen")
    assert [k for k, _ in outcome.raised] == [kind]
    assert IN_TIME_S[0] <= outcome.raised[0][1] <= IN_TIME_S[1]
    assert outcome.cleared == (kind,)


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.parametrize("clip", ["pets", pytest.param("road", marks=pytest.mark.long)])
def test_light_weather_and_people_are_no_faults(assets, clip, name):
    assert play(frames(assets, clip), HARMLESS[name], after_s=5).raised == ()


@pytest.mark.parametrize("clip", ["one-by-one", "hall", "car", "fire"])
def test_a_clip_as_it_is_raises_nothing(assets, clip):
    assert play(frames(assets, clip), HARMLESS["as it is"], after_s=0).raised == ()


def test_a_recording_that_repeats_itself_is_not_frozen(assets):
    watched, still = Watched(sensor=False), frames(assets, "pets")[0]
    for at in range(100):
        watched.see(still, float(at))
    assert watched.findings == []


def test_nothing_is_said_until_the_place_is_learned(assets):
    watcher, shown = IntegrityWatcher(sensor=True), frames(assets, "pets")
    said = [told for at in range(LEARN) for told in watcher.watch(frame(shown[at % MOST], at))]
    learned = [one.learned for one in said if isinstance(one, PictureQuality)]
    assert learned == [False] * LEARN_LOOKS + [True] * (LEARN - LEARN_LOOKS)


def test_a_place_without_edges_is_not_learned_and_not_judged():
    watcher, rng = IntegrityWatcher(sensor=True), np.random.default_rng(0)
    for at in range(60):
        dark = rng.integers(0, 12, (360, 640, 3)).astype(np.uint8)
        for told in watcher.watch(frame(dark, at)):
            assert isinstance(told, PictureQuality)
            assert not told.learned


def test_it_looks_once_a_second_whatever_the_rate(assets):
    watcher, shown = IntegrityWatcher(sensor=True), frames(assets, "pets")
    said = [told for at in range(250) for told in watcher.watch(frame(shown[at % MOST], at / 25))]
    assert len(said) == 10


def test_a_fault_is_never_learned_into_the_view(assets):
    _, cover = FAULTS["hand 90 %"]
    watched, shown = Watched(), frames(assets, "pets")
    for at in range(160):
        still = shown[at % MOST]
        watched.see(still if at < 40 else cover(still, at), float(at))
    kinds = [(f.kind.value, f.phase) for _, f in watched.findings if f.phase is not Phase.UPDATED]
    assert kinds == [("camera_covered", Phase.RAISED)]


def test_a_new_view_is_accepted_at_the_site_and_the_old_one_is_known_again(assets):
    _, turn = FAULTS["turned by 5 degrees"]
    watched, shown = Watched(), frames(assets, "pets")

    def watch(first: int, last: int, *, turned: bool) -> None:
        for at in range(first, last):
            still = shown[at % MOST]
            watched.see(turn(still, at) if turned else still, float(at))

    def told() -> list[str]:
        found = [f.phase.value for _, f in watched.findings if f.kind.value == "camera_moved"]
        return [phase for phase in found if phase != "updated"]

    watch(0, 40, turned=False)
    watch(40, 150, turned=True)
    assert told() == ["raised"]
    watched.tell(Acknowledged("rule_1", at_site=True), 150.0)
    watch(151, 200, turned=True)
    assert told() == ["raised", "cleared"]
    watch(200, 240, turned=False)
    assert told() == ["raised", "cleared"], "the first view is right as well"


def frame(pixels: NDArray[np.uint8], at: float) -> Frame:
    time = START + timedelta(seconds=at)
    return Frame("cam_1", FrameKind.COLOUR, int(at), float(at), time, pixels)
