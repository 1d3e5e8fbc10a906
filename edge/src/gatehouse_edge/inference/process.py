"""The agent's end of an inference process: starts it, shows it frames, takes rows back, notices when it dies.

One process serves up to MAX_CAMERAS cameras, with as many frames at once as it has workers; who comes beyond that waits. Frames
that lie in the decoder's memory are looked at there (`attach`, `rows_shared`), others are copied into memory that both map.

Crash    a child that dies, hangs, runs out of memory or says what cannot be fails every call under way with InferenceDownError;
         the next call starts a fresh one, once: calls that come meanwhile wait for it, and fail with it. How often to try is the
         caller's decision.
Bounds   a lane, a socket and at most one copied frame for each worker; one descriptor for each camera. All anonymous memory, gone
         with the last process that maps it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import queue
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from math import nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.boxes import MAX_SIDE_PX, read_rows
from gatehouse_edge.inference.manifest import Manifest
from gatehouse_edge.inference.messages import COPIES, MAX_CAMERAS, MAX_WORKERS, Hello, Look
from gatehouse_edge.inference.running import ChildLostError, RunningChild
from gatehouse_edge.inference.runtimes import OWN, Runtime
from gatehouse_edge.inference.tiling import Tile


class InferenceDownError(ModelError):
    """The inference process crashed or hung; the model may be right. Worth another try."""


def cores() -> int:
    """Processors that this process may use, at most MAX_WORKERS: the default number of workers."""
    return min(len(os.sched_getaffinity(0)), MAX_WORKERS)


@dataclass(slots=True)
class _Lane:
    """A worker of the child as the agent has it, and the memory for frames that must be copied."""

    index: int
    fd: int = -1
    memory: mmap.mmap | None = None

    @property
    def segment(self) -> int:
        return COPIES + self.index


class InferenceProcess:
    """One child, its lanes and the memories it may see. Safe to call from several threads."""

    def __init__(
        self,
        manifest: Manifest,
        file: Path | None,
        *,
        interval_s: float = 0.2,
        runtime: Runtime = OWN,
        workers: int | None = None,
    ) -> None:
        """`workers`: frames that it works on at once, 1 to MAX_WORKERS; by default one for each core."""
        self._manifest, self._file = manifest, file
        self._interval_s, self._runtime = interval_s, runtime
        self._lanes = [_Lane(n) for n in range(min(workers or cores(), MAX_WORKERS))]
        self._free: queue.LifoQueue[_Lane] = queue.LifoQueue()
        for lane in reversed(self._lanes):
            self._free.put(lane)
        self._turn = threading.RLock()
        self._running: RunningChild | None = None
        self._failures = 0
        self._refusal: ModelError | None = None
        self._shared: dict[int, int] = {}
        self._number = 0

    @property
    def pid(self) -> int | None:
        """The child's process id, None when there is none."""
        running = self._running
        return running.pid if running else None

    @property
    def workers(self) -> int:
        """How many frames it works on at once."""
        return len(self._lanes)

    def start(self) -> None:
        """Starts the child if there is none and waits until the model is loaded. Raises ModelError when it is
        refused.
        """
        self._started().leave()

    def rows(
        self, camera: int, pixels: NDArray[np.uint8], at: float = nan, tile: Tile | None = None
    ) -> NDArray[np.int16]:
        """Detections in `pixels` `(h, w, 3)` uint8 BGR, or in one tile of them, as int16 `(n, 6)` (see `boxes`) in pixels of what
        was looked at. Raises ModelError, InferenceDownError. `at`: media time in seconds; the frames of one camera come one after
        another.
        """
        if tile is not None:
            x1, y1, x2, y2 = tile.xyxy
            pixels = pixels[y1:y2, x1:x2]
        height, width = self._checked_size(pixels)

        def look(running: RunningChild, lane: _Lane) -> Look:
            memory = self._memory_for(running, lane, pixels.nbytes)
            target = np.frombuffer(memory, np.uint8, count=pixels.nbytes)
            np.copyto(target.reshape(pixels.shape), pixels)
            whole = (0, 0, width, height)
            return Look(self._next(), camera, lane.segment, height, width, 0, at, whole)

        return self._ask(look)

    def rows_shared(
        self,
        camera: int,
        offset: int,
        size_hw: tuple[int, int],
        at: float = nan,
        tile: Tile | None = None,
    ) -> NDArray[np.int16]:
        """As `rows`, for a frame that lies in the camera's attached memory."""
        height, width = size_hw
        region = (0, 0, width, height)
        if tile is not None:
            region = (tile.x, tile.y, tile.width, tile.height)

        def look(_running: RunningChild, _lane: _Lane) -> Look:
            return Look(self._next(), camera, camera, height, width, offset, at, region)

        return self._ask(look)

    def attach(self, camera: int, fd: int) -> None:
        """Lets the child see the memory of a camera's decoder: `fd` of an anonymous or /dev/shm file, which stays the caller's.

        Takes the place of what was attached, and survives a restart of the child, which can only read it. Raises OSError.
        """
        if not 0 <= camera < MAX_CAMERAS:
            raise ValueError(f"camera {camera} is not in 0..{MAX_CAMERAS - 1}")
        own = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
        with self._turn:
            self._forget(camera)
            self._shared[camera] = own
            with self._lost_later() as running:
                if running is not None:
                    running.attach(camera, own)

    def detach(self, camera: int) -> None:
        """Lets go of a camera's memory here and in the child; idempotent."""
        with self._turn:
            if self._forget(camera):
                with self._lost_later() as running:
                    if running is not None:
                        running.detach(camera)

    def close(self) -> None:
        """Ends the child and gives the memory back; idempotent."""
        with self._turn:
            self._end()
            for camera in tuple(self._shared):
                self._forget(camera)
            for lane in self._lanes:
                lane.memory = None
                if lane.fd >= 0:
                    os.close(lane.fd)
                lane.fd = -1

    def _ask(self, look: _Asking) -> NDArray[np.int16]:
        lane = self._free.get()
        try:
            running = self._started()
            try:
                asked = look(running, lane)
                return self._read(running.look(lane.index, asked), asked)
            except ChildLostError as error:
                raise self._down(running, error) from error
            finally:
                running.leave()
        finally:
            self._free.put(lane)

    @staticmethod
    def _read(raw: bytes, asked: Look) -> NDArray[np.int16]:
        """What came of a look; a process that says what cannot be is not believed, it is as good as lost."""
        try:
            return read_rows(raw, *asked.region[2:])
        except ValueError as error:
            raise ChildLostError(f"gave {error}") from error

    def _started(self) -> RunningChild:
        """The running child, entered. Who waited here while a start failed fails with it, instead of trying in turn."""
        failures = self._failures
        with self._turn:
            running = self._running
            if running is not None and running.status is None and running.enter():
                return running
            if self._failures != failures and self._refusal is not None:
                refusal = self._refusal
                raise type(refusal)(refusal.message, place=refusal.place, remedy=refusal.remedy)
            self._end()
            try:
                self._running = running = self._start()
            except ModelError as error:
                self._failures, self._refusal = self._failures + 1, error
                raise
            self._refusal = None
            running.enter()
            return running

    def _start(self) -> RunningChild:
        try:
            running = RunningChild(len(self._lanes), self._runtime)
        except OSError as error:
            raise self._lost(f"cannot start: {error.strerror}") from error
        try:
            running.greet(Hello(self._manifest, self._interval_s), self._file)
            for camera, fd in self._shared.items():
                running.attach(camera, fd)
            for lane in self._lanes:
                if lane.fd >= 0:
                    running.attach(lane.segment, lane.fd)
        except ChildLostError as error:
            raise self._lost(error.args[0], running.retire()) from error
        except BaseException:
            running.retire()
            raise
        return running

    def _memory_for(self, running: RunningChild, lane: _Lane, size: int) -> mmap.mmap:
        """The lane's own segment, made larger when a frame needs it."""
        if lane.memory is None or len(lane.memory) < size:
            if lane.fd < 0:
                lane.fd = os.memfd_create("gatehouse-inference", os.MFD_CLOEXEC)
            os.ftruncate(lane.fd, size)
            lane.memory = mmap.mmap(lane.fd, size)
            with self._turn:
                running.attach(lane.segment, lane.fd)
        return lane.memory

    def _checked_size(self, pixels: NDArray[np.uint8]) -> tuple[int, int]:
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise self._error(
                f"was given pixels {pixels.shape} {pixels.dtype}, not (h, w, 3) uint8"
            )
        height, width = pixels.shape[:2]
        if not (0 < height <= MAX_SIDE_PX and 0 < width <= MAX_SIDE_PX):
            raise self._error(f"was given a frame of {width} x {height}; {MAX_SIDE_PX} is the most")
        return height, width

    def _forget(self, camera: int) -> bool:
        fd = self._shared.pop(camera, -1)
        if fd >= 0:
            os.close(fd)
        return fd >= 0

    @contextlib.contextmanager
    def _lost_later(self) -> Generator[RunningChild | None]:
        """The running child, if any. One that is lost meanwhile is ended here; its next caller hears of it by a fresh start."""
        try:
            yield self._running
        except ChildLostError:
            self._end()

    def _next(self) -> int:
        self._number = (self._number + 1) & 0xFFFF_FFFF
        return self._number

    def _down(self, running: RunningChild, error: ChildLostError) -> InferenceDownError:
        """Ends what is left of the child and gives the error to raise."""
        with self._turn:
            if self._running is running:
                self._running = None
            return self._lost(error.args[0], running.retire())

    def _lost(self, what: str, status: int | None = None) -> InferenceDownError:
        known = "" if status is None else f" (exit status {status})"
        by = f" of runtime {self._runtime.name}" if self._runtime.command else ""
        return InferenceDownError(
            f"the inference process{by} {what}{known}",
            place=f"model {self._manifest.name}",
            remedy="It is started again on the next frame; if this repeats, run `gatehouse-edge model verify`",
        )

    def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.retire()

    def _error(self, what: str) -> ModelError:
        return ModelError(what, place=f"model {self._manifest.name}")


_Asking = Callable[[RunningChild, _Lane], Look]
