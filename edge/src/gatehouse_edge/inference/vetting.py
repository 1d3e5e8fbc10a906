"""The model gate: what a file must be before a session is made of it. Runs inside the inference process, on the
bytes that are loaded.

In this order: size, hash, operator domains, no outside data, no functions of its own, and inputs and outputs
exactly as the manifest and its decoder say. An output that is one vector per object (64 to 2,048 numbers, as
face and re-identification models give) is refused by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.decoder_shapes import expected_outputs
from gatehouse_edge.inference.manifest import MAX_MODEL_BYTES, Manifest
from gatehouse_edge.inference.onnx_file import BrokenFileError, Port, read_onnx

ALLOWED_DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
EMBEDDING_SIZES: Final = range(64, 2049)
_FLOAT32: Final = 1
_REPLACE: Final = "Get the file that the manifest names, or write a manifest for this one"


def vet_model(data: bytes, manifest: Manifest) -> None:
    """Refuses a file that is not what the manifest says. Raises ModelError with what was found and what was asked."""
    if len(data) > MAX_MODEL_BYTES:
        raise _refused(manifest, f"is larger than {MAX_MODEL_BYTES} bytes")
    vet_hash(data, manifest)
    try:
        outline = read_onnx(data)
    except BrokenFileError as error:
        raise _refused(manifest, f"is not a usable ONNX file: it {error}") from error
    strange = sorted(outline.domains - ALLOWED_DOMAINS)
    if strange:
        raise _refused(manifest, f"uses operators of {', '.join(map(ascii, strange[:4]))}")
    if outline.outside_data:
        raise _refused(manifest, "keeps weights in other files")
    if outline.functions:
        raise _refused(manifest, "defines operators of its own")
    vet_ports(outline.inputs, outline.outputs, manifest)


def vet_hash(data: bytes, manifest: Manifest) -> None:
    """Refuses bytes that are none of the manifest's accepted files."""
    digest = hashlib.sha256(data).hexdigest()
    if not any(f.size_bytes == len(data) and f.sha256 == digest for f in manifest.files):
        raise _refused(
            manifest, f"has sha256 {digest} and {len(data)} bytes, which the manifest does not list"
        )


def vet_ports(inputs: Sequence[Port], outputs: Sequence[Port], manifest: Manifest) -> None:
    """Refuses inputs and outputs that differ from the manifest, or that its decoder cannot read."""
    spec = manifest.input
    if spec is None:
        raise _refused(manifest, "has a manifest without input")
    wanted_in = [Port(spec.name, _FLOAT32, (1, 3, spec.height, spec.width))]
    wanted_out = [Port(out.name, _FLOAT32, out.shape) for out in manifest.outputs]
    for port in outputs:
        if port not in wanted_out and is_embedding(port.shape):
            raise _refused(
                manifest,
                f"gives one vector per object ({_told(port)}), as models do that tell people apart",
            )
    if list(inputs) != wanted_in:
        raise _refused(manifest, f"takes {_all_told(inputs)} and not {_all_told(wanted_in)}")
    if sorted(outputs, key=_name_of) != sorted(wanted_out, key=_name_of):
        raise _refused(manifest, f"gives {_all_told(outputs)} and not {_all_told(wanted_out)}")
    vet_declared(manifest)


def vet_declared(manifest: Manifest) -> None:
    """Refuses a manifest whose outputs its decoder cannot read: all that can be known of a file that is not ONNX."""
    readable = expected_outputs(manifest)
    if tuple(out.shape for out in manifest.outputs) != readable:
        raise _refused(
            manifest,
            f"has outputs that decoder {manifest.decoder} cannot read; it reads {readable}",
        )


def is_embedding(shape: tuple[int, ...]) -> bool:
    """Whether a shape is one vector, or one per object: at most one dimension before the last is not 1."""
    if not shape or shape[-1] not in EMBEDDING_SIZES:
        return False
    return sum(1 for side in shape[:-1] if side != 1) <= 1


def _name_of(port: Port) -> str:
    return port.name


def _told(port: Port) -> str:
    kind = "float32" if port.element == _FLOAT32 else f"type {port.element}"
    return f"{ascii(port.name)[:80]} {kind} {list(port.shape)}"


def _all_told(ports: Sequence[Port]) -> str:
    return ", ".join(_told(port) for port in ports[:8])


def _refused(manifest: Manifest, what: str) -> ModelError:
    return ModelError(f"the file {what}", place=f"model {manifest.name}", remedy=_REPLACE)
