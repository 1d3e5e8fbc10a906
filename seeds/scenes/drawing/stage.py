"""A view with things in it: background, shadows, sprites from far to near, and what the sensor adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from drawing.camera import Camera
from drawing.chance import Chance
from drawing.ground import Painter
from drawing.light import Lighting
from drawing.shapes import Sprite, Truth, clipped

_TILES = 7
_LEAST_VISIBLE = 0.3
_LEAST_PX = 6.0
_SHADOW = 0.42


class Thing(Protocol):
    """A person, a bicycle or a car at one instant."""

    def sprite(self, camera: Camera, lighting: Lighting) -> Sprite:
        """What the camera sees of it."""
        ...


@dataclass(frozen=True)
class Stage:
    """One view of one place. `paint` paints the background; it is run once."""

    camera: Camera
    lighting: Lighting
    paint: Callable[[Painter], None]
    seed: int = 0
    grain: float = 2.4

    @cached_property
    def background(self) -> NDArray[np.uint8]:
        """The empty place, `(h, w, 3)` uint8 BGR."""
        painter = Painter(self.camera, self.lighting, self.seed)
        self.paint(painter)
        return painter.finished()

    @cached_property
    def _tiles(self) -> NDArray[np.int16]:
        """Sensor grain, a few whole frames of it, `(n, h, w)`: brightness only, as after a camera's chroma filter."""
        noise = Chance(self.seed + 77).bell(_TILES, self.camera.height, self.camera.width)
        return np.rint(noise * self.grain).astype(np.int16)

    def sprites(self, things: Iterable[Thing]) -> list[Sprite]:
        """Everything drawn, from far to near."""
        drawn = [thing.sprite(self.camera, self.lighting) for thing in things]
        return sorted(drawn, key=lambda sprite: -sprite.depth_m)

    def compose(self, sprites: Sequence[Sprite], tick: int) -> NDArray[np.uint8]:
        """The frame before any haze, `(h, w, 3)` uint8 BGR; `tick` chooses the grain."""
        canvas = self._shaded(sprites)
        for sprite in sprites:
            for shape in sprite.shapes:
                shape.draw(canvas)
        return self.grained(canvas, tick)

    def grained(self, canvas: NDArray[np.uint8], tick: int) -> NDArray[np.uint8]:
        """A frame with the grain of its tick."""
        tile = self._tiles[(tick * 5 + tick // 3) % _TILES]
        if tick % 2:
            tile = tile[:, ::-1]
        return np.asarray(np.clip(canvas + tile[..., None], 0, 255), dtype=np.uint8)

    def _shaded(self, sprites: Sequence[Sprite]) -> NDArray[np.uint8]:
        mask = np.zeros(self.background.shape[:2], dtype=np.uint8)
        for sprite in sprites:
            cv2.fillConvexPoly(
                mask, np.rint(np.clip(sprite.shadow, -4000, 4000)).astype(np.int32), 255
            )
        soft = cv2.GaussianBlur(mask, (0, 0), 2.0).astype(np.float32)
        keep = cv2.merge([1 - _SHADOW * soft / 255] * 3)
        return np.asarray(cv2.multiply(self.background, keep, dtype=cv2.CV_8U), dtype=np.uint8)

    def truths(self, sprites: Sequence[Sprite]) -> list[Truth]:
        """Labels and boxes in pixels, cut to the frame; what is less than three tenths inside it is left out."""
        found: list[Truth] = []
        for sprite in sprites:
            for label, box in sprite.truths:
                cut, share = clipped(box, self.camera.width, self.camera.height)
                if share >= _LEAST_VISIBLE and cut[3] - cut[1] >= _LEAST_PX:
                    found.append((label, cut))
        return found
