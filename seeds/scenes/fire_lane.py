"""The fire lane beside the e-bike shed: people pass on the pavement, a car stops in the lane, smoke comes from the shed.

The story of 240 s: the car comes at second 14, stands from 22 to 158 on about an eighth of the lane, then drives off.
Smoke seeps from the second door from second 48 to 190. The lane is 4 m wide and 16 m long.
"""

from __future__ import annotations

from math import pi

import numpy as np
from drawing.camera import Camera
from drawing.chance import Chance
from drawing.figures import Person, chosen_look
from drawing.ground import Painter
from drawing.light import Lamp, Lighting
from drawing.paths import Path
from drawing.scene import ColourScene
from drawing.smoke import Plume
from drawing.stage import Stage, Thing
from drawing.vehicles import Bicycle, Car
from numpy.typing import NDArray

PERIOD_S = 240.0
CAMERA = Camera(x_m=129.0, y_m=50.5, height_m=6.8, heading_deg=4.0, pitch_deg=24.0, focal_px=540.0)
LANE = ((130.0, 60.0), (134.0, 60.0), (134.0, 76.0), (130.0, 76.0))
STANDS_S = (22.0, 158.0)
SMOKES_S = (48.0, 190.0)
_LAMPS = (
    Lamp(133.9, 58.5, 4.2, 0.7),
    Lamp(133.9, 72.0, 4.2, 0.7),
    Lamp(126.0, 66.0, 6.0, 0.7),
    Lamp(131.0, 54.0, 6.0, 0.5),
    Lamp(127.0, 82.0, 6.0, 0.6),
)
LIGHTING = Lighting(ambient=(0.86, 0.7, 0.63), lamps=_LAMPS)
_CAR_WAY = Path((
    (12.0, 131.7, 116.0), (17.0, 131.7, 84.0), (19.5, 131.75, 71.5), (22.0, 131.8, 67.0), (158.0, 131.8, 67.0),
    (160.5, 131.7, 63.0), (163.0, 131.2, 58.0), (166.0, 130.4, 40.0),
), resting_rad=pi)  # fmt: skip
_DOORS_M = (62.2, 67.2, 72.2)


def paint(painter: Painter) -> None:
    """Asphalt with the lane's hatching, a kerb and pavement, the shed's wall with its doors, a hedge."""
    painter.sky((58, 38, 32), (110, 84, 74))
    painter.rough(
        painter.within([(0, 0), (300, 0), (300, 300), (0, 300)]), (92, 94, 96), 0.06, 0.06
    )
    painter.paving(
        painter.within([(125.0, 40), (129.2, 40), (129.2, 140), (125.0, 140)]),
        (138, 144, 150),
        (0.5, 0.5),
    )
    painter.marking(
        painter.within([(129.2, 40), (129.45, 40), (129.45, 140), (129.2, 140)]), (170, 175, 178)
    )
    painter.rough(
        painter.within([(60, 40), (125.0, 40), (125.0, 160), (60, 160)]), (52, 84, 60), 0.14, 0.12
    )
    _paint_lane(painter)
    painter.block([(122.6, 54), (124.6, 54), (124.6, 110), (122.6, 110)], 0, 1.1, (44, 84, 50))
    painter.block([(120, 104), (150, 104), (150, 108), (120, 108)], 0, 9, (96, 92, 98))
    for floor in range(2):
        for window in range(7):
            left, low = 121.5 + 3.6 * window, 2.0 + 3.2 * floor
            pane = [
                (left, 103.98, low),
                (left + 1.5, 103.98, low),
                (left + 1.5, 103.98, low + 1.5),
                (left, 103.98, low + 1.5),
            ]
            if (window * 3 + floor) % 4:
                painter.face(pane, (60, 52, 48))
            else:
                painter.shine(pane, (110, 175, 215), 0.25, 8)
    _paint_shed(painter)


def _paint_lane(painter: Painter) -> None:
    yellow = (64, 190, 215)
    for left, right in ((130.0, 130.14), (133.86, 134.0)):
        painter.marking(painter.within([(left, 60), (right, 60), (right, 76), (left, 76)]), yellow)
    for low in (60.0, 75.86):
        painter.marking(
            painter.within([(130, low), (134, low), (134, low + 0.14), (130, low + 0.14)]), yellow
        )
    for step in range(8):
        start = 60.0 + 2.0 * step
        painter.marking(
            painter.within(
                [(130.1, start), (133.9, start + 1.9), (133.9, start + 2.05), (130.1, start + 0.15)]
            ),
            yellow,
        )


