import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.boxes import MAX_SIDE_PX
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.messages import decode_reply, decode_request
from gatehouse_edge.inference.process import InferenceDownError
from gatehouse_shared.names import Label
from gatehouse_testing.onnx_bytes import constant_model, tiny_model, write_tiny
from gatehouse_testing.waiting import wait_until

FRAME = np.zeros((128, 128, 3), np.uint8)
TWO = ((9, 0.9, 0), (30, 0.7, 1))


@pytest.fixture
def manifest(tmp_path):
    """A model that sees a person and a car, whatever it is shown."""
    return str(write_tiny(tmp_path, tiny_model(*TWO)))


@pytest.fixture
def detector(manifest):
    opened = open_detector(manifest)
    yield opened
    opened.close()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def descriptors():
    """How many files and sockets this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


def after_restart(look):
    """Looks after a kill: the call during which the process is found dead fails, the next one may not."""
    try:
        return look()
    except InferenceDownError:
        return look()


def test_a_model_is_run_and_its_boxes_are_in_pixels_of_the_frame(detector):
    person, car = detector.detect(FRAME)
    assert (person.label, person.score) == (Label.PERSON, 0.9)
    assert person.xyxy == (
        0.0,
        0.0,
        32.0,
        32.0,
    )  # cell (1, 1), two strides a side, frame twice the input
    assert (car.label, car.score) == (Label.CAR, 0.7)


def test_the_model_runs_in_a_process_of_its_own_with_limits(detector):
    limits = Path(f"/proc/{detector.pid}/limits").read_text()
    assert detector.pid != os.getpid()
    assert "Max core file size        0 " in limits
    assert "Max file size             0 " in limits
    assert f"Max address space         {2 * 1024**3}" in limits


def test_the_model_has_no_environment_to_read_secrets_from(manifest, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_PASSWORD", "canary")
    opened = open_detector(manifest)
    try:
        assert b"canary" not in Path(f"/proc/{opened.pid}/environ").read_bytes()
    finally:
        opened.close()


def test_frames_may_grow_shrink_and_be_views(detector):
    for height, width in ((64, 64), (720, 1280), (100, 30), (480, 640)):
        wide = np.zeros((height, 2 * width, 3), np.uint8)
        assert len(detector.detect(wide[:, ::2])) == 2


def test_a_killed_process_is_an_error_once_and_then_a_new_process(detector):
    first = detector.pid
    detector.detect(FRAME)
    os.kill(first, signal.SIGSTOP)  # so that the frame is under way when the process dies
    errors = []

    def look():
        try:
            detector.detect(FRAME)
        except ModelError as error:
            errors.append(error)

    looking = threading.Thread(target=look)
    looking.start()
    wait_until(lambda: Path(f"/proc/{first}/stat").read_text().split()[2] == "T")
    os.kill(first, signal.SIGKILL)
    looking.join(10)
    assert [type(error) for error in errors] == [InferenceDownError]
    assert len(detector.detect(FRAME)) == 2
    assert detector.pid != first


def test_every_kill_is_a_fresh_start_and_leaks_nothing():
    opened = open_detector("motion")
    try:
        opened.detect(FRAME)
        before = descriptors()
        for _ in range(5):
            assert opened.pid is not None
            os.kill(opened.pid, signal.SIGKILL)
            after_restart(lambda: opened.detect(FRAME))
        assert descriptors() <= before
    finally:
        opened.close()


def test_closing_ends_the_process_and_may_be_done_twice(manifest):
    opened = open_detector(manifest)
    pid = opened.pid
    opened.close()
    opened.close()
    assert not is_alive(pid)


def test_the_process_ends_when_the_agent_is_killed(manifest):
    code = (
        "import sys, time; from gatehouse_edge.inference.detector import open_detector\n"
        "d = open_detector(sys.argv[1]); print(d.pid, flush=True); sys.stdin.read()"
    )
    agent = subprocess.Popen(
        [sys.executable, "-c", code, manifest], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert agent.stdout is not None
    assert agent.stdin is not None
    with agent.stdout, agent.stdin:
        pid = int(agent.stdout.readline())
        assert is_alive(pid)
        agent.kill()
        agent.wait()
    wait_until(lambda: not is_alive(pid))


def test_two_cameras_share_one_process_until_the_last_is_closed(manifest):
    first = open_detector(manifest)
    second = first.for_camera(1)
    pid = first.pid
    assert second.pid == pid
    first.close()
    assert len(second.detect(FRAME)) == 2
    second.close()
    assert not is_alive(pid)


def test_cameras_of_one_process_may_be_asked_at_once(detector):
    cameras = [detector.for_camera(n) for n in range(4)]
    answers = {n: [] for n in range(4)}

    def look(n):
        for side in (40 + n, 200 - n, 64):
            answers[n].append(cameras[n].detect(np.zeros((side, side, 3), np.uint8))[0].xyxy[2])

    threads = [threading.Thread(target=look, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for camera in cameras:
        camera.close()
    for n, found in answers.items():
        assert found == pytest.approx([(40 + n) / 4, (200 - n) / 4, 16], abs=0.13)


def test_a_frame_in_anothers_memory_is_seen_without_a_copy(detector):
    fd = os.memfd_create("decoder")
    try:
        os.ftruncate(fd, 4096 + FRAME.nbytes)
        detector.attach(fd)
        assert detector.detect_shared(4096, (128, 128)) == detector.detect(FRAME)
    finally:
        os.close(fd)


def test_attached_memory_survives_a_restart(detector):
    fd = os.memfd_create("decoder")
    os.ftruncate(fd, FRAME.nbytes)
    detector.attach(fd)
    os.close(fd)
    os.kill(detector.pid, signal.SIGKILL)
    assert len(after_restart(lambda: detector.detect_shared(0, (128, 128)))) == 2


def test_a_frame_beyond_the_attached_memory_takes_only_the_process_down(detector):
    fd = os.memfd_create("decoder")
    os.ftruncate(fd, 1000)
    detector.attach(fd)
    os.close(fd)
    with pytest.raises(InferenceDownError):
        detector.detect_shared(0, (128, 128))
    assert len(detector.detect(FRAME)) == 2


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((1, MAX_SIDE_PX + 1, 3), np.uint8),
    ],
    ids=["grey", "four", "empty", "floats", "wide"],
)
def test_pixels_that_are_no_frame_are_refused_before_they_are_sent(detector, pixels):
    with pytest.raises(ModelError, match="was given"):
        detector.detect(pixels)


def test_a_refused_model_says_why_and_leaves_no_process(tmp_path):
    data = constant_model((1, 3, 64, 64), {"output": np.zeros((1, 512), "f4")})
    path = write_tiny(tmp_path, data)
    before = descriptors()
    with pytest.raises(ModelError, match="one vector per object"):
        open_detector(str(path))
    assert descriptors() == before


def test_a_model_too_large_for_its_memory_is_an_error_and_not_the_agents_end(manifest):
    with pytest.raises(ModelError):
        open_detector(manifest, memory_bytes=64 * 1024**2)


@pytest.mark.parametrize("message", [b"", b"A", b"Lxx", b"X" + bytes(24), bytes(25)])
def test_messages_that_cannot_be_are_refused(message):
    with pytest.raises(ValueError, match="known"):
        decode_request(message)


@pytest.mark.parametrize("message", [b"", b"abc", bytes(4 + 5), bytes(4 + 13)])
def test_answers_that_cannot_be_are_refused(message):
    with pytest.raises(ValueError, match="cannot be"):
        decode_reply(message)


@pytest.mark.parametrize("name", ["yolox_nano", "nanodet_m_416"])
def test_a_real_detector_finds_the_same_people_on_every_run(name, assets, monkeypatch):
    cv2 = pytest.importorskip("cv2")
    monkeypatch.setenv("GATEHOUSE_ASSETS", str(assets))
    clip = cv2.VideoCapture(str(assets / "video" / "pets09-s2l1-first400.mp4"))
    pixels = clip.read()[1]
    clip.release()
    found = []
    for _ in range(2):
        opened = open_detector(name)
        found.append(opened.detect(pixels))
        opened.close()
    assert found[0] == found[1]
    assert sum(d.label is Label.PERSON and d.score >= 0.5 for d in found[0]) >= 3
