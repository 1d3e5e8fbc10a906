"""What the whole agent costs beside the model itself: `./dev bench edge_overhead`.

One process has the agent's parts as they are shipped: decode child, shared memory, watchers, gate, inference child, tracker,
rules, release windows, outbox on disk. Every frame is inferred (the gate works, its answer is not followed). Its processor
time, of all threads of all its processes, is taken in turns with that of a bare `InferenceSession.run` on tensors of the same
frames, one thread, in the same run; the figure is the median of the ratios of the turns. `…_by_hand` is the same ratio for the
least loop that could be written: read, difference, letterbox, run, boxes, nearest-box tracks, one polygon, in one process.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from math import nan
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.app.build import build_outbox
from gatehouse_edge.app.sight import Models
from gatehouse_edge.clock import FixedClock
from gatehouse_edge.config import Config
from gatehouse_edge.gate.motion import MotionGate
from gatehouse_edge.inference.boxes import iou_matrix
from gatehouse_edge.inference.catalogue import find_manifest
from gatehouse_edge.inference.engine import OnnxEngine
from gatehouse_edge.inference.letterbox import Letterbox
from gatehouse_edge.inference.weights import find_file
from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.pipeline import Judgment
from gatehouse_edge.ports import GateAnswer, Sight
from gatehouse_edge.rules.build import build_release, build_rules
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.sources.opening import RECORDED_AT, open_source
from gatehouse_edge.sources.source import DecodedSource
from gatehouse_edge.values import Frame
from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.gateway_files import read_gateway, write_gateway
from gatehouse_testing.sessions import session
from gatehouse_testing.usage import cpu_s, descendants, load

MODEL, FPS = "yolox_nano", 60.0
TURN, TURNS, WARM_UP = 35, 9, 20
CLIPS = {
    "432p": ("video/one-by-one-person-detection.mp4", "768x432", 1.22),
    "720p": ("video/hall-720p.avi", "1280x720", 1.40),
}
STAGES = ("decode", "inference", "agent")


@dataclass(frozen=True, slots=True)
class Infer:
    """Always yes."""

    infer: bool = True
    reason: str = "measured"


class WorkedNotFollowed:
    """A gate that does its work and lets every frame through."""

    def __init__(self) -> None:
        self._gate = MotionGate()

    def step(self, frame: Frame, *, tracks_alive: bool, settled: bool) -> GateAnswer:
        """Infer, whatever the gate says."""
        self._gate.step(frame, tracks_alive=tracks_alive, settled=settled)
        return Infer()


@dataclass(slots=True)
class Turn:
    """Processor seconds a frame of one turn."""

    bare_s: float
    hand_s: float
    parts_s: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def ratio(self) -> float:
        """All of the agent over the bare model."""
        return sum(self.parts_s.values()) / self.bare_s


def figures() -> dict[str, Figure]:
    """Overhead at both sizes, and how it divides."""
    assets = look_in_assets()
    found: dict[str, Figure] = {}
    for name, (clip, size, goal) in CLIPS.items():
        key = f"overhead_{name}"
        path = assets / clip
        if not path.is_file():
            how = f"not measured: {clip} is not in the folder that GATEHOUSE_ASSETS names"
            found[key] = Figure(value=None, unit="", goal=None, met=None, how=how)
            continue
        turns = measure(path)
        ratio = round(statistics.median(turn.ratio for turn in turns), 3)
        low, high = min(t.ratio for t in turns), max(t.ratio for t in turns)
        how = (
            f"{MODEL}, {size}, every frame inferred, median of {len(turns)} turns of {TURN} frames"
            f" ({low:.3f}-{high:.3f}), load {load():.1f}"
        )
        found[key] = Figure(value=ratio, unit="", goal=f"<= {goal:g}", met=ratio <= goal, how=how)
        found |= shares(name, turns)
    return found


def shares(name: str, turns: list[Turn]) -> dict[str, Figure]:
    """Milliseconds of processor a frame, by process."""
    found = {
        f"{stage}_ms_{name}": Figure(
            value=round(1000 * statistics.median(t.parts_s[stage] for t in turns), 3),
            unit="ms CPU a frame",
            goal=None,
            met=None,
            how="all threads of the process",
        )
        for stage in STAGES
    }
    bare = round(1000 * statistics.median(t.bare_s for t in turns), 3)
    hand = round(statistics.median(turn.hand_s / turn.bare_s for turn in turns), 3)
    return found | {
        f"bare_ms_{name}": Figure(
            value=bare,
            unit="ms CPU a frame",
            goal=None,
            met=None,
            how="InferenceSession.run alone, one thread",
        ),
        f"overhead_{name}_by_hand": Figure(
            value=hand, unit="", goal=None, met=None, how="the least loop, in the same turns"
        ),
    }


def measure(clip: Path) -> list[Turn]:
    """Agent and bare model in turns over one clip."""
    with tempfile.TemporaryDirectory() as room:
        camera = {"source": {"url": f"file:{clip}"}, "model": MODEL, "rate_fps": FPS}
        config = read_gateway(write_gateway(Path(room), 1, camera))
        bare, hand = Bare(clip), ByHand(clip)
        agent = Whole(config)
        try:
            agent.run(WARM_UP)
            bare.run(WARM_UP)
            hand.run(WARM_UP)
            turns: list[Turn] = []
            for _ in range(TURNS):
                before = agent.spent()
                agent.run(TURN)
                parts = {k: (v - before[k]) / TURN for k, v in agent.spent().items()}
                turns.append(Turn(bare.run(TURN) / TURN, hand.run(TURN) / TURN, parts))
            return turns
        finally:
            agent.close()


class Whole:
    """The agent's parts over one recorded camera, in step."""

    def __init__(self, config: Config) -> None:
        self._device = next(iter(config.file.cameras))
        clock = FixedClock(RECORDED_AT)
        models = Models(config, seed=lambda: 0, gate=WorkedNotFollowed)
        self._models = models
        self._source: DecodedSource = open_source(
            self._device, config.source(self._device), live=False, clock=clock, seeds=config.seeds
        )
        self._sight: Sight = models.sight(self._device, MODEL, FPS)
        self._outbox, _ = build_outbox(config, clock)
        self._judgment = Judgment(
            build_rules(config.site, config.file.gateway),
            build_release(config.site, config.file.gateway),
            RowLedger(config.site, config.file.gateway, self._outbox),
            Moment(0.0, RECORDED_AT),
        )
        self._frames: Iterator[Frame] = self._source.frames()
        self._ticked_at = 0.0

    def run(self, frames: int) -> None:
        """See the next frames, judge them, keep the rows: a commit each second of media time."""
        done = 0
        for frame in islice(self._frames, frames):
            now = Moment(frame.at, RECORDED_AT + timedelta(seconds=frame.at))
            for observation in self._sight.see(frame):
                self._judgment.take(observation, now)
            if frame.at - self._ticked_at >= 1.0:
                self._ticked_at = frame.at
                self._judgment.tick(now)
                self._judgment.commit(now)
            done += 1
        if done < frames:
            raise ValueError(f"the clip ended {frames - done} frames too early")

    def spent(self) -> dict[str, float]:
        """Processor seconds so far, by process."""
        own, *children = descendants()
        spent = {"agent": cpu_s(own), "decode": 0.0, "inference": 0.0}
        for child in children:
            spent["decode" if child == self._source.pid else "inference"] += cpu_s(child)
        return spent

    def close(self) -> None:
        """End the children."""
        self._sight.close()
        self._source.close()
        self._models.close()
        self._outbox.close()


