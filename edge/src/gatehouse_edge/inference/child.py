"""The inference process: `python -m gatehouse_edge.inference.child BYTES FD FD ...`. Holds the model, sees frames, gives rows.

Started fresh, never forked from the agent, with sockets as its only tie: one for control and one for each worker thread, which
calls the one session of the model for one frame at a time. Before it reads the model it gives up what it does not need: the
network (where the kernel lets it), writing files, core dumps, and memory beyond the limit. It ends when the agent's end of the
control socket closes, in the middle of a model's work too, and when any of its threads fails.
"""

from __future__ import annotations

import mmap
import os
import select
import socket
import sys
import threading
import traceback
from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.boxes import MAX_SIDE_PX
from gatehouse_edge.inference.engine import Engine, build_engine
from gatehouse_edge.inference.manifest import MAX_MODEL_BYTES
from gatehouse_edge.inference.messages import (
    LEAST_REGION_PX,
    MAX_MESSAGE_BYTES,
    Attach,
    Detach,
    Hello,
    Look,
    Ready,
    decode_request,
    encode_reply,
)
from gatehouse_edge.inference.rights import give_up_rights


class Segments:
    """Memory that the agent shares, mapped for reading. For several threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._files: dict[int, int] = {}
        self._maps: dict[int, mmap.mmap] = {}

    def attach(self, segment: int, fd: int) -> None:
        """Takes the place of what was mapped as `segment`."""
        self.detach(segment)
        with self._turn:
            self._files[segment] = fd

    def detach(self, segment: int) -> None:
        """Forgets a segment; the memory goes when nobody looks at a frame in it any more."""
        with self._turn:
            old = self._files.pop(segment, None)
            if old is not None:
                os.close(old)
            self._maps.pop(segment, None)

    def pixels(self, look: Look) -> NDArray[np.uint8]:
        """The frame or region `(h, w, 3)` that `look` speaks of, without a copy. Raises ValueError when it is not all there."""
        if not (0 < look.height <= MAX_SIDE_PX and 0 < look.width <= MAX_SIDE_PX):
            raise ValueError("a frame of a size that cannot be")
        x, y, wide, high = look.region
        least = (min(LEAST_REGION_PX, look.width), min(LEAST_REGION_PX, look.height))
        if wide < least[0] or high < least[1] or x + wide > look.width or y + high > look.height:
            raise ValueError("a region that is not in its frame, or too small")
        size = look.height * look.width * 3
        with self._turn:
            known = self._maps.get(look.segment)
            if known is None or look.offset + size > len(known):
                known = mmap.mmap(self._files[look.segment], 0, prot=mmap.PROT_READ)
                self._maps[look.segment] = known
        if look.offset + size > len(known):
            raise ValueError("a frame that reaches beyond its memory")
        flat = np.frombuffer(known, np.uint8, count=size, offset=look.offset)
        return flat.reshape(look.height, look.width, 3)[y : y + high, x : x + wide]


def serve(control: socket.socket, lanes: list[socket.socket]) -> int:
    """Says hello, then answers on every lane until the agent is gone. Gives the exit status."""
    message, fds, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, 1)
    hello = msgspec.msgpack.decode(message, type=Hello)
    try:
        engine = build_engine(hello.manifest, _read_model(fds), hello.interval_s)
    except ModelError as error:
        refusal = Ready(error.message[:2000], error.place[:200], error.remedy[:2000])
        control.send(msgspec.msgpack.encode(refusal))
        return 1
    segments = Segments()
    for lane in lanes:
        _begin(lambda lane=lane: _answer(lane, engine, segments))  # type: ignore[misc]
    control.send(msgspec.msgpack.encode(Ready()))
    _share(control, segments)
    return 0


def _share(control: socket.socket, segments: Segments) -> None:
    """Takes memory in and lets it go, as the agent says."""
    while True:
        message, fds, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, 1)
        if not message:
            return
        request = decode_request(message)
        if isinstance(request, Attach):
            segments.attach(request.segment, fds[0])
        elif isinstance(request, Detach):
            segments.detach(request.segment)
        control.send(encode_reply(request.segment, b""))


def _answer(lane: socket.socket, engine: Engine, segments: Segments) -> None:
    """One worker: a frame, its rows, and the next."""
    while True:
        message = lane.recv(MAX_MESSAGE_BYTES)
        if not message:
            return
        look = decode_request(message)
        if not isinstance(look, Look):
            raise TypeError("a lane is for looks")
        rows = engine.rows(look.camera, segments.pixels(look), look.at)
        lane.send(encode_reply(look.number, rows.astype("<i2").tobytes()))


def _begin(work: Callable[[], None]) -> None:
    """A thread whose end is that of the whole process."""

    def all_or_nothing() -> None:
        try:
            work()
        except BaseException:  # noqa: BLE001 - whatever it was, the process goes
            traceback.print_exc()
        finally:  # also where the traceback cannot be written: stderr may be a file
            os._exit(1)

    threading.Thread(target=all_or_nothing, daemon=True).start()


def _read_model(fds: list[int]) -> bytes:
    """The whole model file, or nothing when none came along. One byte beyond the limit is read, for the gate to see."""
    if not fds:
        return b""
    with open(fds[0], "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
        return stream.read(MAX_MODEL_BYTES + 1)


def _end_with_agent(control: socket.socket) -> None:
    """Ends the process when the agent's end closes, even while the model is at work."""
    watch = select.poll()
    watch.register(control, select.POLLRDHUP)
    watch.poll()
    os._exit(0)


def run(argv: list[str]) -> int:
    """Arguments: the memory limit in bytes, then descriptors: the control socket, and a lane for each worker."""
    memory_bytes, *fds = map(int, argv)
    give_up_rights(memory_bytes)
    control, *lanes = (socket.socket(fileno=fd) for fd in fds)
    threading.Thread(target=_end_with_agent, args=(control,), daemon=True).start()
    return serve(control, lanes)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
