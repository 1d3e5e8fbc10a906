"""Overlaps of many boxes with many boxes. Pure numpy; boxes are `(4, n)`: x1, y1, x2, y2 in pixels, a row each."""

from __future__ import annotations

import numpy as np

from gatehouse_edge.tracking.table import Floats

_LEAST = 1e-9
"""Keeps what has no area from being divided by."""


def overlaps(a: Floats, b: Floats, widen: float = 0.0) -> Floats:
    """IoU `(n, m)` of boxes `a` `(4, n)` with boxes `b` `(4, m)`, each grown by `widen` of its size on every
    side first.
    """
    if widen > 0.0:
        a, b = grow(a, widen), grow(b, widen)
    both = _shared(a[0], a[2], b[0], b[2])
    both *= _shared(a[1], a[3], b[1], b[3])
    spans_a, spans_b = a[2:] - a[:2], b[2:] - b[:2]
    either = (spans_a[0] * spans_a[1] + _LEAST)[:, None] + spans_b[0] * spans_b[1]
    either -= both
    both /= either
    return both


def _shared(first_a: Floats, last_a: Floats, first_b: Floats, last_b: Floats) -> Floats:
    """Length `(n, m)` that spans of one axis share."""
    last = np.minimum(last_a[:, None], last_b)
    first = np.maximum(first_a[:, None], first_b)
    np.maximum(last, first, out=last)  # four times as fast as with a zero afterwards
    last -= first
    return last


def height_likeness(tall_a: Floats, tall_b: Floats) -> Floats:
    """The smaller height over the greater, of arrays that go together: people who pass one another stand at different depths."""
    return np.asarray(np.minimum(tall_a, tall_b) / np.maximum(np.maximum(tall_a, tall_b), _LEAST))


def grow(boxes: Floats, share: float) -> Floats:
    """Boxes grown by `share` of their width and height on every side."""
    margin = (boxes[2:] - boxes[:2]) * share
    return np.concatenate((boxes[:2] - margin, boxes[2:] + margin))


def centres(boxes: Floats) -> Floats:
    """Middle points `(2, n)`."""
    return np.asarray((boxes[:2] + boxes[2:]) / 2)


def sizes(boxes: Floats) -> Floats:
    """Width and height `(2, n)`, at least one pixel each."""
    return np.maximum(boxes[2:] - boxes[:2], 1.0)


def heights(boxes: Floats) -> Floats:
    """`(n,)`."""
    return np.asarray(boxes[3] - boxes[1])
