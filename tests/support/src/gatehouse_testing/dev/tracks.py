"""`./dev tracks SOURCE --model NAME --out FILE`: the tracker's boxes of a recording as MOT-challenge rows.

    ./dev tracks pets.mp4 --model yolox_nano --fps 7 --out pets.txt [--lines lines.json [--passages FILE]] [--label car]

The parts are the agent's own with their shipped settings: decode child, inference child, tracker, line counter.
A row is `frame,id,x,y,w,h,score,-1,-1,-1`: frames from 1, confirmed tracks that were seen in the frame, pixels
of the recording. MOT truth is of people, so people alone are written unless `--label` says otherwise (`all`:
everything; also the default of models that know no people).

`--lines FILE` is JSON, `{"size": [w, h], "lines": {"NAME": {"from": [x, y], "to": [x, y]}}}`; the raw passages
go to `--passages FILE` (else `OUT.passages.json`) in the same form with `"crossings": [[frame, direction], …]`,
+1 to the side where cross(to - from, p - from) > 0.

Such tracks never leave the gateway; that is why this command is here and not in the package.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.errors import EdgeError
from gatehouse_edge.inference.catalogue import resolve_manifest
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.manifest import Manifest
from gatehouse_edge.rules.line_flow import LineCounter, LineState
from gatehouse_edge.sources.opening import open_source
from gatehouse_edge.sources.spec import SourceSpec
from gatehouse_edge.tracking.parameters import parameters_for
from gatehouse_edge.tracking.table import Moment, TrackerState
from gatehouse_edge.tracking.tracker import Tracker
from gatehouse_edge.values import Frame, Track, Tracks
from gatehouse_shared.names import Label
from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.dev.steps import StepError
from gatehouse_testing.mot import format_row

DEVICE = "recording"
SEED = 20_090_101
"""The ids of an evaluation are the same on every run; an agent draws its own at every start."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a lines file, in fractions of the frame."""

    name: str
    start: tuple[float, float]
    end: tuple[float, float]


@dataclass(slots=True)
class Evaluation:
    """What came out: MOT rows, and per line (frame, direction) of each passage."""

    rows: list[str] = field(default_factory=list[str])
    crossings: dict[str, list[tuple[int, int]]] = field(
        default_factory=dict[str, list[tuple[int, int]]]
    )
    frames: int = 0


def main(argv: list[str]) -> int:
    """Write the rows. Raises StepError with the agent's own words when a part refuses."""
    options = _options().parse_args(argv)
    look_in_assets()
    try:
        lines = read_lines(options.lines) if options.lines else ()
        result = track_recording(
            options.source, options.model, fps=options.fps, lines=lines, label=options.label
        )
    except (EdgeError, OSError, ValueError, KeyError) as error:
        raise StepError(str(error)) from error
    options.out.write_text("".join(row + "\n" for row in result.rows), encoding="utf-8")
    print(f"{result.frames} frames, {len(result.rows)} boxes -> {options.out}")
    if options.lines:
        target = options.passages or options.out.with_suffix(".passages.json")
        target.write_text(_passages(options.lines, result) + "\n", encoding="utf-8")
        for name, found in result.crossings.items():
            forward = sum(1 for _, direction in found if direction > 0)
            print(f"line {name}: {forward} forward, {len(found) - forward} back -> {target}")
    return 0


def track_recording(
    source: str,
    model: str,
    *,
    fps: float | None = None,
    lines: tuple[Line, ...] = (),
    label: str | None = None,
) -> Evaluation:
    """Runs a recording through the agent's parts. `fps` is the recording's true rate where its file says
    another. Raises EdgeError."""
    manifest, _ = resolve_manifest(model)
    wanted = wanted_labels(manifest, label)
    counters = [LineCounter(line=x.name, device=DEVICE, a=x.start, b=x.end) for x in lines]
    states = [LineState() for _ in counters]
    result = Evaluation(crossings={line.name: [] for line in lines})
    numbers: dict[int, int] = {}  # readers of MOT rows expect small ids; the tracker's are random
    for frame, tracks in enumerate(_tracked(source, model, fps), start=1):
        chosen = tuple(track for track in tracks.tracks if track.label in wanted)
        result.rows += [_row(frame, track, numbers) for track in chosen if track.seen]
        for position, counter in enumerate(counters):
            one = Tracks(DEVICE, tracks.at, tracks.time, tracks.width, tracks.height, chosen)
            states[position], passages = counter.step(states[position], one)
            found = result.crossings[counter.line]
            found += [(frame, 1 if passage.inward else -1) for passage in passages]
        result.frames = frame
    return result


def wanted_labels(manifest: Manifest, label: str | None) -> frozenset[Label]:
    """Which labels are written. Raises ValueError for a word that is no label."""
    if label is None:
        people = Label.PERSON in manifest.classes.values()
        return frozenset({Label.PERSON}) if people else frozenset(Label)
    return frozenset(Label) if label == "all" else frozenset({Label(label)})


def read_lines(path: Path) -> tuple[Line, ...]:
    """The lines of a lines file."""
    document = json.loads(path.read_text(encoding="utf-8"))
    width, height = document["size"]
    return tuple(
        Line(
            name,
            (line["from"][0] / width, line["from"][1] / height),
            (line["to"][0] / width, line["to"][1] / height),
        )
        for name, line in document["lines"].items()
    )


def _tracked(source: str, model: str, fps: float | None) -> Iterator[Tracks]:
    """Tracks of every frame, through the agent's own stages."""
    manifest, _ = resolve_manifest(model)
    tracker, state = Tracker(parameters_for(manifest.scores)), TrackerState(SEED)
    spec = SourceSpec(url=source, native_fps=fps)
    opened = open_source(DEVICE, spec, live=False, clock=SystemClock(), seeds=ROOT / "seeds")
    with closing(opened), closing(open_detector(model, interval_s=1 / (fps or 10))) as detector:
        for frame in opened.frames():
            detections = detector.detect(_colour(frame))
            height, width = frame.pixels.shape[:2]
            moment = Moment(DEVICE, frame.at, frame.time, width, height)
            state, tracks = tracker.step(state, detections, moment)
            yield tracks


def _colour(frame: Frame) -> NDArray[np.uint8]:
    if frame.pixels.ndim != 3:
        raise ValueError("a thermal recording has no objects to detect")
    return frame.pixels.astype(np.uint8, copy=False)


def _row(frame: int, track: Track, numbers: dict[int, int]) -> str:
    number = numbers.setdefault(track.track_id, len(numbers) + 1)
    return format_row(frame, number, track.xyxy, track.score)


def _passages(lines: Path, result: Evaluation) -> str:
    document = json.loads(lines.read_text(encoding="utf-8"))
    told = {
        name: {"from": line["from"], "to": line["to"], "crossings": result.crossings[name]}
        for name, line in document["lines"].items()
    }
    return json.dumps({"size": document["size"], "lines": told})


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev tracks", description=__doc__.splitlines()[0])
    parser.add_argument("source", help="a recording, or scene:NAME")
    parser.add_argument("--model", required=True, help="a model of the catalogue, or a manifest")
    parser.add_argument("--out", required=True, type=Path, help="the MOT-challenge rows go here")
    parser.add_argument("--fps", type=float, help="the true rate, where the file says another")
    parser.add_argument("--label", help="write this label, or `all` (default: person)")
    parser.add_argument("--lines", type=Path, help="lines to count passages over, as JSON")
    parser.add_argument("--passages", type=Path, help="the raw passages go here")
    return parser
