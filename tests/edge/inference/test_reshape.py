"""A model for pictures of another shape: same weights, own name, own hash."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from gatehouse_edge.cli import main
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.catalogue import find_manifest, is_reviewed, load_known
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.manifest import load_manifests
from gatehouse_edge.inference.reshape import reshape, reshape_model
from gatehouse_edge.inference.weights import find_file, verify_model
from gatehouse_edge.sources.opening import open_source
from gatehouse_edge.sources.spec import SourceSpec


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assets: Path) -> Path:
    """A user's cache of this test's own, and the models to begin with."""
    monkeypatch.setenv("GATEHOUSE_ASSETS", str(assets))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "gatehouse" / "models"


def test_a_reshaped_model_is_known_by_its_own_name_and_hash(cache: Path) -> None:
    assert main(["model", "reshape", "yolox_nano", "--input", "416x256"]) == 0
    manifest = find_manifest("yolox_nano_416x256")
    assert verify_model("yolox_nano_416x256") == cache / "yolox_nano_416x256.onnx"
    assert manifest.files[0].sha256 not in {f.sha256 for f in find_manifest("yolox_nano").files}
    assert not is_reviewed(manifest)
    assert load_manifests(cache / "yolox_nano_416x256.yaml") == (manifest,)
    assert main(["model", "list"]) == 0


def test_the_same_file_gives_the_same_bytes(assets: Path) -> None:
    data = (assets / "models" / "yolox_nano.onnx").read_bytes()
    manifest = find_manifest("yolox_nano")
    assert reshape(manifest, data, 416, 256) == reshape(manifest, data, 416, 256)


def test_it_sees_what_the_square_sees(assets: Path) -> None:
    clip = assets / "video" / "one-by-one-person-detection.mp4"
    reshape_model("yolox_nano", 416, 256)
    source = open_source(
        "cam_1", SourceSpec(url=str(clip), start_s=10.0), live=False, clock=SystemClock()
    )
    square, flat = open_detector("yolox_nano"), open_detector("yolox_nano_416x256")
    try:
        frame = next(source.frames())
        pixels = np.asarray(frame.pixels, np.uint8)
        seen, again = ([d for d in one.detect(pixels) if d.score >= 0.4] for one in (square, flat))
    finally:
        for part in (square, flat, source):
            part.close()
    assert [d.label for d in seen] == [d.label for d in again]
    assert seen
    for a, b in zip(seen, again, strict=True):
        assert np.abs(np.subtract(a.xyxy, b.xyxy)).max() < 8


@pytest.mark.parametrize(
    ("name", "size", "complaint", "remedy"),
    [
        ("yolox_nano", (416, 250), "no multiple of 32", "416x256"),
        ("yolox_nano", (416, 0), "no multiple of 32", "416x256"),
        ("yolox_nano", (8192, 256), "no multiple of 32", "416x256"),
        ("nanodet_m_416", (416, 256), "nanodet model cannot be reshaped", "yolox"),
        ("motion", (416, 256), "motion model cannot be reshaped", "yolox"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_file_is_touched(
    name: str, size: tuple[int, int], complaint: str, remedy: str
) -> None:
    with pytest.raises(ModelError) as caught:
        reshape(find_manifest(name), b"never read", *size)
    assert complaint in caught.value.message
    assert remedy in caught.value.remedy


def test_a_file_that_is_no_model_leaves_nothing_behind(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError) as caught:
        reshape(find_manifest("yolox_nano"), b"not protobuf", 416, 256)
    assert "cannot be changed" in caught.value.message
    monkeypatch.setenv("GATEHOUSE_ASSETS", str(cache))
    with pytest.raises(ModelError):
        reshape_model("yolox_nano", 416, 256)
    assert not cache.exists()


def test_a_manifest_in_the_cache_never_takes_the_name_of_a_reviewed_one(cache: Path) -> None:
    cache.mkdir(parents=True)
    record = {"name": "motion", "task": "detection", "decoder": "motion", "knows": "x"}
    record |= {"licence": "x", "origin": "x", "scores": {"low": 0, "high": 0, "new": 0}}
    (cache / "mine.yaml").write_text(yaml.safe_dump(record))
    assert find_manifest("motion").licence == "Apache-2.0"
    assert [m.name for m in load_known()].count("motion") == 1


def test_find_file_says_how_a_missing_model_comes_here(cache: Path) -> None:
    reshape_model("yolox_nano", 416, 256)
    (cache / "yolox_nano_416x256.onnx").unlink()
    with pytest.raises(ModelError) as caught:
        find_file(find_manifest("yolox_nano_416x256"))
    assert "by hand" in caught.value.remedy
