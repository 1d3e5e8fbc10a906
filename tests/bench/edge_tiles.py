"""What tiles find and cost where people are small: `./dev bench edge_tiles`.

wide    a camera that sees much: the labelled clip (400 frames, 7 a second) at its own size of 480x360 as a part of a picture
        of 1280x720, whose rest is the clip's first picture, stretched and blurred. People are 12 to 21 px tall at the model's
        input in the whole picture, so tiles are laid out, from marks that are fitted to the truth's own box heights. The pixels
        of people are the clip's own; that there is little to mistake elsewhere makes it easier than a true wide picture.
near    the clip as it is. People are tall enough, so the same geometry lays out no tiles.
forced  the clip as it is, with the tiles that nobody should lay out there: what the geometry protects from.

Recall and false boxes are of detections from the model's own score for a sure one on, IoU 0.5, over every tenth frame, tiles
at every look. MOTA, IDF1 and the count's error are of tracks through the agent's tracker, over all frames, with tiles at every
second look as shipped (`shipped`), the same with a tracker that is not told (`untold`), at every look (`always`), or never
(`whole`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.app.sight import CameraTracker
from gatehouse_edge.inference.detector import ChildDetector, open_detector
from gatehouse_edge.inference.tiled import TiledDetector
from gatehouse_edge.inference.tiling import input_ratio, lay_out
from gatehouse_edge.rules.homography import Homography
from gatehouse_edge.rules.views import USUAL_HEIGHT_M, View
from gatehouse_edge.tracking.parameters import parameters_for
from gatehouse_edge.tracking.tracker import Tracker
from gatehouse_edge.values import Frame, FrameKind
from gatehouse_shared.names import Label
from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.mot import Score, format_row, parse_rows, read_truth, score_tracks

CLIP, TRUTH = "video/pets09-s2l1-first400.mp4", "gt/pets09-s2l1-first400.txt"
MODELS: Final = ("yolox_nano", "nanodet_m_416")
FRAMES, FPS, TRUTH_SCALE = 400, 7.0, 0.625
WIDE_WH, OFFSET_XY = (1280, 720), (400, 120)
IOU = 0.5
STEP = 10
START = datetime(2026, 1, 1, tzinfo=UTC)
Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Scene:
    """The clip's frames `(h, w, 3)`, alone or on a larger `ground`; truth rows `(n, 6)` and the one view in its pixels."""

    frames: list[Pixels]
    truth: Floats
    view: View
    ground: Pixels | None = None

    def shown(self) -> Iterator[Frame]:
        """Every picture of the camera, made as it is asked for."""
        for number, clip in enumerate(self.frames):
            pixels = clip
            if self.ground is not None:
                (x, y), (high, wide) = OFFSET_XY, clip.shape[:2]
                pixels = self.ground.copy()
                pixels[y : y + high, x : x + wide] = clip
            at = number / FPS
            yield Frame("cam", FrameKind.COLOUR, number, at, START + timedelta(seconds=at), pixels)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Of its pictures."""
        high, wide = (self.frames[0] if self.ground is None else self.ground).shape[:2]
        return wide, high


@dataclass(frozen=True, slots=True)
class Found:
    """Detections against truth: share of people found, boxes that are nobody's, and milliseconds a look."""

    recall: float
    false_a_frame: float
    cost_ms: float


def figures() -> dict[str, Figure]:
    """All figures of both models."""
    assets = look_in_assets()
    missing = [name for name in (CLIP, TRUTH) if not (assets / name).is_file()]
    if missing:
        how = f"not measured: {missing[0]} is not in the folder that GATEHOUSE_ASSETS names"
        return {"tiles": Figure(value=None, unit="", goal=None, met=None, how=how)}
    near = near_scene(assets)
    wide = wide_scene(near)
    found: dict[str, Figure] = {}
    for model in MODELS:
        with closing(open_detector(model, threads=1)) as detector:
            found |= _measured(model, detector, near, wide)
    return found


def _measured(model: str, detector: ChildDetector, near: Scene, wide: Scene) -> dict[str, Figure]:
    forced = Scene(near.frames, near.truth, _far_view(near))
    runs = {
        "wide_whole": (wide, None),
        "wide_always": (wide, 1),
        "wide_shipped": (wide, 2),
        "wide_untold": (wide, 2),
        "near_whole": (near, None),
        "near_shipped": (near, 2),
        "forced_always": (forced, 1),
    }
    told: dict[str, Figure] = {}
    for name, (scene, every) in runs.items():
        how = _how(detector, scene, every)
        if every != 2:
            seen = detections(detector, scene, every)
            told[f"{name}_recall_{model}"] = _figure(100 * seen.recall, "%", how)
            told[f"{name}_false_{model}"] = _figure(seen.false_a_frame, "a frame", how)
            told[f"{name}_cost_{model}"] = _figure(
                seen.cost_ms, "ms", "median of a look, one thread"
            )
        score = tracked(detector, scene, every, patches=name != "wide_untold")
        told[f"{name}_mota_{model}"] = _figure(score.mota, "%", how)
        told[f"{name}_idf1_{model}"] = _figure(score.idf1, "%", how)
        told[f"{name}_mae_{model}"] = _figure(score.count_mae, "people", how)
    return told


