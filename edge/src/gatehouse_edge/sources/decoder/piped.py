"""A source decoded by a program of the system: compressed pictures go in through one pipe, raw ones come out of another.

The program gets no network, no file and no secret, only pipes; it has this child's limits, and dies with it. It writes straight
into the slab.
Bounds  two pipes' worth of pictures between; HEADS_MAX announced pictures; the last SAID_MAX lines of what it says.
"""

from __future__ import annotations

import ctypes
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final

import numpy as np

from gatehouse_edge.sources.decoder.matroska import cluster, header
from gatehouse_edge.sources.decoder.packets import Packets
from gatehouse_edge.sources.decoder.program import Head, Program, Wanted
from gatehouse_edge.sources.decoder.reader import Pixels
from gatehouse_edge.sources.decoder.video import Make
from gatehouse_edge.sources.failures import FailReason, SourceFailedError, describe_exit
from gatehouse_edge.sources.messages import MAX_PIXELS, MAX_SIDE_PX
from gatehouse_edge.sources.spec import SourceSpec

HEADS_MAX: Final = 64
SAID_MAX: Final = 16
LINE_MAX: Final = 2048
ROW_PADDING: Final = 64
PIPE_BYTES: Final = 1 << 20
EXIT_S: Final = 5.0
PR_SET_PDEATHSIG: Final = 1
F_SETPIPE_SZ: Final = 1031
_libc = ctypes.CDLL(None)


