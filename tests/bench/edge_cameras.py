"""How many cameras a core carries: `./dev bench edge_cameras`.

The real agent with CAMERAS cameras of 1280x720, 25 frames a second in, 5 inferred, over a busy hall (every frame is inferred) and
over a still picture with a sensor's noise (the gate lets one through now and then). Cameras a core: CAMERAS over the cores used,
and the share of each stage. Beside it what threads give: one session called by two threads against one session that divides its
work over two, and two cameras against one through the agent's own inference process.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.inference.catalogue import find_manifest
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.weights import find_file
from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.running_agent import watch
from gatehouse_testing.sessions import session
from gatehouse_testing.usage import load

CLIP, MODELS, CAMERAS, SECONDS = "video/hall-720p.avi", ("yolox_nano", "nanodet_m_416"), 3, 40.0
CALLS_S, TURNS = 2.0, 5
NOISE = 2.0
"""Standard deviation of a sensor's noise, grey levels."""


def figures() -> dict[str, Figure]:
    """Cameras a core, shares of stages, threads."""
    assets = look_in_assets()
    clip = assets / CLIP
    if not clip.is_file():
        how = f"not measured: {CLIP} is not in the folder that GATEHOUSE_ASSETS names"
        return {"two_cameras_ratio": Figure(value=None, unit="", goal=None, met=None, how=how)}
    found = threads(clip)
    with tempfile.TemporaryDirectory() as room:
        still = write_still(clip, Path(room) / "still.avi")
        for model in MODELS:
            for name, source in (("busy", clip), ("still", still)):
                found |= carried(source, model, name)
    return found


def carried(clip: Path, model: str, name: str) -> dict[str, Figure]:
    """Cameras a core with one model on one scene, and the stages' shares."""
    _, cores = watch(clip, CAMERAS, SECONDS, model=model)
    total = sum(cores.values())
    shares = ", ".join(f"{k} {v / total:.0%}" for k, v in sorted(cores.items()))
    how = f"{CAMERAS} cameras of 720p at 5 fps used {total:.2f} cores: {shares}; load {load():.1f}"
    value = round(CAMERAS / total, 1)
    return {
        f"cameras_per_core_{name}_{model}": Figure(
            value=value, unit="cameras", goal=None, met=None, how=how
        )
    }


def threads(clip: Path) -> dict[str, Figure]:
    """Inferences a second by the ways of using two cores."""
    frame = first_frame(clip)
    rates = {"session": [], "shared": [], "divided": [], "one": [], "two": []}
    manifest = find_manifest(MODELS[0])
    file = find_file(manifest)
    assert manifest.input is not None
    assert file is not None
    tensor = np.full((1, 3, manifest.input.height, manifest.input.width), 114, np.float32)
    single, divided = session(file, 1), session(file, 2)
    detector = open_detector(MODELS[0])
    other = detector.for_camera(1)
    try:
        for _ in range(TURNS):
            run = lambda s: lambda: s.run(None, {manifest.input.name: tensor})  # noqa: E731
            rates["session"].append(rate([run(single)]))
            rates["shared"].append(rate([run(single)] * 2))
            rates["divided"].append(rate([run(divided)]))
            rates["one"].append(rate([lambda: detector.detect(frame)]))
            rates["two"].append(rate([lambda: detector.detect(frame), lambda: other.detect(frame)]))
    finally:
        other.close()
        detector.close()
    ratio = statistics.median(b / a for a, b in zip(rates["one"], rates["two"], strict=True))
    medians = {k: statistics.median(v) for k, v in rates.items()}
    how = (
        f"two cameras through one inference process over one camera, {os.cpu_count()} cores, median of"
        f" {TURNS} turns: {medians['one']:.0f} and {medians['two']:.0f} inferences/s, load {load():.1f}"
    )
    found = {
        "two_cameras_ratio": Figure(
            value=round(ratio, 3), unit="", goal=">= 1.5", met=ratio >= 1.5, how=how
        )
    }
    names = {
        "session": "one session of one thread, one caller",
        "shared": "the same session, two callers",
        "divided": "one session of two threads, one caller",
    }
    return found | {
        f"inferences_per_s_{key}": Figure(
            value=round(medians[key], 1), unit="1/s", goal=None, met=None, how=words
        )
        for key, words in names.items()
    }


def rate(calls: list[Callable[[], object]]) -> float:
    """Calls a second of all callers together, each in a thread of its own, over CALLS_S."""
    done = [0] * len(calls)
    until_s = time.monotonic() + CALLS_S

    def go(place: int) -> None:
        while time.monotonic() < until_s:
            calls[place]()
            done[place] += 1

    callers = [threading.Thread(target=go, args=(place,)) for place in range(len(calls))]
    began_s = time.monotonic()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return sum(done) / (time.monotonic() - began_s)


def first_frame(clip: Path) -> NDArray[np.uint8]:
    """The first frame of a clip."""
    capture = cv2.VideoCapture(str(clip))
    ok, frame = capture.read()
    capture.release()
    if not ok:
        raise ValueError(f"{clip} gives no frame")
    return np.asarray(frame, np.uint8)


def write_still(clip: Path, path: Path) -> Path:
    """Twenty seconds of one picture of a clip, with noise, as a camera would send it at night."""
    frame = first_frame(clip)
    random = np.random.default_rng(1)
    height, width = frame.shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (width, height))
    for _ in range(250):
        noise = random.normal(0.0, NOISE, (height, width, 1))
        writer.write(np.clip(frame + noise, 0, 255).astype(np.uint8))
    writer.release()
    return path
