"""A watcher that says once a second, for each zone of a camera, how much something in it behaves like a flame. No model.

What it says is a number for a zone (`FlameCue`); no pixel and no place inside the zone leaves this module.

Needs   colour, and 15 frames a second or more (it asks for 25, and is fully sensitive from 20 on); of slower cameras it says
        nothing, and that once in the log. Night pictures without colour have no flames either.
Ignored polygons in which flames belong there: chimneys, burners, lamps, a screen.
Bounds  see `flame_memory`; one mask for each zone, made anew when the picture changes its size.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np

from gatehouse_edge.inference.flame_memory import Bools, FlameMemory, Region
from gatehouse_edge.rules.observations import FlameCue
from gatehouse_edge.values import Frame, FrameKind

LEAST_FPS: Final = 15.0
WANTED_FPS: Final = 25.0
_SLACK_FPS: Final = 0.6
"""A frame more or less in two seconds."""

Polygon = Sequence[tuple[float, float]]
log = logging.getLogger(__name__)


class FlameWatcher:
    """The zones of one camera that are watched for flames; `zones` and `ignored` are polygons in fractions of the frame."""

    least_fps: float = WANTED_FPS

    def __init__(
        self, device: str, zones: Mapping[str, Polygon], ignored: Sequence[Polygon] = ()
    ) -> None:
        self._device, self._zones, self._ignored = device, dict(zones), tuple(ignored)
        self._memory = FlameMemory()
        self._shape: tuple[int, int] = (0, 0)
        self._masks: dict[str, Bools] = {}
        self._allowed: Bools | None = None
        self._told_slow = False

    def watch(self, frame: Frame) -> tuple[FlameCue, ...]:
        """A cue of every zone once a second, else nothing."""
        if frame.kind is not FrameKind.COLOUR:
            return ()
        due = self._memory.take(frame.pixels.astype(np.uint8, copy=False), frame.at)
        if not due or not self._fast_enough():
            return ()
        if self._memory.shape != self._shape:
            self._lay_out(self._memory.shape)
        regions = self._memory.regions(self._allowed)
        return tuple(self._cue(zone, mask, regions, frame) for zone, mask in self._masks.items())

    def _fast_enough(self) -> bool:
        rate_fps = self._memory.rate_fps
        if rate_fps >= LEAST_FPS - _SLACK_FPS:
            self._told_slow = False
            return True
        if not self._told_slow:
            self._told_slow = True
            log.warning(
                "camera %s gives %.0f frames a second; flames are seen by their flicker from %.0f on",
                self._device,
                rate_fps,
                LEAST_FPS,
            )
        return False

    def _cue(self, zone: str, mask: Bools, regions: tuple[Region, ...], frame: Frame) -> FlameCue:
        touching = [r for r in regions if bool((r.mask & mask).any())]
        best = max(touching, key=lambda r: r.cues.score, default=None)
        if best is None:
            return FlameCue(self._device, zone, frame.at, frame.time)
        share = np.count_nonzero(best.mask & mask) / np.count_nonzero(mask)
        return FlameCue(
            device=self._device,
            zone=zone,
            at=frame.at,
            time=frame.time,
            score=round(best.cues.score, 3),
            area_ratio=round(float(share), 5),
            flicker_hz=round(best.cues.flicker_hz, 2),
        )

    def _lay_out(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        laid = {zone: _mask([polygon], shape) for zone, polygon in self._zones.items()}
        self._masks = {zone: mask for zone, mask in laid.items() if mask.any()}
        self._allowed = ~_mask(self._ignored, shape) if self._ignored else None


def _mask(polygons: Sequence[Polygon], shape: tuple[int, int]) -> Bools:
    height, width = shape
    mask = np.zeros(shape, np.uint8)
    for polygon in polygons:
        corners = np.array([(x * width, y * height) for x, y in polygon]).round().astype(np.int32)
        cv2.fillPoly(mask, [corners], 1)
    return mask.astype(np.bool_)
