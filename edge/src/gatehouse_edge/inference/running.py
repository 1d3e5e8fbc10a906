"""One running inference child: its sockets, its words, its end.

Whoever looks through it counts as a user, and its descriptors go with the last of them: no thread ever waits on a number that
already means another file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.manifest import MAX_MODEL_BYTES
from gatehouse_edge.inference.messages import (
    MAX_MESSAGE_BYTES,
    Hello,
    Look,
    Ready,
    decode_reply,
    encode_attach,
    encode_detach,
    encode_look,
)
from gatehouse_edge.inference.runtimes import Runtime

START_S: Final = 60.0
REPLY_S: Final = 20.0
_EXIT_S: Final = 2.0
_CHILD: Final = "gatehouse_edge.inference.child"
_LAUNCHER: Final = "gatehouse_edge.inference.launcher"
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_KEPT_VARIABLES: Final = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "LANG",
    "TZ",
)
_QUIET: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ORT_LOGGING_LEVEL": "3",
    "MALLOC_ARENA_MAX": "2",  # an arena a thread would keep what each of them once needed
}


class ChildLostError(Exception):
    """The child said nothing, nothing sensible, or is gone. `args[0]` goes on after "the inference process"."""


class RunningChild:
    """A child that has been started. `control` is for one thread at a time, so is each lane."""

    def __init__(self, workers: int, runtime: Runtime) -> None:
        """Starts it; `greet` must follow. Raises OSError when it cannot be."""
        self._runtime = runtime
        pairs = [
            socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(workers + 1)
        ]
        self._control, *self._lanes = (ours for ours, _ in pairs)
        for ours, _ in pairs:
            ours.settimeout(REPLY_S)
        self._users, self._retired = 0, False
        self._count = threading.Lock()
        numbers = [theirs.fileno() for _, theirs in pairs]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules, no shell
                [
                    *(sys.executable, "-P", "-B", "-m", _LAUNCHER if runtime.command else _CHILD),
                    *map(str, (runtime.memory_bytes, *numbers)),
                    *(("--", *runtime.command) if runtime.command else ()),
                ],
                pass_fds=numbers,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={k: os.environ[k] for k in _KEPT_VARIABLES if k in os.environ} | _QUIET,
                cwd="/",
            )
        except BaseException:
            self._close()
            raise
        finally:
            for _, theirs in pairs:
                theirs.close()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.poll()

    def greet(self, hello: Hello, file: Path | None) -> None:
        """Hands the model over and waits for the verdict. Raises ModelError when it is refused, ChildLostError."""
        with contextlib.ExitStack() as stack:
            try:
                opened = [stack.enter_context(self._open(file))] if file else []
            except OSError as error:
                raise ModelError(
                    f"the model file cannot be read: {error.strerror}",
                    place=str(file),
                    remedy="Get it again with `gatehouse-edge model pull`",
                ) from error
            self._send(self._control, msgspec.msgpack.encode(hello), [f.fileno() for f in opened])
        try:
            ready = msgspec.msgpack.decode(self._receive(self._control, START_S), type=Ready)
        except msgspec.MsgspecError as error:
            raise ChildLostError("said something that is no greeting") from error
        if ready.error:
            raise ModelError(ready.error, place=ready.place, remedy=ready.remedy)

    def _open(self, file: Path) -> BinaryIO:
        """The model file; for an outside runtime a sealed copy, so that what is vetted is what is run. Raises OSError."""
        if not self._runtime.command:
            return file.open("rb")
        copy = open(  # noqa: PTH123, SIM115 - a descriptor; closed by the caller
            os.memfd_create("gatehouse-model", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b"
        )
        with file.open("rb") as stream:
            copy.write(stream.read(MAX_MODEL_BYTES + 1))
        copy.flush()
        copy.seek(0)
        fcntl.fcntl(copy.fileno(), fcntl.F_ADD_SEALS, _SEALS)
        return copy

    def attach(self, segment: int, fd: int) -> None:
        """Lets it map `fd`; the caller keeps its own. Holds when this returns. Raises ChildLostError."""
        self._send(self._control, encode_attach(segment), [fd])
        self._answered(self._control, segment)

    def detach(self, segment: int) -> None:
        """Makes it let go of a segment. Raises ChildLostError."""
        self._send(self._control, encode_detach(segment), [])
        self._answered(self._control, segment)

    def look(self, lane: int, look: Look) -> bytes:
        """The rows of one frame, by a lane that nobody else uses meanwhile. Raises ChildLostError."""
        self._send(self._lanes[lane], encode_look(look), [])
        return self._answered(self._lanes[lane], look.number)

    def enter(self) -> bool:
        """Counts a user; False when the child has been retired."""
        with self._count:
            self._users += not self._retired
            return not self._retired

    def leave(self) -> None:
        """Ends one `enter`."""
        with self._count:
            self._users -= 1
            last = self._retired and self._users == 0
        if last:
            self._close()

    def retire(self) -> int:
        """Ends the child, whatever it does; every call under way fails. Its exit status. Idempotent."""
        with self._count:
            if not self._retired:
                self._retired = True
                for end in (self._control, *self._lanes):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
            last = self._users == 0
        try:
            status = self._process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if last:
            self._close()
        return status

    def _close(self) -> None:
        for end in (self._control, *self._lanes):
            end.close()

    def _answered(self, end: socket.socket, number: int) -> bytes:
        try:
            answered, rows = decode_reply(self._receive(end, REPLY_S))
        except ValueError as error:
            raise ChildLostError(f"gave {error}") from error
        if answered != number:
            raise ChildLostError("answered another question")
        return rows

    @staticmethod
    def _send(end: socket.socket, message: bytes, fds: list[int]) -> None:
        try:
            if fds:
                socket.send_fds(end, [message], fds)
            else:
                end.send(message)
        except OSError as error:
            raise ChildLostError("ended") from error

    @staticmethod
    def _receive(end: socket.socket, limit_s: float) -> bytes:
        try:
            if end.gettimeout() != limit_s:  # setting it is a call of the system's
                end.settimeout(limit_s)
            message = end.recv(MAX_MESSAGE_BYTES)
        except TimeoutError as error:
            raise ChildLostError(f"gave no answer within {limit_s:.0f} s") from error
        except OSError as error:
            raise ChildLostError("ended") from error
        if not message:
            raise ChildLostError("ended")
        return message
