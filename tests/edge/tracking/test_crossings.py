"""Passages of made-up walkers with known truth: tracker and line counter together, at the rates that cameras run at."""

import pytest

from gatehouse_testing.crossings import SCENES, count, f1


@pytest.mark.parametrize("fps", [5.0, 7.0, 12.0])
@pytest.mark.parametrize("scene", SCENES)
def test_nearly_every_passage_is_counted_once_in_its_direction(scene, fps):
    assert f1(scene, range(10), fps) >= 0.95


def test_a_scene_is_the_same_on_every_run():
    assert count("pairs", 3) == count("pairs", 3)
