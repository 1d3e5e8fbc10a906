"""Overlaps of many boxes with many boxes. Pure numpy; boxes are `(n, 4)` xyxy in pixels."""

from __future__ import annotations

import numpy as np

from gatehouse_edge.tracking.table import Floats


def overlaps(a: Floats, b: Floats, widen: float = 0.0) -> Floats:
    """IoU `(n, m)` of boxes `a` `(n, 4)` with boxes `b` `(m, 4)`, each grown by `widen` of its size on every
    side first.
    """
    if widen > 0.0:
        a, b = grow(a, widen), grow(b, widen)
    across = np.minimum(a[:, None, 2], b[:, 2]) - np.maximum(a[:, None, 0], b[:, 0])
    down = np.minimum(a[:, None, 3], b[:, 3]) - np.maximum(a[:, None, 1], b[:, 1])
    shared = np.maximum(across, 0.0) * np.maximum(down, 0.0)
    area_a = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    return np.asarray(shared / np.maximum(area_a[:, None] + area_b - shared, 1e-9))


def height_likeness(a: Floats, b: Floats) -> Floats:
    """The smaller height over the greater `(n, m)`: people who pass one another stand at different depths."""
    tall_a, tall_b = (a[:, 3] - a[:, 1])[:, None], b[:, 3] - b[:, 1]
    return np.asarray(np.minimum(tall_a, tall_b) / np.maximum(np.maximum(tall_a, tall_b), 1e-9))


def grow(boxes: Floats, share: float) -> Floats:
    """Boxes grown by `share` of their width and height on every side."""
    margin = (boxes[:, 2:] - boxes[:, :2]) * share
    return np.concatenate((boxes[:, :2] - margin, boxes[:, 2:] + margin), axis=1)


def centres(boxes: Floats) -> Floats:
    """Middle points `(n, 2)`."""
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2)


def sizes(boxes: Floats) -> Floats:
    """Width and height `(n, 2)`, at least one pixel each."""
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
