"""An evening on the plaza: a few people cross it, then a crowd gathers before the stage, stays, and goes again.

The strip before the stage holds 13.5 m2. The first level of a zone that people walk through is 1.08 persons a square
metre, 15 persons here; the crowd passes it from about second 60 to second 170, and stays below the second level (24).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, hypot

from drawing.camera import Camera
from drawing.chance import Chance
from drawing.figures import Look, Person, chosen_look
from drawing.ground import Painter
from drawing.light import Lamp, Lighting
from drawing.paths import Path
from drawing.scene import ColourScene
from drawing.shapes import Colour
from drawing.stage import Stage, Thing
from drawing.vehicles import Bicycle

PERIOD_S = 240.0
CAMERA = Camera(x_m=85.1, y_m=88.2, height_m=9.5, heading_deg=0.0, pitch_deg=37.0, focal_px=610.0)
STAGE_FRONT = ((82.5, 100.0), (87.7, 100.0), (87.7, 102.6), (82.5, 102.6))
CROWD = 19
_LAMPS = (
    Lamp(79.0, 99.0, 5.0, 0.75), Lamp(91.5, 97.5, 5.0, 0.75), Lamp(85.1, 104.6, 4.0, 0.85, (0.95, 0.8, 1.0)),
    Lamp(85.0, 91.0, 6.5, 0.6),
)  # fmt: skip
LIGHTING = Lighting(ambient=(0.74, 0.6, 0.54), lamps=_LAMPS)


def paint(painter: Painter) -> None:
    """Granite paving with a darker band, planters, the stage with its lit back wall."""
    everywhere = painter.within([(0, 0), (300, 0), (300, 300), (0, 300)])
    painter.sky((62, 40, 34), (96, 70, 60))
    painter.paving(everywhere, (150, 158, 165), (0.6, 0.6))
    painter.paving(
        painter.within([(60, 99.0), (110, 99.0), (110, 99.5), (60, 99.5)]),
        (92, 98, 112),
        (0.3, 0.25),
    )
    painter.paving(painter.within(STAGE_FRONT), (128, 132, 150), (0.4, 0.2))
    painter.rough(
        painter.within([(60, 103.2), (80.6, 103.2), (80.6, 120), (60, 120)]),
        (62, 96, 70),
        0.14,
        0.12,
    )
    painter.rough(
        painter.within([(89.6, 103.2), (110, 103.2), (110, 120), (89.6, 120)]),
        (62, 96, 70),
        0.14,
        0.12,
    )
    for left in (70.0, 73.3, 76.6, 90.2, 93.5, 96.8):
        painter.block(
            [(left, 102.9), (left + 2.6, 102.9), (left + 2.6, 103.5), (left, 103.5)],
            0,
            0.5,
            (105, 112, 122),
        )
        painter.block(
            [(left + 0.1, 103), (left + 2.5, 103), (left + 2.5, 103.4), (left + 0.1, 103.4)],
            0.5,
            0.95,
            (52, 100, 60),
        )
    _paint_stage(painter)
    for x_m, y_m in ((79.0, 99.0), (91.5, 97.5)):
        painter.block(_square(x_m, y_m, 0.22), 0, 0.35, (70, 72, 76))


def _paint_stage(painter: Painter) -> None:
    painter.block(
        [(81.4, 107.2), (88.8, 107.2), (88.8, 107.6), (81.4, 107.6)], 0, 4.6, (84, 52, 66)
    )
    for column in range(6):
        left = 81.8 + 1.15 * column
        painter.shine(
            [(left, 107.19, 1.6), (left + 0.85, 107.19, 1.6), (left + 0.85, 107.19, 4.2), (left, 107.19, 4.2)],
            ((150, 90, 170) if column % 2 else (170, 120, 90)), 0.3,
        )  # fmt: skip
    painter.block(
        [(81.6, 103.1), (88.6, 103.1), (88.6, 107.2), (81.6, 107.2)], 0, 0.8, (98, 110, 132)
    )
    for step in range(14):
        painter.face(
            [(81.6 + 0.5 * step, 103.1, 0.8), (81.6 + 0.5 * step, 107.2, 0.8), (81.62 + 0.5 * step, 107.2, 0.8),
             (81.62 + 0.5 * step, 103.1, 0.8)], (66, 76, 96), 1.0,
        )  # fmt: skip
    for left in (81.7, 87.7):
        painter.block(
            [(left, 103.4), (left + 0.8, 103.4), (left + 0.8, 104.0), (left, 104.0)],
            0.8,
            2.2,
            (44, 42, 44),
        )
    painter.shine(
        [(81.6, 103.09, 0.7), (88.6, 103.09, 0.7), (88.6, 103.09, 0.78), (81.6, 103.09, 0.78)],
        (120, 190, 235),
        0.5,
        8,
    )


def _square(x_m: float, y_m: float, half_m: float) -> list[tuple[float, float]]:
    return [
        (x_m - half_m, y_m - half_m),
        (x_m + half_m, y_m - half_m),
        (x_m + half_m, y_m + half_m),
        (x_m - half_m, y_m + half_m),
    ]


@dataclass(frozen=True)
class Visitor:
    """Somebody and their way; a `bicycle` colour makes them ride."""

    look: Look
    path: Path
    bicycle: Colour | None = None

    def at(self, second: float) -> Thing:
        """Where and how they are."""
        x_m, y_m = self.path.place(second)
        heading, walked = self.path.heading(second), self.path.walked(second)
        if self.bicycle is not None:
            return Bicycle(self.bicycle, x_m, y_m, heading, self.look, walked)
        return Person(
            self.look,
            x_m,
            y_m,
            heading,
            walked,
            min(1.0, self.path.speed(second) / 1.2),
            sway=_sway(second, self.look),
        )


def _sway(second: float, look: Look) -> float:
    beat = (second * 0.55 + 3.1 * look.stature_m) % 2.0
    return abs(beat - 1.0) * 2 - 1


def _seats(chance: Chance, count: int) -> list[tuple[float, float]]:
    """Places before the stage in staggered rows, each a little off, none within 0.25 m of the zone's border."""
    seats = []
    rows = (5, 5, 5, 5)
    for row, places in enumerate(rows):
        for place in range(places):
            x_m = 83.0 + 0.98 * place + (0.42 if row % 2 else 0.0) + chance.between(-0.09, 0.09)
            seats.append((x_m, 100.42 + 0.6 * row + chance.between(-0.07, 0.07)))
    order = sorted(seats, key=lambda _: chance.share())
    return order[:count]


