"""What a step of the tracker costs beside two well-known ones, and whether it follows people as well: `./dev bench tracker`.

All three get the same boxes: 10, 30 and 100 objects that walk about a picture of 1920x1080 at 10 frames a second and are
missed in 8 % of the frames. CPU time of the thread per frame, taken in turns, the median of the rounds; what the others left
on the heap is kept out of the garbage collector's way, a tracker's own rubbish is not. Then the labelled clip, with the same
detections for all three; each peer with the settings it comes with, but for the frame rate, two seconds of memory and the
scores of the model.

The peers are the group `bench` of `pyproject.toml`. They want libraries that do not go together (and one brings a second
OpenCV), so they are put into a folder of their own, without what they ask for beyond the list, and looked up after ours.
"""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.inference.catalogue import resolve_manifest
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.manifest import Scores
from gatehouse_edge.sources.opening import open_source
from gatehouse_edge.sources.spec import SourceSpec
from gatehouse_edge.tracking.parameters import parameters_for
from gatehouse_edge.tracking.table import Moment, TrackerState
from gatehouse_edge.tracking.tracker import Tracker
from gatehouse_edge.values import Detection
from gatehouse_shared.names import Label
from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.mot import format_row, parse_rows, read_truth, score_tracks

Boxes = NDArray[np.float64]
PEERS = ROOT / "build" / "bench-peers"
CLIP, TRUTH, CLIP_FPS, TRUTH_SCALE = (
    "video/pets09-s2l1-first400.mp4",
    "gt/pets09-s2l1-first400.txt",
    7.0,
    0.625,
)
MODEL = "yolox_nano"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SIZE, RATE, FRAMES, ROUNDS, MISSED, MEMORY_S = (1920, 1080), 10.0, 150, 7, 0.08, 2.0
LIMITS = {10: 0.6, 30: 0.4, 100: 0.3}
NORFAIR_LIMIT = 0.1
SHIPPED = Scores(high=0.6, low=0.1, new=0.7)


@dataclass(frozen=True, slots=True)
class Scene:
    """Boxes `(n, 4)` and scores `(n,)` of each frame."""

    frames: tuple[tuple[Boxes, Boxes], ...]
    rate: float
    size: tuple[int, int]


Told = list[list[tuple[int, Sequence[float]]]]
"""Id and box of what each frame was told to hold."""
Runner = Callable[[Scene, Scores], tuple[float, Told]]
"""Follows a scene; gives CPU seconds a frame, without the making of its input, and what it told."""


def figures() -> dict[str, Figure]:
    """Every figure. Without the peers, or the clip, they are empty and say why."""
    try:
        install_peers()
    except (OSError, subprocess.CalledProcessError) as error:
        return {
            f"tracker_ratio_{n}": _empty(f"the peers could not be installed: {error}")
            for n in LIMITS
        }
    return {**cost_figures(), **clip_figures()}


def cost_figures() -> dict[str, Figure]:
    """`tracker_ratio_N` against `trackers`, `tracker_norfair_ratio_N`, and milliseconds a frame of ours."""
    found: dict[str, Figure] = {}
    for count, limit in LIMITS.items():
        spent = costs(walkers(count))
        ours, byte, fair = (1e3 * median(spent[name]) for name in ("ours", "trackers", "norfair"))
        how = f"{ours:.3f} ms a frame; trackers {byte:.3f}, norfair {fair:.3f}; {ROUNDS} rounds in turns"
        found[f"tracker_ratio_{count}"] = _figure(ours / byte, "", "<=", limit, how)
        found[f"tracker_norfair_ratio_{count}"] = _figure(ours / fair, "", "<=", NORFAIR_LIMIT, how)
    return found


