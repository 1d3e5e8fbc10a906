from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.gate.motion import GateReason, GateSetting, MotionGate
from gatehouse_edge.values import Frame, FrameKind

START = datetime(2026, 5, 4, tzinfo=UTC)
HEIGHT, WIDTH = 432, 768


def frame(at, pixels, kind=FrameKind.COLOUR):
    return Frame("cam", kind, 0, at, START + timedelta(seconds=at), pixels)


def yard(seed=0, noise=2.0):
    """A still place with the noise of a camera."""
    random = np.random.default_rng(seed)
    place = np.random.default_rng(99).integers(40, 200, (HEIGHT // 16, WIDTH // 16, 3))
    whole = np.kron(place, np.ones((16, 16, 1)))
    return np.clip(whole + random.normal(0, noise, whole.shape), 0, 255).astype(np.uint8)


def with_person(pixels, x, height=40):
    out = pixels.copy()
    out[200 : 200 + height, x : x + height // 3] = (
        250 - out[200 : 200 + height, x : x + height // 3]
    )
    return out


def reasons(gate, frames, *, tracks_alive=False, settled=False):
    return [gate.step(f, tracks_alive=tracks_alive, settled=settled).reason for f in frames]


def test_the_first_frame_is_inferred():
    assert reasons(MotionGate(), [frame(0, yard())]) == [GateReason.FIRST]


def test_camera_noise_is_not_motion():
    frames = [frame(k / 5, yard(seed=k)) for k in range(20)]
    assert set(reasons(MotionGate(), frames)[1:]) == {GateReason.STILL}


def test_a_small_person_who_walks_is_motion_in_every_frame():
    frames = [frame(k / 5, with_person(yard(seed=k), 100 + 8 * k)) for k in range(20)]
    assert set(reasons(MotionGate(), frames)[1:]) == {GateReason.MOTION}


def test_what_stops_is_still_inferred_for_the_linger_time():
    gate = MotionGate(GateSetting(linger_s=0.5))
    still = with_person(yard(), 130)
    frames = [frame(0, with_person(yard(), 100)), *(frame(k / 5, still) for k in range(1, 6))]
    assert reasons(gate, frames)[1:] == [GateReason.MOTION] * 3 + [GateReason.STILL] * 2


def test_everything_is_inferred_until_what_is_followed_is_sure():
    frames = [frame(k / 5, yard()) for k in range(5)]
    assert reasons(MotionGate(), frames, tracks_alive=True)[1:] == [GateReason.TRACKS] * 4


def test_what_stands_sure_is_looked_at_every_second():
    frames = [frame(k / 5, yard(seed=k)) for k in range(16)]
    found = reasons(MotionGate(), frames, tracks_alive=True, settled=True)
    assert [k / 5 for k, r in enumerate(found) if r is GateReason.RECHECK] == [1, 2, 3]
    assert set(found) == {GateReason.FIRST, GateReason.STILL, GateReason.RECHECK}


def test_one_who_stands_and_goes_is_seen_going_at_once():
    gate = MotionGate()
    stood = [frame(k / 5, with_person(yard(seed=k), 100)) for k in range(4)]
    assert reasons(gate, stood, tracks_alive=True, settled=True)[1:] == [GateReason.STILL] * 3
    gone = [frame(0.8, with_person(yard(seed=9), 106))]
    assert reasons(gate, gone, tracks_alive=True, settled=True) == [GateReason.MOTION]


def test_lightning_over_people_blinds_for_less_than_half_a_second():
    dark = yard() // 4
    bright = np.clip(dark.astype(int) + 120, 0, 255).astype(np.uint8)
    gate = MotionGate()
    frames = [frame(k / 10, bright if k % 2 else dark) for k in range(8)]
    found = reasons(gate, frames, tracks_alive=True)
    assert found[1:] == [GateReason.LIGHT] * 4 + [GateReason.TRACKS] * 3


def test_a_still_place_is_looked_at_every_recheck_time():
    gate = MotionGate(GateSetting(recheck_s=2))
    found = reasons(gate, [frame(k / 5, yard()) for k in range(31)])
    assert [k / 5 for k, r in enumerate(found) if r is GateReason.RECHECK] == [2, 4, 6]


def test_lightning_is_let_by_and_darkness_after_it_too():
    gate = MotionGate()
    dark = yard() // 4
    bright = np.clip(dark.astype(int) + 120, 0, 255).astype(np.uint8)
    found = reasons(gate, [frame(0, dark), frame(0.2, bright), frame(0.4, dark), frame(0.6, dark)])
    assert found[1:] == [GateReason.LIGHT, GateReason.LIGHT, GateReason.STILL]


def test_light_that_never_settles_is_looked_at():
    gate = MotionGate(GateSetting(blind_s=1, recheck_s=60))
    dark, bright = yard() // 4, np.clip(yard().astype(int) + 60, 0, 255).astype(np.uint8)
    found = reasons(gate, [frame(k / 5, bright if k % 2 else dark) for k in range(10)])
    assert found[1:6] == [GateReason.LIGHT] * 5
    assert set(found[6:]) == {GateReason.MOTION}


def test_a_warm_animal_on_a_thermal_picture_is_motion_and_noise_is_not():
    gate = MotionGate()
    random = np.random.default_rng(5)
    cold = [random.normal(12, 0.05, (120, 160)).astype(np.float32) for _ in range(12)]
    quiet = [frame(k / 5, c, FrameKind.THERMAL) for k, c in enumerate(cold)]
    assert set(reasons(gate, quiet)[1:]) == {GateReason.STILL}
    for k, c in enumerate(cold):
        c[60:66, 10 + 8 * k : 16 + 8 * k] = 24
    moving = [frame(3 + k / 5, c, FrameKind.THERMAL) for k, c in enumerate(cold)]
    assert set(reasons(gate, moving)) <= {GateReason.MOTION, GateReason.RECHECK}


def test_a_new_resolution_does_not_disturb_it():
    gate = MotionGate()
    reasons(gate, [frame(0, np.full((48, 64, 3), 90, np.uint8))])
    assert reasons(gate, [frame(1, np.full((480, 640, 3), 90, np.uint8))]) == [GateReason.STILL]


def test_a_clock_that_went_back_starts_it_afresh():
    gate = MotionGate()
    assert reasons(gate, [frame(9, yard()), frame(2, yard())]) == [GateReason.FIRST] * 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=60), st.floats(0.1, 5))
def test_no_place_goes_unseen_for_longer_than_the_recheck_time(levels, recheck_s):
    gate = MotionGate(GateSetting(recheck_s=recheck_s))
    last = 0.0
    for k, level in enumerate(levels):
        at = k / 5
        if gate.step(frame(at, np.full((36, 64, 3), level, np.uint8)), tracks_alive=False).infer:
            last = at
        assert at - last <= recheck_s


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_ratio": 0},
        {"min_ratio": 0.9},
        {"light_ratio": 1.2},
        {"step_levels": 0},
        {"recheck_s": -1},
    ],
)
def test_a_setting_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError):
        replace(GateSetting(), **wrong)
