"""Eight live cameras on two threads, with real decoders and a real model process; some of them have a bad day."""

import os
import signal
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from gatehouse_edge.app.cameras import Cameras
from gatehouse_edge.app.looks import SharedSight
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.process import InferenceDownError
from gatehouse_edge.rules.observations import Looked
from gatehouse_edge.values import SourceDown, Tracks
from gatehouse_testing.gateway_files import read_gateway, write_gateway
from gatehouse_testing.onnx_bytes import tiny_model, write_tiny
from gatehouse_testing.usage import descendants
from gatehouse_testing.waiting import wait_until

CAMERAS = 8
LONG_S = 60.0


@pytest.fixture
def clip(tmp_path):
    """Two seconds of a small picture in which something always moves."""
    path = tmp_path / "clip.avi"
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 64))
    for k in range(20):
        picture = np.full((64, 96, 3), 60, np.uint8)
        picture[20:50, 4 * k : 4 * k + 12] = 220
        out.write(picture)
    out.release()
    return path


@pytest.fixture
def gateway(tmp_path, clip):
    """Starts cameras by their settings; gives them and what they told."""
    model = write_tiny(tmp_path, tiny_model((9, 0.9, 0)))
    running = []

    def start(more=None, **camera):
        settings = {
            "source": {"url": f"file:{clip}", "loop": True},
            "model": str(model),
            "rate_fps": 5,
            "integrity": False,
            **camera,
        }
        path = write_gateway(tmp_path / "gw", CAMERAS, settings, more=more)
        told = []
        cameras = Cameras(read_gateway(path), SystemClock(), told.append)
        running.append(cameras)
        cameras.start()
        return cameras, told

    yield start
    for cameras in running:
        cameras.close()


def looks(told):
    """Frames that were looked at, by camera."""
    return Counter(o.device for o in tuple(told) if isinstance(o, Tracks))


def all_looked(told, least):
    found = looks(told)
    return len(found) == CAMERAS and min(found.values()) >= least


def model_of(cameras):
    """The one detector that all cameras share."""
    [detector] = cameras._models._open.values()
    return detector


def child_of_model(cameras):
    return model_of(cameras).pid


def test_one_process_of_two_threads_looks_for_eight_cameras_where_the_decoders_left_frames(gateway):
    before = set(descendants(os.getpid()))
    cameras, told = gateway({"inference": {"threads": 2}})
    wait_until(lambda: all_looked(told, 5), LONG_S)
    children = set(descendants(os.getpid())) - before
    assert len(children) == CAMERAS + 1
    assert model_of(cameras)._process.child.workers == 2
    mapped = Path(f"/proc/{child_of_model(cameras)}/maps").read_text()
    assert mapped.count("memfd:gatehouse-frames") == CAMERAS
    assert "memfd:gatehouse-inference" not in mapped  # where copies would be
    assert {h.state for h in cameras.health()} == {"ok"}
    assert not any(isinstance(o, SourceDown) for o in told)


@pytest.mark.long
def test_a_camera_that_stalls_costs_the_others_nothing(gateway):
    cameras, told = gateway({"inference": {"threads": 2}})
    wait_until(lambda: all_looked(told, 3), LONG_S)
    stopped = cameras._cameras["cam_3"].source.pid
    os.kill(stopped, signal.SIGSTOP)
    try:
        so_far = looks(told)
        others = [name for name in so_far if name != "cam_3"]
        wait_until(lambda: all(looks(told)[n] >= so_far[n] + 10 for n in others), LONG_S)
    finally:
        os.kill(stopped, signal.SIGCONT)
    wait_until(lambda: looks(told)["cam_3"] > so_far["cam_3"] + 3, LONG_S)


def test_a_killed_model_process_is_started_once_and_every_camera_goes_on(gateway):
    cameras, told = gateway({"inference": {"threads": 2}})
    wait_until(lambda: all_looked(told, 3), LONG_S)
    first = child_of_model(cameras)
    os.kill(first, signal.SIGKILL)
    so_far = looks(told)
    wait_until(lambda: all(looks(told)[n] >= so_far[n] + 5 for n in so_far), LONG_S)
    assert child_of_model(cameras) != first
    assert not any(isinstance(o, SourceDown) for o in told)  # the cameras themselves are well


def test_a_killed_decoder_comes_back_in_memory_of_its_own(gateway):
    cameras, told = gateway({"inference": {"threads": 2}})
    wait_until(lambda: all_looked(told, 3), LONG_S)
    os.kill(cameras._cameras["cam_5"].source.pid, signal.SIGKILL)
    wait_until(lambda: any(isinstance(o, SourceDown) for o in tuple(told)), LONG_S)
    so_far = looks(told)["cam_5"]
    wait_until(lambda: looks(told)["cam_5"] >= so_far + 3, LONG_S)
    mapped = Path(f"/proc/{child_of_model(cameras)}/maps").read_text()
    assert mapped.count("memfd:gatehouse-frames") == CAMERAS


def test_what_a_stopped_model_leaves_undone_is_skipped_counted_and_told(gateway):
    cameras, told = gateway({"inference": {"threads": 2}})
    wait_until(lambda: all_looked(told, 3), LONG_S)
    cameras.health()
    pid = child_of_model(cameras)
    os.kill(pid, signal.SIGSTOP)
    try:
        sights = [camera.sight for camera in cameras._cameras.values()]
        assert all(isinstance(sight, SharedSight) for sight in sights)
        wait_until(lambda: all(sight.skipped >= 8 for sight in sights), LONG_S)
        health = cameras.health()
        assert all(h.looked_ratio < 0.8 and h.extra["skipped"] >= 8 for h in health)

        def all_slow():
            rates = {o.device: o for o in tuple(told) if isinstance(o, Looked)}
            return sum(o.looked_fps < o.floor_fps for o in rates.values()) == CAMERAS

        wait_until(all_slow, LONG_S)
    finally:
        os.kill(pid, signal.SIGKILL)
    so_far = looks(told)
    wait_until(lambda: all(looks(told)[f"cam_{n}"] > so_far[f"cam_{n}"] for n in range(1, 9)), 60)


def test_cameras_that_are_closed_leave_no_process_and_no_descriptor(gateway):
    before = set(descendants(os.getpid())), len(list(Path("/proc/self/fd").iterdir()))
    cameras, told = gateway()
    wait_until(lambda: all_looked(told, 2), LONG_S)
    cameras.close()
    wait_until(lambda: set(descendants(os.getpid())) == before[0])
    assert len(list(Path("/proc/self/fd").iterdir())) == before[1]


@pytest.mark.long
def test_fifty_restarts_of_the_model_leak_nothing(tmp_path):
    opened = open_detector(str(write_tiny(tmp_path, tiny_model((9, 0.9, 0)))), threads=2)
    pixels = np.zeros((64, 96, 3), np.uint8)
    opened.detect(pixels)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        pid = opened.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        try:
            opened.detect(pixels)
        except InferenceDownError:
            opened.detect(pixels)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    opened.close()
