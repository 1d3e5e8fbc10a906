"""What happens to pictures: covers, blurs, moved cameras, light, weather, crowds; and which hazards come of it.

Every change is a function of a frame and of the second since it began; all are seeded, so a run repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from gatehouse_edge.gate.integrity import IntegrityWatcher
from gatehouse_edge.rules.camera_integrity import KINDS
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.rule import RuleState
from gatehouse_edge.values import Finding, Frame, FrameKind
from gatehouse_shared.names import Phase
from gatehouse_testing.requests import request

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, float], Pixels]
START = datetime(2026, 6, 1, 12, tzinfo=UTC)
CLIPS = {
    "one-by-one": ("video/one-by-one-person-detection.mp4", 12.0),
    "pets": ("video/pets09-s2l1-first400.mp4", 7.0),
    "hall": ("video/hall-720p.avi", 25.0),
    "road": ("video/overhead-road.avi", 12.0),
    "car": ("video/car-detection.mp4", 12.0),
    "fire": ("video/fire-house6.mp4", 15.0),
}
"""Files of the test material, and how many of their frames make a second here."""


def stills(path: Path, step: float, most: int = 120) -> list[Pixels]:
    """Every `step`-th frame of a recording."""
    capture, frames, index = cv2.VideoCapture(str(path)), list[Pixels](), 0
    while len(frames) < most:
        if not capture.grab():
            break
        if index % round(step) == 0:
            frames.append(np.asarray(capture.retrieve()[1], dtype=np.uint8))
        index += 1
    capture.release()
    return frames


def _clip(values: NDArray[np.generic]) -> Pixels:
    return np.clip(values, 0, 255).astype(np.uint8)


def _noise(shape: tuple[int, ...], seed: float, levels: float) -> NDArray[np.float64]:
    return np.random.default_rng(int(seed * 10)).normal(0, levels, (*shape[:2], 1))


def clean(pixels: Pixels, _at: float) -> Pixels:
    """Nothing happens."""
    return pixels


def cover(level: float, ratio: float = 0.9) -> Change:
    """A flat thing before the lens; sensor noise goes on."""

    def change(pixels: Pixels, at: float) -> Pixels:
        out, wide = pixels.copy(), int(pixels.shape[1] * ratio)
        out[:, :wide] = _clip(level + _noise(pixels.shape, at, 3.0))[:, :wide]
        return out

    return change


def hand(pixels: Pixels, at: float) -> Pixels:
    """A palm on the lens: skin-coloured, soft, with a little structure."""
    high, wide = pixels.shape[:2]
    palm = _relief(high, wide) + _noise(pixels.shape, at, 3.0)
    out = pixels.copy()
    out[:, : int(0.9 * wide)] = _clip(palm)[:, : int(0.9 * wide)]
    return out


@cache
def _relief(high: int, wide: int) -> NDArray[np.float64]:
    """A palm without noise."""
    rng = np.random.default_rng(3)
    soft = cv2.GaussianBlur(rng.normal(0, 1, (high, wide)), (0, 0), wide / 40)
    fine = cv2.GaussianBlur(rng.normal(0, 1, (high, wide)), (0, 0), wide / 200)
    relief = 12 * soft / soft.std() + 2 * fine / fine.std()
    return np.array([110.0, 130.0, 170.0]) + relief[..., None]


def defocus(pixels: Pixels, at: float) -> Pixels:
    """Grows from sharp to a sigma of 8 pixels (of 1280 across) in 15 s; sensor noise stays."""
    sigma = min(8.0, 0.3 + at * 8.0 / 15.0) * pixels.shape[1] / 1280
    return _clip(cv2.GaussianBlur(pixels, (0, 0), sigma) + _noise(pixels.shape, at, 2.0))


def warp(matrix: Callable[[int, int], MatLike]) -> Change:
    """The camera was turned or zoomed; what comes into view at the edge is a mirror of the place."""

    def change(pixels: Pixels, _at: float) -> Pixels:
        high, wide = pixels.shape[:2]
        turned = cv2.warpAffine(
            pixels, matrix(wide, high), (wide, high), borderMode=cv2.BORDER_REFLECT
        )
        return turned.astype(np.uint8, copy=False)

    return change


def _turn(angle: float, scale: float) -> Change:
    return warp(lambda w, h: cv2.getRotationMatrix2D((w / 2, h / 2), angle, scale))


def _shift(x: float, y: float) -> Change:
    return warp(lambda w, h: np.array([[1, 0, x * w], [0, 1, y * h]], dtype=np.float32))


def other_place(pixels: Pixels, at: float) -> Pixels:
    """Turned right away: upside down and mirrored stands for a place never seen."""
    return np.ascontiguousarray(pixels[::-1, ::-1] if at >= 0 else pixels)


def gain(factor: float) -> Change:
    """All light times `factor`."""
    return lambda pixels, _at: _clip(pixels * factor)


def lights_out(pixels: Pixels, at: float) -> Pixels:
    """A sixth of the light at once, with the noise of a sensor that tries."""
    return _clip(pixels * 0.17 + _noise(pixels.shape, at, 3.0))


def headlights(pixels: Pixels, at: float) -> Pixels:
    """A lamp shines into the lens for 8 s."""
    if at > 8:
        return pixels
    high, wide = pixels.shape[:2]
    y, x = np.mgrid[:high, :wide]
    far = ((x - wide * 0.5) ** 2 + (y - high * 0.6) ** 2) / (2 * (wide * 0.25) ** 2)
    return _clip(pixels + 220 * np.exp(-far)[..., None])


def rain(pixels: Pixels, at: float) -> Pixels:
    """Noise, and streaks that fall elsewhere every time."""
    out = _clip(pixels + _noise(pixels.shape, at, 8.0))
    rng, (high, wide) = np.random.default_rng(int(at * 10)), pixels.shape[:2]
    for x, y in rng.integers(0, (wide, high), (250, 2)).tolist():
        cv2.line(out, (x, y), (x + 3, y + high // 15), (210, 210, 210), 1)
    return out


def crowd(pixels: Pixels, at: float) -> Pixels:
    """People who walk fill 60 % of the picture."""
    high, wide = pixels.shape[:2]
    rng, out = np.random.default_rng(5), pixels.copy()
    hidden = np.zeros((high, wide), dtype=bool)
    tall, broad = high // 4, high // 12
    while hidden.mean() < 0.6:
        x, y = rng.integers(-broad, wide), rng.integers(0, high)
        x = int((x + rng.normal(0, wide / 25) * at) % wide)
        skin, coat = (rng.integers(20, 230, 3).tolist() for _ in range(2))
        cv2.rectangle(out, (x, int(y)), (x + broad, int(y) + tall), coat, -1)
        cv2.circle(out, (x + broad // 2, int(y)), broad // 3, skin, -1)
        hidden[int(y) : int(y) + tall, x : x + broad] = True
    return out


def infrared(pixels: Pixels, at: float) -> Pixels:
    """No colour, lit by a spot in the middle, with noise."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float64)
    high, wide = gray.shape
    y, x = np.mgrid[:high, :wide]
    far = ((x - wide / 2) ** 2 + (y - high / 2) ** 2) / (2 * (wide * 0.3) ** 2)
    lit = 255 * (gray / 255) ** 0.8 * (0.4 + np.exp(-far))
    return _clip(np.repeat(lit[..., None] + _noise(pixels.shape, at, 4.0), 3, axis=2))