def clip_figures() -> dict[str, Figure]:
    """MOTA and IDF1 of all three on the labelled clip; ours is not to be below either."""
    assets = look_in_assets()
    if not ((assets / CLIP).is_file() and (assets / TRUTH).is_file()):
        return {
            "tracker_mota": _empty(
                "the labelled clip is not in the folder that GATEHOUSE_ASSETS names"
            )
        }
    scene, scores = detections_of_clip(assets / CLIP)
    truth, measured = read_truth(assets / TRUTH, TRUTH_SCALE), {}
    for name, runner in RUNNERS.items():
        told = runner(scene, scores)[1]
        rows = [
            format_row(number, track, (box[0], box[1], box[2], box[3]), 1.0)
            for number, frame in enumerate(told, start=1)
            for track, box in frame
        ]
        measured[name] = score_tracks(truth, parse_rows(rows), range(1, len(told) + 1))
    found: dict[str, Figure] = {}
    for key in ("mota", "idf1"):
        values = {name: float(getattr(score, key)) for name, score in measured.items()}
        peers = {name: value for name, value in values.items() if name != "ours"}
        how = f"{MODEL}, 400 frames; " + ", ".join(f"{n} {v:.1f}" for n, v in peers.items())
        found[f"tracker_{key}"] = _figure(
            values["ours"], "%", ">=", round(max(peers.values()), 3), how
        )
    return found


def costs(scene: Scene) -> dict[str, list[float]]:
    """CPU seconds a frame of each tracker, a round each in turns, after one round that is not counted."""
    spent: dict[str, list[float]] = {name: [] for name in RUNNERS}
    for number in range(ROUNDS + 1):
        for name, runner in RUNNERS.items():
            gc.collect()
            gc.freeze()
            taken = runner(scene, SHIPPED)[0]
            gc.unfreeze()
            if number:
                spent[name].append(taken)
    return spent


def walkers(count: int, seed: int = 1) -> Scene:
    """People on straight ways who turn at the borders of the picture; boxes tremble by a pixel."""
    chance = np.random.default_rng(seed)
    place = chance.uniform((100, 150), (SIZE[0] - 100, SIZE[1] - 150), (count, 2))
    speed, tall = chance.normal(0, 60, (count, 2)), chance.uniform(60, 160, count)
    half = np.stack((0.2 * tall, 0.5 * tall), axis=1)
    frames = []
    for _ in range(FRAMES):
        place = place + speed / RATE
        outside = (place < half) | (place > np.array(SIZE) - half)
        speed = np.where(outside, -speed, speed)
        seen = chance.random(count) >= MISSED
        at = (place + chance.normal(0, 1, place.shape))[seen]
        boxes = np.concatenate((at - half[seen], at + half[seen]), axis=1)
        frames.append((boxes, chance.uniform(0.72, 0.95, len(boxes))))
    return Scene(tuple(frames), RATE, SIZE)


def detections_of_clip(clip: Path) -> tuple[Scene, Scores]:
    """People of each frame as the agent's own decoder and detector give them, and what the model's scores mean."""
    manifest, _ = resolve_manifest(MODEL)
    spec = SourceSpec(url=str(clip), native_fps=CLIP_FPS)
    opened = open_source("clip", spec, live=False, clock=SystemClock(), seeds=ROOT / "seeds")
    frames, size = [], SIZE
    with closing(opened), closing(open_detector(MODEL, interval_s=1 / CLIP_FPS)) as detector:
        for frame in opened.frames():
            found = detector.detect(frame.pixels.astype(np.uint8, copy=False))
            people = [one for one in found if one.label is Label.PERSON]
            boxes = np.array([one.xyxy for one in people], np.float64).reshape(-1, 4)
            frames.append((boxes, np.array([one.score for one in people], np.float64)))
            size = (frame.pixels.shape[1], frame.pixels.shape[0])
    return Scene(tuple(frames), CLIP_FPS, size), manifest.scores


