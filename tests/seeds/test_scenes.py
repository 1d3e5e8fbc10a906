"""Scenes are pure functions of media time, repeat, and show what they say they show."""

import hashlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import cv2
import fire_lane
import gate
import numpy as np
import plaza
import pytest
import shed_thermal

TIMES_S = (0.0, 7.3, 33.333, 80.0, 158.9, 239.9)


def people_in(polygon_m: tuple[tuple[float, float], ...], at: float) -> int:
    """How many people of the plaza truly stand in a polygon of the site, by the foot of their boxes."""
    frame = np.array([plaza.CAMERA.fraction_of(*point) for point in polygon_m]) * [640, 360]
    feet = [
        ((x0 + x1) / 2, y1) for label, (x0, _, x1, y1) in plaza.SCENE.truth(at) if label == "person"
    ]
    return sum(cv2.pointPolygonTest(frame.astype(np.float32), foot, False) >= 0 for foot in feet)


@pytest.mark.parametrize("at", TIMES_S)
def test_the_same_second_gives_the_same_bytes_also_a_period_later(
    scene_module: ModuleType, at: float
) -> None:
    scene = scene_module.SCENE
    first = scene.render(at).tobytes()
    scene.render(at + 5.1)
    assert scene.render(at).tobytes() == first
    assert scene.render(at + scene.period_s).tobytes() == first
    assert scene.truth(at + 3 * scene.period_s) == scene.truth(at)


def test_time_moves_the_picture(scene_module: ModuleType) -> None:
    scene = scene_module.SCENE
    frames = {hashlib.sha256(scene.render(at).tobytes()).digest() for at in TIMES_S}
    assert len(frames) == len(TIMES_S)


