"""Numbers that look random and are always the same: of a seed, or of whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Chance:
    """A stream of numbers from a seed.

    Only the raw doubles of PCG64 are used, whose stream NumPy keeps between versions; its distributions may change.
    """

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(seed))

    def share(self) -> float:
        """A number in 0-1."""
        return float(self._generator.random())

    def between(self, low: float, high: float) -> float:
        """A number in `low`-`high`."""
        return low + (high - low) * self.share()

    def index(self, count: int) -> int:
        """A whole number from 0 to `count` - 1."""
        return int(self.share() * count)

    def shares(self, *shape: int) -> NDArray[np.float64]:
        """An array of numbers in 0-1."""
        return self._generator.random(shape)

    def bell(self, *shape: int) -> NDArray[np.float64]:
        """An array of about normal numbers, mean 0 and deviation 1 (the sum of twelve uniforms)."""
        return np.asarray(self._generator.random((12, *shape)).sum(axis=0) - 6.0)


def scatter(*cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """A number in 0-1 for every cell of integer coordinates, for the tone of a paving stone (a 64-bit mixer)."""
    mixed = np.full(cells[0].shape, 0x9E3779B97F4A7C15, dtype=np.uint64)
    for cell in cells:
        mixed = (mixed ^ cell.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(40)).astype(np.float64) / float(1 << 24)
