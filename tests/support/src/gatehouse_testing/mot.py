"""Tracks against truth: MOT-challenge rows, read, written and scored with motmetrics.

A row is `frame,id,x,y,w,h,score,…`, frames from 1, the box by its top left corner. The seventh number of a
truth row is 0 for people whom the challenge leaves out (half hidden, say). They are people all the same: we
count them as the rest, and leave them out only on request, when whoever finds them is charged with false boxes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Score:
    """How well tracks agree with the truth. `mota` and `idf1` in percent; `count_mae` in people per frame."""

    mota: float
    idf1: float
    count_mae: float
    misses: int
    false_boxes: int
    switches: int
    frames: int


def read_truth(path: Path, scale: float = 1.0, *, flagged: bool = True) -> Floats:
    """Truth rows `(n, 6)`: frame, id, x, y, w, h; lengths times `scale`. `flagged`: with those marked 0."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    kept = rows[(rows[:, 6] != 0) | flagged][:, :6].copy()
    kept[:, 2:] *= scale
    return kept


def read_tracks(path: Path) -> Floats:
    """Tracker rows `(n, 6)`: frame, id, x, y, w, h. An empty file is no rows. Ids are numbered afresh, since
    they are random."""
    return parse_rows(path.read_text(encoding="utf-8").splitlines())


def parse_rows(rows: Iterable[str]) -> Floats:
    """As `read_tracks`, from the rows themselves."""
    lines = [row.split(",") for row in rows if row.strip()]
    if not lines:
        return np.zeros((0, 6))
    numbers: dict[str, int] = {}
    ids = [numbers.setdefault(line[1], len(numbers) + 1) for line in lines]
    return np.array(
        [
            [float(line[0]), tid, *map(float, line[2:6])]
            for line, tid in zip(lines, ids, strict=True)
        ]
    )


def format_row(
    frame: int, track_id: int, xyxy: tuple[float, float, float, float], score: float
) -> str:
    """One MOT-challenge row without its newline."""
    x1, y1, x2, y2 = xyxy
    return f"{frame},{track_id},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{score:.3f},-1,-1,-1"


def score_tracks(truth: Floats, tracks: Floats, frames: Iterable[int]) -> Score:
    """MOTA and IDF1 at IoU 0.5 over `frames`, and the mean absolute error of the number of boxes a frame."""
    motmetrics = _import_motmetrics()
    accumulator = motmetrics.MOTAccumulator(auto_id=False)
    errors: list[int] = []
    for frame in frames:
        real, told = truth[truth[:, 0] == frame], tracks[tracks[:, 0] == frame]
        distance = motmetrics.distances.iou_matrix(
            real[:, 2:6], told[:, 2:6], max_iou=1 - LEAST_IOU
        )
        accumulator.update(real[:, 1].astype(int), told[:, 1].astype(int), distance, frameid=frame)
        errors.append(abs(len(real) - len(told)))
    names = ["mota", "idf1", "num_misses", "num_false_positives", "num_switches"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # motmetrics on a newer pandas
        row = motmetrics.metrics.create().compute(
            accumulator, metrics=names, return_dataframe=False
        )
    return Score(
        mota=100 * float(row["mota"]),
        idf1=100 * float(row["idf1"]),
        count_mae=float(np.mean(errors)) if errors else 0.0,
        misses=int(row["num_misses"]),
        false_boxes=int(row["num_false_positives"]),
        switches=int(row["num_switches"]),
        frames=len(errors),
    )


def crossing_f1(
    truth: Mapping[str, Sequence[tuple[int, int]]],
    told: Mapping[str, Sequence[tuple[int, int]]],
    tolerance_frames: float,
) -> float:
    """F1 of passages over all lines: each of the truth is met by at most one of the same direction within the
    tolerance."""
    hits = sum(_met(truth[name], told.get(name, ()), tolerance_frames) for name in truth)
    real, found = sum(map(len, truth.values())), sum(map(len, told.values()))
    return 2 * hits / (real + found) if real + found else 1.0


def _met(
    truth: Sequence[tuple[int, int]], told: Sequence[tuple[int, int]], tolerance_frames: float
) -> int:
    """How many passages of one line are met: in order of time, each by the earliest one left."""
    left = sorted(told)
    hits = 0
    for frame, direction in sorted(truth):
        for candidate in left:
            if candidate[1] == direction and abs(candidate[0] - frame) <= tolerance_frames:
                left.remove(candidate)
                hits += 1
                break
    return hits


def _import_motmetrics() -> Any:
    """The module motmetrics; 1.4.0 calls `np.asfarray`, which NumPy 2 took away."""
    if not hasattr(np, "asfarray"):
        np.asfarray = lambda a, dtype=np.float64: np.asarray(a, dtype=dtype)  # type: ignore[attr-defined]
    import motmetrics

    return motmetrics
