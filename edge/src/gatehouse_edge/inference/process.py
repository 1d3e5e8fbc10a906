"""The agent's end of an inference process: starts it, shows it frames, takes rows back, notices when it dies.

Frames are copied into memory that both map (an anonymous file, gone with the last of the two), or lie there
already when the decoder's own memory is attached. One process serves up to MAX_CAMERAS cameras, one frame at a
time. When it crashes, hangs or runs out of memory the call under way fails with InferenceDownError and the next
call starts a fresh one: how often to try is the caller's decision.
"""

from __future__ import annotations

import mmap
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.boxes import MAX_ROWS, MAX_SIDE_PX
from gatehouse_edge.inference.manifest import Manifest
from gatehouse_edge.inference.messages import (
    MAX_MESSAGE_BYTES,
    MAX_SEGMENTS,
    OWN_SEGMENT,
    Hello,
    Look,
    Ready,
    decode_reply,
    encode_attach,
    encode_look,
)

MEMORY_BYTES: Final = 2 * 1024**3
"""Address space of an inference process. A nano detector uses some 0.5 GiB of it and 0.1 GiB of memory."""
START_S: Final = 60.0
REPLY_S: Final = 20.0
_EXIT_S: Final = 2.0
_KEPT_VARIABLES: Final = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "LANG",
    "TZ",
)
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ORT_LOGGING_LEVEL": "3"}


class InferenceDownError(ModelError):
    """The inference process crashed or hung; the model may be right. Worth another try."""


