"""The south gate from inside the hall: people walk in and out one by one, and `CROSSINGS` says when each passes the line.

In 240 s, 30 come in and 16 go out, never two on the line within a second and a half.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from drawing.camera import Camera
from drawing.chance import Chance
from drawing.figures import Person, chosen_look
from drawing.ground import Painter
from drawing.light import Lamp, Lighting
from drawing.paths import Path
from drawing.scene import ColourScene
from drawing.stage import Stage

PERIOD_S = 240.0
CAMERA = Camera(x_m=94.0, y_m=45.0, height_m=5.2, heading_deg=180.0, pitch_deg=27.0, focal_px=560.0)
LINE = ((92.0, 34.6), (96.0, 34.6))
_LAMPS = (
    Lamp(91.0, 35.0, 3.8, 0.8),
    Lamp(97.0, 35.0, 3.8, 0.8),
    Lamp(94.0, 41.0, 5.0, 0.8),
    Lamp(94.0, 24.0, 7.0, 0.6),
)
LIGHTING = Lighting(ambient=(0.62, 0.54, 0.5), lamps=_LAMPS)
_INWARD = 30
_OUTWARD = 16


@dataclass(frozen=True, slots=True)
class Crossing:
    """One passage of the line: the second of the story, and whether it went in."""

    at_s: float
    inward: bool


def paint(painter: Painter) -> None:
    """The hall's floor, two pillars with the gate's glass wings, the guard's desk, the street beyond."""
    painter.sky((60, 42, 36), (100, 78, 68))
    painter.rough(
        painter.within([(0, -100), (300, -100), (300, 300), (0, 300)]), (88, 90, 92), 0.06, 0.05
    )
    painter.paving(
        painter.within([(84, 26), (104, 26), (104, 34), (84, 34)]), (128, 136, 142), (0.5, 0.5)
    )
    painter.paving(
        painter.within([(84, 34), (104, 34), (104, 60), (84, 60)]),
        (150, 160, 168),
        (0.8, 0.8),
        0.012,
    )
    painter.paving(
        painter.within([(92, 34.2), (96, 34.2), (96, 35.0), (92, 35.0)]), (96, 104, 130), (0.4, 0.4)
    )
    for stripe in range(7):
        low = 14.0 + 1.1 * stripe
        painter.marking(
            painter.within([(90, low), (98, low), (98, low + 0.5), (90, low + 0.5)]),
            (190, 192, 192),
        )
    painter.block([(60, -12), (130, -12), (130, -8), (60, -8)], 0, 12, (88, 84, 92))
    for window in range(12):
        left = 78.0 + 2.8 * window
        pane = [
            (left, -7.98, 1.0),
            (left + 1.8, -7.98, 1.0),
            (left + 1.8, -7.98, 3.2),
            (left, -7.98, 3.2),
        ]
        if window % 3:
            painter.shine(pane, (120, 180, 210), 0.2, 6)
        else:
            painter.face(pane, (60, 54, 52))
    for left, right in ((84.0, 91.4), (96.6, 104.0)):
        painter.block(
            [(left, 34.0), (right, 34.0), (right, 34.4), (left, 34.4)], 0, 1.15, (120, 118, 122)
        )
        painter.block(
            [(left, 34.05), (right, 34.05), (right, 34.3), (left, 34.3)], 1.15, 1.35, (60, 110, 66)
        )
    for x_m in (91.4, 96.0):
        painter.block(
            [(x_m, 33.8), (x_m + 0.6, 33.8), (x_m + 0.6, 34.9), (x_m, 34.9)],
            0,
            2.5,
            (132, 128, 126),
        )
        painter.shine(
            [
                (x_m + 0.2, 34.91, 1.2),
                (x_m + 0.4, 34.91, 1.2),
                (x_m + 0.4, 34.91, 1.4),
                (x_m + 0.2, 34.91, 1.4),
            ],
            (120, 220, 120),
            0.5,
            6,
        )
    painter.block([(97.6, 36.4), (99.6, 36.4), (99.6, 38.0), (97.6, 38.0)], 0, 1.1, (86, 104, 132))
    painter.block([(98.0, 36.7), (98.8, 36.7), (98.8, 37.0), (98.0, 37.0)], 1.1, 1.5, (40, 40, 44))
    painter.block([(88.2, 36.6), (89.4, 36.6), (89.4, 39.4), (88.2, 39.4)], 0, 0.5, (96, 110, 128))
    painter.block([(88.3, 36.7), (89.3, 36.7), (89.3, 39.3), (88.3, 39.3)], 0.5, 1.0, (52, 110, 62))


def _planned() -> list[Crossing]:
    """Every passage of the story in order: evenly among each other, each a little early or late."""
    chance = Chance(71)
    total = _INWARD + _OUTWARD
    planned = []
    for index in range(total):
        at_s = (index + 0.5) * PERIOD_S / total + chance.between(-1.2, 1.2)
        planned.append(Crossing(at_s, inward=(index * _OUTWARD) % total >= _OUTWARD))
    return planned


CROSSINGS = tuple(_planned())


def _way(crossing: Crossing, chance: Chance) -> Path:
    """From the street to the hall or back, through the line at the second that is planned."""
    speed = chance.between(1.05, 1.4)
    middle = 94.0 + (0.75 if crossing.inward else -0.75) + chance.between(-0.5, 0.5)
    street, hall = 94.0 + chance.between(-4.0, 4.0), 94.0 + chance.between(-1.8, 1.8)
    places = [(street, 20.0), (middle, 32.6), (middle, 36.6), (hall, 48.0)]
    reached = [0.0]
    for (ax, ay), (bx, by) in pairwise(places):
        reached.append(reached[-1] + ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5 / speed)
    at_line = reached[1] + (LINE[0][1] - places[1][1]) / speed
    if crossing.inward:
        return Path(
            tuple(
                (crossing.at_s + t - at_line, x, y)
                for t, (x, y) in zip(reached, places, strict=True)
            )
        )
    backward = list(zip(reached, places, strict=True))[::-1]
    return Path(tuple((crossing.at_s + at_line - t, x, y) for t, (x, y) in backward))


def _people() -> list[tuple[Path, Person]]:
    chance = Chance(83)
    return [
        (_way(crossing, chance), Person(chosen_look(chance), 0.0, 0.0, 0.0))
        for crossing in CROSSINGS
    ]


_PEOPLE = tuple(_people())


def cast(second: float) -> list[Person]:
    """Everybody who is here at a second of the story, with those whose way runs over its end."""
    things: list[Person] = []
    for path, person in _PEOPLE:
        for shifted in (second - PERIOD_S, second, second + PERIOD_S):
            if path.spans(shifted):
                x_m, y_m = path.place(shifted)
                things.append(
                    Person(person.look, x_m, y_m, path.heading(shifted), path.walked(shifted), 1.0)
                )
    return things


SCENE = ColourScene(Stage(CAMERA, LIGHTING, paint, seed=9), cast, PERIOD_S)
