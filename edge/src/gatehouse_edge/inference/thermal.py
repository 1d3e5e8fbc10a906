"""Temperatures of zones in a radiometric frame: no model, a percentile for each polygon.

Hot       99th percentile of the zone's pixels, or in zones of more than 900 its ninth hottest: a battery in a large zone is
          found. No pixel counts for hotter than the hottest of its neighbours, so dead pixels are no heat.
Ambient   median of what no zone covers (of everything where the zones cover all but a hundredth), followed with a time
          constant of ten minutes from the first frame on; or what the settings say it is.
Around    the median of the other zones' hot values: the sun warms all of them alike.
Fault     a picture that cannot be true (`thermal_health`) gives no samples but a SourceDown with the reason; while the camera
          itself warms up, ambient and neighbours are not known, and only absolute temperatures count.
Bounds    one mask for each zone of the device, made anew when the picture changes its size.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.inference.thermal_health import Warming, untrue
from gatehouse_edge.values import Frame, FrameKind, SourceDown, ThermalSample

HOT_PERCENTILE: Final = 99.0
LEAST_PX: Final = 9
"""What is worth a reading covers three by three pixels."""
AMBIENT_S: Final = 600.0
REFERENCE_LEAST: Final = 0.01
NEAR_K: Final = 1.0
EVERY_S: Final = 0.5
"""Rules remember one sample a second; more often than this says nothing new."""

Polygon = Sequence[tuple[float, float]]
Mask = NDArray[np.bool_]
Degrees = NDArray[np.float32]
log = logging.getLogger(__name__)


class Thermometer:
    """The zones of one thermal camera; `zones` are polygons in fractions of the frame.

    `ambient_c`: what is around them, where the picture does not show it. `absolute`: whether the zero of the scale is known.
    """

    def __init__(
        self,
        device: str,
        zones: Mapping[str, Polygon],
        *,
        ambient_c: float | None = None,
        absolute: bool = True,
    ) -> None:
        self._device, self._zones, self._absolute = device, dict(zones), absolute
        self._shape: tuple[int, ...] = ()
        self._masks: dict[str, Mask] = {}
        self._reference: Mask | None = None
        self._preset_c = self._ambient_c = ambient_c
        self._looked_at = self._at = float("-inf")
        self._warming = Warming()
        self._said = ""

    def see(self, frame: Frame) -> tuple[ThermalSample | SourceDown, ...]:
        """A sample of every zone, at most every half second. Nothing of a picture that is not radiometric."""
        if frame.kind is not FrameKind.THERMAL or 0 <= frame.at - self._looked_at < EVERY_S:
            return ()
        self._looked_at = frame.at
        pixels = np.asarray(frame.pixels, np.float32)
        fault = untrue(pixels, absolute=self._absolute)
        if fault:
            self._say(fault)
            return (SourceDown(self._device, frame.time, frame.at, fault),)
        if pixels.shape != self._shape:
            self._lay_out(pixels.shape)
        warming = self._warming.step(pixels, frame.at)
        self._say("the whole picture warms up: lens, housing or sun" if warming else "")
        self._follow(pixels, frame.at)
        alive = _without_dead(pixels)
        hot = {zone: _hot(alive[mask]) for zone, mask in self._masks.items()}
        return tuple(self._sample(zone, hot, frame, warming=warming) for zone in self._masks)

    def close(self) -> None:
        """Nothing to end."""

    def _sample(
        self, zone: str, hot: Mapping[str, tuple[float, int]], frame: Frame, *, warming: bool
    ) -> ThermalSample:
        others = [value for name, (value, _) in hot.items() if name != zone]
        hot_c, hot_px = hot[zone]
        return ThermalSample(
            device=self._device,
            zone=zone,
            at=frame.at,
            time=frame.time,
            hot_c=hot_c,
            ambient_c=None if warming else self._ambient_c,
            neighbours_c=float(np.median(others)) if others and not warming else None,
            hot_px=hot_px,
            absolute=self._absolute,
        )

    def _lay_out(self, shape: tuple[int, ...]) -> None:
        """The pixels of each zone, and of none."""
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

    def _follow(self, pixels: Degrees, at: float) -> None:
        passed_s, self._at = at - self._at, at
        if self._preset_c is not None:
            return
        now_c = float(np.median(pixels if self._reference is None else pixels[self._reference]))
        if self._ambient_c is None or passed_s < 0:
            self._ambient_c = now_c
        else:
            self._ambient_c += (now_c - self._ambient_c) * (1 - exp(-passed_s / AMBIENT_S))

    def _say(self, fault: str) -> None:
        """In the log, once when it goes and once when it is back."""
        if fault and fault != self._said:
            log.warning("thermal camera %s: %s", self._device, fault)
        elif self._said and not fault:
            log.info("thermal camera %s is well again", self._device)
        self._said = fault


def _without_dead(pixels: Degrees) -> Degrees:
    """No pixel hotter than the hottest of the eight around it."""
    around = np.ones((3, 3), np.uint8)
    around[1, 1] = 0
    return np.minimum(pixels, np.asarray(cv2.dilate(pixels, around), np.float32))


def _hot(inside: Degrees) -> tuple[float, int]:
    """How hot a zone is, and on how many of its pixels."""
    hot_c = float(np.percentile(inside, HOT_PERCENTILE))
    if inside.size >= LEAST_PX:
        hot_c = max(hot_c, float(np.partition(inside, -LEAST_PX)[-LEAST_PX]))
    return hot_c, int(np.count_nonzero(inside >= hot_c - NEAR_K))
