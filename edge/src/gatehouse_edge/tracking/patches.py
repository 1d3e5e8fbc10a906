"""Parts of a picture that are not looked at closely in every look: nobody there is lost because nobody looked.

Pure numpy; a few patches a camera.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.tracking.geometry import centres
from gatehouse_edge.tracking.table import BOX, LAST_AT, Floats, Patch, Table


def looked_before(table: Table, before: float, patches: Sequence[Patch]) -> Floats:
    """When each track could last have been found before this look `(n,)`: `before`, earlier where only a close look finds it."""
    since = np.full(len(table), before)
    for patch in patches:
        since[_inside(table, patch)] = min(before, patch.before)
    return since


def held(table: Table, patches: Sequence[Patch]) -> NDArray[np.bool_]:
    """Tracks `(n,)` that were found at the last close look, in a patch that is not looked at closely now."""
    found = np.zeros(len(table), np.bool_)
    for patch in patches:
        if not patch.looked:
            found |= _inside(table, patch) & (table[LAST_AT] >= patch.before)
    return found


def _inside(table: Table, patch: Patch) -> NDArray[np.bool_]:
    """Whether the middle of a track's last box lies in the patch."""
    x1, y1, x2, y2 = patch.xyxy
    x, y = centres(table[BOX])
    return np.asarray((x1 <= x) & (x <= x2) & (y1 <= y) & (y <= y2))
