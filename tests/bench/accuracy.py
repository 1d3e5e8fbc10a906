"""How well people are counted, tracked and seen to cross lines, on the labelled clip: `./dev bench accuracy`.

The agent's own parts with their shipped settings (see `gatehouse_testing.dev.tracks`), every frame of the clip,
at its true rate of 7 frames a second. Figures without a suffix are those of one detector, the one with the best
MOTA, for all of them.

`mota`, `idf1`: CLEAR-MOT and ID measures of motmetrics at IoU 0.5. `count_mae`: mean absolute error of people a
frame. `crossing_f1`: passages over three lines, right direction, within a second. `…_strict`: MOTA when the 174
boxes that the challenge leaves out (two people far off, half hidden) count as false wherever they are found;
for comparison with tables made that way. Flames and hot spots: `accuracy_fire.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.bench import BENCHES, Figure
from gatehouse_testing.dev.bench import measure as part
from gatehouse_testing.dev.tracks import Evaluation, read_lines, track_recording
from gatehouse_testing.mot import Score, crossing_f1, parse_rows, read_truth, score_tracks

CLIP, TRUTH, LINES = (
    "video/pets09-s2l1-first400.mp4",
    "gt/pets09-s2l1-first400.txt",
    "gt/pets09-lines.json",
)
FRAMES, FPS, TRUTH_SCALE = 400, 7.0, 0.625
DETECTORS = ("yolox_nano", "nanodet_m_416")
GOALS = {
    "mota": ("%", ">=", 75.0),
    "idf1": ("%", ">=", 70.0),
    "count_mae": ("people", "<=", 0.6),
    "crossing_f1": ("", ">=", 0.95),
    "mota_strict": ("%", None, None),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One detector on the clip."""

    score: Score
    strict: Score
    crossing: float

    def values(self) -> dict[str, float]:
        """By the names of the figures."""
        return {
            "mota": self.score.mota,
            "idf1": self.score.idf1,
            "count_mae": self.score.count_mae,
            "crossing_f1": self.crossing,
            "mota_strict": self.strict.mota,
        }


def figures() -> dict[str, Figure]:
    """Every figure, per detector and of the best one."""
    assets = look_in_assets()
    missing = [name for name in (CLIP, TRUTH, LINES) if not (assets / name).is_file()]
    if missing:
        how = f"not measured: {missing[0]} is not in the folder that GATEHOUSE_ASSETS names"
        return {
            _name(key): Figure(value=None, unit=unit, goal=None, met=None, how=how)
            for key, (unit, *_) in GOALS.items()
        } | part("accuracy_fire", BENCHES)
    measured = {name: measure(assets, name) for name in DETECTORS}
    best = max(measured, key=lambda name: measured[name].score.mota)
    found = {_name(key): _figure(key, measured[best], f"{best}; {_how(key)}") for key in GOALS}
    for name, result in measured.items():
        for key in GOALS:
            figure = _figure(key, result, _how(key))
            found[f"{_name(key)}_{name}"] = {**figure, "goal": None, "met": None}
    return found | part("accuracy_fire", BENCHES)


def measure(assets: Path, model: str) -> Measured:
    """Runs the clip with one detector and scores what came out."""
    result = track_recording(str(assets / CLIP), model, fps=FPS, lines=read_lines(assets / LINES))
    if result.frames != FRAMES:
        raise ValueError(f"the clip gave {result.frames} frames, not {FRAMES}")
    told = parse_rows(result.rows)
    frames = range(1, FRAMES + 1)
    return Measured(
        score_tracks(read_truth(assets / TRUTH, TRUTH_SCALE), told, frames),
        score_tracks(read_truth(assets / TRUTH, TRUTH_SCALE, flagged=False), told, frames),
        _crossing(assets / LINES, result),
    )


def _crossing(lines: Path, result: Evaluation) -> float:
    document = json.loads(lines.read_text(encoding="utf-8"))
    truth = {
        name: [(frame, direction) for frame, direction in line["crossings"]]
        for name, line in document["lines"].items()
    }
    return crossing_f1(truth, result.crossings, tolerance_frames=FPS)


def _figure(key: str, measured: Measured, how: str) -> Figure:
    unit, sign, goal = GOALS[key]
    value = round(measured.values()[key], 3)
    if sign is None or goal is None:
        return Figure(value=value, unit=unit, goal=None, met=None, how=how)
    met = value >= goal if sign == ">=" else value <= goal
    return Figure(value=value, unit=unit, goal=f"{sign} {goal:g}", met=met, how=how)


def _name(key: str) -> str:
    return key if key == "crossing_f1" else f"pets_{key}"


def _how(key: str) -> str:
    return {
        "mota": "400 frames at 7 fps, motmetrics, IoU 0.5",
        "idf1": "400 frames at 7 fps, motmetrics, IoU 0.5",
        "count_mae": "confirmed tracks seen in the frame against boxes of the truth",
        "crossing_f1": "30 passages over three lines, +-1 s, with direction",
        "mota_strict": "boxes that the challenge leaves out count as false",
    }[key]
