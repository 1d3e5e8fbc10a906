"""A pinhole camera over a flat ground, and its inverse: from metres of the site to pixels and back.

Site metres: x right (east), y up (north), z height. Headings in degrees clockwise from north.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_NEAREST_M = 0.2


@dataclass(frozen=True)
class Camera:
    """Where a camera hangs and how it looks.

    `pitch_deg` is the angle below the horizon; `focal_px` the focal length in pixels of a frame `width` x `height`.
    """

    x_m: float
    y_m: float
    height_m: float
    heading_deg: float
    pitch_deg: float
    focal_px: float
    width: int = 640
    height: int = 360

    @cached_property
    def axes(self) -> Floats:
        """Rows: right, up and forward as unit vectors of the site, `(3, 3)`."""
        heading, pitch = radians(self.heading_deg), radians(self.pitch_deg)
        ahead = np.array([sin(heading), cos(heading), 0.0])
        right = np.array([cos(heading), -sin(heading), 0.0])
        zenith = np.array([0.0, 0.0, 1.0])
        return np.stack(
            [
                right,
                sin(pitch) * ahead + cos(pitch) * zenith,
                cos(pitch) * ahead - sin(pitch) * zenith,
            ]
        )

    @cached_property
    def position(self) -> Floats:
        """The lens, `(3,)` metres."""
        return np.array([self.x_m, self.y_m, self.height_m])

    def see(self, points_m: Floats) -> tuple[Floats, Floats]:
        """Pixels `(n, 2)` and depths `(n,)` in metres of points `(n, 3)`; points behind the lens are held just before it."""
        right, up, depth = self.axes @ (np.atleast_2d(points_m) - self.position).T
        depth = np.maximum(depth, _NEAREST_M)
        scale = self.focal_px / depth
        return np.stack(
            [self.width / 2 + right * scale, self.height / 2 - up * scale], axis=1
        ), depth

    def fraction_of(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Where a point of the ground lies, as fractions of the frame: what `marks` and `lines` of a site file hold."""
        pixels, _ = self.see(np.array([[x_m, y_m, 0.0]]))
        return float(pixels[0, 0]) / self.width, float(pixels[0, 1]) / self.height

    def ground(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """For every pixel the metres x and y of the ground it shows, and whether it shows ground at all, each `(h, w)`."""
        u, v = np.meshgrid(
            np.arange(self.width) + 0.5 - self.width / 2,
            np.arange(self.height) + 0.5 - self.height / 2,
        )
        rays = np.stack([u, -v, np.full_like(u, self.focal_px)], axis=-1) @ self.axes
        falls = rays[..., 2] < -1e-3 * self.focal_px
        reach = np.where(falls, -self.height_m / np.where(falls, rays[..., 2], -1.0), 1e4)
        return self.x_m + rays[..., 0] * reach, self.y_m + rays[..., 1] * reach, falls

    def magnified(self, times: int) -> Camera:
        """The same view with `times` as many pixels each way, to draw finely and shrink."""
        return replace(
            self,
            focal_px=self.focal_px * times,
            width=self.width * times,
            height=self.height * times,
        )