class InferenceProcess:
    """One child and its memory. Safe to call from several threads; they take turns."""

    def __init__(
        self,
        manifest: Manifest,
        file: Path | None,
        *,
        interval_s: float = 0.2,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._manifest, self._file = manifest, file
        self._interval_s, self._memory_bytes = interval_s, memory_bytes
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._own_fd = -1
        self._own: mmap.mmap | None = None
        self._shared: dict[int, int] = {}
        self._number = 0

    @property
    def pid(self) -> int | None:
        """The child's process id, None when there is none."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Starts the child if there is none and waits until the model is loaded. Raises ModelError when it is
        refused.
        """
        with self._turn:
            self._ensure_started()

    def rows(self, camera: int, pixels: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Detections in `pixels` `(h, w, 3)` uint8 BGR as int16 `(n, 6)` (see `boxes`). Raises ModelError,
        InferenceDownError.
        """
        height, width = self._checked_size(pixels)
        with self._turn:
            self._ensure_started()
            memory = self._memory_for(pixels.nbytes)
            target = np.frombuffer(memory, np.uint8, count=pixels.nbytes)
            np.copyto(target.reshape(pixels.shape), pixels)
            return self._look(Look(self._next(), camera, OWN_SEGMENT, height, width, 0))

    def attach(self, segment: int, fd: int) -> None:
        """Lets the child see memory of another process: `fd` of an anonymous or /dev/shm file, as segment 1 and up.

        The descriptor is duplicated; call again when the memory has been replaced. It survives a restart of the child.
        """
        if not 0 < segment < MAX_SEGMENTS:
            raise ValueError(f"segment {segment} is not in 1..{MAX_SEGMENTS - 1}")
        with self._turn:
            old = self._shared.pop(segment, None)
            if old is not None:
                os.close(old)
            self._shared[segment] = os.dup(fd)
            if self._link is not None:
                self._send(encode_attach(segment), [fd])

    def rows_shared(
        self, camera: int, segment: int, offset: int, size_hw: tuple[int, int]
    ) -> NDArray[np.int16]:
        """As `rows`, for a frame that lies in attached memory already."""
        with self._turn:
            self._ensure_started()
            height, width = size_hw
            return self._look(Look(self._next(), camera, segment, height, width, offset))

    def close(self) -> None:
        """Ends the child and gives the memory back; idempotent."""
        with self._turn:
            self._end()
            self._own = None
            for fd in (self._own_fd, *self._shared.values()):
                if fd >= 0:
                    os.close(fd)
            self._own_fd, self._shared = -1, {}

    def _checked_size(self, pixels: NDArray[np.uint8]) -> tuple[int, int]:
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise self._error(
                f"was given pixels {pixels.shape} {pixels.dtype}, not (h, w, 3) uint8"
            )
        height, width = pixels.shape[:2]
        if not (0 < height <= MAX_SIDE_PX and 0 < width <= MAX_SIDE_PX):
            raise self._error(f"was given a frame of {width} x {height}; {MAX_SIDE_PX} is the most")
        return height, width

    def _ensure_started(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self._end()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            kept = {k: os.environ[k] for k in _KEPT_VARIABLES if k in os.environ}
            self._child = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [
                    *(sys.executable, "-P", "-B", "-m", "gatehouse_edge.inference.child"),
                    *(str(theirs.fileno()), str(self._memory_bytes)),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=kept | _ONE_THREAD,
                cwd="/",
            )
        self._link = ours
        self._greet()
        if self._own_fd >= 0:
            self._send(encode_attach(OWN_SEGMENT), [self._own_fd])
        for segment, fd in self._shared.items():
            self._send(encode_attach(segment), [fd])

    def _greet(self) -> None:
        """Hands the model over and waits for the child's verdict."""
        hello = msgspec.msgpack.encode(Hello(self._manifest, self._interval_s))
        fds = [os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)] if self._file else []
        try:
            self._send(hello, fds)
        finally:
            for fd in fds:
                os.close(fd)
        ready = msgspec.msgpack.decode(self._receive(START_S), type=Ready)
        if ready.error:
            self._end()
            raise ModelError(ready.error, place=ready.place, remedy=ready.remedy)

    def _look(self, look: Look) -> NDArray[np.int16]:
        self._send(encode_look(look), [])
        try:
            number, raw = decode_reply(self._receive(REPLY_S))
        except ValueError as error:
            raise self._down(str(error)) from error
        if number != look.number or len(raw) > MAX_ROWS * 12:
            raise self._down("answered another question")
        return np.frombuffer(raw, "<i2").reshape(-1, 6)

    def _memory_for(self, size: int) -> mmap.mmap:
        """Our own segment, made larger when a frame needs it."""
        if self._own is None or len(self._own) < size:
            if self._own_fd < 0:
                self._own_fd = os.memfd_create("gatehouse-inference", os.MFD_CLOEXEC)
            os.ftruncate(self._own_fd, size)
            self._own = mmap.mmap(self._own_fd, size)
            self._send(encode_attach(OWN_SEGMENT), [self._own_fd])
        return self._own

    def _next(self) -> int:
        self._number = (self._number + 1) & 0xFFFF_FFFF
        return self._number

    def _send(self, message: bytes, fds: list[int]) -> None:
        if self._link is None:
            raise self._down("is gone")
        try:
            socket.send_fds(self._link, [message], fds)
        except OSError as error:
            raise self._down("ended") from error

    def _receive(self, limit_s: float) -> bytes:
        if self._link is None:
            raise self._down("is gone")
        self._link.settimeout(limit_s)
        try:
            message = self._link.recv(MAX_MESSAGE_BYTES)
        except TimeoutError as error:
            raise self._down(f"gave no answer within {limit_s:.0f} s") from error
        except OSError as error:
            raise self._down("ended") from error
        if not message:
            raise self._down("ended")
        return message

    def _down(self, what: str) -> InferenceDownError:
        """Ends what is left of the child and gives the error to raise."""
        child = self._child
        self._end()
        status = f" (exit status {child.returncode})" if child is not None else ""
        return InferenceDownError(
            f"the inference process {what}{status}",
            place=f"model {self._manifest.name}",
            remedy="It is started again on the next frame; if this repeats, run `gatehouse-edge model verify`",
        )

    def _end(self) -> None:
        link, child = self._link, self._child
        self._link = self._child = None
        if link is not None:
            link.close()
        if child is None:
            return
        try:
            child.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _error(self, what: str) -> ModelError:
        return ModelError(what, place=f"model {self._manifest.name}")
