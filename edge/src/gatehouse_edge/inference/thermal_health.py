"""Whether a thermal picture can be true, and whether the camera itself is what warms up.

Untrue   numbers that are none, a picture without the noise that every such sensor has (shutter closed, cap on, sensor dead), or
         surroundings outside of what such a camera can live in.
Warming  the coldest hundredth of the picture rises by WARMING_K within WARMING_S: no place warms so fast as a whole, a lens in
         the sun or a camera that was just switched on does. All figures are OURS.
Bounds   one number a second, for WARMING_S.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_SPREAD_K: Final = 0.02
"""Between the hundredth and the ninety-ninth percentile; the best uncooled sensors have a noise of 0.03 K and more."""
LEAST_C: Final = -60.0
MOST_C: Final = 100.0
WARMING_K: Final = 5.0
WARMING_S: Final = 60.0
EVERY_S: Final = 1.0

Degrees = NDArray[np.float32]


def untrue(pixels: Degrees, *, absolute: bool = True) -> str:
    """Why the picture cannot be believed; empty where it can."""
    if not np.isfinite(pixels).all():
        return "the picture holds numbers that are none"
    low, middle, high = (float(c) for c in np.percentile(pixels, (1, 50, 99)))
    if high - low < LEAST_SPREAD_K:
        return "the picture is the same everywhere: shutter, cap or sensor"
    if absolute and not LEAST_C <= middle <= MOST_C:
        return f"its surroundings read {middle:.0f} C"
    return ""


class Warming:
    """The coldest of one camera over a minute."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, float]] = deque(maxlen=round(WARMING_S / EVERY_S) + 1)

    def step(self, pixels: Degrees, at: float) -> bool:
        """Whether the whole picture has been warming up. Media time that went back starts anew."""
        if self._past and at < self._past[-1][0]:
            self._past.clear()
        coldest = float(np.percentile(pixels, 1))
        if not self._past or at - self._past[-1][0] >= EVERY_S - 1e-6:
            self._past.append((at, coldest))
        before = min(c for then, c in self._past if at - then <= WARMING_S)
        return coldest - before >= WARMING_K