def near_scene(assets: Path) -> Scene:
    """The clip as it is."""
    frames = list(_read(assets / CLIP))
    if len(frames) != FRAMES:
        raise ValueError(f"the clip gave {len(frames)} frames, not {FRAMES}")
    truth = read_truth(assets / TRUTH, TRUTH_SCALE)
    return Scene(frames, truth, _view(truth, (480, 360)))


def wide_scene(near: Scene) -> Scene:
    """The clip as a part of a larger picture."""
    ground = cv2.GaussianBlur(cv2.resize(near.frames[0], WIDE_WH), (0, 0), 12)
    truth = near.truth.copy()
    truth[:, 2:4] += OFFSET_XY
    return Scene(near.frames, truth, _view(truth, WIDE_WH), np.asarray(ground, np.uint8))


def detections(detector: ChildDetector, scene: Scene, every: int | None) -> Found:
    """Recall and false boxes over every STEP-th frame."""
    look = detector if every is None else TiledDetector(detector, (scene.view,), every)
    least = detector.scores.high
    hits = people = boxes = 0
    spent: list[float] = []
    for number, frame in enumerate(scene.shown()):
        if number % STEP:
            continue
        began_s = time.perf_counter()
        seen = look.look(frame)
        spent.append(1000 * (time.perf_counter() - began_s))
        told = np.array([d.xyxy for d in seen if d.label is Label.PERSON and d.score >= least])
        real = scene.truth[scene.truth[:, 0] == number + 1, 2:6]
        hits += _hits(real, told.reshape(-1, 4))
        people, boxes = people + len(real), boxes + len(told)
    frames = len(spent)
    return Found(hits / people, (boxes - hits) / frames, statistics.median(spent))


def tracked(detector: ChildDetector, scene: Scene, every: int | None, *, patches: bool) -> Score:
    """Tracks over all frames. `patches`: whether the tracker is told what was looked at closely."""
    tiled = TiledDetector(detector, (scene.view,), every or 1)
    plain = every is None
    tracker = CameraTracker(
        Tracker(parameters_for(detector.scores)), 1, tiled.patches if patches else tuple
    )
    rows: list[str] = []
    for number, frame in enumerate(scene.shown(), 1):
        seen = detector.look(frame) if plain else tiled.look(frame)
        rows += [
            format_row(number, track.track_id, track.xyxy, track.score)
            for track in tracker.follow(seen, frame).tracks
            if track.seen and track.label is Label.PERSON
        ]
    return score_tracks(scene.truth, parse_rows(rows), range(1, FRAMES + 1))


def _hits(real: Floats, told: Floats) -> int:
    """People who have a box of their own."""
    free, hits = list(range(len(told))), 0
    for x, y, w, h in real:
        best = max(free, key=lambda n: _iou((x, y, x + w, y + h), told[n]), default=None)
        if best is not None and _iou((x, y, x + w, y + h), told[best]) >= IOU:
            free.remove(best)
            hits += 1
    return hits


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    whole = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - wide * high
    return wide * high / whole if whole > 0 else 0.0


def _view(truth: Floats, size_wh: tuple[int, int]) -> View:
    """The ground where the truth's people walk, with the scale that their heights give: h = slope * (foot - horizon)."""
    feet = truth[:, 3] + truth[:, 5]
    slope, shift = np.polyfit(feet, truth[:, 5], 1)
    horizon = -shift / slope
    wide, high = size_wh
    metres = USUAL_HEIGHT_M[Label.PERSON]
    # Fractions of the frame: X = metres * (x - 1/2) * wide / (slope * high * (y - horizon / high)); Y does not matter.
    rows = (
        (metres * wide / (slope * high), 0.0, -0.5 * metres * wide / (slope * high)),
        (0.0, 0.0, 1.0),
        (0.0, 1.0, -horizon / high),
    )
    x1, x2 = truth[:, 2].min() / wide, (truth[:, 2] + truth[:, 4]).max() / wide
    y1, y2 = feet.min() / high, feet.max() / high
    return View("cam", "yard", ((x1, y1), (x2, y1), (x2, y2), (x1, y2)), Homography(rows, 0.0))


def _far_view(near: Scene) -> View:
    """The same ground, with marks that claim people half as tall: so that tiles are laid out where none should be."""
    fit = near.view.homography
    assert fit is not None
    (a, b, c), depth, last = fit.rows
    return View("cam", "yard", near.view.polygon, Homography(((2 * a, b, 2 * c), depth, last), 0.0))


def _read(clip: Path) -> Iterator[Pixels]:
    capture = cv2.VideoCapture(str(clip))
    try:
        while (got := capture.read())[0]:
            yield np.asarray(got[1], np.uint8)
    finally:
        capture.release()


def _how(detector: ChildDetector, scene: Scene, every: int | None) -> str:
    spec = detector.manifest.input
    assert spec is not None
    wide, high = scene.size_wh
    ratio = input_ratio(wide, high, spec)
    low, tall = (float(np.quantile(scene.truth[:, 5], q)) * ratio for q in (0.05, 0.95))
    layout = None if every is None else lay_out((scene.view,), wide, high, spec)
    count, side = (0, 0) if layout is None else (len(layout.tiles), layout.tiles[0].width)
    return f"people {low:.0f} to {tall:.0f} px at the input; {count} tiles of {side}"


def _figure(value: float, unit: str, how: str) -> Figure:
    return Figure(value=round(value, 2), unit=unit, goal=None, met=None, how=how)
