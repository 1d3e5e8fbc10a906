"""People, drawn as a body of strokes in three dimensions: no face, no likeness of anyone, only how a person moves."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from drawing.camera import Camera, Floats
from drawing.chance import Chance
from drawing.light import Lighting
from drawing.shapes import Colour, Disc, Fill, Shape, Sprite, Stroke, box_of, lit

_STRIDE_M = 1.45
_JACKETS: tuple[Colour, ...] = (
    (70, 60, 150), (150, 95, 50), (80, 130, 70), (60, 150, 200), (205, 205, 200), (60, 60, 65), (130, 60, 110),
    (175, 150, 95), (90, 170, 215), (55, 75, 110), (160, 165, 120), (95, 50, 45),
)  # fmt: skip
_TROUSERS: tuple[Colour, ...] = (
    (95, 65, 45), (45, 45, 50), (70, 80, 95), (120, 110, 100), (130, 95, 70), (60, 70, 60),
)  # fmt: skip
_HAIR: tuple[Colour, ...] = (
    (25, 25, 28),
    (30, 38, 50),
    (60, 70, 85),
    (150, 150, 150),
    (20, 30, 60),
)
_SKIN: tuple[Colour, ...] = ((130, 165, 215), (95, 135, 190), (70, 95, 140), (150, 185, 230))


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody is built and dressed. `stature_m` is the height; `width` a factor on the body's breadth."""

    stature_m: float
    width: float
    jacket: Colour
    trousers: Colour
    hair: Colour
    skin: Colour
    bag: bool


