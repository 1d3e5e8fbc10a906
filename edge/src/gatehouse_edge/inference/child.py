"""The inference process: `python -m gatehouse_edge.inference.child FD`. Holds the model, sees frames, gives rows.

Started fresh, never forked from the agent, with a socket as its only tie. Before it reads the model it gives up
what it does not need: the network (where the kernel lets it), writing files, core dumps, and memory beyond the
limit. It ends when the agent's end of the socket closes, in the middle of a model's work too.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import select
import socket
import sys
import threading
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.boxes import MAX_SIDE_PX
from gatehouse_edge.inference.engine import Engine, build_engine
from gatehouse_edge.inference.manifest import MAX_MODEL_BYTES
from gatehouse_edge.inference.messages import (
    MAX_MESSAGE_BYTES,
    Attach,
    Hello,
    Look,
    Ready,
    decode_request,
    encode_reply,
)

_NEW_USER: Final = 0x1000_0000
_NEW_NETWORK: Final = 0x4000_0000


class Segments:
    """Memory that the agent shares, mapped for reading."""

    def __init__(self) -> None:
        self._files: dict[int, int] = {}
        self._maps: dict[int, mmap.mmap] = {}

    def attach(self, segment: int, fd: int) -> None:
        """Takes the place of what was mapped as `segment`."""
        old = self._files.pop(segment, None)
        if old is not None:
            os.close(old)
        self._maps.pop(segment, None)
        self._files[segment] = fd

    def pixels(self, look: Look) -> NDArray[np.uint8]:
        """The frame `(h, w, 3)` that `look` speaks of, without a copy. Raises ValueError when it is not all there."""
        if not (0 < look.height <= MAX_SIDE_PX and 0 < look.width <= MAX_SIDE_PX):
            raise ValueError("a frame of a size that cannot be")
        size = look.height * look.width * 3
        known = self._maps.get(look.segment)
        if known is None or look.offset + size > len(known):
            known = mmap.mmap(self._files[look.segment], 0, prot=mmap.PROT_READ)
            self._maps[look.segment] = known
        if look.offset + size > len(known):
            raise ValueError("a frame that reaches beyond its memory")
        flat = np.frombuffer(known, np.uint8, count=size, offset=look.offset)
        return flat.reshape(look.height, look.width, 3)


def serve(link: socket.socket) -> int:
    """Says hello, then answers until the agent is gone. Gives the exit status."""
    message, fds, _, _ = socket.recv_fds(link, MAX_MESSAGE_BYTES, 1)
    hello = msgspec.msgpack.decode(message, type=Hello)
    try:
        engine = build_engine(hello.manifest, _read_model(fds), hello.interval_s)
    except ModelError as error:
        refusal = Ready(error.message[:2000], error.place[:200], error.remedy[:2000])
        link.send(msgspec.msgpack.encode(refusal))
        return 1
    link.send(msgspec.msgpack.encode(Ready()))
    _answer(link, engine)
    return 0


def _answer(link: socket.socket, engine: Engine) -> None:
    segments = Segments()
    while True:
        message, fds, _, _ = socket.recv_fds(link, MAX_MESSAGE_BYTES, 1)
        if not message:
            return
        request = decode_request(message)
        if isinstance(request, Attach):
            segments.attach(request.segment, fds[0])
            continue
        rows = engine.rows(request.camera, segments.pixels(request))
        link.send(encode_reply(request.number, rows.astype("<i2").tobytes()))


def _read_model(fds: list[int]) -> bytes:
    """The whole model file, or nothing when none came along. One byte beyond the limit is read, for the gate to see."""
    if not fds:
        return b""
    with open(fds[0], "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
        return stream.read(MAX_MODEL_BYTES + 1)


def give_up_rights(memory_bytes: int) -> None:
    """No network, no files written, no core, no more memory than this. What the kernel refuses is left as it is.

    Must be called while the process has one thread, or the kernel refuses the new name spaces.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        libc.unshare(_NEW_USER | _NEW_NETWORK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _end_with_agent(link: socket.socket) -> None:
    """Ends the process when the agent's end closes, even while the model is at work."""
    watch = select.poll()
    watch.register(link, select.POLLRDHUP)
    watch.poll()
    os._exit(0)


def run(argv: list[str]) -> int:
    """Arguments: the socket's descriptor, the memory limit in bytes."""
    fd, memory_bytes = int(argv[0]), int(argv[1])
    give_up_rights(memory_bytes)
    link = socket.socket(fileno=fd)
    threading.Thread(target=_end_with_agent, args=(link,), daemon=True).start()
    return serve(link)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
