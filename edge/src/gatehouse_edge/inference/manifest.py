"""What a model file is, in one YAML record: how it is fed, how its output is read, what it may call things.

A manifest chooses one of the decoders that this package brings, and maps the model's classes to labels of the
allow-list. Classes that it does not map are dropped before anything leaves the inference process. Imports
neither numpy nor onnxruntime, so that `gatehouse-edge model list` works on a gateway without the `[vision]`
extra.

Bounds: 64 models a catalogue, 8 accepted files a model, 200 MiB a file, 1,024 classes, 16 outputs.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml
from msgspec import Meta

from gatehouse_edge.errors import ModelError
from gatehouse_shared.names import Label

MAX_MODEL_BYTES = 200 * 1024 * 1024
MAX_MODELS = 64

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")]
Side = Annotated[int, Meta(ge=32, le=4096)]
Score = Annotated[float, Meta(ge=0.0, le=1.0)]
Sentence = Annotated[str, Meta(min_length=1, max_length=400)]
Url = Annotated[str, Meta(pattern=r"^https://[^\s]+$", max_length=400)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what is read from a manifest: frozen, and an unknown key is an error."""


class DecoderKind(StrEnum):
    """How raw numbers become boxes. The code of each is part of this package, never of a model."""

    YOLOX = "yolox"
    NANODET = "nanodet"
    FASTESTDET = "fastestdet"
    MOTION = "motion"


class Fit(StrEnum):
    """How a frame is brought to the model's input size."""

    LETTERBOX = "letterbox"
    """Same scale both ways, in the top left corner, the rest padded."""
    STRETCH = "stretch"
    """Each axis by its own scale."""


class ModelFile(Record, frozen=True):
    """One accepted file. A model may have several exports; each is known by size and hash, never by name alone."""

    file: FileName
    size_bytes: Annotated[int, Meta(ge=1, le=MAX_MODEL_BYTES)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    url: Url | None = None


class InputSpec(Record, frozen=True):
    """The one input: float32 `[1, 3, height, width]`, value = (pixel * scale - mean) / std per channel."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    width: Side
    height: Side
    order: Literal["bgr", "rgb"] = "bgr"
    scale: Annotated[float, Meta(gt=0.0)] = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[
        Annotated[float, Meta(gt=0.0)],
        Annotated[float, Meta(gt=0.0)],
        Annotated[float, Meta(gt=0.0)],
    ] = (1.0, 1.0, 1.0)
    fit: Fit = Fit.LETTERBOX
    pad: Annotated[int, Meta(ge=0, le=255)] = 114


class OutputSpec(Record, frozen=True):
    """One output of the model, exactly as the file declares it."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    shape: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=2, max_length=4)]


class Scores(Record, frozen=True):
    """What this model's scores mean to the tracker: sure (`high`), perhaps (`low`), enough for a new track (`new`)."""

    high: Score
    low: Score
    new: Score


class Manifest(Record, frozen=True):
    """One model. `knows` says in a sentence what it was trained on and what it cannot see."""

    name: Name
    task: Literal["detection"]
    decoder: DecoderKind
    knows: Sentence
    licence: Annotated[str, Meta(min_length=1, max_length=80)]
    origin: Sentence
    scores: Scores
    files: Annotated[tuple[ModelFile, ...], Meta(max_length=8)] = ()
    input: InputSpec | None = None
    outputs: Annotated[tuple[OutputSpec, ...], Meta(max_length=16)] = ()
    strides: Annotated[tuple[Annotated[int, Meta(ge=1, le=256)], ...], Meta(max_length=8)] = ()
    class_count: Annotated[int, Meta(ge=1, le=1024)] = 1
    classes: dict[Annotated[int, Meta(ge=0, lt=1024)], Label] = msgspec.field(
        default_factory=dict[int, Label]
    )
    overlap: Score = 0.6
    """Boxes of one label that overlap more than this IoU are one object."""

    @property
    def needs_file(self) -> bool:
        """Whether there are weights to find (the motion detector has none)."""
        return self.decoder is not DecoderKind.MOTION


def decode_manifest(record: object, place: str) -> Manifest:
    """A manifest from plain YAML data; `place` names the file in errors. Raises ModelError."""
    try:
        manifest = msgspec.convert(record, Manifest)
    except msgspec.ValidationError as error:
        raise ModelError(
            str(error), place=place, remedy="See edge/docs/models.md for the keys of a manifest"
        ) from error
    for complaint in _complaints(manifest):
        raise ModelError(
            complaint, place=f"{place}, model {manifest.name}", remedy="Correct the manifest"
        )
    return manifest


def _complaints(manifest: Manifest) -> list[str]:
    """What types cannot say: which keys a decoder needs, and that numbers agree."""
    found: list[str] = []
    if not manifest.scores.low <= manifest.scores.high <= manifest.scores.new:
        found.append("scores must rise: low <= high <= new")
    if manifest.needs_file:
        if manifest.input is None:
            found.append(f"decoder {manifest.decoder} needs `input`")
        if not (manifest.files and manifest.outputs and manifest.strides and manifest.classes):
            found.append(
                f"decoder {manifest.decoder} needs `files`, `outputs`, `strides` and `classes`"
            )
    elif manifest.files or manifest.outputs or manifest.input:
        found.append("the motion detector has neither files nor input nor outputs")
    beyond = [index for index in manifest.classes if index >= manifest.class_count]
    if beyond:
        found.append(f"classes {beyond} are not below class_count {manifest.class_count}")
    return found


def load_manifests(path: Path) -> tuple[Manifest, ...]:
    """All manifests of one YAML file: either one manifest, or a mapping with the single key `models`.

    Raises ModelError with the file and the key when it cannot be read, has unknown keys, or repeats a name.
    """
    try:
        document: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ModelError(
            f"cannot be read: {error}", place=str(path), remedy="Give a YAML file with a manifest"
        ) from error
    if not _is_catalogue(document):
        return (decode_manifest(document, str(path)),)
    try:
        records = msgspec.convert(document, _Catalogue).models
    except msgspec.ValidationError as error:
        raise ModelError(
            str(error), place=str(path), remedy="A catalogue is `models:` with a list of manifests"
        ) from error
    manifests = tuple(decode_manifest(record, str(path)) for record in records)
    names = [manifest.name for manifest in manifests]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ModelError(f"models named twice: {', '.join(twice)}", place=str(path))
    return manifests


def _is_catalogue(document: object) -> bool:
    return isinstance(document, dict) and "models" in document


class _Catalogue(Record, frozen=True):
    """A file of several manifests. `templates` holds YAML anchors that the models below share; it is not read."""

    models: Annotated[tuple[dict[str, object], ...], Meta(max_length=MAX_MODELS)]
    templates: dict[str, object] = msgspec.field(default_factory=dict[str, object])
