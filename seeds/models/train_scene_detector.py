"""Trains the detector of the synthetic scenes and writes `gatehouse_scenes.onnx` and its figures beside this file.

    python -m venv trainenv && trainenv/bin/pip install torch==2.13.0 onnx onnxruntime numpy opencv-python-headless
    trainenv/bin/python seeds/models/train_scene_detector.py --minutes 20

One CPU thread; torch is needed here only. Another machine may give other last digits, and so another file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from math import cos, pi
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from training.loss import loss_of  # noqa: E402
from training.network import SceneDetector, cells  # noqa: E402
from training.network_shape import LABELS  # noqa: E402
from training.samples import INPUT_HEIGHT, INPUT_WIDTH, fire_lane, gate, places, plaza, sample  # noqa: E402
from training.score import Score, Session, score  # noqa: E402

from drawing.chance import Chance  # noqa: E402  isort: skip

_BATCH, _FRESH = 16, 8
_KEPT_SAMPLES = 4000
_PEAK_RATE, _WARM_SHARE = 3e-3, 0.04

Target = tuple[torch.Tensor, torch.Tensor]


class Samples:
    """Half of every batch is drawn anew, half taken again from the last few thousand drawn."""

    def __init__(self, seed: int) -> None:
        self._chance = Chance(seed)
        self._places = places(self._chance)
        for place in self._places:
            for view in place.views:
                _ = view.background
        self._kept: list[tuple[np.ndarray, Target]] = []

    def batch(self) -> tuple[torch.Tensor, list[Target]]:
        """Frames `(16, 3, h, w)` and for each its boxes and labels."""
        drawn = [self._drawn() for _ in range(_FRESH)]
        pool = self._kept or drawn
        again = [pool[self._chance.index(len(pool))] for _ in range(_BATCH - _FRESH)]
        self._kept = [*self._kept, *drawn][-_KEPT_SAMPLES:]
        chosen = drawn + again
        frames = np.stack([frame for frame, _ in chosen]).transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(frames)).float(), [
            target for _, target in chosen
        ]

    def _drawn(self) -> tuple[np.ndarray, Target]:
        frame, truth = sample(self._places, self._chance)
        boxes = torch.tensor([box for _, box in truth], dtype=torch.float32).reshape(-1, 4)
        return frame, (
            boxes,
            torch.tensor([LABELS.index(label) for label, _ in truth], dtype=torch.int64),
        )


def train(minutes: float, seed: int) -> SceneDetector:
    """The averaged weights after a time of training; the rate follows the clock, so that it always ends low."""
    torch.manual_seed(seed)
    model = SceneDetector()
    samples, (corners, strides) = Samples(seed), cells(INPUT_WIDTH, INPUT_HEIGHT)
    optimiser = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, weight_decay=5e-4)
    averaged = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99), use_buffers=True
    )
    started, step, mean = time.monotonic(), 0, 0.0
    while (done := (time.monotonic() - started) / (60 * minutes)) < 1:
        rate = _PEAK_RATE * min(1.0, done / _WARM_SHARE) * (0.01 + 0.99 * (1 + cos(pi * done)) / 2)
        for group in optimiser.param_groups:
            group["lr"] = max(rate, 1e-6)
        frames, targets = samples.batch()
        loss = loss_of(model(frames), targets, corners, strides)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimiser.step()
        averaged.update_parameters(model)
        mean = 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 0:
            print(
                f"step {step:5d}  done {done:5.1%}  loss {loss.item():7.3f}  mean {mean:7.3f}",
                flush=True,
            )
        step += 1
    return averaged.module


def export(model: SceneDetector, path: Path) -> None:
    """As ONNX of a fixed size, with what it is written into the file."""
    model.eval()
    model.exporting = True
    torch.onnx.export(
        model, (torch.zeros(1, 3, INPUT_HEIGHT, INPUT_WIDTH),), str(path), dynamo=False, opset_version=13,
        input_names=["images"], output_names=["output"],
    )  # fmt: skip
    written = onnx.load(str(path))
    onnx.helper.set_model_props(written, {
        "name": "gatehouse_scenes", "licence": "Apache-2.0", "classes": ",".join(LABELS),
        "knows": "nothing but the synthetic scenes of the Gatehouse repository",
    })  # fmt: skip
    onnx.checker.check_model(written)
    onnx.save(written, str(path))


def measured(weights: Path) -> dict[str, Score]:
    """Every story on its own, a frame every 1.7 s: none of them was trained on."""
    session = Session(weights)
    times = [0.35 + 1.7 * index for index in range(141)]
    return {
        name: score(session, [module.SCENE], times)
        for name, module in (("plaza", plaza), ("fire_lane", fire_lane), ("gate", gate))
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "gatehouse_scenes.onnx")
    parser.add_argument("--only-measure", action="store_true", help="score the file that is there")
    chosen = parser.parse_args()
    os.nice(10)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if not chosen.only_measure:
        export(train(chosen.minutes, chosen.seed), chosen.out)
    figures = {name: asdict(found) for name, found in measured(chosen.out).items()}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