def _paint_shed(painter: Painter) -> None:
    painter.block([(134.4, 60), (146, 60), (146, 76), (134.4, 76)], 0, 3.4, (140, 146, 154))
    painter.block(
        [(134.1, 59.7), (146.2, 59.7), (146.2, 76.3), (134.1, 76.3)], 3.4, 3.65, (88, 92, 100)
    )
    for number, low in enumerate(_DOORS_M):
        door = [
            (134.38, low, 0.0),
            (134.38, low + 3.0, 0.0),
            (134.38, low + 3.0, 2.6),
            (134.38, low, 2.6),
        ]
        painter.face(door, (120, 112, 70) if number != 1 else (100, 96, 60), 0.75)
        for slat in range(1, 9):
            foot, head = 0.29 * slat, 0.29 * slat + 0.04
            slat_m = [
                (134.37, low, foot),
                (134.37, low + 3, foot),
                (134.37, low + 3, head),
                (134.37, low, head),
            ]
            painter.face(slat_m, (80, 76, 46), 0.8)
        painter.shine(
            [
                (134.36, low + 1.2, 2.9),
                (134.36, low + 1.8, 2.9),
                (134.36, low + 1.8, 3.1),
                (134.36, low + 1.2, 3.1),
            ],
            (190, 235, 250),
            0.5,
            9,
        )


def _walkers() -> list[tuple[Path, int, bool]]:
    """Ways along the pavement: the path, a seed for the look, and whether it is ridden."""
    chance = Chance(53)
    ways = []
    for index in range(16):
        start_s = index * 15.0 + chance.between(0, 5)
        column = 126.2 + 2.2 * ((index * 3) % 5) / 5
        rides = index % 4 == 2
        speed = 3.4 if rides else chance.between(1.0, 1.4)
        ends = ((column, 51.0), (column, 90.0))
        (ax, ay), (bx, by) = ends if index % 2 else ends[::-1]
        ways.append(
            (Path(((start_s, ax, ay), (start_s + abs(by - ay) / speed, bx, by))), index, rides)
        )
    return ways


_WALKERS = tuple((path, chosen_look(Chance(900 + seed)), rides) for path, seed, rides in _walkers())


def cast(second: float) -> list[Thing]:
    """Everything that is here at a second of the story."""
    things: list[Thing] = []
    for path, look, rides in _WALKERS:
        for shifted in (second, second + PERIOD_S):
            if not path.spans(shifted):
                continue
            x_m, y_m, heading = *path.place(shifted), path.heading(shifted)
            if rides:
                things.append(Bicycle((70, 60, 160), x_m, y_m, heading, look, path.walked(shifted)))
            else:
                things.append(Person(look, x_m, y_m, heading, path.walked(shifted), 1.0))
    if _CAR_WAY.spans(second):
        x_m, y_m = _CAR_WAY.place(second)
        moving = not STANDS_S[0] + 1 < second < STANDS_S[1] - 0.5
        things.append(
            Car(
                (196, 196, 200),
                x_m,
                y_m,
                _CAR_WAY.heading(second),
                braking=not moving,
                headlights=moving,
            )
        )
    return things


_MOUTH, _ = CAMERA.see(np.array([[134.3, _DOORS_M[1] + 1.5, 1.2]]))
_PLUME = Plume(float(_MOUTH[0, 0]), float(_MOUTH[0, 1]), reach_px=200, width_px=60)


def haze(canvas: NDArray[np.uint8], second: float) -> NDArray[np.uint8]:
    """The smoke of the shed, thickening over 25 s and thinning over 20 s."""
    start, end = SMOKES_S
    return _PLUME.over(
        canvas, second, min(1.0, max(0.0, (second - start) / 25), max(0.0, (end - second) / 20))
    )


SCENE = ColourScene(Stage(CAMERA, LIGHTING, paint, seed=5), cast, PERIOD_S, haze=haze)
