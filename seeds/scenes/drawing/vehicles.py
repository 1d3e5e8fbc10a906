"""Bicycles with and without a rider, and cars as solid bodies."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from drawing.camera import Camera, Floats
from drawing.figures import Look, Person, body, shadow
from drawing.light import Lighting
from drawing.shapes import Colour, Fill, Shape, Sprite, Stroke, box_of, lit

_WHEEL_M = 0.34
_TURNS = np.linspace(0, 2 * pi, 17)
_GLASS: Colour = (75, 62, 52)
CAR_COLOURS: tuple[Colour, ...] = (
    (190, 190, 190), (60, 55, 150), (130, 90, 50), (45, 45, 48), (225, 225, 220), (110, 120, 105), (60, 110, 160),
)  # fmt: skip


def _turned(points_m: Floats, x_m: float, y_m: float, heading_rad: float) -> Floats:
    """Points of a thing (right, ahead, up) as points of the site, `(n, 3)`."""
    right = np.array([cos(heading_rad), -sin(heading_rad), 0.0])
    ahead = np.array([sin(heading_rad), cos(heading_rad), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    return np.asarray(np.array([x_m, y_m, 0.0]) + points_m @ np.stack([right, ahead, up]))


@dataclass(frozen=True, slots=True)
class Bicycle:
    """A bicycle at one instant, ridden when it has a `rider`."""

    colour: Colour
    x_m: float
    y_m: float
    heading_rad: float
    rider: Look | None = None
    ridden_m: float = 0.0

    def sprite(self, camera: Camera, lighting: Lighting) -> Sprite:
        """What the camera sees of it; a ridden one is a bicycle and a person."""
        light = lighting.at(self.x_m, self.y_m)
        shapes, depth = self._machine(camera, light)
        truths = [("bicycle", box_of(shapes))]
        thing = Person(self.rider or _NOBODY, self.x_m, self.y_m, self.heading_rad)
        if self.rider is not None:
            turn = 2 * pi * self.ridden_m / 4.5
            rider = Person(
                self.rider, self.x_m, self.y_m, self.heading_rad, riding=True, pedal_rad=turn
            )
            person, _ = body(rider, camera, light)
            shapes = (*shapes, *person)
            truths.append(("person", box_of(person)))
        return Sprite(
            shapes,
            tuple(truths),
            depth,
            shadow(thing, camera, lighting, 1.5 if self.rider else 0.8),
        )

    def _machine(self, camera: Camera, light: Floats) -> tuple[tuple[Shape, ...], float]:
        rim = np.stack(
            [
                np.zeros_like(_TURNS),
                _WHEEL_M * np.cos(_TURNS),
                _WHEEL_M + _WHEEL_M * np.sin(_TURNS),
            ],
            axis=1,
        )
        frame = np.array([
            [0, -0.52, 0.34], [0, 0.0, 0.32], [0, -0.14, 0.85], [0, 0.4, 0.88], [0, 0.52, 0.34],
            [-0.25, 0.36, 1.02], [0.25, 0.36, 1.02], [0, -0.26, 0.92], [0, -0.04, 0.92],
        ])  # fmt: skip
        axle = np.array([0.0, 0.52, 0.0])
        points = np.vstack([rim - axle, rim + axle, frame])
        pixels, depths = camera.see(_turned(points, self.x_m, self.y_m, self.heading_rad))
        depth = float(depths.mean())
        px, count = camera.focal_px / depth, len(_TURNS)
        back, fore, bars = pixels[:count], pixels[count : 2 * count], pixels[2 * count :]
        tyre, paint = lit((38, 38, 40), light), lit(self.colour, light)
        return (
            Stroke(back, tyre, 0.055 * px),
            Stroke(fore, tyre, 0.055 * px),
            Stroke(bars[[0, 1, 2, 0]], paint, 0.05 * px),
            Stroke(bars[[1, 3, 2]], paint, 0.05 * px),
            Stroke(bars[[3, 4]], paint, 0.05 * px),
            Stroke(bars[[5, 6]], lit((70, 70, 75), light), 0.05 * px),
            Stroke(bars[[7, 8]], lit((40, 40, 45), light), 0.09 * px),
        ), depth


_NOBODY = Look(1.6, 1.0, (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), False)

# A car's outline from the side: (ahead, up) in metres, clockwise from the rear bumper; the roof part is glass but for the top.
_SIDE = np.array([
    [-2.2, 0.3], [-2.25, 0.75], [-2.1, 0.98], [-1.55, 1.05], [-1.0, 1.45], [0.35, 1.47], [1.0, 1.02], [2.05, 0.86],
    [2.25, 0.6], [2.2, 0.3],
])  # fmt: skip
_GLASS_SPANS = frozenset({3, 5})
_HALF_M = 0.88
_HALF_ROOF_M = 0.68


@dataclass(frozen=True, slots=True)
class Car:
    """A car at one instant, 4.5 m by 1.76 m. `braking` lights its tail."""

    colour: Colour
    x_m: float
    y_m: float
    heading_rad: float
    braking: bool = False
    headlights: bool = False

    def sprite(self, camera: Camera, lighting: Lighting) -> Sprite:
        """What the camera sees of it."""
        light = lighting.at(self.x_m, self.y_m)
        half = np.where(_SIDE[:, 1] > 1.2, _HALF_ROOF_M, _HALF_M)
        left = np.column_stack([-half, _SIDE])
        right = np.column_stack([half, _SIDE])
        sides = np.vstack([left, right])
        pixels, depths = camera.see(_turned(sides, self.x_m, self.y_m, self.heading_rad))
        count, depth = len(_SIDE), float(depths.mean())
        eye = self._eye(camera)
        shapes: list[Shape] = [*self._wheels(camera, light)]
        shapes += self._skin(pixels[:count], pixels[count:], light, eye)
        shapes += self._flank(pixels[:count] if eye[0] < 0 else pixels[count:], light, eye)
        shapes += self._lights(camera, light, eye, depth)
        return Sprite(tuple(shapes), (("car", box_of(shapes)),), depth, self._shadow(camera))

    def _eye(self, camera: Camera) -> Floats:
        """The camera in the car's own axes: right, ahead, up."""
        gap = camera.position - np.array([self.x_m, self.y_m, 0.0])
        turn_cos, turn_sin = cos(self.heading_rad), sin(self.heading_rad)
        return np.array(
            [gap[0] * turn_cos - gap[1] * turn_sin, gap[0] * turn_sin + gap[1] * turn_cos, gap[2]]
        )

    def _skin(self, left: Floats, right: Floats, light: Floats, eye: Floats) -> list[Shape]:
        """The strips between the two sides, from those that face away to those that face us."""
        strips: list[Shape] = []
        for span in range(len(_SIDE) - 1):
            (a, az), (b, bz) = _SIDE[span], _SIDE[span + 1]
            normal = np.array([-(bz - az), b - a])
            if float(normal @ (eye[1:] - _SIDE[span])) <= 0:
                continue
            quad = np.stack([left[span], left[span + 1], right[span + 1], right[span]])
            slope = float(normal[1] / np.hypot(*normal))
            paint = _GLASS if span in _GLASS_SPANS else self.colour
            strips.append(Fill(quad, lit(paint, light, 0.62 + 0.5 * max(slope, 0.0))))
        return strips

    def _flank(self, side: Floats, light: Floats, eye: Floats) -> list[Shape]:
        """The side that faces us, its windows, and the arches of its wheels."""
        if abs(eye[0]) < _HALF_ROOF_M:
            return []
        glass = np.stack(
            [side[3] * 0.9 + side[4] * 0.1, side[4] * 0.85 + side[3] * 0.15, side[5], side[6]]
        )
        pane = glass.mean(axis=0) + (glass - glass.mean(axis=0)) * np.array([0.86, 0.72])
        sill = np.stack(
            [side[0], side[1] * 0.4 + side[0] * 0.6, side[8] * 0.4 + side[9] * 0.6, side[9]]
        )
        return [
            Fill(side, lit(self.colour, light, 0.8)),
            Fill(sill, lit(self.colour, light, 0.6)),
            Fill(pane, lit(_GLASS, light)),
        ]

    def _wheels(self, camera: Camera, light: Floats) -> list[Shape]:
        """Four tyres as rings on the ground."""
        turns = np.linspace(0, 2 * pi, 13)
        shapes: list[Shape] = []
        for across in (-0.8, 0.8):
            for along in (-1.35, 1.4):
                rim = np.stack([
                    np.full_like(turns, across), along + 0.3 * np.cos(turns), 0.31 + 0.3 * np.sin(turns)
                ], axis=1)  # fmt: skip
                pixels, _ = camera.see(_turned(rim, self.x_m, self.y_m, self.heading_rad))
                shapes.append(Fill(pixels, lit((30, 30, 32), light)))
        return shapes

    def _lights(self, camera: Camera, light: Floats, eye: Floats, depth: float) -> list[Shape]:
        """The two lamps of the end that faces us."""
        front = eye[1] > 0
        along, height = (2.2, 0.68) if front else (-2.22, 0.72)
        points = np.array(
            [
                [-0.78, along, height],
                [-0.5, along, height],
                [0.5, along, height],
                [0.78, along, height],
            ]
        )
        pixels, _ = camera.see(_turned(points, self.x_m, self.y_m, self.heading_rad))
        glow = self.headlights if front else self.braking
        colour: Colour = (210, 240, 250) if front else (60, 60, 215)
        shade = colour if glow else lit(colour, light, 0.7)
        width = 0.13 * camera.focal_px / depth
        return [Stroke(pixels[:2], shade, width), Stroke(pixels[2:], shade, width)]

    def _shadow(self, camera: Camera) -> Floats:
        rim = np.array(
            [[-1.05, -2.4, 0], [1.05, -2.4, 0], [1.05, 2.4, 0], [-1.05, 2.4, 0]], dtype=float
        )
        return camera.see(_turned(rim, self.x_m, self.y_m, self.heading_rad))[0]