FAULTS: dict[str, tuple[str, Change]] = {
    "black cover 90 %": ("camera_covered", cover(12.0)),
    "black cover": ("camera_covered", cover(6.0, 1.0)),
    "white cover 90 %": ("camera_covered", cover(245.0)),
    "hand 90 %": ("camera_covered", hand),
    "defocus to 8 px": ("camera_blurred", defocus),
    "shift 8 % across": ("camera_moved", _shift(0.08, 0.0)),
    "shift 8 % down": ("camera_moved", _shift(0.0, 0.08)),
    "turned by 5 degrees": ("camera_moved", _turn(5.0, 1.0)),
    "zoomed by 1.3": ("camera_moved", _turn(0.0, 1.3)),
    "another place": ("camera_moved", other_place),
    "frozen": ("camera_frozen", clean),
}
"""What must raise which hazard."""

HARMLESS: dict[str, Change] = {
    "as it is": clean,
    "light x 0.5": gain(0.5),
    "light x 1.8": gain(1.8),
    "lights out to a sixth": lights_out,
    "headlights for 8 s": headlights,
    "rain": rain,
    "walking crowd 60 %": crowd,
    "infrared": infrared,
}
"""What must raise none."""

LEARN_S, FAULT_S, AFTER_S = 40, 45, 30


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hazards in order: kind, seconds from the fault's begin to the raise; and which were cleared by the end."""

    raised: tuple[tuple[str, float], ...]
    cleared: tuple[str, ...]


class Watched:
    """One camera under its watcher and its four rules."""

    def __init__(self, *, sensor: bool = True) -> None:
        self.watcher = IntegrityWatcher(sensor=sensor)
        self.rules = {kind.name: kind.build(request(kind.kind)) for kind in KINDS}
        self.states = {name: RuleState() for name in self.rules}
        self.findings: list[tuple[float, Finding]] = []

    def see(self, pixels: Pixels, at: float) -> tuple[Observation, ...]:
        """One frame."""
        time = START + timedelta(seconds=at)
        said = self.watcher.watch(Frame("cam_1", FrameKind.COLOUR, int(at), at, time, pixels))
        for observation in said:
            self.tell(observation, at)
        return said

    def tell(self, observation: Observation, at: float) -> None:
        """One observation to every rule."""
        now = Moment(at, START + timedelta(seconds=at))
        for name, rule in self.rules.items():
            self.states[name], found = rule.step(self.states[name], observation, now)
            self.findings += [(at, finding) for finding in found]


def play(
    frames: Sequence[Pixels], change: Change, *, freeze: bool = False, after_s: int = AFTER_S
) -> Outcome:
    """Learn the place, let something happen, and take it away again; one frame a second, round and round."""
    watched, shown = Watched(), _to_and_fro(frames)
    for at in range(LEARN_S):
        watched.see(next(shown), float(at))
    still = next(shown)
    for at in range(FAULT_S):
        pixels = still if freeze else change(next(shown), float(at))
        watched.see(pixels, float(LEARN_S + at))
    for at in range(LEARN_S + FAULT_S, LEARN_S + FAULT_S + after_s):
        watched.see(next(shown), float(at))
    found = watched.findings
    return Outcome(
        tuple((f.kind.value, at - LEARN_S) for at, f in found if f.phase is Phase.RAISED),
        tuple(f.kind.value for _, f in found if f.phase is Phase.CLEARED),
    )


def _to_and_fro(frames: Sequence[Pixels]) -> Iterator[Pixels]:
    """Forwards and backwards for ever, so that no cut is seen."""
    return cycle([*frames, *frames[-2:0:-1]])
