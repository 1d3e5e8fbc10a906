"""A decoder of somebody else's: uncompressed YUV4MPEG2 files (`.y4m`), which the agent does not read by itself.

    cameras:
      cam_1:
        source:
          url: file:recordings/yard.y4m
          decoder: {command: [/usr/bin/python3, /opt/decoders/y4m_decoder.py]}

It imports nothing of Gatehouse. All it has is its standard input, a socket to the agent, and the descriptor of the memory that it
writes pictures into; edge/docs/decoders.md describes both. It needs msgspec (or any other MessagePack) and NumPy.
"""

import mmap
import os
import socket
import struct
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np


class Agent:
    """The conversation: each message is four bytes of length, most significant first, and a MessagePack map."""

    def __init__(self) -> None:
        self._socket = socket.socket(fileno=os.dup(0))
        self.open = self.hear()

    def hear(self) -> dict:
        """The next message. The agent's end of the socket closes when it wants us to end."""
        (length,) = struct.unpack(">i", self._exactly(4))
        return msgspec.msgpack.decode(self._exactly(length))

    def say(self, kind: str, **fields: object) -> None:
        """Sends a message."""
        body = msgspec.msgpack.encode({"type": kind, **fields})
        self._socket.sendall(struct.pack(">i", len(body)) + body)

    def _exactly(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            piece = self._socket.recv(count - len(got))
            if not piece:
                raise SystemExit(0)
            got += piece
        return got


class Stream:
    """An open y4m file with 4:2:0 colour."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        words = self._file.readline(512).decode("ascii").split()
        if not words or words[0] != "YUV4MPEG2":
            raise ValueError(f"{path.name} is no YUV4MPEG2 file")
        tags = {word[0]: word[1:] for word in words[1:]}
        if not tags.get("C", "420").startswith("420"):
            raise ValueError(f"{path.name} has C{tags['C']} colour; only 4:2:0 is read here")
        self.width, self.height = int(tags["W"]), int(tags["H"])
        self.fps = float(Fraction(tags.get("F", "25:1").replace(":", "/")))

    def __iter__(self) -> Iterator[np.ndarray]:
        """Pictures `(h, w, 3)` uint8 BGR."""
        high, wide = -(-self.height // 2), -(-self.width // 2)
        sizes = (self.height * self.width, high * wide, high * wide)
        while self._file.readline(512).startswith(b"FRAME"):
            planes = [np.frombuffer(self._file.read(size), np.uint8) for size in sizes]
            if planes[2].size < sizes[2]:
                return  # cut off
            y = planes[0].reshape(self.height, self.width)
            u, v = (p.reshape(high, wide).repeat(2, 0).repeat(2, 1) for p in planes[1:])
            yield to_bgr(y, u[: self.height, : self.width], v[: self.height, : self.width])


def to_bgr(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """ITU-R BT.601, limited range."""
    light = 1.164 * (y.astype(np.float32) - 16)
    blue, red = u.astype(np.float32) - 128, v.astype(np.float32) - 128
    bgr = (light + 2.017 * blue, light - 0.392 * blue - 0.813 * red, light + 1.596 * red)
    return np.stack(bgr, axis=2).clip(0, 255).astype(np.uint8)


def serve(agent: Agent) -> None:
    """Every picture in step when recorded; at its own speed, and only those that are wanted in time, when live."""
    stream = Stream(Path(agent.open["spec"]["url"].removeprefix("file:")))
    agent.say("Hello", thermal=False, native_fps=stream.fps, pictures=0)
    zero_s, sent, passed = time.monotonic(), 0, 0
    want = agent.hear()
    for number, picture in enumerate(stream):
        at = number / stream.fps
        if agent.open["live"]:
            late_s = time.monotonic() - zero_s - at
            if late_s > 1 / stream.fps:
                passed += 1
                continue
            time.sleep(max(0.0, -late_s))
        size = {"height": stream.height, "width": stream.width}
        while picture.nbytes > want["slot_bytes"]:
            agent.say("Geometry", seq=want["seq"], **size)
            want = agent.hear()
        with mmap.mmap(agent.open["slab_fd"], 0) as slab:
            start = want["slot"] * want["slot_bytes"]
            slab[start : start + picture.nbytes] = picture.tobytes()
        taken = {"at": at, "taken_s": time.monotonic(), "passed": passed}
        agent.say("Ready", seq=want["seq"], slot=want["slot"], **size, **taken)
        sent, passed = sent + 1, 0
        want = agent.hear()
    agent.say("Ended", pictures=sent)


def main() -> None:
    """Serves; a failure is told in words."""
    agent = Agent()
    try:
        serve(agent)
    except (OSError, ValueError, KeyError) as error:
        agent.say("Failed", reason="unreadable", detail=str(error)[:512])


if __name__ == "__main__":
    main()
