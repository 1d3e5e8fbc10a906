import sys
from contextlib import closing

import pytest

from gatehouse_edge.app.check import findings
from gatehouse_edge.app.closeness import shape_said, tiles_said
from gatehouse_edge.app.plugins import runtimes_of
from gatehouse_edge.app.sight import Models
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.sources.opening import open_source
from gatehouse_edge.values import Tracks
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.gateway_files import read_gateway, write_gateway

EXAMPLE = str(ROOT / "edge" / "docs" / "examples" / "opencv_runtime.py")
SCENE = {"source": "scene:plaza", "model": "gatehouse_scenes"}
RUNTIMES = {"inference": {"runtimes": {"opencv": {"command": [sys.executable, EXAMPLE]}}}}


def gateway(folder, camera=None, more=None):
    return read_gateway(write_gateway(folder, 1, {**SCENE, **(camera or {})}, more=more))


@pytest.mark.parametrize(
    ("tiles", "began"),
    [("auto", "6 tiles"), ("off", "off; with `tiles: auto`, 6 tiles")],
)
def test_check_says_the_tiles_that_a_camera_has_or_could_have(tmp_path, tiles, began):
    said = tiles_said(gateway(tmp_path, {"tiles": tiles}), "cam_1", (1280, 720))
    count = said.removeprefix("off; with `tiles: auto`, ").split()[0]
    assert said.startswith(began.replace("6", count))
    assert "px in the whole picture" in said
    assert f"{1 + int(count) / 2:g} times the work" in said


def test_check_says_why_there_are_no_tiles(tmp_path):
    config = gateway(tmp_path, {"tiles": "auto"})
    assert tiles_said(config, "cam_1", (320, 180)).startswith("none: by the marks nobody")
    bare = gateway(tmp_path / "bare", {"tiles": "auto", "model": "motion"})
    assert tiles_said(bare, "cam_1", (1280, 720)).startswith("none")
    assert tiles_said(gateway(tmp_path / "off"), "cam_1", (320, 180)) == ""


@pytest.mark.parametrize(
    ("model", "size", "hinted"),
    [
        ("yolox_nano", (1920, 1080), True),
        ("yolox_nano", (640, 480), False),
        ("nanodet_m_416", (1920, 1080), False),
        ("gatehouse_scenes", (1920, 1080), False),
        ("motion", (1920, 1080), False),
    ],
)
def test_a_square_model_that_could_have_the_shape_of_the_picture_is_hinted_at(
    tmp_path, model, size, hinted
):
    said = shape_said(gateway(tmp_path, {"model": model}), "cam_1", size)
    assert ("model reshape yolox_nano --input 416x256" in said) is hinted
    assert bool(said) is hinted


def test_check_tries_runtimes_and_says_what_it_saw(tmp_path):
    config = gateway(tmp_path, {"runtime": "opencv", "tiles": "auto"}, RUNTIMES)
    told = {one.what: one for one in findings(config, probe_all=True)}
    assert EXAMPLE in told["runtime opencv"].detail
    assert told["tiles of cam_1"].problem is None
    wrong = gateway(tmp_path / "wrong", {"runtime": "npu"})
    problem = {one.what: one.problem for one in findings(wrong, probe_all=False)}["runtime npu"]
    assert "there is no runtime 'npu'" in str(problem)


def test_the_birth_names_outside_runtimes_with_their_hash_and_none_for_the_boxs_own(tmp_path):
    config = gateway(tmp_path, {"runtime": "opencv"}, RUNTIMES)
    (told,) = runtimes_of(config)
    assert told.name == "runtime_opencv"
    assert len(told.sha256) == 64
    assert runtimes_of(gateway(tmp_path / "own")) == ()


def test_an_agent_does_not_start_with_a_runtime_that_is_not_the_agreed_one(tmp_path):
    spec = {"command": [sys.executable, EXAMPLE], "sha256": "0" * 64}
    config = gateway(tmp_path, {"runtime": "opencv"}, {"inference": {"runtimes": {"opencv": spec}}})
    with pytest.raises(ConfigError, match="sha256"):
        runtimes_of(config)


@pytest.mark.parametrize("camera", [{}, {"runtime": "opencv"}, {"tiles": "auto"}])
def test_a_camera_is_looked_at_by_whom_and_how_it_says(tmp_path, camera):
    config = gateway(tmp_path, camera, RUNTIMES)
    models = Models(config, seed=lambda: 1, threads=1)
    source = open_source(
        "cam_1", config.source("cam_1"), live=False, clock=SystemClock(), seeds=config.seeds
    )
    with closing(models), closing(source):
        sight = models.sight("cam_1", "gatehouse_scenes", 5.0)
        frame = next(source.frames())
        tracks = sight.see(frame)[-1]
        assert isinstance(tracks, Tracks)
        assert tracks.device == "cam_1"
        assert models.states()[0].name == "gatehouse_scenes"
        sight.close()
