"""Drawn clips of what flickers: flames of several sizes, and everything that a flame cue must not take for one.

A drawing is a generator of BGR frames `(240, 426, 3)` uint8 with sensor noise; the same arguments draw the same clip. They are
made to be harder than life where that is simple: textures without a lens to soften them, lamps with hard edges, leaves of sunset
orange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 240, 426
AMBER, ORANGE, SUNSET = (20, 140, 250), (20, 110, 240), (40, 130, 220)
GROUNDS = {"night": (25, 25, 25), "asphalt": (110, 110, 110), "salmon wall": (120, 140, 200)}

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Draw = Callable[[Floats, int], Floats]
GRAINS, GRAINS_NOISE = 11, 3.0
"""Fields of noise that come round again, for as long as they are faint: strong ones would have a beat."""
_ROWS, _COLUMNS = np.indices((HEIGHT, WIDTH)).astype(np.float32)
PATCH = (slice(60, 180), slice(100, 300))


def clip(
    draw: Draw, seconds: float, fps: float, ground: str = "asphalt", noise: float = 2.0
) -> Iterator[Picture]:
    """`draw(picture, frame number)` on a plain ground."""
    for number in range(round(seconds * fps)):
        picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
        picture[:] = GROUNDS[ground]
        yield _taken(draw(picture, number), number, noise)


def flame(
    size: int,
    seconds: float,
    fps: float,
    ground: str | Sequence[Picture] = "asphalt",
    grow: float = 0.0,
) -> Iterator[Picture]:
    """A fire `size` pixels wide: noise of three sizes that streams upward through a swaying cone; `grow` a second."""
    burning = _burning(size, round(seconds * fps), fps, np.random.default_rng(size))
    for number, fire in enumerate(burning):
        scale = 1 + grow * number / fps
        grown = cv2.resize(fire, None, fx=scale, fy=scale) if grow else fire
        if isinstance(ground, str):
            picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
            picture[:] = GROUNDS[ground]
        else:
            picture = ground[number % len(ground)].astype(np.float32)
        yield _taken(_laid(picture, np.asarray(grown, np.float32)), number, 1.5)


def blinking(hz: float, fps: float, share: float = 0.5, lamps: int = 1) -> Draw:
    """Amber lamps, each half a beat after the one beside it."""

    def draw(picture: Floats, number: int) -> Floats:
        for lamp in range(lamps):
            if (number / fps * hz + 0.5 * lamp) % 1 < share:
                picture = _disc(picture, 200 + 40 * lamp, 120, 10, AMBER)
        return picture

    return draw


def beacon(fps: float) -> Draw:
    """A light bar: eight lamps in a pattern of chance that comes back every half second."""
    patterns = np.random.default_rng(9).random((8, round(fps / 2))) < 0.4

    def draw(picture: Floats, number: int) -> Floats:
        for lamp, pattern in enumerate(patterns):
            if pattern[number % len(pattern)]:
                picture = _disc(picture, 180 + 9 * lamp, 120, 4, AMBER)
        return picture

    return draw


def tube(hz: float, fps: float, rows_apart: float = 0.0) -> Draw:
    """An orange wall under a lamp that beats with the shutter; `rows_apart` radians a row make rolling bars of it."""

    def draw(picture: Floats, number: int) -> Floats:
        picture[PATCH] = SUNSET
        wave = np.sin(2 * np.pi * hz * number / fps + rows_apart * np.arange(HEIGHT))
        return picture * (1 + 0.33 * wave)[:, None, None].astype(np.float32)

    return draw


def exposure(hz: float, fps: float) -> Draw:
    """A camera that hunts for its exposure, sawtooth, in front of an orange wall."""

    def draw(picture: Floats, number: int) -> Floats:
        picture[PATCH] = SUNSET
        return picture * np.float32(0.75 + 0.35 * ((number / fps * hz) % 1))

    return draw


def jacket(speed_px_s: float, fps: float, grain_px: float) -> Draw:
    """Somebody in an orange jacket with white stripes, swaying and bobbing, and walking at a speed; `grain_px` of the cloth."""
    grain = np.random.default_rng(5).standard_normal((80, 46)).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), grain_px)
    cloth = np.array(ORANGE, np.float32) * (1 + 0.15 * grain / grain.std())[..., None]
    cloth[28:32] = cloth[45:49] = 220
    shape = np.zeros((80, 46), np.float32)
    shape[10:70, 10:36] = 1
    shape = np.asarray(cv2.GaussianBlur(shape, (0, 0), 1), np.float32)

    def draw(picture: Floats, number: int) -> Floats:
        at = number / fps
        x = speed_px_s * at % 360 + 10 + 4 * np.sin(2 * np.pi * 0.9 * at)
        y = 90 + 3 * np.sin(2 * np.pi * 1.9 * at)
        place = np.array([[1, 0, x], [0, 1, y]], np.float32)
        over = cv2.warpAffine(shape, place, (WIDTH, HEIGHT))[..., None]
        return picture * (1 - over) + cv2.warpAffine(cloth, place, (WIDTH, HEIGHT)) * over

    return draw


def foliage(
    low_hz: float,
    high_hz: float,
    seconds: float,
    fps: float,
    grain_px: float = 2.5,
    *,
    patch: bool = False,
    glints: bool = False,
) -> Draw:
    """Leaves or waves in the last sun: noise in a narrow band of time; `glints` only its crests. `patch`: 30x30 pixels of it."""
    waves = np.random.default_rng(3).standard_normal((round(seconds * fps), 120, 200))
    spectrum = np.fft.rfft(waves, axis=0)
    hz = np.fft.rfftfreq(len(waves), 1 / fps)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    waves = np.fft.irfft(spectrum, len(waves), axis=0).astype(np.float32)
    waves = np.stack([cv2.GaussianBlur(wave, (0, 0), grain_px) for wave in waves])
    waves /= waves.std()
    light = np.clip(waves - 1, 0, None) * 2 if glints else waves

    def draw(picture: Floats, number: int) -> Floats:
        lit = (
            np.array(SUNSET, np.float32)
            * np.clip(1 + 0.3 * light[number % len(light)], 0.2, 1.6)[..., None]
        )
        if patch:
            picture[100:130, 180:210] = lit[40:70, 80:110]
        else:
            picture[PATCH] = lit
        return picture

    return draw


def flag(hz: float, fps: float) -> Draw:
    """An orange flag that waves from its pole, its beat wandering a little."""
    wander = 0.4 * np.random.default_rng(1).normal(0, 0.25, 4000).cumsum()
    part = (slice(60, 150), slice(180, 252))
    rows, out = _ROWS[part], (_COLUMNS[part] - 180) / 70

    def draw(picture: Floats, number: int) -> Floats:
        turn = 2 * np.pi * hz * number / fps + wander[number]
        lift = 8 * out * np.sin(turn - out * 7) + 4 * out * np.sin(1.7 * turn - out * 11 + 1)
        inside = (out >= 0) & (out <= 1 - 0.08 * np.abs(np.sin(turn / 2)))
        inside &= (rows - lift >= 80) & (rows - lift <= 124)
        shade = 1 + 0.3 * out * np.cos(turn - out * 7) + 0.15 * out * np.cos(1.7 * turn - out * 11)
        picture[part][inside] = (np.array((30, 130, 245), np.float32) * shade[..., None])[inside]
        return picture

    return draw


def car(fps: float) -> Draw:
    """A red car with its lights on, 120 pixels a second."""

    def draw(picture: Floats, number: int) -> Floats:
        x = int(120 * number / fps % 480) - 60
        cv2.rectangle(picture, (x, 110), (x + 60, 150), (30, 60, 220), -1)
        cv2.rectangle(picture, (x + 10, 100), (x + 45, 120), (200, 180, 160), -1)
        cv2.circle(picture, (x + 58, 130), 4, (200, 240, 255), -1)
        return picture

    return draw


def headlights(fps: float) -> Draw:
    """Two lamps that sweep over an orange ground at night and light it before them."""

    def draw(picture: Floats, number: int) -> Floats:
        x = 60 + 70 * (number / fps % 4)
        picture = _disc(_disc(picture, x, 120, 6, (200, 240, 255)), x + 24, 120, 6, (200, 240, 255))
        pool = np.exp(-((_COLUMNS - x - 60) ** 2) / 3000 - (_ROWS - 150) ** 2 / 600)
        return picture + pool[..., None] * np.array((40, 110, 160), np.float32)

    return draw


def wall(picture: Floats, number: int) -> Floats:
    """An orange wall on which nothing happens."""
    del number
    picture[PATCH] = SUNSET
    return picture


def _burning(size: int, count: int, fps: float, chance: np.random.Generator) -> Iterator[Floats]:
    height, speed = int(size * 1.8), 2.5 * size
    rows, columns = np.indices((height, size)).astype(np.float32)
    up, side = (height - 1 - rows) / height, (columns - size / 2) / (size / 2)
    long = int(height + speed * 1.4 * count / fps) + 8
    large, middle, small = (_stream(long, size, size / n, chance) for n in (5, 9, 16))
    gusts = np.convolve(chance.standard_normal(count), np.ones(4) / 4, "same")
    for number in range(count):
        at = number / fps
        slow, fast = int(speed * at), int(speed * 1.4 * at)
        puff = np.sin(2 * np.pi * (1.5 + 3 * np.exp(-size / 40)) * at)
        tall = 0.75 + 0.15 * puff + 0.1 * gusts[number]
        heat = 1 - (up / tall) ** 1.2 - np.abs(side - 0.25 * np.sin(4.4 * at + 1) * up) ** 1.5
        heat += up**0.5 * (0.35 * large[slow : slow + height] + 0.25 * middle[fast : fast + height])
        heat = np.clip(1.5 * (heat + 0.15 * small[slow : slow + height]), 0, 1)
        bgr = (200 * (1.2 * heat - 0.7), 235 * (1.35 * heat - 0.15), 255 * 2.2 * heat)
        yield np.dstack([np.clip(c, 0, 255) for c in bgr]).astype(np.float32)


def _stream(long: int, width: int, grain_px: float, chance: np.random.Generator) -> Floats:
    noise = chance.standard_normal((long, width)).astype(np.float32)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), max(0.7, grain_px)), np.float32)
    return noise / noise.std()


def _laid(picture: Floats, fire: Floats) -> Floats:
    """The fire in the middle of the picture, its foot at seven tenths of the height."""
    height, width = picture.shape[:2]
    foot, left = int(0.7 * height), (width - fire.shape[1]) // 2
    fire = fire[max(0, fire.shape[0] - foot) :]
    part = picture[foot - fire.shape[0] : foot, left : left + fire.shape[1]]
    over = np.clip(fire.max(axis=2, keepdims=True) / 160, 0, 1)
    part[:] = part * (1 - over) + fire
    return picture


def _disc(
    picture: Floats, x: float, y: float, radius: float, colour: tuple[int, int, int]
) -> Floats:
    reach = int(radius) + 4
    left, top = max(0, int(x) - reach), max(0, int(y) - reach)
    part = picture[top : int(y) + reach, left : int(x) + reach]
    rows, columns = np.indices(part.shape[:2]).astype(np.float32)
    over = np.clip((radius + 3 - np.hypot(columns + left - x, rows + top - y)) / 3, 0, 1)[..., None]
    part[:] = part * (1 - over) + over * np.array(colour, np.float32)
    return picture


def _taken(picture: Floats, number: int, noise: float) -> Picture:
    """As a sensor would: one of a few fields of noise, since drawing new ones costs more than all the rest."""
    height, width = picture.shape[:2]
    grain = (
        _grain(height, width)[number % GRAINS]
        if noise <= GRAINS_NOISE
        else _fresh(number, height, width)
    )
    return np.clip(picture + noise * grain, 0, 255).astype(np.uint8)


def _fresh(number: int, height: int, width: int) -> Floats:
    return np.random.default_rng(number).standard_normal((height, width, 3), np.float32)


@cache
def _grain(height: int, width: int) -> Floats:
    chance = np.random.default_rng(1)
    return chance.standard_normal((GRAINS, height, width, 3), np.float32)
