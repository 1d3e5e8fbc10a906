"""Made-up walks over a line with known passages: what a detector would say of them, misses, trembling and all.

The picture is 640x480; the line stands upright in its middle; people are 80 to 100 px tall and walk about 1.2 body heights
a second. Who is more than half behind another is not detected. Bound: a scene is some fifteen seconds of at most six people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.rules.geometry import Box, overlap
from gatehouse_edge.rules.line_flow import LineCounter, LineState
from gatehouse_edge.tracking.parameters import DEFAULTS
from gatehouse_edge.tracking.table import Moment, TrackerState
from gatehouse_edge.tracking.tracker import Tracker
from gatehouse_edge.values import Detection, Tracks
from gatehouse_shared.names import Label

WIDTH, HEIGHT, LINE_PX = 640, 480, 320.0
POLE_PX = 24.0
"""Width of the pole that stands before the line in `pole`."""
TREMBLE, MISSED = 0.02, 0.05
STANDS_S = 3.0
LATE_S = 1.0
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
Places = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Walker:
    """Foot points `(frames, 2)` in pixels, and height."""

    feet: Places
    tall: float


def _walk(
    chance: np.random.Generator, corners: list[tuple[float, float]], foot_y: float, fps: float
) -> Walker:
    """Along x from corner to corner, (x, seconds to stand there) each."""
    tall = float(chance.uniform(80, 100))
    speed = float(chance.uniform(1.0, 1.5)) * tall
    xs: list[float] = []
    for (start, stands_s), (end, _) in pairwise(corners):
        xs += [start] * round(stands_s * fps)
        steps = max(1, round(abs(end - start) / speed * fps))
        xs += np.linspace(start, end, steps, endpoint=False).tolist()
    drift = float(chance.uniform(-10, 10)) * np.linspace(0, 1, len(xs))
    return Walker(np.stack((np.array(xs), foot_y + drift), axis=1), tall)


def _pair(chance: np.random.Generator, fps: float) -> list[Walker]:
    near = float(chance.uniform(-60, 60))
    return [
        _walk(chance, [(100, 0), (560, 0)], 300, fps),
        _walk(chance, [(540 + near, 0), (80, 0)], 300 + float(chance.uniform(8, 30)), fps),
    ]


def _group(chance: np.random.Generator, fps: float) -> list[Walker]:
    return [_walk(chance, [(60 + 45 * k, 0), (600, 0)], 250 + 35 * k, fps) for k in range(4)]


def _stop(chance: np.random.Generator, fps: float) -> list[Walker]:
    at = LINE_PX + float(chance.uniform(-3, 3))
    return [_walk(chance, [(120, 0), (at, STANDS_S), (560, 0)], 300, fps)]


def _turn(chance: np.random.Generator, fps: float) -> list[Walker]:
    short, far = LINE_PX - float(chance.uniform(30, 60)), LINE_PX + float(chance.uniform(60, 120))
    return [
        _walk(chance, [(120, 0), (short, 0.5), (120, 0)], 260, fps),
        _walk(chance, [(100, 0), (far, 0.5), (100, 0)], 420, fps),
    ]


def _single(chance: np.random.Generator, fps: float) -> list[Walker]:
    return [_walk(chance, [(120, 0), (560, 0)], 300, fps)]


SCENES: dict[str, Callable[[np.random.Generator, float], list[Walker]]] = {
    "pairs": _pair,
    "groups": _group,
    "stops": _stop,
    "turns": _turn,
    "pole": _single,
}


def count(
    scene: str, seed: int, fps: float = 7.0
) -> tuple[list[tuple[float, bool]], list[tuple[float, bool]]]:
    """(when, to the right) of each true passage, and of each that tracker and line counter told."""
    walkers = SCENES[scene](np.random.default_rng(seed), fps)
    truth = sorted(one for walker in walkers for one in _passages(walker, fps))
    # upwards, so that the right of the picture is the line's right
    line = LineCounter(line="x", device="cam", a=(0.5, 1.0), b=(0.5, 0.1))
    kept, told = LineState(), []
    for tracks in follow(scene, seed, fps):
        kept, passages = line.step(kept, tracks)
        told += [(one.at, one.inward) for one in passages]
    return truth, told


def follow(scene: str, seed: int, fps: float = 7.0) -> Iterator[Tracks]:
    """The tracks of each frame of a scene, and of a second after it."""
    chance = np.random.default_rng(seed)
    walkers = SCENES[scene](chance, fps)
    tracker, state = Tracker(DEFAULTS), TrackerState(seed)
    for number in range(max(len(walker.feet) for walker in walkers) + round(fps)):
        at = number / fps
        found = _detections(walkers, number, chance, pole=scene == "pole")
        moment = Moment("cam", at, NOON + timedelta(seconds=at), WIDTH, HEIGHT)
        state, tracks = tracker.step(state, found, moment)
        yield tracks


def f1(scene: str, seeds: range, fps: float = 7.0) -> float:
    """Of all passages of these scenes, with direction, within a second."""
    hits = real = found = 0
    for seed in seeds:
        truth, told = count(scene, seed, fps)
        real, found = real + len(truth), found + len(told)
        for at, way in truth:
            match = next(
                (one for one in told if one[1] == way and abs(one[0] - at) <= LATE_S), None
            )
            if match:
                told.remove(match)
                hits += 1
    return 2 * hits / (real + found)


def _passages(walker: Walker, fps: float) -> list[tuple[float, bool]]:
    """When the true foot was beyond the line by an eighth of the body, having been so on the other side before."""
    found: list[tuple[float, bool]] = []
    side: bool | None = None
    for number, x in enumerate(walker.feet[:, 0].tolist()):
        if abs(x - LINE_PX) >= walker.tall / 8:
            right = x > LINE_PX
            if side is not None and right != side:
                found.append((number / fps, right))
            side = right
    return found


def _detections(
    walkers: list[Walker], number: int, chance: np.random.Generator, *, pole: bool
) -> tuple[Detection, ...]:
    boxes: list[Box] = []
    for walker in walkers:
        if number < len(walker.feet):
            x, y = walker.feet[number].tolist()
            boxes.append((x - 0.2 * walker.tall, y - walker.tall, x + 0.2 * walker.tall, y))
    boxes.sort(key=lambda box: -box[3])  # the nearest first, who hide the others
    seen: list[Detection] = []
    for k, box in enumerate(boxes):
        hidden = any(overlap(box, other) > 0.5 for other in boxes[:k])
        behind = pole and abs((box[0] + box[2]) / 2 - LINE_PX) < POLE_PX / 2 + 6
        if hidden or behind or chance.random() < MISSED:
            continue
        tall = box[3] - box[1]
        edges = np.array(box) + chance.normal(0, TREMBLE * tall, 4) * (0.5, 1, 0.5, 1)
        x1, y1, x2, y2 = edges.tolist()
        seen.append(Detection(Label.PERSON, float(chance.uniform(0.7, 0.95)), (x1, y1, x2, y2)))
    return tuple(seen)
