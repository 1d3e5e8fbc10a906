"""Tiny ONNX models, written byte by byte: whatever goes in, out comes what the test put there.

Field numbers as in onnx.proto; see `gatehouse_edge.inference.onnx_file`, which reads them. onnxruntime loads
and runs the result.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.inference.decoder_shapes import expected_outputs
from gatehouse_edge.inference.manifest import Manifest, decode_manifest

FLOAT32 = 1


def varint(value: int) -> bytes:
    """A number in the protobuf format."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def part(number: int, value: int | str | bytes) -> bytes:
    """One field: a number, or anything with a length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def port(name: str, shape: tuple[int, ...], element: int = FLOAT32) -> bytes:
    """A ValueInfoProto of a tensor."""
    dims = b"".join(part(1, part(1, side)) for side in shape)
    return part(1, name) + part(2, part(1, part(1, element) + part(2, dims)))


def tensor(name: str, values: NDArray[np.float32], *, outside: bool = False) -> bytes:
    """A TensorProto; `outside` claims that the numbers lie in another file."""
    dims = b"".join(part(1, side) for side in values.shape)
    head = dims + part(2, FLOAT32) + part(8, name)
    if outside:
        return head + part(13, part(1, "location") + part(2, "weights.bin")) + part(14, 1)
    return head + part(9, values.astype("<f4").tobytes())


def constant_model(
    input_shape: tuple[int, ...],
    outputs: dict[str, NDArray[np.float32]],
    *,
    domain: str = "",
    outside: bool = False,
) -> bytes:
    """A model that takes `images` and always gives `outputs`."""
    nodes = weights = ports = b""
    for name, values in outputs.items():
        node = part(1, f"w_{name}") + part(2, name) + part(4, "Identity")
        nodes += part(1, node + (part(7, domain) if domain else b""))
        weights += part(5, tensor(f"w_{name}", values, outside=outside))
        ports += part(12, port(name, values.shape))
    graph = nodes + part(2, "tiny") + weights + part(11, port("images", input_shape)) + ports
    opset = part(8, part(2, 13)) + (part(8, part(1, domain) + part(2, 1)) if domain else b"")
    return part(1, 8) + part(7, graph) + opset


def tiny_manifest(data: bytes = b"", **changed: object) -> Manifest:
    """A YOLOX manifest of a 64 x 64 input with three classes (person, car, and one that is dropped) that
    accepts `data`."""
    record: dict[str, object] = {
        "name": "tiny",
        "task": "detection",
        "decoder": "yolox",
        "knows": "Nothing; it says what a test tells it to say.",
        "licence": "Apache-2.0",
        "origin": "Written by a test",
        "scores": {"low": 0.1, "high": 0.5, "new": 0.6},
        "files": [
            {
                "file": "tiny.onnx",
                "size_bytes": max(1, len(data)),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        ],
        "input": {"name": "images", "width": 64, "height": 64},
        "outputs": [{"name": "output", "shape": [1, 84, 8]}],
        "strides": [8, 16, 32],
        "class_count": 3,
        "classes": {0: "person", 1: "car"},
    }
    return decode_manifest(record | changed, "test")


def tiny_model(*cells: tuple[int, float, int]) -> bytes:
    """A YOLOX model of `tiny_manifest` that sees, at each (cell, score, class), a box of two strides a side on
    the cell's corner."""
    values = np.zeros(expected_outputs(tiny_manifest())[0], np.float32)
    values[..., 2:4] = np.log(2)
    for cell, score, kind in cells:
        values[0, cell, 4] = 1.0
        values[0, cell, 5 + kind] = score
    return constant_model((1, 3, 64, 64), {"output": values})


def write_tiny(folder: Path, data: bytes, **changed: object) -> Path:
    """The model and its manifest in `folder`; gives the path of the manifest."""
    (folder / "tiny.onnx").write_bytes(data)
    path = folder / "tiny.yaml"
    path.write_bytes(msgspec.yaml.encode(tiny_manifest(data, **changed)))
    return path
