"""What the motion gate costs, whom it loses and what it saves: `./dev bench edge_gate`.

`gate_ms`: processor time of `MotionGate.step` on decoded frames, median of the repeats. `gate_people_lost`: people of the truth
whom the agent's detector and tracker find without the gate and do not tell with it, for more than 0.5 s in a row: on the labelled
clip, where something moves in every frame. `gate_saved_quiet`: share of the looks that are saved in an hour of a drawn, still
place: sensor noise, light that drifts, one who walks through, one who comes, stands for two minutes and goes, a thunderstorm. The
boxes of the two are given to the tracker as they were drawn, so that the figure is the gate's alone.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.app.sight import CameraTracker
from gatehouse_edge.gate.motion import MotionGate
from gatehouse_edge.inference.catalogue import find_manifest
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.pipeline import Look
from gatehouse_edge.ports import Gate, GateAnswer
from gatehouse_edge.tracking.parameters import DEFAULTS, TrackerParameters, parameters_for
from gatehouse_edge.tracking.tracker import Tracker
from gatehouse_edge.values import Detection, Frame, FrameKind, Tracks
from gatehouse_shared.names import Label
from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.mot import read_truth
from gatehouse_testing.usage import load

START = datetime(2026, 1, 1, tzinfo=UTC)
CLIPS: Final = {
    "gate_ms": ("video/one-by-one-person-detection.mp4", "768x432"),
    "gate_ms_720p": ("video/hall-720p.avi", "1280x720"),
}
PETS, TRUTH, PETS_FPS, TRUTH_SCALE = (
    "video/pets09-s2l1-first400.mp4",
    "gt/pets09-s2l1-first400.txt",
    7.0,
    0.625,
)
DETECTORS = ("yolox_nano", "nanodet_m_416")
FRAMES, REPEATS = 200, 7
LOST_S, LEAST_IOU = 0.5, 0.5
HOUR_S, QUIET_FPS = 3600.0, 5.0
Box = tuple[float, float, float, float]
Pixels = NDArray[np.uint8]


def figures() -> dict[str, Figure]:
    """All figures of the gate."""
    return gate_ms() | gate_people_lost() | gate_saved_quiet()


class Open:
    """A gate that lets everything through."""

    infer, reason = True, "open"

    def step(self, frame: Frame, *, tracks_alive: bool, settled: bool) -> GateAnswer:
        """Infer."""
        return self


@dataclass(slots=True)
class Given:
    """A detector that says what is known of each frame, by its index."""

    known: list[tuple[Detection, ...]]
    name: str = "given"
    looks: int = 0

    def look(self, frame: Frame) -> tuple[Detection, ...]:
        """What is known."""
        self.looks += 1
        return self.known[frame.index]

    def close(self) -> None:
        """Nothing is open."""


def gate_ms() -> dict[str, Figure]:
    """Milliseconds of processor a frame."""
    found: dict[str, Figure] = {}
    for key, (clip, size) in CLIPS.items():
        path = look_in_assets() / clip
        if not path.is_file():
            found[key] = _missing("ms", clip)
            continue
        frames = list(_frames(path, 25.0, FRAMES))
        value = round(statistics.median(_gate_ms(frames) for _ in range(REPEATS)), 3)
        how = f"{size}, {len(frames)} frames, median of {REPEATS}, load {load():.1f}"
        found[key] = Figure(value=value, unit="ms", goal="<= 0.2", met=value <= 0.2, how=how)
    return found


def _gate_ms(frames: list[Frame]) -> float:
    gate = MotionGate()
    began_s = time.thread_time()
    for frame in frames:
        gate.step(frame, tracks_alive=False, settled=True)
    return 1000 * (time.thread_time() - began_s) / len(frames)


def gate_people_lost() -> dict[str, Figure]:
    """People of the labelled clip, for each detector; the figure without a suffix is the most of them."""
    assets = look_in_assets()
    missing = [name for name in (PETS, TRUTH) if not (assets / name).is_file()]
    if missing:
        return {"gate_people_lost": _missing("people", missing[0])}
    frames = list(_frames(assets / PETS, PETS_FPS))
    truth: list[dict[int, Box]] = [{} for _ in frames]
    for row in read_truth(assets / TRUTH, TRUTH_SCALE):
        frame, number, x, y, w, h = row
        truth[int(frame) - 1][int(number)] = (x, y, x + w, y + h)
    results = {name: _lost_with(name, frames, truth) for name in DETECTORS}
    worst = max(results, key=lambda name: results[name][0])
    found: dict[str, Figure] = {}
    for key, name in (("", worst), *((f"_{name}", name) for name in DETECTORS)):
        lost, looks = results[name]
        how = f"{name}, {len(frames)} frames at 7 fps, {looks} of them inferred; over {LOST_S} s in a row"
        found[f"gate_people_lost{key}"] = Figure(
            value=lost, unit="people", goal="<= 0", met=lost <= 0, how=how
        )
    return found


def _lost_with(model: str, frames: list[Frame], truth: list[dict[int, Box]]) -> tuple[int, int]:
    """People lost, and frames inferred, with one detector; it looks once at every frame, for both runs."""
    detector = open_detector(model, threads=1)
    try:
        known = [detector.look(frame) for frame in frames]
    finally:
        detector.close()
    parameters = parameters_for(find_manifest(model).scores)
    told, _ = _told(Open(), known, frames, parameters)
    gated, looks = _told(MotionGate(), known, frames, parameters)
    return len(lost_people(truth, told, gated, PETS_FPS)), looks


def gate_saved_quiet() -> dict[str, Figure]:
    """The quiet hour."""
    place = QuietPlace()
    steps = range(int(HOUR_S * QUIET_FPS))
    truth = [place.people(k / QUIET_FPS) for k in steps]
    known = [tuple(Detection(Label.PERSON, 0.9, box) for box in t.values()) for t in truth]
    told, _ = _told(Open(), known, place.frames(steps), DEFAULTS)
    gated, looks = _told(MotionGate(), known, place.frames(steps), DEFAULTS)
    lost = lost_people(truth, told, gated, QUIET_FPS)
    saved = round(1 - looks / len(steps), 3)
    with_people = sum(bool(people) for people in truth) / len(steps)
    how = f"an hour at {QUIET_FPS:g} fps, two people, in sight for {with_people:.1%} of it; {looks} looks"
    return {
        "gate_saved_quiet": Figure(value=saved, unit="", goal=None, met=None, how=how),
        "gate_people_lost_quiet": Figure(
            value=len(lost), unit="people", goal="<= 0", met=not lost, how="the same hour"
        ),
    }


@dataclass(slots=True)
class QuietPlace:
    """A still place as a camera gives it, 320x180. `people` where they are drawn, by number."""

    noise_levels: float = 3.0
    _place: NDArray[np.int16] = field(init=False)
    _noise: list[NDArray[np.int16]] = field(init=False)

    def __post_init__(self) -> None:
        random = np.random.default_rng(2026)
        coarse = random.integers(50, 170, (9, 16, 3)).astype(np.float32)
        smooth = cv2.resize(coarse, (320, 180), interpolation=cv2.INTER_CUBIC)
        self._place = np.clip(smooth, 0, 255).astype(np.int16)
        self._noise = [
            random.normal(0, self.noise_levels, (180, 320, 3)).round().astype(np.int16)
            for _ in range(24)
        ]

    def people(self, at: float) -> dict[int, Box]:
        """One walks through from 600 to 640 s; the other comes at 2100, stands from 2112 to 2232, and goes."""
        found: dict[int, Box] = {}
        if 600 <= at < 640:
            found[1] = _standing_at(8 + (at - 600) / 40 * 300)
        if 2100 <= at < 2246:
            way = min(at - 2100, 12.0) + max(0.0, at - 2232)
            found[2] = _standing_at(8 + way / 26 * 300)
        return found

    def frames(self, steps: Iterable[int]) -> Iterator[Frame]:
        """The place at each step, drawn as it is asked for."""
        order = np.random.default_rng(7)
        for k in steps:
            at = k / QUIET_FPS
            noise = self._noise[int(order.integers(len(self._noise)))]
            picture = self._place + noise + np.int16(_light(at))
            for number, (x1, y1, x2, y2) in self.people(at).items():
                picture[round(y1) : round(y2), round(x1) : round(x2)] = 30 + 160 * (number - 1)
            pixels = np.clip(picture, 0, 255).astype(np.uint8)
            yield Frame("quiet", FrameKind.COLOUR, k, at, START + timedelta(seconds=at), pixels)


def _standing_at(x: float) -> Box:
    return (x, 90.0, x + 10.0, 124.0)


def _light(at: float) -> float:
    """Levels: the sun goes round in half an hour, clouds in forty seconds; lightning in the fiftieth minute."""
    storm = 3000 <= at < 3060 and (at - 3000) % 15 < 0.5
    return 18 * np.sin(at / 287) + 8 * np.sin(at / 6.4) * np.sin(at / 90) + (90 if storm else 0)


def lost_people(
    truth: list[dict[int, Box]], without: list[list[Box]], gated: list[list[Box]], fps: float
) -> set[int]:
    """Numbers of those who are found without the gate and not with it for more than LOST_S in a row."""
    lost: set[int] = set()
    running: dict[int, int] = {}
    for people, plain, kept in zip(truth, without, gated, strict=True):
        missed = _found(people, plain) - _found(people, kept)
        running = {number: running.get(number, 0) + 1 for number in missed}
        lost |= {number for number, frames in running.items() if frames / fps > LOST_S}
    return lost


def _found(people: dict[int, Box], boxes: list[Box]) -> set[int]:
    """Who is covered by a box, best pairs first, one box for one person."""
    pairs = sorted(
        ((_iou(person, box), number, k) for number, person in people.items() for k, box in enumerate(boxes)),
        reverse=True,
    )  # fmt: skip
    found: set[int] = set()
    used: set[int] = set()
    for overlap, number, k in pairs:
        if overlap >= LEAST_IOU and number not in found and k not in used:
            found.add(number)
            used.add(k)
    return found


def _iou(a: Box, b: Box) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def _told(
    gate: Gate,
    known: list[tuple[Detection, ...]],
    frames: Iterable[Frame],
    parameters: TrackerParameters,
) -> tuple[list[list[Box]], int]:
    """The boxes of counted people in each frame (those of the last one where none was told), and how many looks it took."""
    model = Given(known)
    look = Look(gate, model, CameraTracker(Tracker(parameters), 1))
    boxes: list[list[Box]] = []
    for frame in frames:
        tracks = [said for said in look.see(frame) if isinstance(said, Tracks)]
        boxes.append([t.xyxy for said in tracks for t in said.tracks if t.seen])
    return boxes, model.looks


def _frames(path: Path, fps: float, most: int = 10_000) -> Iterator[Frame]:
    clip = cv2.VideoCapture(str(path))
    try:
        for index in range(most):
            good, pixels = clip.read()
            if not good:
                return
            at = index / fps
            yield Frame(
                "clip", FrameKind.COLOUR, index, at, START + timedelta(seconds=at), pixels.astype(np.uint8)
            )  # fmt: skip
    finally:
        clip.release()


def _missing(unit: str, name: str) -> Figure:
    how = f"not measured: {name} is not in the folder that GATEHOUSE_ASSETS names"
    return Figure(value=None, unit=unit, goal=None, met=None, how=how)
