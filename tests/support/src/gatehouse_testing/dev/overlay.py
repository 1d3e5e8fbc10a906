"""`./dev overlay SOURCE --config FILE --device ID --out FILE.mp4|FOLDER`: what the agent makes of a recording, drawn on it.

    ./dev overlay pets.mp4 --config gateway.yaml --device cam_1 --out seen.mp4 [--fps 7] [--model NAME] [--every 10]

Zones, lines, boxes with short numbers, counts and passages, what the gate said, candidates with how long they have held, and
open hazards. The parts are the agent's own: source, gate, model, tracker and rules of the configuration, in media time.
A name that ends in .mp4 is a film; any other is a folder of pictures, `--every` which frame.

For the developer's eye only: the packages never draw a box, and what is written here holds tracks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.app.analyze import Wish, recorded_spec, rules_of
from gatehouse_edge.app.sight import Models, source_for
from gatehouse_edge.clock import FixedClock
from gatehouse_edge.config import Config, load_config
from gatehouse_edge.errors import EdgeError
from gatehouse_edge.pipeline import Look
from gatehouse_edge.rules.observations import Moment, SourceUp, Tick
from gatehouse_edge.rules.ruleset import Judged, RuleSet, RulesState
from gatehouse_edge.sources.opening import RECORDED_AT, open_source
from gatehouse_edge.values import Frame, Track, Tracks
from gatehouse_shared.names import Phase
from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.steps import StepError

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]
ZONE: Colour = (200, 160, 60)
LINE: Colour = (60, 200, 230)
SEEN: Colour = (80, 220, 80)
COASTING: Colour = (130, 130, 130)
ALARM: Colour = (60, 60, 240)
WAITS: Colour = (60, 180, 250)
WHITE: Colour = (245, 245, 245)
LEAST_WIDTH = 640
"""Smaller frames are drawn larger, so that words can be read."""


@dataclass(slots=True)
class Overlay:
    """What is known at one frame, for drawing."""

    config: Config
    device: str
    rules: RuleSet
    state: RulesState = field(default_factory=RulesState)
    counts: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    passed: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    hazards: dict[str, str] = field(default_factory=dict[str, str])
    numbers: dict[int, int] = field(default_factory=dict[int, int])
    gate: str = ""
    ticked_at: float = 0.0

    def take(self, frame: Frame, look: Look) -> Tracks | None:
        """One frame through gate, model, tracker and rules; its tracks, None while the gate says nothing."""
        now = Moment(frame.at, frame.time)
        if frame.at - self.ticked_at >= 1.0:
            self.ticked_at = frame.at
            self.state, judged = self.rules.step(self.state, Tick(), now)
            self._note(judged)
        before, tracks = look.inferred, None
        for observation in look.see(frame):
            self.state, judged = self.rules.step(self.state, observation, now)
            self._note(judged)
            if isinstance(observation, Tracks):
                tracks = observation
                self.gate = "looked" if look.inferred > before else "still"
            elif isinstance(observation, SourceUp):
                self.gate = "not looked"
        return tracks

    def _note(self, judged: Judged) -> None:
        for count in judged.counts:
            self.counts[count.zone, count.label.value] = count.count
        for passage in judged.passages:
            self.passed.setdefault(passage.line, [0, 0])[0 if passage.inward else 1] += 1
        for finding in judged.findings:
            self.hazards.pop(finding.rule, None)
            if finding.phase is not Phase.CLEARED:
                self.hazards[finding.rule] = (
                    f"{finding.rule} grade {finding.grade}: {finding.reason}"
                )

    def drawn(self, frame: Frame, tracks: Tracks | None) -> Picture:
        """The frame with all of it."""
        picture = enlarged(frame.pixels.astype(np.uint8))
        height, width = picture.shape[:2]
        scale = width / frame.pixels.shape[1]
        for view in self.config.site.views:
            if view.device == self.device:
                self._zone(picture, view.zone, [(x * width, y * height) for x, y in view.polygon])
        for line in self.config.site.lines:
            if line.device == self.device:
                ends = [(round(x * width), round(y * height)) for x, y in line.points]
                inward, outward = self.passed.get(line.id, [0, 0])
                cv2.arrowedLine(picture, ends[0], ends[1], LINE, 2, tipLength=0.03)
                write(picture, f"{line.id} in {inward} out {outward}", ends[0], LINE)
        for track in () if tracks is None else tracks.tracks:
            self._box(picture, track, scale)
        self._words(picture, frame)
        return picture

    def _zone(self, picture: Picture, zone: str, polygon: list[tuple[float, float]]) -> None:
        points = np.array(polygon, dtype=np.int32)
        cv2.polylines(picture, [points], isClosed=True, color=ZONE, thickness=2)
        told = [f"{n} {label}" for (z, label), n in self.counts.items() if z == zone]
        x, y = points.min(axis=0)
        write(picture, f"{zone}: {', '.join(told) or 'no count'}", (int(x) + 4, int(y) + 16), ZONE)

    def _box(self, picture: Picture, track: Track, scale: float) -> None:
        x1, y1, x2, y2 = (round(v * scale) for v in track.xyxy)
        colour = SEEN if track.seen else COASTING
        number = self.numbers.setdefault(track.track_id, len(self.numbers) + 1)
        cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 1)
        write(picture, f"{number} {track.label} {track.score:.2f}", (x1, y1 - 3), colour, 0.4)

    def _words(self, picture: Picture, frame: Frame) -> None:
        """The bottom left corner: time and gate, candidates, open hazards."""
        rows: list[tuple[str, Colour]] = [(f"{frame.at:8.2f} s  {self.gate}", WHITE)]
        rows += [(words, WAITS) for words in self._candidates(frame.at)]
        rows += [(words, ALARM) for words in self.hazards.values()]
        for n, (words, colour) in enumerate(reversed(rows)):
            write(picture, words, (8, picture.shape[0] - 10 - 18 * n), colour)

    def _candidates(self, at: float) -> Iterator[str]:
        for name, state in self.state.rules.items():
            stages = self.rules.rules[name].timing.stages
            for stage, one in zip(stages, state.trigger.stages, strict=False):
                if one.first_at is not None and not one.active:
                    yield f"{name}: {at - one.first_at:.1f} s of {stage.dwell_s:g} s"


def main(argv: list[str]) -> int:
    """Draw. Raises StepError with the agent's own words when a part refuses."""
    options = _options().parse_args(argv)
    look_in_assets()
    try:
        frames = overlay(options)
    except (EdgeError, OSError, ValueError) as error:
        raise StepError(str(error)) from error
    print(f"{frames} frames -> {options.out}")
    return 0


