"""Whether faults of a camera's picture are told by their names, and what it costs: `./dev bench integrity`.

Faults and harmless changes are laid over real clips (see `gatehouse_testing.picture_faults`); the agent's own watcher and rules
with their defaults look once a second. `right`: one hazard, of the right kind, 5 to 32 s after the fault began, over after it.
`told`: a hazard of any kind of integrity in that time. `false`: hazards on clips as they are and on light, weather and crowds.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta

import cv2
import numpy as np

from gatehouse_edge.gate.integrity import IntegrityWatcher
from gatehouse_edge.values import Frame, FrameKind
from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.picture_faults import (
    CLIPS,
    FAULTS,
    HARMLESS,
    START,
    Change,
    Pixels,
    clean,
    play,
    stills,
)

KINDS = ("camera_covered", "camera_blurred", "camera_moved", "camera_frozen", "nothing")
IN_TIME_S = (5.0, 32.0)
GOALS = {"right": 0.9, "told": 0.95}


def figures() -> dict[str, Figure]:
    """Every figure; prints the confusion table on the way."""
    assets = look_in_assets()
    missing = [name for name, _ in CLIPS.values() if not (assets / name).is_file()]
    if missing:
        how = f"not measured: {missing[0]} is not in the folder that GATEHOUSE_ASSETS names"
        return {"integrity_right": _figure(None, "", None, how)}
    clips = {name: stills(assets / file, step) for name, (file, step) in CLIPS.items()}
    table: Counter[tuple[str, str]] = Counter()
    right = told = faults = 0
    for name, frames in clips.items():
        for fault, (kind, change) in FAULTS.items():
            outcome = play(frames, change, freeze=fault == "frozen")
            kinds = [k for k, at in outcome.raised if IN_TIME_S[0] <= at <= IN_TIME_S[1]]
            good = kinds == [kind] and outcome.cleared == (kind,)
            table[kind, kinds[0] if kinds else "nothing"] += 1
            right, told, faults = right + good, told + bool(kinds), faults + 1
            if not good:
                print(f"{name}, {fault}: {outcome}")
        for change_name, change in HARMLESS.items():
            outcome = play(frames, change)
            table["nothing", outcome.raised[0][0] if outcome.raised else "nothing"] += 1
            if outcome.raised:
                print(f"{name}, {change_name}: {outcome}")
    print(confusion(table))
    false = sum(n for (was, said), n in table.items() if was == "nothing" and said != "nothing")
    costs = {name: look_ms(clips["hall"], change) for name, change in _COSTS.items()}
    count = f"{faults} faults on {len(clips)} clips"
    return {
        "integrity_right": _figure(right / faults, "", GOALS["right"], count),
        "integrity_told": _figure(told / faults, "", GOALS["told"], count),
        "integrity_false": _figure(
            float(false), "hazards", None, f"{len(HARMLESS) * len(clips)} harmless stories"
        ),
        **{
            f"integrity_look_ms_{name}": _figure(
                ms, "ms", None, "CPU a look, 1280x720, one a second"
            )
            for name, ms in costs.items()
        },
    }


def confusion(table: Counter[tuple[str, str]]) -> str:
    """Rows what was, columns what was told first."""
    heads = [kind.removeprefix("camera_") for kind in KINDS]
    lines = ["".join(["was / told".ljust(12), *(h.rjust(10) for h in heads)])]
    for kind, head in zip(KINDS, heads, strict=True):
        cells = (str(table[kind, said]).rjust(10) for said in KINDS)
        lines.append("".join([head.ljust(12), *cells]))
    return "\n".join(lines)


def _moved(pixels: Pixels, at: float) -> Pixels:
    return FAULTS["shift 8 % across"][1](pixels, at)


_COSTS: dict[str, Change] = {"sound": clean, "moved": _moved}


def look_ms(frames: list[Pixels], change: Change, looks: int = 100) -> float:
    """CPU of one look once the place is learned."""
    cv2.setNumThreads(1)
    watcher = IntegrityWatcher(sensor=True)
    changed = [change(pixels, 0.0) for pixels in frames]
    spent: list[float] = []
    for at in range(40 + looks):
        pixels = frames[at % len(frames)] if at < 40 else changed[at % len(frames)]
        moment = START + timedelta(seconds=at)
        frame = Frame("cam_1", FrameKind.COLOUR, at, float(at), moment, pixels)
        began = time.thread_time()
        watcher.watch(frame)
        spent.append((time.thread_time() - began) * 1000.0)
    return float(np.median(spent[40:]))


def _figure(value: float | None, unit: str, goal: float | None, how: str) -> Figure:
    met = None if value is None or goal is None else value >= goal
    words = None if goal is None else f">= {goal:g}"
    return Figure(
        value=None if value is None else round(value, 3), unit=unit, goal=words, met=met, how=how
    )
