"""Raw numbers of a detector become candidate boxes in pixels of its input. Pure numpy; one function per family.

    yolox       (1, N, 5 + C): xy = (xy + cell) * stride, wh = exp(wh) * stride, score = objectness * class
    nanodet     per stride (1, N, C) class scores and (1, N, 4 * bins) distances as distributions
    fastestdet  (1, 5 + C, h, w): score = objectness^0.6 * class^0.4, box relative to the input

After arXiv 2107.08430, arXiv 2006.04388 (generalised focal loss) and the public code of FastestDet.

The class of a box is the best of *all* classes of the model; when that one is not mapped to a label the box is
dropped. So a suitcase does not become a person because "person" was the best of the few names that we asked
for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.inference.boxes import LABELS, Boxes, no_boxes
from gatehouse_edge.inference.manifest import DecoderKind, InputSpec, Manifest

Floats = NDArray[np.float32]
Decode = Callable[[Sequence[Floats], float], Boxes]
_MAX_LOG_SIDE: Final = 10.0
"""exp() of a hostile model's number must not overflow; e^10 strides is wider than any frame."""


@lru_cache(maxsize=16)
def grid_cells(width: int, height: int, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Cells of all strides one after another, row by row: `(N, 2)` column and row, and `(N, 1)` stride."""
    cells: list[Floats] = []
    steps: list[Floats] = []
    for stride in strides:
        columns, rows = -(-width // stride), -(-height // stride)
        ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
        cells.append(np.stack((xs.ravel(), ys.ravel()), axis=1))
        steps.append(np.full((rows * columns, 1), stride, np.float32))
    return np.concatenate(cells), np.concatenate(steps)


def label_table(manifest: Manifest) -> NDArray[np.int16]:
    """`(class_count,)`: index into LABELS of each class of the model, -1 where it is dropped."""
    table = np.full(manifest.class_count, -1, np.int16)
    for index, label in manifest.classes.items():
        table[index] = LABELS.index(label)
    return table


def decode_yolox(
    outputs: Sequence[Floats],
    least: float,
    spec: InputSpec,
    strides: tuple[int, ...],
    table: NDArray[np.int16],
) -> Boxes:
    """One output `(1, N, 5 + C)`. Objectness below `least` is dropped before anything else is worked out."""
    raw = outputs[0][0]
    cells, steps = grid_cells(spec.width, spec.height, strides)
    hopeful = np.flatnonzero(raw[:, 4] >= least)
    if not hopeful.size:
        return no_boxes()
    raw, cells, steps = raw[hopeful], cells[hopeful], steps[hopeful]
    classes = raw[:, 5:].argmax(axis=1)
    scores = raw[:, 4] * np.take_along_axis(raw[:, 5:], classes[:, None], axis=1)[:, 0]
    centre = (raw[:, :2] + cells) * steps
    half = np.exp(np.minimum(raw[:, 2:4], _MAX_LOG_SIDE)) * steps / 2
    return _known(
        np.concatenate((centre - half, centre + half), axis=1), classes, scores, least, table
    )


def decode_nanodet(
    outputs: Sequence[Floats],
    least: float,
    spec: InputSpec,
    strides: tuple[int, ...],
    table: NDArray[np.int16],
) -> Boxes:
    """Class scores per stride, then distances per stride: left, top, right, bottom.

    Each distance is a distribution over 0, 1, 2 … strides; its mean is taken.
    """
    levels = len(strides)
    scores_all = np.concatenate([level[0] for level in outputs[:levels]])
    distances_all = np.concatenate([level[0] for level in outputs[levels:]])
    cells, steps = grid_cells(spec.width, spec.height, strides)
    hopeful = np.flatnonzero(scores_all.max(axis=1) >= least)
    chosen = scores_all[hopeful]
    classes = chosen.argmax(axis=1)
    scores = np.take_along_axis(chosen, classes[:, None], axis=1)[:, 0]
    bins = distances_all[hopeful].reshape(len(hopeful), 4, distances_all.shape[1] // 4)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    places = np.arange(bins.shape[2], dtype=np.float32)
    sides = (weights @ places) / weights.sum(axis=2) * steps[hopeful]
    centre = (cells[hopeful] + np.float32(0.5)) * steps[hopeful]
    xyxy = np.concatenate((centre - sides[:, :2], centre + sides[:, 2:]), axis=1)
    return _known(xyxy, classes, scores, least, table)


def decode_fastestdet(
    outputs: Sequence[Floats],
    least: float,
    spec: InputSpec,
    strides: tuple[int, ...],
    table: NDArray[np.int16],
) -> Boxes:
    """One output `(1, 5 + C, h, w)`: objectness, then offsets by tanh and sides by sigmoid, then classes."""
    raw = outputs[0][0].reshape(outputs[0].shape[1], -1).T
    cells, steps = grid_cells(spec.width, spec.height, strides)
    classes = raw[:, 5:].argmax(axis=1)
    best = np.take_along_axis(raw[:, 5:], classes[:, None], axis=1)[:, 0]
    scores = np.clip(raw[:, 0], 0, 1) ** np.float32(0.6) * np.clip(best, 0, 1) ** np.float32(0.4)
    centre = (cells + np.tanh(raw[:, 1:3])) * steps
    half = (
        np.array([spec.width, spec.height], np.float32)
        / (1 + np.exp(-np.clip(raw[:, 3:5], -30, 30)))
        / 2
    )
    return _known(
        np.concatenate((centre - half, centre + half), axis=1), classes, scores, least, table
    )


_DECODERS: Final = {
    DecoderKind.YOLOX: decode_yolox,
    DecoderKind.NANODET: decode_nanodet,
    DecoderKind.FASTESTDET: decode_fastestdet,
}


def build_decoder(manifest: Manifest) -> Decode:
    """The decoder that a manifest asks for: outputs in its order and the least score give boxes in pixels of the input.

    Raises ValueError for a manifest without input (the motion detector decodes nothing).
    """
    spec = manifest.input
    if spec is None:
        raise ValueError(f"{manifest.name} has no input to decode from")
    chosen, strides, table = _DECODERS[manifest.decoder], manifest.strides, label_table(manifest)

    def decode(outputs: Sequence[Floats], least: float) -> Boxes:
        return chosen(outputs, least, spec, strides, table)

    return decode


def _known(
    xyxy: Floats, classes: NDArray[np.intp], scores: Floats, least: float, table: NDArray[np.int16]
) -> Boxes:
    """Boxes whose class is mapped, whose score is enough, and whose numbers are numbers."""
    labels = table[classes]
    good = np.flatnonzero((labels >= 0) & (scores >= least) & np.isfinite(xyxy).all(axis=1))
    return Boxes(
        xyxy[good].astype(np.float32, copy=False),
        labels[good],
        np.minimum(scores[good], 1.0).astype(np.float32, copy=False),
    )