def overlay(options: argparse.Namespace) -> int:
    """Run the recording through the agent's parts and draw; the number of frames drawn."""
    config = load_config(options.config)
    device: str = options.device
    wish = Wish(options.source, options.out, options.start, options.fps, device, options.model)
    spec = recorded_spec(config, device, wish)
    media = FixedClock(spec.recorded_at or RECORDED_AT)
    rate_fps = spec.rate_fps or spec.native_fps or 5.0
    model = options.model or config.file.cameras[device].model
    overlay_ = Overlay(config, device, rules_of(config, device))
    drawn = 0
    with (
        closing(Models(config, seed=lambda: 0, threads=1, recorded=True)) as models,
        closing(models.sight(device, model, rate_fps)) as sight,
    ):
        if not isinstance(sight, Look):
            raise StepError("a thermal camera has no boxes to draw")
        source = open_source(
            device, source_for(spec, sight), live=False, clock=media, seeds=config.seeds
        )
        with closing(source), writer(options.out, rate_fps) as put:
            for index, frame in enumerate(source.frames()):
                tracks = overlay_.take(frame, sight)
                if index % options.every == 0:
                    put(overlay_.drawn(frame, tracks), index)
                    drawn += 1
    return drawn


@contextmanager
def writer(out: Path, fps: float) -> Generator[Callable[[Picture, int], None]]:
    """Where pictures go: a film, or a folder."""
    if out.suffix != ".mp4":
        out.mkdir(parents=True, exist_ok=True)
        yield lambda picture, index: _write_picture(out / f"{index:06}.png", picture)
        return
    film: list[cv2.VideoWriter] = []

    def put(picture: Picture, _index: int) -> None:
        if not film:
            height, width = picture.shape[:2]
            code = cv2.VideoWriter.fourcc(*"mp4v")
            film.append(cv2.VideoWriter(str(out), code, fps, (width, height)))
        film[0].write(picture)

    try:
        yield put
    finally:
        for one in film:
            one.release()


def _write_picture(path: Path, picture: Picture) -> None:
    if not cv2.imwrite(str(path), picture):
        raise StepError(f"cannot write {path}")


def enlarged(picture: Picture) -> Picture:
    """A copy, at least LEAST_WIDTH pixels wide."""
    times = max(1, -(-LEAST_WIDTH // picture.shape[1]))
    return np.ascontiguousarray(np.repeat(np.repeat(picture, times, axis=0), times, axis=1))


def write(
    picture: Picture, words: str, at: tuple[int, int], colour: Colour, size: float = 0.45
) -> None:
    """Words on a dark ground."""
    face = cv2.FONT_HERSHEY_SIMPLEX
    (width, height), below = cv2.getTextSize(words, face, size, 1)
    x, y = max(0, at[0]), max(height + 2, at[1])
    cv2.rectangle(picture, (x - 1, y - height - 2), (x + width + 1, y + below), (20, 20, 20), -1)
    cv2.putText(picture, words, (x, y), face, size, colour, 1, cv2.LINE_AA)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev overlay", description=__doc__.splitlines()[0])
    parser.add_argument("source", help="a recording, or scene:NAME")
    parser.add_argument("--config", required=True, type=Path, help="the gateway's file")
    parser.add_argument("--device", required=True, help="the camera whose views and rules hold")
    parser.add_argument("--out", required=True, type=Path, help="a film (.mp4), or a folder")
    parser.add_argument("--fps", type=float, help="the true rate, where the file says another")
    parser.add_argument("--model", help="instead of the camera's own")
    parser.add_argument("--every", type=int, default=1, help="draw each n-th frame only")
    parser.add_argument("--start", type=datetime.fromisoformat, help="when the recording began")
    return parser
