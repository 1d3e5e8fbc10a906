import sys
from contextlib import ExitStack

import numpy as np
import pytest

from gatehouse_edge.errors import ConfigError, ModelError
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.process import InferenceDownError
from gatehouse_edge.inference.runtimes import OWN, RuntimeCommand, find_runtime, hash_files
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.onnx_bytes import constant_model, tiny_model, write_tiny
from gatehouse_testing.runtimes import GENTLE, HARSH, Trial, plaza, runtime_of, session

EXAMPLE = str(ROOT / "edge" / "docs" / "examples" / "opencv_runtime.py")
FRAME = np.zeros((128, 128, 3), np.uint8)
PROGRAM = """
import socket, sys
control, lane = (socket.socket(fileno=int(fd)) for fd in sys.argv[-2:])
socket.recv_fds(control, 65536, 1)
control.send(b"\\x80")
message, fds, _, _ = socket.recv_fds(control, 65536, 1)
control.send(message[1:3] + bytes(2))
with open(sys.argv[1]) as stream:
    rows = bytes.fromhex(stream.read())
while message := lane.recv(65536):
    lane.send(message[1:5] + rows)
"""
"""Takes one memory, then answers every look with the same bytes."""


def own():
    return OWN


def example():
    pytest.importorskip("cv2")
    return runtime_of(sys.executable, EXAMPLE)


@pytest.fixture(scope="module")
def picture():
    return plaza()


@pytest.fixture(scope="module", params=[own, example], ids=["own", "example"])
def opened(request, picture, tmp_path_factory):
    """One running process for all checks that leave it running."""
    with ExitStack() as stack:
        trial = Trial(request.param(), tmp_path_factory.mktemp("gentle"), picture)
        yield stack.enter_context(session(trial))


@pytest.mark.parametrize("check", GENTLE, ids=lambda c: c.__name__)
def test_a_runtime_keeps_the_protocol(opened, check):
    check(opened)


@pytest.mark.parametrize("check", HARSH, ids=lambda c: c.__name__)
@pytest.mark.parametrize("runtime", [own, example])
def test_a_runtime_fails_closed(runtime, check, picture, tmp_path):
    check(Trial(runtime(), tmp_path, picture))


def program(tmp_path, rows):
    """A runtime that answers every look with the same rows, in hexadecimal."""
    script, said = tmp_path / "says.py", tmp_path / "rows"
    script.write_text(PROGRAM)
    said.write_text(rows)
    return runtime_of(sys.executable, str(script), str(said))


def row(*numbers):
    return np.array(numbers, "<i2").tobytes().hex()


GOOD = row(0, 0, 40, 80, 0, 900)


def test_a_program_that_says_what_can_be_is_believed(tmp_path):
    model = str(write_tiny(tmp_path, tiny_model()))
    detector = open_detector(model, runtime=program(tmp_path, GOOD), threads=1)
    try:
        (seen,) = detector.detect(FRAME)
        assert (seen.xyxy, seen.score) == ((0.0, 0.0, 10.0, 20.0), 0.9)
    finally:
        detector.close()


@pytest.mark.parametrize(
    "rows",
    [
        row(0, 0, 40, 80, 99, 900),
        row(0, 0, 128 * 4 + 1, 80, 0, 900),
        GOOD * 513,
        GOOD[:-2],
    ],
    ids=["label", "beyond", "many", "torn"],
)
def test_a_program_that_says_what_cannot_be_is_down_and_not_believed(tmp_path, rows):
    model = str(write_tiny(tmp_path, tiny_model()))
    detector = open_detector(model, runtime=program(tmp_path, rows), threads=1)
    try:
        with pytest.raises(InferenceDownError, match="of runtime tried gave"):
            detector.detect(FRAME)
        assert detector.pid is None
    finally:
        detector.close()


def test_a_model_that_tells_people_apart_never_reaches_an_outside_program(tmp_path):
    data = constant_model((1, 3, 64, 64), {"output": np.zeros((1, 512), "f4")})
    with pytest.raises(ModelError, match="one vector per object"):
        open_detector(str(write_tiny(tmp_path, data)), runtime=program(tmp_path, GOOD), threads=1)


def test_a_model_without_a_file_is_not_for_outside_programs(tmp_path):
    with pytest.raises(ModelError, match="needs a model with a file"):
        open_detector("motion", runtime=program(tmp_path, GOOD), threads=1)


def test_a_program_that_cannot_be_started_is_told_in_words(tmp_path):
    script = tmp_path / "broken"
    script.write_text("#!/nowhere/at/all\n")
    script.chmod(0o755)
    model = str(write_tiny(tmp_path, tiny_model()))
    with pytest.raises(ModelError, match="cannot be started"):
        open_detector(model, runtime=runtime_of(str(script)), threads=1)


def test_no_name_and_the_boxs_own_name_are_the_same():
    assert find_runtime(None, {}) is OWN
    assert find_runtime("onnxruntime", {}) is OWN


def test_an_unknown_runtime_is_refused_with_those_that_there_are():
    known = {"npu": RuntimeCommand(command=("/bin/true",))}
    with pytest.raises(ConfigError, match="no runtime 'gpu'") as refused:
        find_runtime("gpu", known, place="cameras.cam_1.runtime")
    assert refused.value.place == "cameras.cam_1.runtime"
    assert "onnxruntime, npu" in refused.value.remedy


def test_a_runtime_is_known_by_all_files_that_its_command_names(tmp_path):
    script = tmp_path / "runtime.py"
    script.write_text("pass")
    spec = RuntimeCommand(command=(sys.executable, str(script), "--fast"))
    before = find_runtime("npu", {"npu": spec})
    assert before.command == (sys.executable, str(script), "--fast")
    agreed = RuntimeCommand(command=spec.command, sha256=before.sha256)
    assert find_runtime("npu", {"npu": agreed}) == before
    script.write_text("pass  # changed")
    assert find_runtime("npu", {"npu": spec}).sha256 != before.sha256
    with pytest.raises(ConfigError, match="its files have sha256"):
        find_runtime("npu", {"npu": agreed})


def test_a_program_that_is_not_there_is_refused_before_anything_starts():
    with pytest.raises(ConfigError, match="no program"):
        find_runtime("npu", {"npu": RuntimeCommand(command=("/nowhere/npu",))})


def test_an_installed_package_is_found_and_hashed_but_never_imported(tmp_path, monkeypatch):
    package = tmp_path / "npu_runtime.py"
    package.write_text("raise SystemExit('imported')")
    facts = tmp_path / "npu_runtime-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: npu-runtime\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[gatehouse.inference]\nnpu = npu_runtime\n")
    (facts / "RECORD").write_text("npu_runtime.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = find_runtime("npu", {})
    assert found.command[-2:] == ("-m", "npu_runtime")
    assert found.sha256 == hash_files([package], "")
    assert "npu_runtime" not in sys.modules
