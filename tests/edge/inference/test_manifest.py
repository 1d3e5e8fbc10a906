import subprocess
import sys

import pytest

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.catalogue import (
    CATALOGUE_FILE,
    catalogue_folder,
    find_manifest,
    is_reviewed,
    load_catalogue,
    resolve_manifest,
)
from gatehouse_edge.inference.decoder_shapes import expected_outputs
from gatehouse_edge.inference.manifest import decode_manifest, load_manifests
from gatehouse_shared.names import Label
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.onnx_bytes import tiny_manifest

FOLDER = catalogue_folder()
assert FOLDER is not None
CATALOGUE = FOLDER / CATALOGUE_FILE


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"colour": "red"}, "colour"),
        ({"task": "identification"}, "task"),
        ({"decoder": "arcface"}, "arcface"),
        ({"classes": {0: "face"}}, "face"),
        ({"classes": {7: "person"}}, "class_count"),
        ({"classes": {}}, "classes"),
        ({"scores": {"low": 0.5, "high": 0.4, "new": 0.6}}, "rise"),
        ({"scores": {"low": 0.5, "high": 1.4, "new": 1.6}}, "scores"),
        ({"files": []}, "files"),
        ({"input": None}, "input"),
        ({"name": "No Name"}, "name"),
        ({"overlap": -1.0}, "overlap"),
        ({"knows": ""}, "knows"),
        ({"decoder": "motion"}, "motion"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused_by_key(changed, said):
    with pytest.raises(ModelError, match=said) as caught:
        tiny_manifest(**changed)
    assert caught.value.place
    assert caught.value.remedy


@pytest.mark.parametrize("file", ["../evil.onnx", "/etc/passwd", ".hidden", "a/b.onnx", ""])
def test_the_name_of_a_file_is_no_path(file):
    entry = {"file": file, "size_bytes": 10, "sha256": "0" * 64}
    with pytest.raises(ModelError, match="file"):
        tiny_manifest(files=[entry])


@pytest.mark.parametrize("url", ["http://models.example/a.onnx", "file:///etc/passwd", "ftp://a"])
def test_only_https_addresses_are_admitted(url):
    entry = {"file": "a.onnx", "size_bytes": 10, "sha256": "0" * 64, "url": url}
    with pytest.raises(ModelError, match="url"):
        tiny_manifest(files=[entry])


@pytest.mark.parametrize(
    "text", ["", "models: 3", "models: [1]", "{", "- a", "models: []\nother: 1", "\x00"]
)
def test_a_file_that_is_no_catalogue_is_refused_with_its_place(tmp_path, text):
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(ModelError) as caught:
        load_manifests(path)
    assert caught.value.place.startswith(str(path))


def test_two_models_of_one_name_are_refused(tmp_path):
    record = CATALOGUE
    motion = record.read_text().split("  - name: motion")[1]
    path = tmp_path / "models.yaml"
    path.write_text("models:\n" + 2 * f"  - name: motion{motion}")
    with pytest.raises(ModelError, match="named twice: motion"):
        load_manifests(path)


def test_every_model_of_the_catalogue_can_be_read_by_its_decoder():
    for manifest in load_catalogue():
        assert tuple(out.shape for out in manifest.outputs) == expected_outputs(manifest)
        assert not manifest.needs_file or manifest.licence in {"Apache-2.0", "BSD-3-Clause"}


def test_the_catalogue_knows_both_families_and_the_class_free_one():
    assert {"yolox_nano", "nanodet_m_416", "motion"} <= {m.name for m in load_catalogue()}
    assert find_manifest("yolox_nano").classes[2] is Label.CAR


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(ModelError, match="yolox_nano"):
        find_manifest("yolo_v99")


def test_a_model_that_differs_from_the_catalogue_is_unreviewed():
    known = find_manifest("yolox_nano")
    assert is_reviewed(known)
    assert not is_reviewed(tiny_manifest())


def test_a_manifest_of_ones_own_is_taken_by_its_path(tmp_path):
    text = CATALOGUE.read_text().split("  - name: motion")[1]
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine" + text.replace("\n    ", "\n"))
    manifest, beside = resolve_manifest(str(path))
    assert (manifest.name, beside) == ("mine", tmp_path)


def test_the_catalogue_is_read_without_numpy_or_onnxruntime():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('numpy', 'cv2', 'onnxruntime')));"
        "from gatehouse_edge.inference.weights import list_models; print(len(list_models()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 5


def test_a_record_that_is_no_mapping_is_refused():
    with pytest.raises(ModelError, match="object"):
        decode_manifest(["a", "list"], "here")


def test_the_manifest_in_the_docs_is_a_manifest(tmp_path):
    page = (ROOT / "edge" / "docs" / "models.md").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(page.split("```yaml\n")[1].split("```")[0])
    (manifest,) = load_manifests(path)
    assert tuple(out.shape for out in manifest.outputs) == expected_outputs(manifest)


def test_the_docs_name_every_model_of_the_catalogue():
    page = (ROOT / "edge" / "docs" / "models.md").read_text()
    assert [m.name for m in load_catalogue() if f"`{m.name}`" not in page] == []
