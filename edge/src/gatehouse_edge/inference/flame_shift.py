"""Whether a patch changes because something in it moves: a thing that moves takes its picture with it, a flame does not.

Pairs of pictures 0.08 s apart are laid over each other, in place and shifted by up to REACH_PX each way. What is left over at the
best shift, as a share of what is left over in place, is small for cloth, paint and skin, and near 1 for fire.
Measure OURS: jackets, however they sway, 0.03-0.15; flames drawn as noise that streams upward 0.22-0.91; filmed ones 0.99-1.00.
Bounds  PAIRS pairs, a crop of at most CROP_PX square around the patch's centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

PAIRS: Final = 9
APART_S: Final = 0.08
REACH_PX: Final = 4
CROP_PX: Final = 48
CROP_LEAST_PX: Final = 4

Gray = NDArray[np.uint8]
Timed = tuple[float, Gray]


def left_over(pictures: Sequence[Timed], mask: NDArray[np.bool_]) -> float:
    """Median over the pairs of the share that no shift explains, 0 to 1; `mask` says which pixels are looked at."""
    crop = _crop(mask)
    inside = mask[crop].astype(np.uint8)
    if min(inside.shape) < CROP_LEAST_PX or not inside.any():
        return 1.0
    period_s = (pictures[-1][0] - pictures[0][0]) / (len(pictures) - 1)
    apart = max(1, round(APART_S / period_s))
    last = len(pictures) - 1 - apart
    firsts = [last * n // (PAIRS - 1) for n in range(PAIRS)]
    shares = [_share(pictures[n][1], pictures[n + apart][1], crop, inside) for n in firsts]
    return float(np.median(shares))


def _crop(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Around the centre of the patch, far enough from the picture's edges to be shifted."""
    rows, columns = np.nonzero(mask)
    return _span(rows, mask.shape[0]), _span(columns, mask.shape[1])


def _span(places: NDArray[np.int64], side: int) -> slice:
    middle, half = int(np.median(places)), CROP_PX // 2
    first = max(REACH_PX, int(places.min()), middle - half)
    last = min(side - REACH_PX, int(places.max()) + 1, middle + half)
    return slice(first, max(first, last))


def _share(before: Gray, after: Gray, crop: tuple[slice, slice], inside: Gray) -> float:
    rows, columns = crop
    wider = after[
        rows.start - REACH_PX : rows.stop + REACH_PX,
        columns.start - REACH_PX : columns.stop + REACH_PX,
    ]
    squares = cv2.matchTemplate(wider, before[crop], cv2.TM_SQDIFF, mask=inside)
    in_place = float(squares[REACH_PX, REACH_PX])
    return max(0.0, float(squares.min())) / in_place if in_place > 0 else 1.0
