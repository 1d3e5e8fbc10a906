"""What the place itself is painted with: paving, asphalt, grass, deck, and solid blocks for walls and furniture.

A `Painter` works on a canvas some times finer than the frame, which is shrunk at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from drawing.camera import Camera, Floats
from drawing.chance import Chance, scatter
from drawing.light import Lighting
from drawing.shapes import Colour

_FINER = 2
_COARSER = 4


class Painter:
    """Paints the background of one view, then lights it. Later paint covers earlier."""

    def __init__(self, camera: Camera, lighting: Lighting, seed: int) -> None:
        self.camera = camera.magnified(_FINER)
        self._lighting = lighting
        self.x_m, self.y_m, self._falls = self.camera.ground()
        chance = Chance(seed)
        self._grain = cv2.GaussianBlur(
            chance.shares(256, 256), (0, 0), 1.2, borderType=cv2.BORDER_REFLECT
        )
        self._grain = (self._grain - self._grain.mean()) / self._grain.std()
        self.paint = np.zeros((self.camera.height, self.camera.width, 3))
        self._glow = np.zeros((self.camera.height // _COARSER, self.camera.width // _COARSER, 3))
        self._mottles: dict[float, Floats] = {}
        self._factors = lighting.over(self.x_m, self.y_m)

    def mottle(self, scale_m: float) -> Floats:
        """Patches about `scale_m` across on the ground, mean 0 and deviation 1, `(h, w)`."""
        if scale_m in self._mottles:
            return self._mottles[scale_m]
        cells = 8.0 / scale_m
        at_x = np.mod(self.x_m * cells, 256).astype(np.float32)
        at_y = np.mod(self.y_m * cells, 256).astype(np.float32)
        patches = cv2.remap(self._grain, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        self._mottles[scale_m] = np.asarray(patches, dtype=np.float64)
        return self._mottles[scale_m]

    def within(self, polygon_m: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
        """Which pixels show ground inside a polygon of the site, `(h, w)`."""
        inside = np.zeros(self.x_m.shape, dtype=bool)
        for (ax, ay), (bx, by) in zip(polygon_m, (*polygon_m[1:], polygon_m[0]), strict=True):
            crosses = (ay > self.y_m) != (by > self.y_m)
            rise = by - ay if by != ay else 1e-9
            inside ^= crosses & (self.x_m < (bx - ax) * (self.y_m - ay) / rise + ax)
        return inside & self._falls

    def sky(self, top: Colour, horizon: Colour) -> None:
        """Everything that is not ground."""
        fade = np.linspace(0, 1, self.camera.height)[:, None, None] ** 0.7
        shade = (1 - fade) * np.asarray(top) + fade * np.asarray(horizon)
        self.paint = np.where(self._falls[..., None], self.paint, shade)
        self._factors[~self._falls] = 1.0

    def paving(
        self,
        area: NDArray[np.bool_],
        colour: Colour,
        stone_m: tuple[float, float],
        joint_m: float = 0.018,
    ) -> None:
        """Stones laid in courses, each of its own tone, with dark joints."""
        x_m, y_m = self.x_m[area], self.y_m[area]
        row = np.floor(y_m / stone_m[1])
        shifted = x_m / stone_m[0] + 0.5 * np.mod(row, 2)
        column = np.floor(shifted)
        tone = 0.9 + 0.2 * scatter(column.astype(np.int64), row.astype(np.int64))
        edge_x = np.minimum(shifted - column, 1 - shifted + column) * stone_m[0]
        edge_y = (y_m / stone_m[1] - row) * stone_m[1]
        joint = np.minimum(edge_x, np.minimum(edge_y, stone_m[1] - edge_y)) < joint_m
        patchy = tone + 0.03 * self.mottle(0.4)[area] + 0.03 * self.mottle(3.0)[area]
        self._put(area, patchy * np.where(joint, 0.72, 1.0), colour)

    def rough(
        self, area: NDArray[np.bool_], colour: Colour, coarse: float = 0.07, fine: float = 0.05
    ) -> None:
        """Asphalt, grass, sand: two sizes of patches."""
        self._put(
            area, 1 + coarse * self.mottle(1.7)[area] + fine * self.mottle(0.18)[area], colour
        )

    def marking(self, area: NDArray[np.bool_], colour: Colour, wear: float = 0.25) -> None:
        """Paint on the ground, worn in places."""
        share = np.clip(0.85 - wear * np.maximum(self.mottle(0.35)[area], 0.0), 0.2, 1.0)[:, None]
        self.paint[area] = share * np.asarray(colour) + (1 - share) * self.paint[area]

    def block(
        self, corners_m: Sequence[tuple[float, float]], low_m: float, high_m: float, colour: Colour
    ) -> None:
        """A solid with a convex ground plan (counter-clockwise), its faces shaded by where they look."""
        plan = np.asarray(corners_m, dtype=float)
        eye = np.array([self.camera.x_m, self.camera.y_m])
        light = self._lighting.at(float(plan[:, 0].mean()), float(plan[:, 1].mean()))
        order = sorted(range(len(plan)), key=lambda i: -float(np.hypot(*(plan[i] - eye))))
        for start in order:
            a, b = plan[start], plan[(start + 1) % len(plan)]
            outward = np.array([b[1] - a[1], a[0] - b[0]])
            if float(outward @ (eye - a)) <= 0:
                continue
            shade = 0.62 + 0.16 * float(outward[0] - 0.6 * outward[1]) / max(
                float(np.hypot(*outward)), 1e-6
            )
            self.face([(*a, low_m), (*b, low_m), (*b, high_m), (*a, high_m)], colour, shade, light)
        if self.camera.height_m > high_m:
            self.face([(*corner, high_m) for corner in plan], colour, 1.0, light)

    def face(
        self,
        corners_m: Sequence[tuple[float, ...]],
        colour: Colour,
        shade: float = 1.0,
        light: Floats | None = None,
    ) -> None:
        """A flat face through points of the site (x, y, height); `light` None takes the light at its middle."""
        corners = np.asarray(corners_m, dtype=float)
        area = self._mask(corners)
        factor = self._lighting.at(*corners[:, :2].mean(axis=0)) if light is None else light
        self._put(area, shade * (1 + 0.025 * self.mottle(0.9)[area]), colour)
        self._factors[area] = factor

    def shine(
        self,
        corners_m: Sequence[tuple[float, ...]],
        colour: Colour,
        halo: float = 0.35,
        spread_px: float = 14,
    ) -> None:
        """A face that gives light: a window, a sign, a lamp head, with a halo round it."""
        area = self._mask(np.asarray(corners_m, dtype=float))
        self.paint[area] = colour
        self._factors[area] = 1.0
        coarse = cv2.resize(
            area.astype(np.float32), self._glow.shape[1::-1], interpolation=cv2.INTER_AREA
        )
        halo_there = cv2.GaussianBlur(coarse, (0, 0), spread_px / _COARSER)
        self._glow += halo * halo_there[..., None] * np.asarray(colour, dtype=float)

    def finished(self) -> NDArray[np.uint8]:
        """The lit background at the size of the frame, `(h, w, 3)` uint8."""
        glow = cv2.resize(
            self._glow, (self.camera.width, self.camera.height), interpolation=cv2.INTER_LINEAR
        )
        lit = self.paint * self._factors + glow
        lit = 255 * (1 - np.exp(-np.maximum(lit, 0) / 190))
        size = (self.camera.width // _FINER, self.camera.height // _FINER)
        return np.clip(cv2.resize(lit, size, interpolation=cv2.INTER_AREA), 0, 255).astype(np.uint8)

    def _mask(self, corners_m: Floats) -> NDArray[np.bool_]:
        pixels, _ = self.camera.see(corners_m)
        mask = np.zeros(self.x_m.shape, dtype=np.uint8)
        cv2.fillPoly(mask, [np.rint(np.clip(pixels, -8000, 8000)).astype(np.int32)], 1)
        return mask.astype(bool)

    def _put(self, area: NDArray[np.bool_], shade: Floats, colour: Colour) -> None:
        self.paint[area] = shade[:, None] * np.asarray(colour)
