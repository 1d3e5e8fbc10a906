"""Smoke that seeps from a place and drifts up: grey puffs that grow as they rise, blended over the frame."""

from __future__ import annotations

from dataclasses import dataclass
from math import sin

import cv2
import numpy as np
from numpy.typing import NDArray

_COARSER = 4


@dataclass(frozen=True, slots=True)
class Plume:
    """`x_px`, `y_px` where it comes out; `reach_px` how far it rises; `width_px` of the mouth."""

    x_px: float
    y_px: float
    reach_px: float
    width_px: float
    puffs: int = 16
    life_s: float = 7.0

    def over(self, canvas: NDArray[np.uint8], second: float, density: float) -> NDArray[np.uint8]:
        """The frame with smoke of a density 0-1 over it; the same second gives the same smoke."""
        if density <= 0:
            return canvas
        height, width = canvas.shape[:2]
        veil = np.zeros((height // _COARSER, width // _COARSER), dtype=np.float32)
        for puff in range(self.puffs):
            age = (second / self.life_s + puff * 0.618) % 1.0
            centre = (
                (
                    self.x_px
                    + self.width_px * sin(puff * 2.4) * 0.5
                    + 22 * age * sin(0.7 * second + puff)
                )
                / _COARSER,
                (self.y_px - self.reach_px * age**0.8) / _COARSER,
            )
            radius = (7 + 34 * age) / _COARSER
            layer = np.zeros_like(veil)
            cv2.circle(
                layer,
                (round(centre[0] * 16), round(centre[1] * 16)),
                round(radius * 16),
                1.0,
                -1,
                cv2.LINE_8,
                4,
            )
            veil += layer * (1 - age) * 0.5
        soft = cv2.GaussianBlur(veil, (0, 0), 2.2) * density
        share = np.clip(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), 0, 0.85)[
            ..., None
        ]
        return (canvas * (1 - share) + share * np.array([178, 176, 172], dtype=np.float32)).astype(
            np.uint8
        )