def chosen_look(chance: Chance) -> Look:
    """Somebody at random; one in eight is a child."""
    child = chance.share() < 0.125
    return Look(
        stature_m=chance.between(1.15, 1.4) if child else chance.between(1.55, 1.84),
        width=chance.between(0.9, 1.2),
        jacket=_JACKETS[chance.index(len(_JACKETS))],
        trousers=_TROUSERS[chance.index(len(_TROUSERS))],
        hair=_HAIR[chance.index(len(_HAIR))],
        skin=_SKIN[chance.index(len(_SKIN))],
        bag=chance.share() < 0.3,
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at one instant. `walked_m` moves the legs, `stride` 0-1 says how far; a rider sits and pedals instead."""

    look: Look
    x_m: float
    y_m: float
    heading_rad: float
    walked_m: float = 0.0
    stride: float = 0.0
    sway: float = 0.0
    riding: bool = False
    pedal_rad: float = 0.0

    def sprite(self, camera: Camera, lighting: Lighting) -> Sprite:
        """What the camera sees of them."""
        light = lighting.at(self.x_m, self.y_m)
        shapes, depth = body(self, camera, light)
        return Sprite(
            shapes,
            (("person", box_of(shapes)),),
            depth,
            shadow(self, camera, lighting, self.look.stature_m),
        )


def body(person: Person, camera: Camera, light: Floats) -> tuple[tuple[Shape, ...], float]:
    """The shapes of a body from far to near, and its depth in metres."""
    joints = _joints(person)
    pixels, depths = camera.see(np.array(list(joints.values())))
    at = dict(zip(joints, pixels, strict=True))
    depth = float(depths.mean())
    px = camera.focal_px / depth
    side = np.array([cos(person.heading_rad), -sin(person.heading_rad)])
    toward = np.array([camera.x_m - person.x_m, camera.y_m - person.y_m])
    right_is_near = bool(side @ toward > 0)
    far, near = ("left", "right") if right_is_near else ("right", "left")
    shapes: list[Shape] = [
        *_limbs(person, at, far, px, light * 0.8),
        *_trunk(person, at, px, light, side, toward),
        *_limbs(person, at, near, px, light),
        *_head(person, at, px, light, toward),
    ]
    return tuple(shapes), depth


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where a body stands and how it is turned: a point of the ground and three unit vectors."""

    ground: Floats
    ahead: Floats
    side: Floats
    up: Floats


def _joints(person: Person) -> dict[str, Floats]:
    """Named points of the body in site metres."""
    tall = person.look.stature_m
    ahead = np.array([sin(person.heading_rad), cos(person.heading_rad), 0.0])
    side = np.array([cos(person.heading_rad), -sin(person.heading_rad), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    ground = np.array([person.x_m, person.y_m, 0.0]) + side * 0.02 * person.sway
    stand = _Stand(ground, ahead, side, up)
    forward_m = tall * (0.16 if person.riding else 0.02 * person.stride)
    lean = forward_m * ahead + side * 0.03 * person.sway
    seat_m = 0.12 if person.riding else 0.0
    hip = ground + (seat_m + 0.52 * tall) * up
    neck = ground + (seat_m + 0.83 * tall) * up + lean
    points = {"hip": hip, "neck": neck, "head": neck + 0.105 * tall * up + 0.2 * lean}
    for name, sign in (("left", -1.0), ("right", 1.0)):
        points[f"hip_{name}"] = hip + 0.05 * tall * sign * side
        points[f"foot_{name}"], points[f"knee_{name}"] = _leg(person, stand, sign)
        shoulder = neck - 0.03 * tall * up + 0.115 * tall * person.look.width * sign * side
        points[f"shoulder_{name}"] = shoulder
        points[f"hand_{name}"] = shoulder + _arm(person, stand, sign)
    return points


def _phase(person: Person, sign: float) -> float:
    """Where in its step a leg is, radians; the left one is half a stride behind."""
    return 2 * pi * person.walked_m / _STRIDE_M + (pi if sign < 0 else 0.0)


def _arm(person: Person, stand: _Stand, sign: float) -> Floats:
    """From a shoulder to its hand: swinging against the leg, or reaching for the handlebar."""
    tall = person.look.stature_m
    reach = 0.2 if person.riding else -0.14 * sin(_phase(person, sign)) * person.stride
    down = 0.27 if person.riding else 0.35
    return tall * (reach * stand.ahead - down * stand.up + 0.03 * sign * stand.side)


def _leg(person: Person, stand: _Stand, sign: float) -> tuple[Floats, Floats]:
    """Foot and knee of one leg."""
    tall = person.look.stature_m
    if person.riding:
        turn = person.pedal_rad + (pi if sign < 0 else 0.0)
        foot = stand.ground + 0.06 * tall * sign * stand.side
        foot = foot + (0.1 + 0.1 * cos(turn)) * stand.ahead + (0.3 + 0.12 * sin(turn)) * stand.up
        return foot, (foot + stand.ground + 0.64 * tall * stand.up) / 2 + 0.2 * stand.ahead
    swing, lift = sin(_phase(person, sign)), max(0.0, cos(_phase(person, sign)))
    foot = (
        stand.ground
        + 0.055 * tall * sign * stand.side
        + 0.19 * tall * person.stride * swing * stand.ahead
    )
    foot = foot + (0.03 + 0.07 * person.stride * lift) * stand.up
    bend = (0.03 + 0.06 * person.stride * lift) * tall * stand.ahead
    return foot, (foot + stand.ground + 0.52 * tall * stand.up) / 2 + bend


def _limbs(
    person: Person, at: dict[str, Floats], side: str, px: float, light: Floats
) -> list[Shape]:
    """A leg and an arm."""
    tall, look = person.look.stature_m * px, person.look
    leg = np.stack([at[f"hip_{side}"], at[f"knee_{side}"], at[f"foot_{side}"]])
    arm = np.stack([at[f"shoulder_{side}"], at[f"hand_{side}"]])
    return [
        Stroke(leg, lit(look.trousers, light, 0.9), 0.085 * tall),
        Stroke(leg[:2], lit(look.trousers, light), 0.1 * tall),
        Disc(at[f"foot_{side}"], 0.035 * tall, lit((35, 35, 40), light)),
        Stroke(arm, lit(look.jacket, light, 0.85), 0.06 * tall),
        Disc(at[f"hand_{side}"], 0.026 * tall, lit(look.skin, light)),
    ]


def _trunk(
    person: Person, at: dict[str, Floats], px: float, light: Floats, side: Floats, toward: Floats
) -> list[Shape]:
    """The upper body: broad from the front, narrow from the side, its lamp side lighter."""
    tall, look = person.look.stature_m * px, person.look
    facing = abs(float(side @ toward)) / max(float(np.hypot(*toward)), 1e-6)
    breadth = look.width * tall * (0.155 * facing + 0.225 * (1 - facing)) / 2
    spine = at["neck"] - at["hip"]
    across = np.array([-spine[1], spine[0]]) / max(float(np.hypot(*spine)), 1e-6)
    hip, neck = at["hip"], at["neck"]
    outline = np.stack([
        hip - 0.8 * breadth * across - 0.1 * spine, hip + 0.8 * breadth * across - 0.1 * spine,
        hip + 0.9 * breadth * across + 0.6 * spine, neck + 0.85 * breadth * across - 0.07 * spine,
        neck + 0.4 * breadth * across + 0.05 * spine, neck - 0.4 * breadth * across + 0.05 * spine,
        neck - 0.85 * breadth * across - 0.07 * spine, hip - 0.9 * breadth * across + 0.6 * spine,
    ])  # fmt: skip
    bright = np.stack([outline[0], hip - 0.1 * spine, neck + 0.03 * spine, outline[6], outline[7]])
    shapes: list[Shape] = [
        Fill(outline, lit(look.jacket, light, 0.92)),
        Fill(bright, lit(look.jacket, light, 1.12)),
    ]
    if look.bag:
        middle = hip + 0.5 * spine + 0.7 * breadth * across
        shapes.append(
            Stroke(
                np.stack([middle - 0.18 * spine, middle + 0.18 * spine]),
                lit((50, 60, 85), light),
                0.1 * tall,
            )
        )
    return shapes


def _head(
    person: Person, at: dict[str, Floats], px: float, light: Floats, toward: Floats
) -> list[Shape]:
    """Hair, with skin on the side they look to; no face."""
    look, radius = person.look, 0.068 * person.look.stature_m * px
    ahead = np.array([sin(person.heading_rad), cos(person.heading_rad)])
    faces_us = float(ahead @ toward) / max(float(np.hypot(*toward)), 1e-6)
    right_ward = np.array([toward[1], -toward[0]]) / max(float(np.hypot(*toward)), 1e-6)
    offset = np.array([-float(ahead @ right_ward) * 0.5, 0.25]) * radius
    shapes: list[Shape] = [
        Stroke(np.stack([at["neck"], at["head"]]), lit(look.skin, light, 0.8), 0.9 * radius),
        Disc(at["head"], radius, lit(look.hair, light)),
    ]
    if faces_us > -0.35:
        shapes.append(Disc(at["head"] + offset, 0.72 * radius, lit(look.skin, light)))
    return shapes


def shadow(thing: Person, camera: Camera, lighting: Lighting, tall_m: float) -> Floats:
    """The shadow on the ground, cast away from the nearest lamp, at most 1.3 m long, `(n, 2)` pixels."""
    away, reach = np.array([0.0, 1.0]), 0.25
    lamp = lighting.nearest(thing.x_m, thing.y_m)
    if lamp is not None:
        gap = np.array([thing.x_m - lamp.x_m, thing.y_m - lamp.y_m])
        length = max(float(np.hypot(*gap)), 1e-3)
        away, reach = gap / length, min(1.3, length * tall_m / max(lamp.height_m - tall_m, 0.5))
    across = np.array([-away[1], away[0]])
    foot = np.array([thing.x_m, thing.y_m])
    turns = np.linspace(0, 2 * pi, 13)[:-1]
    middle, half = foot + away * reach / 2, reach / 2 + 0.2
    rim = middle + np.cos(turns)[:, None] * half * away + np.sin(turns)[:, None] * 0.24 * across
    return camera.see(np.column_stack([rim, np.zeros(len(rim))]))[0]
