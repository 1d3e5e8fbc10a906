"""Which outputs each decoder can read. Pure, and without numpy, so that a manifest can be checked anywhere."""

from __future__ import annotations

from typing import Final

from gatehouse_edge.inference.manifest import DecoderKind, Manifest

NANODET_BINS: Final = 8
"""Steps of the distribution that NanoDet-m gives for each side of a box."""


def cell_counts(width: int, height: int, strides: tuple[int, ...]) -> list[int]:
    """Cells of the grid of each stride."""
    return [-(-width // stride) * -(-height // stride) for stride in strides]


def expected_outputs(manifest: Manifest) -> tuple[tuple[int, ...], ...]:
    """Shapes that the decoder reads, from input, strides and classes; a file that declares others is refused.

    An embedding (one vector of some hundred numbers per object) therefore has no way in: no decoder reads one.
    """
    spec, classes = manifest.input, manifest.class_count
    if spec is None or not manifest.strides:
        return ()
    counts = cell_counts(spec.width, spec.height, manifest.strides)
    if manifest.decoder is DecoderKind.YOLOX:
        return ((1, sum(counts), 5 + classes),)
    if manifest.decoder is DecoderKind.NANODET:
        scores = tuple((1, count, classes) for count in counts)
        return scores + tuple((1, count, 4 * NANODET_BINS) for count in counts)
    columns, rows = -(-spec.width // manifest.strides[0]), -(-spec.height // manifest.strides[0])
    return ((1, 5 + classes, rows, columns),)
