"""Whole scenes as they were told when this file was made: what is made faster must not tell anything else.

Made anew with `python tests/edge/tracking/test_golden.py`, for a change that is meant.
"""

from pathlib import Path

import pytest

from gatehouse_testing.crossings import SCENES, follow

FOLDER = Path(__file__).parent / "golden"


def told(scene):
    """A line a track and frame: frame, number of the track, box in tenths of a pixel, hits, seen."""
    numbers = {}
    return [
        [frame, numbers.setdefault(one.track_id, len(numbers)), *one.xyxy, one.hits, one.seen]
        for frame, tracks in enumerate(follow(scene, seed=3, fps=5.0))
        for one in tracks.tracks
    ]


def written(rows):
    return "".join(
        f"{frame} {number} {x1:.1f} {y1:.1f} {x2:.1f} {y2:.1f} {hits} {seen:d}\n"
        for frame, number, x1, y1, x2, y2, hits, seen in rows
    )


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_is_told_as_it_was(scene):
    before = [
        [float(word) for word in line.split()]
        for line in (FOLDER / f"{scene}.txt").read_text(encoding="utf-8").splitlines()
    ]
    now = told(scene)
    assert len(now) == len(before) > 20
    for row, was in zip(now, before, strict=True):
        assert row == pytest.approx(was, abs=0.06)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in SCENES:
        (FOLDER / f"{name}.txt").write_text(written(told(name)), encoding="utf-8")