def run_ours(scene: Scene, scores: Scores) -> tuple[float, Told]:
    """The agent's tracker."""
    tracker, state, told = Tracker(parameters_for(scores)), TrackerState(1), []
    given = [
        tuple(
            Detection(Label.PERSON, score, (box[0], box[1], box[2], box[3]))
            for box, score in zip(boxes.tolist(), sure.tolist(), strict=True)
        )
        for boxes, sure in scene.frames
    ]
    moments = [
        Moment("scene", k / scene.rate, NOON + timedelta(seconds=k / scene.rate), *scene.size)
        for k in range(len(given))
    ]
    started = time.thread_time()
    for detections, moment in zip(given, moments, strict=True):
        state, tracks = tracker.step(state, detections, moment)
        told.append(tracks)
    taken = time.thread_time() - started
    seen = [[(one.track_id, one.xyxy) for one in tracks.tracks if one.seen] for tracks in told]
    return taken / len(given), seen


def run_trackers(scene: Scene, scores: Scores) -> tuple[float, Told]:
    """ByteTrack of `trackers`."""
    supervision, trackers = _peer("supervision"), _peer("trackers")
    tracker = trackers.ByteTrackTracker(
        lost_track_buffer=round(30 * MEMORY_S),
        frame_rate=scene.rate,
        track_activation_threshold=scores.new,
        high_conf_det_threshold=scores.high,
    )
    given = [
        supervision.Detections(
            xyxy=boxes.astype(np.float32),
            confidence=sure.astype(np.float32),
            class_id=np.zeros(len(sure), int),
        )
        for boxes, sure in scene.frames
    ]
    started = time.thread_time()
    told = [tracker.update(detections) for detections in given]
    taken = time.thread_time() - started
    seen = [
        [
            (int(number), box.tolist())
            for number, box in zip(one.tracker_id, one.xyxy, strict=True)
            if number >= 0
        ]
        for one in told
    ]
    return taken / len(given), seen


def run_norfair(scene: Scene, scores: Scores) -> tuple[float, Told]:
    """Norfair by overlap; it knows one kind of score, so it gets the sure boxes."""
    norfair = _peer("norfair")
    tracker = norfair.Tracker(
        distance_function="iou",
        distance_threshold=0.8,
        hit_counter_max=round(MEMORY_S * scene.rate),
        initialization_delay=2,
    )
    given = [
        [
            norfair.Detection(points=box.reshape(2, 2), scores=np.array([one, one]))
            for box, one in zip(boxes, sure, strict=True)
            if one >= scores.high
        ]
        for boxes, sure in scene.frames
    ]
    told: Told = []
    taken = 0.0
    for detections in given:
        started = time.thread_time()
        objects = tracker.update(detections=detections)
        taken += time.thread_time() - started
        now = {id(one) for one in detections}
        told.append(
            [
                (int(one.id), one.last_detection.points.reshape(4).tolist())
                for one in objects
                if id(one.last_detection) in now
            ]
        )
    return taken / len(given), told


RUNNERS: dict[str, Runner] = {"ours": run_ours, "trackers": run_trackers, "norfair": run_norfair}


def install_peers() -> None:
    """Puts the group `bench` into its folder, once for each list, and makes it the last place to look."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted: list[str] = groups["dependency-groups"]["bench"]
    stamp = PEERS / "installed.txt"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8").split("\n") != wanted:
        where = ["--target", str(PEERS), "--upgrade", "--no-deps", "--quiet"]
        subprocess.run([sys.executable, "-m", "pip", "install", *where, *wanted], check=True)
        stamp.write_text("\n".join(wanted), encoding="utf-8")
    if str(PEERS) not in sys.path:
        sys.path.append(str(PEERS))


def _peer(name: str) -> Any:
    return importlib.import_module(name)


def _figure(value: float, unit: str, sign: str, goal: float, how: str) -> Figure:
    value = round(value, 3)
    met = value <= goal if sign == "<=" else value >= goal
    return Figure(value=value, unit=unit, goal=f"{sign} {goal:g}", met=met, how=how)


def _empty(how: str) -> Figure:
    return Figure(value=None, unit="", goal=None, met=None, how=f"not measured: {how}")
