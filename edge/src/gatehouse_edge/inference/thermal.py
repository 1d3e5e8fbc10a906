"""Temperatures of zones in a radiometric frame: no model, a percentile for each polygon.

Hot       99th percentile of the zone's pixels, not the greatest: sensors have dead pixels.
Ambient   median of what no zone covers (of everything where the zones cover all but a hundredth), followed with a time
          constant of ten minutes from the first frame on.
Around    the median of the other zones' hot values: the sun warms all of them alike.
Bounds    one mask for each zone of the device, made anew when the picture changes its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.values import Frame, FrameKind, ThermalSample

HOT_PERCENTILE: Final = 99.0
AMBIENT_S: Final = 600.0
REFERENCE_LEAST: Final = 0.01
NEAR_K: Final = 1.0
EVERY_S: Final = 0.5
"""Rules remember one sample a second; more often than this says nothing new."""

Polygon = Sequence[tuple[float, float]]
Mask = NDArray[np.bool_]


class Thermometer:
    """The zones of one thermal camera; `zones` are polygons in fractions of the frame."""

    def __init__(self, device: str, zones: Mapping[str, Polygon]) -> None:
        self._device, self._zones = device, dict(zones)
        self._shape: tuple[int, ...] = ()
        self._masks: dict[str, Mask] = {}
        self._reference: Mask | None = None
        self._ambient_c: float | None = None
        self._at = float("-inf")

    def see(self, frame: Frame) -> tuple[ThermalSample, ...]:
        """A sample of every zone, at most every half second. Nothing of a picture that is not radiometric."""
        if frame.kind is not FrameKind.THERMAL or 0 <= frame.at - self._at < EVERY_S:
            return ()
        pixels = np.asarray(frame.pixels, np.float32)
        if pixels.shape != self._shape:
            self._lay_out(pixels.shape)
        self._follow(pixels, frame.at)
        hot = {
            zone: float(np.percentile(pixels[mask], HOT_PERCENTILE))
            for zone, mask in self._masks.items()
        }
        return tuple(self._sample(zone, hot, pixels, frame) for zone in self._masks)

    def close(self) -> None:
        """Nothing to end."""

    def _sample(
        self, zone: str, hot: Mapping[str, float], pixels: NDArray[np.float32], frame: Frame
    ) -> ThermalSample:
        others = [value for name, value in hot.items() if name != zone]
        near = pixels[self._masks[zone]] >= hot[zone] - NEAR_K
        return ThermalSample(
            device=self._device,
            zone=zone,
            at=frame.at,
            time=frame.time,
            hot_c=hot[zone],
            ambient_c=self._ambient_c,
            neighbours_c=float(np.median(others)) if others else None,
            hot_px=int(np.count_nonzero(near)),
        )

    def _lay_out(self, shape: tuple[int, ...]) -> None:
        height, width = shape[:2]
        self._shape, self._masks = shape, {}
        covered = np.zeros((height, width), np.uint8)
        for zone, polygon in self._zones.items():
            mask = np.zeros((height, width), np.uint8)
            corners = (
                np.array([(x * width, y * height) for x, y in polygon]).round().astype(np.int32)
            )
            cv2.fillPoly(mask, [corners], 1)
            if mask.any():
                self._masks[zone] = mask.astype(np.bool_)
                covered |= mask
        reference = covered == 0
        enough = np.count_nonzero(reference) >= REFERENCE_LEAST * covered.size
        self._reference = reference if enough else None

    def _follow(self, pixels: NDArray[np.float32], at: float) -> None:
        now_c = float(np.median(pixels if self._reference is None else pixels[self._reference]))
        passed_s = at - self._at
        if self._ambient_c is None or passed_s < 0:
            self._ambient_c = now_c
        else:
            self._ambient_c += (now_c - self._ambient_c) * (1 - exp(-passed_s / AMBIENT_S))
        self._at = at
