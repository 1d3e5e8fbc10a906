import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.catalogue import load_catalogue
from gatehouse_edge.inference.manifest import decode_manifest
from gatehouse_edge.inference.onnx_file import BrokenFileError, read_onnx
from gatehouse_edge.inference.vetting import is_embedding, vet_model
from gatehouse_edge.inference.weights import locate_file
from gatehouse_testing.onnx_bytes import constant_model, part, tiny_manifest, tiny_model

GOOD = tiny_model((3, 0.9, 0))
SHAPE = (1, 3, 64, 64)


def test_a_model_that_is_what_its_manifest_says_passes():
    vet_model(GOOD, tiny_manifest(GOOD))


def test_one_flipped_bit_is_refused():
    broken = bytearray(GOOD)
    broken[len(broken) // 2] ^= 1
    with pytest.raises(ModelError, match="sha256"):
        vet_model(bytes(broken), tiny_manifest(GOOD))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (constant_model((1, 3, 32, 32), {"output": np.zeros((1, 84, 8), "f4")}), "takes"),
        (constant_model(SHAPE, {"output": np.zeros((1, 84, 9), "f4")}), "gives"),
        (constant_model(SHAPE, {"other": np.zeros((1, 84, 8), "f4")}), "gives"),
        (
            constant_model(SHAPE, {"output": np.zeros((1, 84, 8), "f4")}, outside=True),
            "other files",
        ),
        (
            constant_model(SHAPE, {"output": np.zeros((1, 84, 8), "f4")}, domain="evil.ops"),
            "evil.ops",
        ),
        (GOOD + part(25, b""), "of its own"),
        (b"", "sha256|ONNX"),
        (b"\x00" * 40, "ONNX"),
    ],
    ids=["input", "output", "name", "outside", "domain", "functions", "empty", "zeros"],
)
def test_a_model_that_is_something_else_is_refused_with_the_reason(data, said):
    with pytest.raises(ModelError, match=said) as caught:
        vet_model(data, tiny_manifest(data))
    assert "tiny" in caught.value.place
    assert caught.value.remedy


@pytest.mark.parametrize("size", [64, 128, 512, 2048])
@pytest.mark.parametrize("rows", [(1,), (1, 1), (84,), (1, 84), ()])
def test_a_model_that_gives_a_vector_per_object_is_refused_by_name(rows, size):
    outputs = {
        "output": np.zeros((1, 84, 8), "f4"),
        "features": np.zeros((*rows, size), "f4"),
    }
    data = constant_model(SHAPE, outputs)
    with pytest.raises(ModelError, match="one vector per object"):
        vet_model(data, tiny_manifest(data))


def test_a_manifest_cannot_declare_the_vectors_away():
    outputs = {
        "output": np.zeros((1, 84, 8), "f4"),
        "features": np.zeros((1, 128), "f4"),
    }
    data = constant_model(SHAPE, outputs)
    declared = [{"name": n, "shape": list(v.shape)} for n, v in outputs.items()]
    with pytest.raises(ModelError, match="cannot read"):
        vet_model(data, tiny_manifest(data, outputs=declared))


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        ((1, 512), True),
        ((512,), True),
        ((1, 8), False),
        ((1, 4096), False),
        ((1, 80, 80, 128), False),
    ],
)
def test_the_shape_of_an_embedding_is_known(shape, answer):
    assert is_embedding(shape) is answer


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_never_worse(data):
    with contextlib.suppress(BrokenFileError):
        read_onnx(data)


@settings(max_examples=200, deadline=None)
@given(where=st.floats(0, 1), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_model_is_read_or_refused_and_never_worse(where, byte, cut):
    at = int(where * (len(GOOD) - 1))
    damaged = GOOD[:at] if cut else GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    with contextlib.suppress(BrokenFileError):
        read_onnx(damaged)


def test_graphs_that_nest_without_end_are_refused():
    graph = b""
    for _ in range(40):
        graph = part(1, part(5, part(6, graph)))
    with pytest.raises(BrokenFileError, match="nest"):
        read_onnx(part(7, graph))


def test_the_models_at_hand_are_what_the_catalogue_says(assets, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_ASSETS", str(assets))
    for manifest in load_catalogue():
        path = locate_file(manifest)
        if manifest.name in {"yolox_nano", "nanodet_m_416", "nanodet_m_320", "fastestdet"}:
            assert path is not None, manifest.name
            assert path.stat().st_size in {f.size_bytes for f in manifest.files}
            vet_model(path.read_bytes(), manifest)


def test_the_manifest_of_a_test_is_a_manifest():
    with pytest.raises(ModelError):
        decode_manifest({}, "nowhere")
