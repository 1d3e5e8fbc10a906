"""How well an exported detector finds what is in the stories: AP at IoU 0.5 a class, and the error of counting people.

Only numpy, cv2 and onnxruntime; the decoding is written here a second time, on purpose apart from the agent's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime
from drawing.scene import ColourScene
from numpy.typing import NDArray

from training.network_shape import LABELS, STRIDES
from training.samples import INPUT_HEIGHT, INPUT_WIDTH, letterboxed, ratio

Found = list[tuple[str, float, NDArray[np.float64]]]


class Session:
    """An exported detector on one thread of the CPU."""

    def __init__(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(weights), options, providers=["CPUExecutionProvider"]
        )
        corners, strides = [], []
        for stride in STRIDES:
            down, across = np.meshgrid(
                np.arange(INPUT_HEIGHT // stride), np.arange(INPUT_WIDTH // stride), indexing="ij"
            )
            corners.append(np.stack([across, down], axis=-1).reshape(-1, 2))
            strides.append(np.full(len(corners[-1]), stride))
        self._corners, self._strides = np.concatenate(corners), np.concatenate(strides)[:, None]
        self.spent_s: list[float] = []

    def rows(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network says of a frame, `(1, cells, 5 + classes)`, undecoded."""
        fed = letterboxed(frame).transpose(2, 0, 1)[None].astype(np.float32)
        started = perf_counter()
        (rows,) = self._session.run(None, {"images": fed})
        self.spent_s.append(perf_counter() - started)
        return np.asarray(rows, dtype=np.float32)

    def detect(
        self, frame: NDArray[np.uint8], least_score: float = 0.05, nms_iou: float = 0.42
    ) -> Found:
        """Label, score and box in pixels of the frame, best first."""
        rows = self.rows(frame)[0]
        scores = rows[:, 4] * rows[:, 5:].max(axis=1)
        kept = np.flatnonzero(scores >= least_score)
        centre = (rows[kept, :2] + self._corners[kept]) * self._strides[kept]
        half = np.exp(rows[kept, 2:4]) * self._strides[kept] / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1) / ratio(frame)
        classes = rows[kept, 5:].argmax(axis=1)
        chosen = suppressed(boxes, scores[kept], classes, nms_iou)
        return [(LABELS[classes[i]], float(scores[kept][i]), boxes[i]) for i in chosen]


def overlaps(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box with many, `(n,)`."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    return both / (
        (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - both + 1e-9
    )


def suppressed(
    boxes: NDArray[np.float64],
    scores: NDArray[np.float64],
    classes: NDArray[np.int64],
    nms_iou: float,
) -> list[int]:
    """Which boxes stay when of two of a class that overlap more than `nms_iou` only the better one may."""
    order, chosen = list(np.argsort(-scores)), []
    while order:
        best = order.pop(0)
        chosen.append(int(best))
        if order:
            rest = np.array(order)
            over = (overlaps(boxes[best], boxes[rest]) > nms_iou) & (classes[rest] == classes[best])
            order = list(rest[~over])
    return chosen


@dataclass(frozen=True, slots=True)
class Score:
    """What was measured over the frames of some scenes. `recall` and `precision` at `at_score`; `count_mae` people a frame."""

    ap50: dict[str, float]
    recall: float
    precision: float
    count_mae: float
    busy_count_error_ratio: float
    inference_ms: float
    frames: int


def score(
    session: Session, scenes: Iterable[ColourScene], times_s: Iterable[float], at_score: float = 0.5
) -> Score:
    """Over every scene at every one of some seconds. `busy` frames hold 10 people or more."""
    marks: dict[str, list[tuple[float, bool]]] = {label: [] for label in LABELS}
    truths_of = dict.fromkeys(LABELS, 0)
    errors, ratios, frames = [], [], 0
    times = list(times_s)
    session.spent_s.clear()
    for scene in scenes:
        for at in times:
            found, truth = session.detect(scene.render(at)), scene.truth(at)
            frames += 1
            for label, box_score, hit in _marked(found, truth):
                marks[label].append((box_score, hit))
            for label, _ in truth:
                truths_of[label] += 1
            people = sum(label == "person" for label, _ in truth)
            counted = sum(label == "person" and value >= at_score for label, value, _ in found)
            errors.append(abs(counted - people))
            if people >= 10:
                ratios.append(abs(counted - people) / people)
    kept = [(value, hit) for label in LABELS for value, hit in marks[label] if value >= at_score]
    hits = sum(hit for _, hit in kept)
    return Score(
        ap50={
            label: round(average_precision(marks[label], truths_of[label]), 4)
            for label in LABELS
            if truths_of[label]
        },
        recall=hits / max(sum(truths_of.values()), 1),
        precision=hits / max(len(kept), 1),
        count_mae=float(np.mean(errors)),
        busy_count_error_ratio=float(np.mean(ratios)) if ratios else 0.0,
        inference_ms=float(np.median(session.spent_s)) * 1000,
        frames=frames,
    )


def _marked(
    found: Found, truth: list[tuple[str, tuple[float, float, float, float]]]
) -> list[tuple[str, float, bool]]:
    """Each detection with whether it is the first on its object, best score first."""
    open_truth = [(label, np.asarray(box)) for label, box in truth]
    marked = []
    for label, value, box in found:
        same = [i for i, (other, _) in enumerate(open_truth) if other == label]
        values = overlaps(box, np.stack([open_truth[i][1] for i in same])) if same else np.zeros(0)
        hit = bool(len(values)) and float(values.max()) >= 0.5
        if hit:
            open_truth.pop(same[int(values.argmax())])
        marked.append((label, value, hit))
    return marked


def average_precision(marks: list[tuple[float, bool]], truths: int) -> float:
    """Area under the precision-recall curve, precision made monotone (all points, as VOC 2010 and later)."""
    if not marks or not truths:
        return 0.0
    hits = np.array([hit for _, hit in sorted(marks, key=lambda mark: -mark[0])], dtype=float)
    recall, precision = hits.cumsum() / truths, hits.cumsum() / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))
