import hashlib
import http.server
import threading
from functools import partial

import msgspec
import pytest

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference import weights
from gatehouse_edge.inference.catalogue import user_cache
from gatehouse_edge.inference.manifest import ModelFile
from gatehouse_edge.inference.weights import (
    fetch_file,
    find_file,
    list_models,
    locate_file,
    pull_model,
    verify_model,
)
from gatehouse_testing.onnx_bytes import tiny_manifest, tiny_model

DATA = tiny_model((0, 0.9, 0))
MANIFEST = tiny_manifest(DATA)


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No model is on this machine but what the test brings."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GATEHOUSE_ASSETS", raising=False)


@pytest.fixture
def served(tmp_path):
    """A folder on a web server of this machine, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def accepted(address, data=DATA):
    """The accepted file, at an address of this machine (a manifest would admit https only)."""
    digest = hashlib.sha256(data).hexdigest()
    return ModelFile(
        file="tiny.onnx", size_bytes=len(data), sha256=digest, url=f"{address}/tiny.onnx"
    )


def test_a_pulled_file_is_whole_and_in_place(served, tmp_path):
    folder, address = served
    (folder / "tiny.onnx").write_bytes(DATA)
    seen = []
    path = fetch_file(
        MANIFEST, accepted(address), tmp_path / "a" / "b", lambda n, of: seen.append((n, of))
    )
    assert path.read_bytes() == DATA
    assert [p.name for p in path.parent.iterdir()] == ["tiny.onnx"]
    assert seen[-1] == (len(DATA), len(DATA))


@pytest.mark.parametrize(
    "sent", [DATA[:-1], DATA + b"x", DATA[:-1] + b"x", b""], ids=["short", "long", "other", "none"]
)
def test_what_differs_by_a_byte_is_refused_and_not_kept(served, tmp_path, sent):
    folder, address = served
    (folder / "tiny.onnx").write_bytes(sent)
    with pytest.raises(ModelError, match="by hand") as caught:
        fetch_file(MANIFEST, accepted(address), tmp_path / "in")
    assert "tiny" in str(caught.value)
    assert list((tmp_path / "in").iterdir()) == []


def test_an_address_that_does_not_answer_is_told_with_the_way_by_hand(tmp_path):
    with pytest.raises(ModelError, match="by hand"):
        fetch_file(MANIFEST, accepted("http://127.0.0.1:9"), tmp_path)


def test_folders_are_looked_at_in_order(tmp_path, monkeypatch):
    for name in ("mine", "assets/models", "cache/gatehouse/models"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "tiny.onnx").write_bytes(DATA)
    monkeypatch.setenv("GATEHOUSE_ASSETS", str(tmp_path / "assets"))
    mine = tmp_path / "mine"
    assert locate_file(MANIFEST, (mine,)) == mine / "tiny.onnx"
    assert locate_file(MANIFEST) == tmp_path / "assets" / "models" / "tiny.onnx"
    (tmp_path / "assets" / "models" / "tiny.onnx").write_bytes(b"something else")
    assert locate_file(MANIFEST) == user_cache() / "tiny.onnx"


def test_a_missing_file_says_how_to_get_it():
    with pytest.raises(ModelError, match="model pull tiny") as caught:
        find_file(MANIFEST)
    assert MANIFEST.files[0].sha256 in caught.value.remedy
    assert str(user_cache()) in caught.value.remedy


def test_a_wrong_file_is_not_taken_for_a_missing_one():
    user_cache().mkdir(parents=True)
    (user_cache() / "yolox_nano.onnx").write_bytes(b"half a download")
    with pytest.raises(ModelError, match="none of the accepted files"):
        verify_model("yolox_nano")


def test_a_model_without_an_address_is_brought_by_hand():
    with pytest.raises(ModelError, match="no address"):
        pull_model("nanodet_m_416")


def test_a_model_without_weights_needs_no_pulling():
    assert pull_model("motion") is None
    assert verify_model("motion") is None


def test_a_model_that_is_here_is_not_pulled_again(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "find_manifest", lambda name: MANIFEST)
    user_cache().mkdir(parents=True)
    (user_cache() / "tiny.onnx").write_bytes(DATA)
    assert pull_model("tiny") == user_cache() / "tiny.onnx"


def test_the_list_says_what_is_ready():
    ready = {status.manifest.name: status.ready for status in list_models()}
    assert ready["motion"]
    assert not ready["yolox_nano"]


def test_every_accepted_file_of_a_model_will_do(tmp_path):
    other = tiny_model((1, 0.5, 0))
    two = msgspec.structs.replace(MANIFEST, files=(*MANIFEST.files, *tiny_manifest(other).files))
    (tmp_path / "tiny.onnx").write_bytes(other)
    assert locate_file(two, (tmp_path,)) == tmp_path / "tiny.onnx"
