import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.boxes import MAX_SIDE_PX
from gatehouse_edge.inference.catalogue import resolve_manifest
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.messages import decode_reply, decode_request
from gatehouse_edge.inference.process import InferenceDownError, InferenceProcess
from gatehouse_edge.inference.runtimes import OWN
from gatehouse_edge.values import Frame, FrameKind, Place
from gatehouse_shared.names import Label
from gatehouse_testing.onnx_bytes import constant_model, tiny_model, write_tiny
from gatehouse_testing.waiting import wait_until

FRAME = np.zeros((128, 128, 3), np.uint8)
TIME = datetime(2026, 5, 4, tzinfo=UTC)
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


def stop(pid):
    """Stops every thread of a process; until the last one has heard of it, a worker may still answer."""
    os.kill(pid, signal.SIGSTOP)
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    wait_until(
        lambda: all(" T " in (t / "stat").read_text().rpartition(")")[2][:4] for t in threads)
    )


def descriptors():
    """How many files and sockets this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


def under_way(detector):
    """How many frames the process is being shown now."""
    return detector._process.child._running._users


def mapped(pid):
    """The anonymous memories that a process maps, by name."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [line.split("memfd:")[1].split()[0] for line in lines if "memfd:" in line]


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
    stop(first)  # so that the frame is under way when the process dies
    errors = []

    def look():
        try:
            detector.detect(FRAME)
        except ModelError as error:
            errors.append(error)

    looking = threading.Thread(target=look)
    looking.start()
    wait_until(lambda: under_way(detector) == 1)
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


class Memory:
    """A decoder's memory, as far as a detector asks for it."""

    def __init__(self, size, number=1):
        self.fd, self.number = os.memfd_create("decoder"), number
        os.ftruncate(self.fd, size)

    def duplicate(self):
        return os.dup(self.fd)

    def hold(self, slot):
        """Nobody writes here."""

    def release(self, slot):
        """Nobody writes here."""

    def close(self):
        os.close(self.fd)
        self.fd = -1

    def frame(self, offset=0, pixels=FRAME):
        return Frame("cam", FrameKind.COLOUR, 0, 1.0, TIME, pixels, Place(self, 0, offset))


@pytest.fixture
def memory():
    made = Memory(4096 + FRAME.nbytes)
    yield made
    if made.fd >= 0:
        made.close()


def test_a_frame_in_the_decoders_memory_is_looked_at_there(tmp_path, memory):
    model = str(write_tiny(tmp_path, tiny_model(*TWO)))
    opened = open_detector(model, threads=1)
    try:
        seen = opened.look(memory.frame(4096))
        assert mapped(opened.pid) == ["decoder"]
        assert seen == opened.detect(FRAME)
    finally:
        opened.close()


def test_pictures_are_lent_for_reading_only(detector, memory):
    detector.look(memory.frame())
    child = Path(f"/proc/{detector.pid}")
    lent = [fd.name for fd in (child / "fd").iterdir() if "decoder" in str(fd.readlink())]
    assert lent
    for fd in lent:
        flags = (child / "fdinfo" / fd).read_text().split("flags:")[1].split()[0]
        assert int(flags, 8) & os.O_ACCMODE == os.O_RDONLY


def test_attached_memory_survives_a_restart(detector, memory):
    detector.look(memory.frame())
    memory.close()
    os.kill(detector.pid, signal.SIGKILL)
    assert len(after_restart(lambda: detector.look(memory.frame()))) == 2


def test_a_decoder_that_starts_again_gets_its_new_memory_seen_and_the_old_let_go(detector):
    detector.look(Memory(FRAME.nbytes, 1).frame())
    held = descriptors()
    for number in range(2, 52):
        memory = Memory(FRAME.nbytes, number)
        detector.look(memory.frame())
        memory.close()
    assert descriptors() == held
    assert mapped(detector.pid) == ["decoder"]


def test_a_memory_that_was_given_back_is_no_loss(detector, memory):
    frame = memory.frame()
    memory.close()
    assert detector.look(frame) == detector.detect(FRAME)


def test_a_closed_camera_lets_go_of_its_memory(detector, memory):
    other = detector.for_camera(1)
    held = descriptors()
    other.look(memory.frame())
    assert descriptors() == held + 1
    other.close()
    assert descriptors() == held


def test_a_frame_beyond_the_attached_memory_takes_only_the_process_down(detector, memory):
    with pytest.raises(InferenceDownError):
        detector.look(memory.frame(1 << 20))
    assert len(detector.detect(FRAME)) == 2


def test_a_kill_amid_many_looks_fails_them_all_and_starts_one_process(manifest):
    opened = open_detector(manifest, threads=4)
    cameras = [opened.for_camera(n) for n in range(8)]
    first, pids, failed, seen = opened.pid, set(), [], []
    assert first is not None
    begun = threading.Barrier(9)

    def look(camera):
        begun.wait(10)
        for _ in range(30):
            try:
                seen.append(len(camera.detect(FRAME)))
                pids.add(camera.pid)
            except InferenceDownError as error:
                failed.append(error)

    threads = [threading.Thread(target=look, args=(camera,)) for camera in cameras]
    for thread in threads:
        thread.start()
    stop(first)
    begun.wait(10)
    wait_until(opened._process.child._free.empty)  # every lane is taken
    os.kill(first, signal.SIGKILL)
    for thread in threads:
        thread.join(60)
    for camera in (*cameras, opened):
        camera.close()
    assert 1 <= len(failed) <= 8  # those under way, and who came before its end was known
    assert len(seen) == 8 * 30 - len(failed)
    assert set(seen) == {2}
    assert len(pids - {first}) == 1


class Unstartable(InferenceProcess):
    """Fails to start once all callers have come."""

    tries = 0

    def _start(self):
        self.tries += 1
        wait_until(self._free.empty)
        raise InferenceDownError("the inference process is not to be")


def test_those_who_waited_for_a_start_that_failed_fail_with_it(tmp_path):
    model, _ = resolve_manifest(str(write_tiny(tmp_path, tiny_model(*TWO))))
    process = Unstartable(model, None, workers=4)
    refused = []

    def look(camera):
        with pytest.raises(InferenceDownError):
            process.rows(camera, FRAME)
        refused.append(camera)

    threads = [threading.Thread(target=look, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(refused) == [0, 1, 2, 3]
    assert process.tries == 1
    process.close()


def test_a_model_file_that_has_gone_is_an_error_that_names_it(tmp_path):
    opened = open_detector(str(write_tiny(tmp_path, tiny_model(*TWO))))
    pid = opened.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid))
    for file in tmp_path.glob("*.onnx"):
        file.unlink()
    with pytest.raises(ModelError, match=r"\.onnx"):
        after_restart(lambda: opened.detect(FRAME))
    opened.close()


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
        open_detector(manifest, runtime=replace(OWN, memory_bytes=64 * 1024**2))


@pytest.mark.parametrize("message", [b"", b"A", b"Lxx", b"X" + bytes(32), bytes(33), b"Xyz"])
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
