"""Detectors as the pipeline knows them: a name, `detect`, `close`. The model runs in a process of its own.

One process may serve several cameras: `open_detector` for the first, `detector.for_camera(1)` for the next; the
process ends with the last of them.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.boxes import to_detections
from gatehouse_edge.inference.catalogue import resolve_manifest
from gatehouse_edge.inference.manifest import Manifest, ModelFile, Scores
from gatehouse_edge.inference.process import InferenceProcess
from gatehouse_edge.inference.runtimes import OWN, Runtime
from gatehouse_edge.inference.tiling import Tile
from gatehouse_edge.inference.weights import find_accepted
from gatehouse_edge.values import Detection, Frame, FrameMemory


class ChildDetector:
    """A model for one camera, in a process that it may share with others."""

    def __init__(self, manifest: Manifest, process: _SharedProcess, camera: int) -> None:
        self.name = manifest.name
        self.manifest = manifest
        self._process = process
        self._camera = camera
        self._memory: int | None = None
        self._open = True
        process.enter()

    @property
    def scores(self) -> Scores:
        """What this model's scores mean to a tracker."""
        return self.manifest.scores

    @property
    def file(self) -> ModelFile | None:
        """Which of the manifest's accepted files runs; None for a model without weights."""
        return self._process.file

    @property
    def pid(self) -> int | None:
        """The inference process."""
        return self._process.child.pid

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Detections in `pixels` `(h, w, 3)` uint8 BGR, boxes in its pixels, best score first.

        Raises ModelError; InferenceDownError when the process died, which the next call starts again.
        """
        return self._detections(self._process.child.rows(self._camera, pixels))

    def look(self, frame: Frame) -> tuple[Detection, ...]:
        """As `detect`, for a colour frame of this camera; one that lies in its decoder's memory is looked at there.

        The caller sees to it that the frame stays as it is meanwhile, and calls from one thread at a time.
        """
        return self._detections(self.rows(frame))

    def rows(self, frame: Frame, tile: Tile | None = None) -> NDArray[np.int16]:
        """As `look`, of the whole frame or one tile of its camera's layout: rows as in `boxes`, in pixels of that part."""
        child, place = self._process.child, frame.place
        if place is not None and self._sees(place.memory):
            height, width = frame.pixels.shape[:2]
            return child.rows_shared(self._camera, place.offset, (height, width), frame.at, tile)
        pixels = cast("NDArray[np.uint8]", frame.pixels)
        return child.rows(self._camera, pixels, frame.at, tile)

    def _sees(self, memory: FrameMemory) -> bool:
        """Whether the process maps the memory, which a decoder that starts again has afresh. False: it is given back already."""
        if self._memory == memory.number:
            return True
        try:
            fd = memory.duplicate()
        except OSError:
            return False
        try:
            self._process.child.attach(self._camera, fd)
        finally:
            os.close(fd)
        self._memory = memory.number
        return True

    def for_camera(self, camera: int) -> ChildDetector:
        """The same model in the same process for another camera, 0 to 63."""
        return ChildDetector(self.manifest, self._process, camera)

    def close(self) -> None:
        """Ends the inference process when this was its last camera; idempotent."""
        if self._open:
            self._open = False
            if self._memory is not None:
                self._process.child.detach(self._camera)
            self._process.leave()

    def _detections(self, rows: NDArray[np.int16]) -> tuple[Detection, ...]:
        try:
            return to_detections(rows)
        except ValueError as error:
            raise ModelError(str(error), place=f"model {self.name}") from error


class _SharedProcess:
    """Counts the cameras of one inference process."""

    def __init__(self, child: InferenceProcess, file: ModelFile | None) -> None:
        self.child, self.file = child, file
        self._users = 0
        self._turn = threading.Lock()

    def enter(self) -> None:
        with self._turn:
            self._users += 1

    def leave(self) -> None:
        with self._turn:
            self._users -= 1
            last = self._users == 0
        if last:
            self.child.close()


def open_detector(
    model: str | Manifest,
    *,
    interval_s: float = 0.2,
    folder: Path | None = None,
    runtime: Runtime = OWN,
    threads: int | None = None,
) -> ChildDetector:
    """A running detector.

    `model`: a name of the catalogue, the path of a manifest, or a manifest. `interval_s`: the usual time between frames,
    which only the motion detector needs. `folder` is looked in for the model file first. `threads`: how many frames of
    several cameras it works on at once, one a core where it is not said. `runtime`: who runs it.

    Raises ModelError when there is no such model, no file, or the file is refused.
    """
    beside: Path | None = None
    if isinstance(model, str):
        model, beside = resolve_manifest(model)
    folders = tuple(place for place in (folder, beside) if place is not None)
    path, file = find_accepted(model, folders) or (None, None)
    child = InferenceProcess(model, path, interval_s=interval_s, runtime=runtime, workers=threads)
    try:
        child.start()
    except ModelError:
        child.close()
        raise
    return ChildDetector(model, _SharedProcess(child, file), 0)
