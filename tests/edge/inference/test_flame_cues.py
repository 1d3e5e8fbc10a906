"""What is measured on a patch that flickers, measure by measure."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.inference.flame_cues import PIXELS_MAX, RAMPS, Place, measure
from gatehouse_edge.inference.flame_shift import left_over

HERE = Place(stay_ratio=1.0, left_over_ratio=1.0)


def cues(signal, *, fps=25.0, pixels=64, base=150.0, place=HERE):
    """Cues of `signal(times, pixel)` levels around `base`, on a ground that does nothing."""
    times = np.arange(round(2.1 * fps)) / fps
    levels = np.stack([base + signal(times, n) for n in range(pixels)], axis=1)
    around = np.full((len(times), 64), 100.0)
    clipped = np.clip(levels, 0, 255).astype(np.float32)
    return measure(clipped, around.astype(np.float32), times, place)


def wave(hz, *, apart=0.0, levels=40.0):
    return lambda t, n: levels * np.sin(2 * np.pi * hz * t + apart * n)


def turbulent(times, pixel):
    """Power that falls with frequency up to 12 Hz, each pixel for itself and all a little together."""
    own, shared = np.random.default_rng(pixel), np.random.default_rng(10_000)
    hz = np.arange(1.0, 12.5, 0.5)
    own_parts, shared_parts = (
        sum(np.sin(2 * np.pi * (f * times + chance.random())) / f**0.7 for f in hz)
        for chance in (own, shared)
    )
    return 25 * (own_parts + 0.5 * shared_parts)


def test_what_is_turbulent_in_a_wide_band_scores_in_every_way():
    found = cues(turbulent)
    assert found.score == 1.0, found.scores()
    assert set(found.scores()) == set(RAMPS)


@pytest.mark.parametrize(
    ("signal", "measure_", "low", "high"),
    [
        (wave(1.5), "flicker_hz", 0, 4),
        (wave(5), "flicker_hz", 9, 11),
        (wave(5), "beat_ratio", 0.9, 1.01),
        (wave(5), "alike_ratio", 0.9, 1.01),
        (wave(5, apart=0.9), "alike_ratio", 0.4, 0.6),
        (wave(3), "upper_ratio", 0, 0.03),
        (wave(8), "upper_ratio", 0.9, 1.0),
        (wave(5, levels=1.0), "strength_levels", 0, 2),
        (wave(5, apart=2 * np.pi / 64), "swell_ratio", 0, 0.04),
        (lambda t, _: np.where(t > 1.0, 60.0, 0.0), "busy_ratio", 0, 0.15),
    ],
    ids=[
        *(
            "slow",
            "fast",
            "with a beat",
            "all together",
            "in a wave",
            "no upper band",
            "only an upper band",
        ),
        *("faint", "never as a whole", "a single step"),
    ],
)
def test_what_is_no_flame_fails_in_the_way_in_which_it_is_none(signal, measure_, low, high):
    found = cues(signal)
    assert low <= getattr(found, measure_) <= high, found


@pytest.mark.parametrize("fps", [20.0, 25.0, 30.0])
def test_measures_are_of_time_not_of_frames(fps):
    assert cues(wave(4), fps=fps).flicker_hz == pytest.approx(8, abs=1)


def test_what_the_whole_picture_does_is_divided_out():
    times = np.arange(53) / 25
    light = 1 + 0.4 * np.sin(2 * np.pi * 5 * times)
    levels = (120 * light)[:, None] * np.ones((1, 64))
    around = (90 * light)[:, None] * np.ones((1, 64))
    found = measure(levels.astype(np.float32), around.astype(np.float32), times, HERE)
    assert found.strength_levels < 1


@settings(max_examples=25, deadline=None)
@given(st.integers(1, PIXELS_MAX), st.integers(0, 1000), st.sampled_from([15.0, 20.0, 25.0, 30.0]))
def test_every_score_is_a_share_and_the_least_of_them_counts(pixels, seed, fps):
    chance = np.random.default_rng(seed)
    found = cues(lambda t, _: chance.uniform(-150, 150, len(t)), fps=fps, pixels=pixels)
    assert all(0 <= score <= 1 for score in found.scores().values())
    assert found.score == min(found.scores().values())


@pytest.mark.parametrize(
    ("speed_px", "low", "high"), [(0.5, 0, 0.2), (1.0, 0, 0.05), (None, 0.6, 1.0)]
)
def test_a_thing_that_moves_takes_its_picture_with_it(speed_px, low, high):
    chance = np.random.default_rng(4)
    cloth = chance.uniform(0, 255, (60, 400)).astype(np.uint8)
    pictures = []
    for n in range(50):
        shown = (
            cloth if speed_px is not None else chance.uniform(0, 255, (60, 400)).astype(np.uint8)
        )
        left = 100 + round((speed_px or 0) * n)
        pictures.append((n / 25, np.ascontiguousarray(shown[:, left : left + 80])))
    mask = np.zeros((60, 80), bool)
    mask[20:40, 30:50] = True
    assert low <= left_over(pictures, mask) <= high


@pytest.mark.parametrize("corner", [(0, 0), (58, 78)])
def test_a_patch_in_the_corner_of_the_picture_is_no_error(corner):
    row, column = corner
    mask = np.zeros((60, 80), bool)
    mask[row : row + 2, column : column + 2] = True
    pictures = [(n / 25, np.full((60, 80), n, np.uint8)) for n in range(50)]
    assert left_over(pictures, mask) == 1.0
