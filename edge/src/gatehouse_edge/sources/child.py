"""The agent's handle on one decode child: starts it, talks to it, ends it. Never blocks longer than asked.

The address with its secrets goes through the socket, never into argv or the environment. The child gets a short list of
variables, standard streams to nowhere, and two descriptors: its socket and the slab.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from gatehouse_edge.sources.failures import FailReason, describe_exit
from gatehouse_edge.sources.messages import (
    MAX_PIXELS,
    MAX_SIDE_PX,
    Failed,
    FromChild,
    Open,
    ToChild,
    decode_from_child,
    encode,
)
from gatehouse_edge.sources.wire import Wire

DECODER: tuple[str, ...] = (sys.executable, "-P", "-m", "gatehouse_edge.sources.decoder")
KEPT_VARIABLES = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "LANG",
    "TZ",
    "HOME",
)
QUIET = {
    "OPENCV_LOG_LEVEL": "OFF",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",  # FFmpeg prints addresses with their passwords
    "OPENCV_IO_MAX_IMAGE_WIDTH": str(MAX_SIDE_PX),
    "OPENCV_IO_MAX_IMAGE_HEIGHT": str(MAX_SIDE_PX),
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(MAX_PIXELS),
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",  # an arena a thread would keep what a large picture needed once
}
EXIT_S = 2.0
OPEN_FILES = 128


class DecodeChild:
    """One running child. `command` is our own decoder, or one of another make that speaks the same messages.

    Ours bounds itself before it sees the camera. One of another make is bounded from here, before it is told the address:
    `memory_mib` of addresses, OPEN_FILES descriptors, no core dump.
    """

    def __init__(
        self, request: Open, command: Sequence[str] = DECODER, *, memory_mib: int | None = None
    ) -> None:
        ours, theirs = socket.socketpair()
        environment = {k: os.environ[k] for k in KEPT_VARIABLES if k in os.environ} | QUIET
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                list(command),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(request.slab_fd,),
                env=environment,
                start_new_session=True,  # Ctrl-C is for the agent, which then closes its children
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._wire = Wire(ours)
        if memory_mib is not None:
            _bound(self._process.pid, memory_mib)
        self.send(request)

    @property
    def pid(self) -> int:
        """Process id, for health and tests."""
        return self._process.pid

    def send(self, message: ToChild) -> None:
        """Sends; a child that is gone is noticed at the next `receive`."""
        try:
            self._wire.send(encode(message))
        except OSError:
            return

    def receive(self, timeout_s: float) -> FromChild | None:
        """The next message, None when there is none in time. A dead child or nonsense from it is a Failed."""
        try:
            said = self._wire.receive(timeout_s)
            if said is None:
                return None
            message: FromChild = decode_from_child(said)
            return message
        except (EOFError, OSError):
            return Failed(FailReason.CRASHED, describe_exit(self._wait()))
        except msgspec.MsgspecError:
            return Failed(FailReason.CRASHED, "the decoder said something that is no message")

    def _wait(self) -> int | None:
        try:
            return self._process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """Ends the child, and what it started in its process group. Our own child's programs die with it anyway."""
        self._wire.close()
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                # Not waited for yet, so the number is still its own.
                os.killpg(self._process.pid, signal.SIGKILL)
        self._wait()


def _bound(pid: int, memory_mib: int) -> None:
    for kind, most in (
        (resource.RLIMIT_AS, memory_mib << 20),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ProcessLookupError):  # it is gone already, which `receive` tells
            resource.prlimit(pid, kind, (most, most))
