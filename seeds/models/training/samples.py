"""Random arrangements on the scenes' stages: other cameras, other light, other people, other places than the story's.

No frame of a story is used. Frames are shrunk as the agent shrinks them: longest side to fit, top left, padded with 114.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from math import pi
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scenes"))

import fire_lane
import gate
import plaza
from drawing.camera import Camera
from drawing.chance import Chance
from drawing.figures import Person, chosen_look
from drawing.light import Lighting
from drawing.shapes import Colour
from drawing.smoke import Plume
from drawing.stage import Stage, Thing
from drawing.vehicles import CAR_COLOURS, Bicycle, Car

INPUT_WIDTH, INPUT_HEIGHT = 416, 256
_PAD = 114
_PLACES = ((plaza, 0.5), (fire_lane, 0.3), (gate, 0.2))
_VIEWS = 12
_PAINTS: tuple[Colour, ...] = (
    (60, 70, 170),
    (150, 120, 60),
    (190, 190, 190),
    (50, 50, 52),
    (70, 150, 90),
)


@dataclass(frozen=True)
class Place:
    """The views of one place that samples are drawn on, and which of the three it is."""

    name: str
    views: tuple[Stage, ...]


def places(chance: Chance, views: int = _VIEWS) -> list[Place]:
    """The stages of the scenes, each from cameras moved, turned and zoomed, under more or less light."""
    found = []
    for module, _ in _PLACES:
        stages = []
        for view in range(views):
            camera: Camera = module.CAMERA
            light: Lighting = module.LIGHTING
            if view % 3:
                camera = _moved(camera, chance)
            if view:
                share = chance.between(0.8, 1.25)
                blue, green, red = (share * value for value in light.ambient)
                light = replace(light, ambient=(blue, green, red))
            stages.append(
                Stage(camera, light, module.paint, seed=100 + view, grain=chance.between(1.5, 4.0))
            )
        found.append(Place(module.__name__, tuple(stages)))
    return found


def _moved(camera: Camera, chance: Chance) -> Camera:
    return replace(
        camera,
        x_m=camera.x_m + chance.between(-1.5, 1.5),
        y_m=camera.y_m + chance.between(-1.5, 1.5),
        height_m=camera.height_m + chance.between(-0.8, 1.2),
        heading_deg=camera.heading_deg + chance.between(-9, 9),
        pitch_deg=camera.pitch_deg + chance.between(-4, 4),
        focal_px=camera.focal_px * chance.between(0.85, 1.2),
    )


def _spot(camera: Camera, chance: Chance, reach_m: float) -> tuple[float, float]:
    """A point of the ground that the camera sees, not farther than `reach_m`."""
    while True:
        u = chance.between(-40, camera.width + 40) - camera.width / 2
        v = chance.between(0, camera.height + 50) - camera.height / 2
        ray = np.array([u, -v, camera.focal_px]) @ camera.axes
        if ray[2] < 0:
            reach = -camera.height_m / ray[2]
            x_m, y_m = camera.x_m + ray[0] * reach, camera.y_m + ray[1] * reach
            if np.hypot(x_m - camera.x_m, y_m - camera.y_m) < reach_m:
                return float(x_m), float(y_m)


def _person(x_m: float, y_m: float, chance: Chance) -> Person:
    stands = chance.share() < 0.4
    return Person(
        chosen_look(chance), x_m, y_m, chance.between(-pi, pi), chance.between(0, 20),
        stride=0.0 if stands else chance.between(0.6, 1.0), sway=chance.between(-1, 1) if stands else 0.0,
    )  # fmt: skip


def _crowd(camera: Camera, chance: Chance) -> list[Thing]:
    """Up to 26 people close together, looking about the same way, no two nearer than 0.42 m."""
    x_m, y_m = _spot(camera, chance, 24)
    count, density = 4 + chance.index(23), chance.between(0.7, 1.7)
    side, way = (count / density) ** 0.5, chance.between(-pi, pi)
    stretch = chance.between(0.7, 1.4)
    people: list[Thing] = []
    taken: list[tuple[float, float]] = []
    for _ in range(count * 6):
        at = (
            x_m + side * stretch * chance.between(-0.5, 0.5),
            y_m + side / stretch * chance.between(-0.5, 0.5),
        )
        if len(people) == count:
            break
        if all((at[0] - x) ** 2 + (at[1] - y) ** 2 > 0.42**2 for x, y in taken):
            taken.append(at)
            people.append(
                replace(_person(*at, chance), heading_rad=way + chance.between(-0.7, 0.7))
            )
    return people


def _things(place: str, camera: Camera, chance: Chance) -> list[Thing]:
    reach = 45.0 if place == "fire_lane" else 32.0
    things: list[Thing] = []
    if chance.share() < {"plaza": 0.65, "fire_lane": 0.15, "gate": 0.2}[place]:
        things += _crowd(camera, chance)
    for _ in range(chance.index(11 if place == "plaza" else 7)):
        things.append(_person(*_spot(camera, chance, reach), chance))
    for _ in range(chance.index(4)):
        rider = chosen_look(chance) if chance.share() < 0.75 else None
        x_m, y_m = _spot(camera, chance, reach)
        paint = _PAINTS[chance.index(len(_PAINTS))]
        things.append(
            Bicycle(paint, x_m, y_m, chance.between(-pi, pi), rider, chance.between(0, 9))
        )
    for _ in range(chance.index(4 if place == "fire_lane" else 2)):
        x_m, y_m = _spot(camera, chance, reach)
        heading = (
            chance.between(-pi, pi)
            if chance.share() < 0.5
            else chance.between(-0.3, 0.3) + pi * chance.index(2)
        )
        paint = CAR_COLOURS[chance.index(len(CAR_COLOURS))]
        car = Car(paint, x_m, y_m, heading, chance.share() < 0.5, chance.share() < 0.5)
        things = [thing for thing in things if not _inside(thing, car)] + [car]
    return things


def _inside(thing: Thing, car: Car) -> bool:
    """Whether something stands where a car is."""
    assert isinstance(thing, Person | Bicycle | Car)
    return (thing.x_m - car.x_m) ** 2 + (thing.y_m - car.y_m) ** 2 < (
        25 if isinstance(thing, Car) else 6
    )


def sample(
    stages: list[Place], chance: Chance
) -> tuple[NDArray[np.uint8], list[tuple[str, tuple[float, ...]]]]:
    """One frame `(256, 416, 3)` uint8 BGR as the model is fed, and its truth in pixels of that input."""
    draw, place = chance.share(), stages[0]
    for candidate, (_, share) in zip(stages, _PLACES, strict=True):
        place = candidate
        draw -= share
        if draw < 0:
            break
    stage = place.views[chance.index(len(place.views))]
    things = _things(place.name, stage.camera, chance) if chance.share() > 0.03 else []
    sprites = stage.sprites(things)
    frame, truths = stage.compose(sprites, tick=chance.index(1000)), stage.truths(sprites)
    if chance.share() < 0.25:
        plume = Plume(
            chance.between(60, 600),
            chance.between(80, 330),
            chance.between(80, 220),
            chance.between(20, 70),
        )
        frame = plume.over(frame, chance.between(0, 100), chance.between(0.2, 1.0))
    if chance.share() < 0.5:
        frame = np.ascontiguousarray(frame[:, ::-1])
        truths = [(label, (640 - x1, y0, 640 - x0, y1)) for label, (x0, y0, x1, y1) in truths]
    gain = chance.between(0.85, 1.15)
    frame = cv2.convertScaleAbs(frame, alpha=gain, beta=chance.between(-8, 8))
    return letterboxed(frame), [
        (label, tuple(v * ratio(frame) for v in box)) for label, box in truths
    ]


def ratio(frame: NDArray[np.uint8]) -> float:
    """Pixels of the input for one pixel of the frame."""
    return min(INPUT_WIDTH / frame.shape[1], INPUT_HEIGHT / frame.shape[0])


def letterboxed(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame shrunk to fit into the input, top left, the rest 114."""
    share = ratio(frame)
    width, height = round(frame.shape[1] * share), round(frame.shape[0] * share)
    fed = np.full((INPUT_HEIGHT, INPUT_WIDTH, 3), _PAD, dtype=np.uint8)
    fed[:height, :width] = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
    return fed
