"""`model reshape`: the same weights for pictures of another shape, as a model of its own. Needs the `[reshape]` extra.

A square input spends two fifths of the work on the padding of a 16:9 picture. Detectors that are convolutions from end to end
(YOLOX) take any multiple of their coarsest stride once the sizes that the file declares are changed; the weights stay as they
are, byte for byte. Others hold their size in constants (NanoDet's channel shuffle): they are refused.

Proof  the new file goes through the model gate and runs once, in the inference process, before anything is kept.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.catalogue import find_manifest, user_cache
from gatehouse_edge.inference.decoder_shapes import expected_outputs
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.manifest import DecoderKind, Manifest, ModelFile, OutputSpec
from gatehouse_edge.inference.weights import find_accepted

PLASTIC: Final = frozenset({DecoderKind.YOLOX})
"""Families whose networks take other sizes."""


@dataclass(frozen=True, slots=True)
class Reshaped:
    """A model of another shape: its manifest, and the bytes of its one file."""

    manifest: Manifest
    data: bytes


def reshape_model(name: str, width: int, height: int, folder: Path | None = None) -> Path:
    """Write model and manifest of `name` with an input of `width` x `height` pixels into `folder` (the user's cache).

    Gives the manifest's path. Raises ModelError when the model cannot be reshaped, the size does not fit its strides, or the
    result does not run; then nothing is left behind.
    """
    manifest = find_manifest(name)
    source = find_accepted(manifest)
    reshaped = reshape(manifest, b"" if source is None else source[0].read_bytes(), width, height)
    place = folder or user_cache()
    place.mkdir(parents=True, exist_ok=True)
    file = place / reshaped.manifest.files[0].file
    record = file.with_suffix(".yaml")
    try:
        _put(file, reshaped.data)
        try_out(reshaped.manifest, place)
        _put(record, as_yaml(reshaped.manifest))
    except (ModelError, OSError) as error:
        if not record.exists():
            file.unlink(missing_ok=True)
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"cannot be written: {error.strerror}",
            place=str(file),
            remedy="Check the folder's rights and its room",
        ) from error
    return record


def reshape(manifest: Manifest, data: bytes, width: int, height: int) -> Reshaped:
    """Change the declared sizes of a model file. Raises ModelError; runs nothing of it."""
    spec, place = manifest.input, f"model {manifest.name}"
    if spec is None or manifest.decoder not in PLASTIC:
        raise ModelError(
            f"a {manifest.decoder} model cannot be reshaped",
            place=place,
            remedy=f"Only {', '.join(sorted(PLASTIC))} models take pictures of another shape",
        )
    step = max(manifest.strides)
    if width % step or height % step or not (step <= width <= 4096 and step <= height <= 4096):
        raise ModelError(
            f"{width}x{height} is no multiple of {step} each way",
            place=place,
            remedy=f"For pictures of 16:9 use {spec.width}x{_up(spec.width * 9 / 16, step)}, "
            f"of 4:3 {spec.width}x{_up(spec.width * 3 / 4, step)}",
        )
    name = f"{manifest.name}_{width}x{height}"
    fresh = msgspec.structs.replace(
        manifest, name=name, input=msgspec.structs.replace(spec, width=width, height=height)
    )
    shapes = expected_outputs(fresh)
    outputs = tuple(
        OutputSpec(name=old.name, shape=shape)
        for old, shape in zip(manifest.outputs, shapes, strict=True)
    )
    changed = patch_sizes(data, fresh, outputs)
    entry = ModelFile(
        file=f"{name}.onnx", size_bytes=len(changed), sha256=hashlib.sha256(changed).hexdigest()
    )
    fresh = msgspec.structs.replace(fresh, outputs=outputs, files=(entry,))
    return Reshaped(fresh, changed)


def patch_sizes(data: bytes, manifest: Manifest, outputs: tuple[OutputSpec, ...]) -> bytes:
    """The model file with the input and outputs declared as given, and no sizes in between. Raises ModelError."""
    try:
        import onnx  # noqa: PLC0415 - an extra, for this command only
    except ImportError:
        raise ModelError(
            "the package onnx is not installed",
            place="model reshape",
            remedy="pip install gatehouse-edge[reshape]",
        ) from None
    spec = manifest.input
    assert spec is not None, "checked by reshape"
    wanted = {out.name: out.shape for out in outputs} | {spec.name: (1, 3, spec.height, spec.width)}
    try:
        model = onnx.load(io.BytesIO(data))
        del model.graph.value_info[:]  # sizes in between were those of the old shape
        for port in (*model.graph.input, *model.graph.output):
            for dimension, size in zip(
                port.type.tensor_type.shape.dim, wanted.get(port.name, ()), strict=False
            ):
                dimension.dim_value = size
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
    except Exception as error:
        raise ModelError(
            f"the file cannot be changed: {str(error)[:300]}",
            place=f"model {manifest.name}",
            remedy="Use the model as it is",
        ) from error


def try_out(manifest: Manifest, folder: Path) -> None:
    """Load the model as the agent would and let it see one grey picture. Raises ModelError."""
    spec = manifest.input
    assert spec is not None, "checked by reshape"
    detector = open_detector(manifest, folder=folder)
    try:
        detector.detect(np.full((spec.height, spec.width, 3), 114, np.uint8))
    finally:
        detector.close()


def as_yaml(manifest: Manifest) -> bytes:
    """The manifest as a file of its own."""
    return msgspec.yaml.encode(msgspec.to_builtins(manifest, str_keys=False))


def _up(value: float, step: int) -> int:
    """The next multiple of `step`."""
    return int(-(-value // step) * step)


def _put(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.rename(path)