class ByHand:
    """The least loop that still decodes, gates, infers, tracks and looks at a zone: one process, nothing kept, nothing sent."""

    def __init__(self, clip: Path) -> None:
        manifest = find_manifest(MODEL)
        file = find_file(manifest)
        assert manifest.input is not None
        assert file is not None
        self._engine = OnnxEngine(manifest, file.read_bytes())
        self._frames = read(clip)
        self._before: NDArray[np.uint8] | None = None
        self._tracks = np.zeros((0, 4), np.float32)
        self.inside = 0

    def run(self, frames: int) -> float:
        """See so many frames; the processor seconds it took."""
        began_s = time.process_time()
        for frame in islice(self._frames, frames):
            grey = cv2.cvtColor(cv2.resize(frame, (320, 180)), cv2.COLOR_BGR2GRAY)
            if self._before is not None:
                int(cv2.countNonZero(cv2.absdiff(grey, self._before)))
            self._before = np.asarray(grey, np.uint8)
            rows = self._engine.rows(0, frame, nan)
            boxes = rows[rows[:, 5] >= 400, :4].astype(np.float32) / 4.0
            if len(boxes) and len(self._tracks):
                iou_matrix(boxes, self._tracks).argmax(axis=1)
            self._tracks = boxes
            feet = (boxes[:, 0] + boxes[:, 2]) / 2.0
            self.inside += int(((feet > 100) & (feet < 300)).sum())
        return time.process_time() - began_s


class Bare:
    """The model alone, on tensors made beforehand."""

    def __init__(self, clip: Path) -> None:
        manifest = find_manifest(MODEL)
        file = find_file(manifest)
        assert manifest.input is not None
        assert file is not None
        self._session = session(file)
        self._input = manifest.input.name
        letterbox = Letterbox(manifest.input)
        self._tensors = [letterbox.prepare(frame)[0].copy() for frame in islice(read(clip), TURN)]
        self._at = 0

    def run(self, frames: int) -> float:
        """Infer so many tensors; the processor seconds it took."""
        began_s = time.thread_time()
        for _ in range(frames):
            self._session.run(None, {self._input: self._tensors[self._at]})
            self._at = (self._at + 1) % len(self._tensors)
        return time.thread_time() - began_s


def read(clip: Path, step: int = 1) -> Iterator[NDArray[np.uint8]]:
    """Every `step`-th frame of a clip, BGR."""
    capture = cv2.VideoCapture(str(clip))
    try:
        index = 0
        while capture.grab():
            if index % step == 0:
                ok, frame = capture.retrieve()
                if not ok:
                    return
                yield np.asarray(frame, np.uint8)
            index += 1
    finally:
        capture.release()
