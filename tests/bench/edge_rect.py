"""A detector in the shape of the picture against the square one: `./dev bench edge_rect`.

`gatehouse-edge model reshape yolox_nano --input 416x256` is run into a folder of its own. Time: bare inference of both, one
thread, in turns, median of the turns' ratios. Agreement: boxes with a score of at least 0.4, same label, IoU at least 0.5,
matched one to one, over 200 frames of each clip; the share is of the larger of the two sets, so that boxes too many count as
boxes too few.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from math import nan
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gatehouse_edge.inference.boxes import to_detections
from gatehouse_edge.inference.catalogue import find_manifest
from gatehouse_edge.inference.engine import OnnxEngine
from gatehouse_edge.inference.manifest import Manifest, load_manifests
from gatehouse_edge.inference.reshape import reshape_model
from gatehouse_edge.inference.weights import find_file
from gatehouse_edge.values import Detection
from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.sessions import session
from gatehouse_testing.usage import load

MODEL, SIZE = "yolox_nano", (416, 256)
CLIPS = ("one-by-one-person-detection.mp4", "car-detection.mp4", "hall-720p.avi", "fire-house6.mp4")
FRAMES, SCORE, IOU = 200, 0.4, 0.5
TURNS, TURN = 15, 10
GOALS = {"rect_time_ratio": 0.68, "rect_agreement": 0.97}


def figures() -> dict[str, Figure]:
    """Time and agreement, and the agreement of each clip."""
    assets = look_in_assets()
    needed = [assets / "models" / f"{MODEL}.onnx", *(assets / "video" / clip for clip in CLIPS)]
    missing = [path.name for path in needed if not path.is_file()]
    if missing:
        how = f"not measured: {missing[0]} is not in the folder that GATEHOUSE_ASSETS names"
        return {n: Figure(value=None, unit="", goal=None, met=None, how=how) for n in GOALS}
    square = find_manifest(MODEL)
    with tempfile.TemporaryDirectory() as room:
        record = reshape_model(MODEL, *SIZE, folder=Path(room))
        flat = load_manifests(record)[0]
        files = (_found(square), Path(room) / flat.files[0].file)
        ratios = time_ratios(files, (square, flat))
        engines = [
            OnnxEngine(m, f.read_bytes()) for m, f in zip((square, flat), files, strict=True)
        ]
        counts = {c: agreement(assets / "video" / c, engines[0], engines[1]) for c in CLIPS}
    ratio = round(statistics.median(ratios), 3)
    agreed = sum(n for n, _ in counts.values()) / max(1, sum(n for _, n in counts.values()))
    time_how = f"{SIZE[0]}x{SIZE[1]} over 416x416, median of {TURNS} turns, load {load():.1f}"
    box_how = f"{FRAMES} frames of each of {len(CLIPS)} clips, boxes of score {SCORE} and more"
    found = {
        "rect_time_ratio": Figure(
            value=ratio, unit="", goal="<= 0.68", met=ratio <= GOALS["rect_time_ratio"], how=time_how
        ),
        "rect_agreement": Figure(
            value=round(agreed, 4), unit="", goal=">= 0.97",
            met=agreed >= GOALS["rect_agreement"], how=box_how,
        ),
    }  # fmt: skip
    for clip, (same, boxes) in counts.items():
        value = round(same / boxes, 4) if boxes else None
        found[f"rect_agreement_{clip.split('.')[0].replace('-', '_')}"] = Figure(
            value=value, unit="", goal=None, met=None, how=f"{same} of {boxes} boxes"
        )
    return found


def time_ratios(files: Sequence[Path], manifests: Sequence[Manifest]) -> list[float]:
    """Processor time of the second model over the first's, turn by turn."""
    runs = [(session(f), m) for f, m in zip(files, manifests, strict=True)]
    ratios: list[float] = []
    for turn in range(TURNS + 1):
        spent = [_spent(run, manifest) for run, manifest in runs]
        if turn:  # the first warms up
            ratios.append(spent[1] / spent[0])
    return ratios


def _spent(run: onnxruntime.InferenceSession, manifest: Manifest) -> float:
    spec = manifest.input
    assert spec is not None
    tensor = np.full((1, 3, spec.height, spec.width), 114, np.float32)
    began_s = time.thread_time()
    for _ in range(TURN):
        run.run(None, {spec.name: tensor})
    return time.thread_time() - began_s


def agreement(clip: Path, first: OnnxEngine, second: OnnxEngine) -> tuple[int, int]:
    """Boxes that both see, and the larger of the two numbers of boxes."""
    same = one = other = 0
    for frame in spread(clip, FRAMES):
        seen, again = (_sure(engine, frame) for engine in (first, second))
        same += matched(seen, again)
        one, other = one + len(seen), other + len(again)
    return same, max(one, other)


def _sure(engine: OnnxEngine, frame: NDArray[np.uint8]) -> list[Detection]:
    return [d for d in to_detections(engine.rows(0, frame, nan)) if d.score >= SCORE]


def matched(a: Sequence[Detection], b: Sequence[Detection]) -> int:
    """How many boxes of `a` find one of `b` of their own."""
    free, found = list(b), 0
    for box in a:
        best = max(
            (x for x in free if x.label == box.label), key=lambda x: iou(box, x), default=None
        )
        if best is not None and iou(box, best) >= IOU:
            free.remove(best)
            found += 1
    return found


def iou(a: Detection, b: Detection) -> float:
    """Intersection over union."""
    width = min(a.xyxy[2], b.xyxy[2]) - max(a.xyxy[0], b.xyxy[0])
    height = min(a.xyxy[3], b.xyxy[3]) - max(a.xyxy[1], b.xyxy[1])
    shared = max(0.0, width) * max(0.0, height)
    whole = sum((d.xyxy[2] - d.xyxy[0]) * (d.xyxy[3] - d.xyxy[1]) for d in (a, b)) - shared
    return shared / whole if whole > 0 else 0.0


def spread(clip: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    """At most so many frames, at even distances over the whole clip."""
    capture = cv2.VideoCapture(str(clip))
    try:
        step = max(1, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) // count)
        given = index = 0
        while given < count and capture.grab():
            if index % step == 0:
                ok, frame = capture.retrieve()
                if not ok:
                    return
                yield np.asarray(frame, np.uint8)
                given += 1
            index += 1
    finally:
        capture.release()


def _found(manifest: Manifest) -> Path:
    path = find_file(manifest)
    assert path is not None
    return path
