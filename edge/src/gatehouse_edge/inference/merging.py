"""Boxes of a whole picture and of its tiles become the boxes of one look. Pure numpy.

A tile is there for people who are small in the whole picture, and the layout shows each of them whole in some tile. So
of a tile's boxes are left out those that its inner edges cut, and those taller than anybody it is for: both are somebody
whom another tile or the whole picture shows better. What then overlaps is one object, by the model's own measure; and so is
a box of which most lies in a better one of another look, since sizes differ between scales more than within one.

Bounds: the MOST best boxes are compared, at most 512 are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.inference.boxes import (
    MAX_ROWS,
    SCORE_STEPS,
    STEPS_A_PIXEL,
    Boxes,
    iou_matrix,
    suppress,
)
from gatehouse_edge.inference.tiling import Tile

EDGE_PX: Final = 2.0
"""A box that comes this close to a tile's edge is cut by it."""
TALLER: Final = 1.5
"""A box may be this much taller than the usual people whom a tile is for."""
INSIDE: Final = 0.7
"""Share of a box that lies in a better one of another look, from which on both are one object."""
MOST: Final = 2 * MAX_ROWS
"""The best boxes of all looks together that are compared: a noisy model must not cost more than the square of this."""

Rows = NDArray[np.int16]


def to_boxes(rows: Rows) -> Boxes:
    """Boxes from the wire form."""
    return Boxes(
        np.asarray(rows[:, :4] / np.float32(STEPS_A_PIXEL), np.float32),
        rows[:, 4],
        np.asarray(rows[:, 5] / np.float32(SCORE_STEPS), np.float32),
    )


def merge(
    whole: Boxes,
    parts: Sequence[tuple[Tile, Boxes]],
    frame_wh: tuple[int, int],
    tall_px: float,
    overlap: float,
) -> Boxes:
    """The boxes of one look, in pixels of the picture, best score first.

    `parts`: each tile with its boxes, in pixels of the tile. `tall_px`: the tallest people whom tiles are for. `overlap`: as of
    `suppress`.
    """
    found = [whole, *(_of_tile(tile, boxes, frame_wh, tall_px) for tile, boxes in parts)]
    looks = np.repeat(np.arange(len(found)), [len(boxes.scores) for boxes in found])
    every = Boxes(
        np.concatenate([boxes.xyxy for boxes in found]),
        np.concatenate([boxes.labels for boxes in found]),
        np.concatenate([boxes.scores for boxes in found]),
    )
    return suppress(every.take(_apart(every, looks)), overlap)


def _of_tile(tile: Tile, boxes: Boxes, frame_wh: tuple[int, int], tall_px: float) -> Boxes:
    """Those that the tile may speak of, in pixels of the picture."""
    x1, y1, x2, y2 = boxes.xyxy.T
    left, top, right, bottom = tile.xyxy
    cut = (x1 < EDGE_PX) & (left > 0)
    cut |= (y1 < EDGE_PX) & (top > 0)
    cut |= (x2 > tile.width - EDGE_PX) & (right < frame_wh[0])
    cut |= (y2 > tile.height - EDGE_PX) & (bottom < frame_wh[1])
    kept = boxes.take(np.flatnonzero(~cut & (y2 - y1 <= TALLER * tall_px)))
    offset = np.array((left, top, left, top), np.float32)
    return Boxes(kept.xyxy + offset, kept.labels, kept.scores)


def _apart(boxes: Boxes, looks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rows of boxes that do not lie in a better one of the same label from another look, best first."""
    order = np.lexsort((looks, -boxes.scores))[:MOST]
    sorted_boxes, sorted_looks = boxes.take(order), looks[order]
    shared = inside_matrix(sorted_boxes.xyxy)
    same = shared > INSIDE
    same &= sorted_boxes.labels[:, None] == sorted_boxes.labels
    same &= sorted_looks[:, None] != sorted_looks
    kept = np.ones(len(order), np.bool_)
    for row in range(len(order)):
        if kept[row]:
            kept[row + 1 :] &= ~same[row, row + 1 :]
    return order[kept]


def inside_matrix(xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection of every two boxes `(n, 4)` over the smaller of them: `(n, n)`."""
    area = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
    iou = iou_matrix(xyxy, xyxy)
    shared = iou * (area[:, None] + area) / (1 + iou)
    return np.asarray(shared / np.maximum(np.minimum(area[:, None], area), 1e-6), np.float32)