def _crowd() -> list[Visitor]:
    """Those who come to the stage between seconds 8 and 72 and leave between 160 and 225."""
    chance = Chance(41)
    visitors = []
    for index, (x_m, y_m) in enumerate(_seats(chance, CROWD)):
        come = 6 + 57 * (index / CROWD) ** 1.1 + chance.between(-1, 1)
        leave = 162 + 44 * (index * 7 % CROWD) / CROWD + chance.between(-1, 1)
        start = (
            (chance.between(77.0, 93.0), 92.4)
            if index % 3
            else ((75.0, 95.0)[index % 2], chance.between(95.5, 98.0))
        )
        end = (
            (chance.between(78.0, 92.0), 91.8)
            if index % 2
            else ((74.0, 96.0)[index % 2], chance.between(94.5, 98.0))
        )
        before, after = (x_m, 99.2), (x_m, 99.1)
        way = [(come, *start)]
        for point in (before, (x_m, y_m)):
            way.append((way[-1][0] + _walk_s(way[-1][1:], point, 1.35), *point))
        way.append((leave, x_m, y_m))
        for point in (after, end):
            way.append((way[-1][0] + _walk_s(way[-1][1:], point, 1.3), *point))
        rest = atan2(85.1 + chance.between(-1.5, 1.5) - x_m, 105.0 - y_m)
        visitors.append(Visitor(chosen_look(chance), Path(tuple(way), rest)))
    return visitors


def _walk_s(start: tuple[float, ...], end: tuple[float, float], speed_mps: float) -> float:
    return max(0.4, hypot(start[0] - end[0], start[1] - end[1]) / speed_mps)


def _passers() -> list[Visitor]:
    """Those who cross the plaza all evening, south of the stage."""
    chance = Chance(17)
    visitors = []
    for index in range(60):
        start_s = index * PERIOD_S / 60 + chance.between(-1.2, 1.2) - 12
        row = 94.9 + 2.2 * ((index * 5) % 8) / 8 + chance.between(-0.15, 0.15)
        ends = ((74.0, row), (96.5, row + chance.between(-0.3, 0.3)))
        a, b = ends if index % 2 else ends[::-1]
        rides = index % 10 == 4
        speed = 3.2 if rides else chance.between(1.0, 1.45)
        path = Path(((start_s, *a), (start_s + _walk_s(a, b, speed), *b)))
        colour: Colour | None = (
            ((60, 70, 170), (150, 120, 60), (190, 190, 190))[index % 3] if rides else None
        )
        visitors.append(Visitor(chosen_look(chance), path, colour))
    return visitors


def _standers() -> list[Visitor]:
    """Those who stop to talk on the open plaza, in twos and threes, between seconds 55 and 185."""
    chance = Chance(29)
    visitors = []
    for group, (x_m, y_m) in enumerate(((79.6, 97.7), (91.2, 98.4), (84.4, 97.6), (88.2, 97.4))):
        for member in range(2 + group % 2):
            place = (x_m + 0.85 * member, y_m + 0.25 * (member % 2))
            come, leave = 50 + 9 * group + 2 * member, 165 + 8 * group + 2 * member
            edge = ((73.5, 96.9), (97.0, 97.9))[group % 2]
            path = Path((
                (come, *edge), (come + _walk_s(edge, place, 1.25), *place), (leave, *place),
                (leave + _walk_s(edge, place, 1.25), *edge),
            ), resting_rad=1.4 - 2.6 * member)  # fmt: skip
            visitors.append(Visitor(chosen_look(chance), path))
    return visitors


_VISITORS = (*_crowd(), *_standers(), *_passers())


def cast(second: float) -> list[Thing]:
    """Everybody who is here at a second of the story, with those whose way runs over its end."""
    laps = (second - PERIOD_S, second, second + PERIOD_S)
    return [
        visitor.at(shifted)
        for visitor in _VISITORS
        for shifted in laps
        if visitor.path.spans(shifted)
    ]


SCENE = ColourScene(Stage(CAMERA, LIGHTING, paint, seed=3), cast, PERIOD_S)
