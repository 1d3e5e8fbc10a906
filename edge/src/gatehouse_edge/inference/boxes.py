"""What decoders give and what leaves the inference process. Numpy only, pure.

Wire of the inference process, also of outside runtimes: int16 `(n, 6)`, a row is `x1 y1 x2 y2 label score`
with the box in quarter pixels of the frame, the label as index into `LABELS`, the score in thousandths; best
score first, at most 512 rows. Nothing else comes back, so nothing that describes a person can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.values import Detection
from gatehouse_shared.names import Label

LABELS: Final = tuple(Label)
MAX_ROWS: Final = 512
STEPS_A_PIXEL: Final = 4
MAX_SIDE_PX: Final = 32_767 // STEPS_A_PIXEL
SCORE_STEPS: Final = 1000
SUPPRESSED_AT_ONCE: Final = 128
"""Candidates whose overlaps are worked out with one another; measured, and any number gives the same boxes."""


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Candidates: `xyxy` `(n, 4)` float32, `labels` `(n,)` int16 index into LABELS, `scores` `(n,)` float32."""

    xyxy: NDArray[np.float32]
    labels: NDArray[np.int16]
    scores: NDArray[np.float32]

    def take(self, rows: NDArray[np.intp]) -> Boxes:
        """These rows, in this order."""
        return Boxes(self.xyxy[rows], self.labels[rows], self.scores[rows])


def no_boxes() -> Boxes:
    """Nothing seen."""
    return Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.int16), np.zeros(0, np.float32))


def iou_matrix(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of boxes `(n, 4)` with boxes `(m, 4)`: `(n, m)`. Empty boxes overlap nothing.

    Worked out a coordinate at a time, into arrays that are used again: four times as quick as pairs of corners.
    """
    ax1, ay1, ax2, ay2 = a.T.copy()[:, :, None]
    bx1, by1, bx2, by2 = b.T.copy()
    shared = np.minimum(ax2, bx2)
    other = np.maximum(ax1, bx1)
    np.subtract(shared, other, out=shared)
    np.maximum(shared, 0.0, out=shared)
    high = np.minimum(ay2, by2)
    np.maximum(ay1, by1, out=other)
    np.subtract(high, other, out=high)
    np.maximum(high, 0.0, out=high)
    np.multiply(shared, high, out=shared)
    np.add((ax2 - ax1) * (ay2 - ay1), (bx2 - bx1) * (by2 - by1), out=other)
    np.subtract(other, shared, out=other)
    empty = other <= 0
    other[empty] = 1.0
    np.divide(shared, other, out=shared)
    shared[empty] = 0.0
    return np.asarray(shared, np.float32)


def suppress(boxes: Boxes, overlap: float) -> Boxes:
    """Greedy non-maximum suppression per label: the best score stays, what overlaps it by more than `overlap` IoU goes.

    Best score first, ties by position; at most MAX_ROWS remain. Overlaps are worked out for SUPPRESSED_AT_ONCE of the best, and
    what these leave over is seen against those of them that stay, and so on; the candidates are cut to four times MAX_ROWS
    first, so that a noisy frame cannot cost more than 2,048 squared.
    """
    if not len(boxes.scores):
        return boxes
    order = np.lexsort((boxes.xyxy[:, 1], boxes.xyxy[:, 0], boxes.labels, -boxes.scores))
    best = boxes.take(order[: 4 * MAX_ROWS])
    left = np.arange(len(best.scores))
    kept: list[NDArray[np.intp]] = []
    while left.size:
        front, left = left[:SUPPRESSED_AT_ONCE], left[SUPPRESSED_AT_ONCE:]
        stay = front[_greedy(_clashes(best, front, front, overlap))]
        kept.append(stay)
        if left.size:
            left = left[~_clashes(best, stay, left, overlap).any(axis=0)]
    return best.take(np.concatenate(kept)[:MAX_ROWS])


def _clashes(
    boxes: Boxes, a: NDArray[np.intp], b: NDArray[np.intp], overlap: float
) -> NDArray[np.bool_]:
    """Which rows `a` and `b` of the boxes `(n, m)` are two boxes of one thing."""
    clash = iou_matrix(boxes.xyxy[a], boxes.xyxy[b]) > overlap
    clash &= boxes.labels[a][:, None] == boxes.labels[b]
    return clash


def _greedy(clash: NDArray[np.bool_]) -> list[int]:
    """Rows that stay when each that stays sends away those that clash with it; by bits of whole numbers, quicker than arrays."""
    packed = np.packbits(clash, axis=1, bitorder="little")
    width, raw = packed.shape[1], packed.tobytes()
    gone = 0
    stay: list[int] = []
    for row in range(len(clash)):
        if not gone >> row & 1:
            stay.append(row)
            gone |= int.from_bytes(raw[row * width : (row + 1) * width], "little")
    return stay


def to_rows(boxes: Boxes) -> NDArray[np.int16]:
    """The wire form `(n, 6)` int16 of boxes in pixels of the frame."""
    count = min(len(boxes.scores), MAX_ROWS)
    rows = np.empty((count, 6), np.int16)
    if not count:
        return rows
    quarter = np.rint(boxes.xyxy[:count] * STEPS_A_PIXEL)
    rows[:, :4] = np.clip(quarter, 0, 32_767)
    rows[:, 4] = boxes.labels[:count]
    rows[:, 5] = np.clip(np.rint(boxes.scores[:count] * SCORE_STEPS), 0, SCORE_STEPS)
    return rows


def read_rows(raw: bytes, width: int, height: int) -> NDArray[np.int16]:
    """Rows `(n, 6)` as an inference process wrote them for a picture of `width` x `height`.

    Raises ValueError for what cannot be: too many, a box beyond the picture or turned over, no such label, no such score.
    """
    if len(raw) > MAX_ROWS * 12 or len(raw) % 12:
        raise ValueError(f"more than {MAX_ROWS} rows, or a part of one")
    rows = np.frombuffer(raw, "<i2").reshape(-1, 6).astype(np.int16, copy=False)
    if not raw:
        return rows
    most = (width * STEPS_A_PIXEL, height * STEPS_A_PIXEL, len(LABELS) - 1, SCORE_STEPS)
    good = (rows >= 0).all() and (rows[:, 2:] <= most).all() and (rows[:, :2] <= rows[:, 2:4]).all()
    if not good:
        raise ValueError("a row that cannot be")
    return rows


def to_detections(rows: NDArray[np.int16]) -> tuple[Detection, ...]:
    """Detections from the wire form. Raises ValueError for a label or score that cannot be."""
    found: list[Detection] = []
    lines: list[list[int]] = rows.tolist()
    for x1, y1, x2, y2, label, score in lines:
        if not (0 <= label < len(LABELS) and 0 <= score <= SCORE_STEPS and x1 <= x2 and y1 <= y2):
            raise ValueError("a row of the inference process that cannot be")
        box = (x1 / STEPS_A_PIXEL, y1 / STEPS_A_PIXEL, x2 / STEPS_A_PIXEL, y2 / STEPS_A_PIXEL)
        found.append(Detection(LABELS[label], score / SCORE_STEPS, box))
    return tuple(found)