def test_another_process_draws_the_same_bytes(seeds: Path) -> None:
    program = (
        "import hashlib, sys; sys.path.append(sys.argv[1]); import plaza;"
        "print(hashlib.sha256(plaza.SCENE.render(71.7).tobytes()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(seeds / "scenes")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == hashlib.sha256(plaza.SCENE.render(71.7).tobytes()).hexdigest()


def test_frames_have_the_form_that_the_contract_of_scenes_says(scene_module: ModuleType) -> None:
    scene = scene_module.SCENE
    frame = scene.render(12.0)
    assert scene.fps > 0
    assert scene.period_s == 240
    if scene.kind == "thermal":
        assert (frame.shape, frame.dtype) == ((scene.height, scene.width), np.float32)
    else:
        assert (frame.shape, frame.dtype) == ((scene.height, scene.width, 3), np.uint8)


def test_what_is_truly_there_lies_inside_the_frame(scene_module: ModuleType) -> None:
    scene = scene_module.SCENE
    for at in np.arange(0.0, scene.period_s, 4.7):
        for label, (x0, y0, x1, y1) in scene.truth(float(at)):
            assert label in {"person", "bicycle", "car"}
            assert 0 <= x0 < x1 <= scene.width
            assert 0 <= y0 < y1 <= scene.height


def test_a_box_holds_what_was_drawn() -> None:
    """Where the truth has nothing, a frame differs from the empty place by grain and shadow only."""
    scene = gate.SCENE
    frame = scene.render(30.0).astype(int)
    change = np.abs(frame - scene.stage.background).max(axis=2)
    outside = np.ones(change.shape, dtype=bool)
    for _, (x0, y0, x1, y1) in scene.truth(30.0):
        inside = change[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1]
        assert (inside > 40).mean() > 0.15
        outside[max(int(y0) - 2, 0) : int(y1) + 3, max(int(x0) - 2, 0) : int(x1) + 3] = False
    brighter = (frame - scene.stage.background).max(axis=2)
    assert np.percentile(brighter[outside], 99.9) < 14


@pytest.mark.parametrize(
    ("at", "least", "most"),
    [(0, 0, 1), (40, 5, 12), (75, 19, 19), (150, 19, 19), (200, 1, 8), (230, 0, 0)],
)
def test_the_crowd_before_the_stage_comes_and_goes(at: float, least: int, most: int) -> None:
    assert least <= people_in(plaza.STAGE_FRONT, at) <= most


def test_the_crowd_passes_the_first_level_and_not_the_second() -> None:
    area_m2 = 5.2 * 2.6
    densities = [people_in(plaza.STAGE_FRONT, at) / area_m2 for at in np.arange(75.0, 155.0, 2.0)]
    assert min(densities) > 1.08 * 1.1
    assert max(densities) < 1.75 * 0.9


def test_the_plaza_is_never_without_life_nor_beyond_forty() -> None:
    counts = [
        sum(label == "person" for label, _ in plaza.SCENE.truth(at)) for at in range(0, 240, 3)
    ]
    assert min(counts) >= 1
    assert 25 <= max(counts) <= 40


def test_the_car_stands_still_in_the_lane_as_long_as_the_scene_says() -> None:
    start, end = fire_lane.STANDS_S
    boxes = [
        box
        for at in np.arange(start + 1, end - 1, 5.0)
        for label, box in fire_lane.SCENE.truth(float(at))
        if label == "car"
    ]
    assert len(boxes) == len(np.arange(start + 1, end - 1, 5.0))
    assert np.ptp(np.array(boxes), axis=0).max() < 0.5
    assert not [label for label, _ in fire_lane.SCENE.truth(start - 14) if label == "car"]
    assert not [label for label, _ in fire_lane.SCENE.truth(end + 20) if label == "car"]


def test_the_car_covers_more_than_a_tenth_of_the_lane_on_the_ground() -> None:
    lane = np.array(fire_lane.LANE)
    assert 4.5 * 1.76 / (np.ptp(lane[:, 0]) * np.ptp(lane[:, 1])) > 0.1


def test_smoke_veils_the_shed_only_while_it_smokes() -> None:
    start, end = fire_lane.SMOKES_S
    scene = fire_lane.SCENE

    def change(at: float) -> float:
        plain = scene.stage.compose(scene.stage.sprites(scene.cast(at)), tick=round(at * scene.fps))
        return float(np.abs(scene.render(at).astype(int) - plain).mean())

    assert change(start - 1) == 0
    assert change((start + end) / 2) > 1.0
    assert change(end + 1) == 0


def test_everybody_crosses_the_gate_line_once_at_the_second_that_is_planned() -> None:
    line_y = gate.LINE[0][1]
    assert len(gate.CROSSINGS) == 46
    assert sum(crossing.inward for crossing in gate.CROSSINGS) == 30
    for crossing in gate.CROSSINGS:
        before, after = (
            {person.look: person.y_m > line_y for person in gate.cast(crossing.at_s + shift)}
            for shift in (-0.5, 0.5)
        )
        moved = [
            after[look] for look in before.keys() & after.keys() if before[look] != after[look]
        ]
        assert moved == [crossing.inward]


def test_nobody_crosses_the_gate_line_together() -> None:
    times = [crossing.at_s for crossing in gate.CROSSINGS]
    assert min(b - a for a, b in pairwise(times)) > 1.5


def test_one_battery_overheats_and_its_room_alone() -> None:
    def hot_c(room: tuple[int, int, int, int], at: float) -> float:
        x0, y0, x1, y1 = room
        return float(np.percentile(shed_thermal.SCENE.render(at)[y0:y1, x0:x1], 99))

    assert hot_c(shed_thermal.ROOM_2_PX, 5) < 30
    assert hot_c(shed_thermal.ROOM_2_PX, 60) > 70
    assert hot_c(shed_thermal.ROOM_2_PX, 235) < 30
    assert max(hot_c(shed_thermal.ROOM_1_PX, at) for at in (5, 60, 100, 235)) < 32


def test_the_wall_keeps_telling_how_warm_the_air_is() -> None:
    x0, y0, x1, y1 = shed_thermal.REFERENCE_PX
    medians = [float(np.median(shed_thermal.SCENE.render(at)[y0:y1, x0:x1])) for at in (5, 60, 100)]
    assert all(abs(median - shed_thermal.AMBIENT_C) < 1 for median in medians)
    assert np.ptp(medians) < 0.1