class RunningProgram:
    """A decoder at work: its process, the thread that feeds it, and the one that hears what it says."""

    def __init__(self, program: Program, packets: Packets) -> None:
        self._packets, self.said = packets, deque[str](maxlen=SAID_MAX)
        self._lines: queue.Queue[str | None] = queue.Queue(HEADS_MAX)
        self._stopping = threading.Event()
        command = list(program.command())
        self._process = subprocess.Popen(  # noqa: S603 - arguments of our own table, no shell
            [shutil.which(command[0]) or command[0], *command[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={k: v for k, v in os.environ.items() if not k.startswith("OPENCV")},
            restore_signals=False,  # a write beyond the file limit is an error for it, not its end
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call into libc, bound beforehand
        )
        self._in, self._out = _pipe(self._process.stdin), _pipe(self._process.stdout)
        for pipe in (self._in, self._out):
            with suppress(OSError):  # the system's own bound may be lower
                _libc.fcntl(pipe.fileno(), F_SETPIPE_SZ, PIPE_BYTES)
        self._threads = [
            threading.Thread(target=self._feed, name="feed", daemon=True),
            threading.Thread(target=self._listen, name="listen", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _feed(self) -> None:
        """Packets into the program until either ends; then it is told that no more come."""
        packets = self._packets
        try:
            self._write(header(packets.codec, *packets.size))
            while not self._stopping.is_set() and (packet := packets.read()) is not None:
                self._write(cluster(packet.at, packet.data, key=packet.key))
        except (OSError, ValueError):
            return  # it is gone, which its output tells better
        finally:
            with suppress(OSError):
                self._in.close()

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._in.write(left) or 0 :]

    def _listen(self) -> None:
        """Lines of its standard error, for `line`; the last ones are kept for the reason of its end."""
        pipe = _pipe(self._process.stderr)
        with open(pipe.fileno(), "rb", buffering=LINE_MAX, closefd=False) as lines:
            while raw := lines.readline(LINE_MAX):
                text = raw.decode("utf-8", "replace").rstrip()
                if "showinfo@" not in text:
                    self.said.append(text)
                self._say(text)
        self._say(None)

    def _say(self, line: str | None) -> None:
        while not self._stopping.is_set():
            with suppress(queue.Full):
                self._lines.put(line, timeout=0.5)
                return

    def line(self) -> str | None:
        """The next line of its standard error; None at the end."""
        return self._lines.get()

    def exactly(self, count: int) -> bytes | None:
        """So many bytes of its standard output; None when it ended before."""
        got = bytearray(count)
        return bytes(got) if self.into(memoryview(got)) else None

    def into(self, memory: memoryview) -> bool:
        """Fills the memory from its standard output; False when it ended before."""
        while memory:
            got = os.readv(self._out.fileno(), [memory])
            if not got:
                return False
            memory = memory[got:]
        return True

    def ended(self) -> int | None:
        """Its exit status, once it said all."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(EXIT_S)
        return None

    def close(self) -> bool:
        """Ends it and the threads. False where the one that reads packets does not come back, and they must stay open."""
        self._stopping.set()
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(EXIT_S)
        for pipe in (self._in, self._out, _pipe(self._process.stderr)):
            with suppress(OSError):
                pipe.close()
        return not self._threads[0].is_alive()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class PipedReader:
    """A Reader over a program of the system. A picture that nobody wants is read and dropped."""

    thermal = False

    def __init__(
        self,
        open_packets: Callable[[], Packets],
        make: Callable[[Wanted], Program],
        spec: SourceSpec,
        *,
        device: bool,
    ) -> None:
        self._open_packets, self._make, self._spec, self.device = open_packets, make, spec, device
        self._packets = open_packets()
        retimed = None if device else spec.native_fps
        self._retimed = retimed is not None
        self.native_fps = retimed or self._packets.native_fps
        self.pictures = 0 if device else self._packets.pictures
        self.size, self.passed = self._packets.size, 0
        self._begin()

    def _begin(self) -> None:
        rate_fps = None if self._retimed else self._spec.rate_fps
        wanted = Wanted(self._packets.codec, self._spec.hardware, rate_fps)
        self._program = self._make(wanted)
        self._running = RunningProgram(self._program, self._packets)
        self._head: Head | None = None
        self._index, self._first_s, self._last_s = -1, 0.0, -1.0

    def grab(self) -> float | None:
        """Waits for the next picture to be announced; its pixels stay in the pipe."""
        if self._head is not None and not self._drop(self._head):
            return self._end()
        self._head = self._program.head(self._running)
        if self._head is None:
            return self._end()
        _check(self._head)
        self.size, self.passed = (self._head.height, self._head.width), self._head.passed
        self._index += 1
        self._last_s = self._media_s(self._head.at)
        return self._last_s

    def _media_s(self, stamp_s: float | None) -> float:
        """Seconds from the first picture; a picture without a stamp comes one period after the one before it."""
        if self._retimed:
            return self._index / self.native_fps
        if self._index == 0:
            self._first_s = stamp_s or 0.0
            return 0.0
        at = self._last_s if stamp_s is None else stamp_s - self._first_s
        return at if at > self._last_s else self._last_s + 1 / self.native_fps

    def picture(self, out: Pixels | None) -> Pixels:
        """BGR, read from the pipe straight into `out` when the size is the same and rows are not padded."""
        head, self._head = self._head, None
        assert head is not None
        plain = head.row_bytes == head.width * 3
        if out is not None and plain and out.flags.c_contiguous:
            self._fill(out.data.cast("B"))
            return out
        rows = np.empty((head.height, head.row_bytes), np.uint8)
        self._fill(rows.data.cast("B"))
        return rows[:, : head.width * 3].reshape(head.height, head.width, 3)

    def _fill(self, memory: memoryview) -> None:
        if not self._running.into(memory):
            raise self._fault() or SourceFailedError(
                FailReason.LOST, f"{self._program.name} ended within a picture"
            )

    def _drop(self, head: Head) -> bool:
        scratch = memoryview(bytearray(PIPE_BYTES))
        left = head.height * head.row_bytes
        while left:
            piece = scratch[: min(left, len(scratch))]
            if not self._running.into(piece):
                return False
            left -= len(piece)
        return True

    def _end(self) -> float | None:
        """None, the end of the stream; raises SourceFailedError where it is rather a fault of the program."""
        fault = self._fault()
        if fault is not None:
            raise fault
        return None

    def _fault(self) -> SourceFailedError | None:
        status = self._running.ended()
        if status == 0:
            return None
        said = tuple(self._running.said)
        known = self._program.why(said)
        if known is not None:
            return known
        last = next((line for line in reversed(said) if "rror" in line), "")
        how = describe_exit(status).replace("the decoder", self._program.name)
        return SourceFailedError(FailReason.CRASHED, f"{how}: {last[:200]}" if last else how)

    def rewind(self) -> None:
        """Opens the file and starts the program anew."""
        self.close()
        self._packets = self._open_packets()
        self._begin()

    def close(self) -> None:
        """Ends the program and closes the source."""
        if self._running.close():
            self._packets.close()


def _check(head: Head) -> None:
    height, width = head.height, head.width
    if max(height, width) > MAX_SIDE_PX or height * width > MAX_PIXELS:
        raise SourceFailedError(FailReason.UNREADABLE, f"{width}x{height} pixels are too many")
    if not 0 <= head.row_bytes - width * 3 <= ROW_PADDING:
        raise SourceFailedError(FailReason.CRASHED, "the decoder's rows are too long")


def piped(make: Callable[[Wanted], Program]) -> Make:
    """Reads an address with a program of the system."""

    def reader(name: str, options: str, spec: SourceSpec, *, device: bool) -> PipedReader:
        return PipedReader(lambda: Packets(name, options), make, spec, device=device)

    return reader
