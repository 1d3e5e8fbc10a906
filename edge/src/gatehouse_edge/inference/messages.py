"""What the agent and its inference process say to each other, over SOCK_SEQPACKET pairs. No code is ever sent.

    control   agent -> child   Hello (the manifest; the model file's descriptor rides along), then Attach (with a
                               descriptor) and Detach, as often as needed
              child -> agent   Ready once, then for each Attach and Detach its segment, once it holds
    lane      agent -> child   Look, at a whole frame or one tile of it; one lane for each worker of the child, one Look at a time
              child -> agent   its number and the rows of `boxes`, int16 `(n, 6)`

Who speaks it need not be of this package: see edge/docs/runtimes.md.

Bounds: a message is at most MAX_MESSAGE_BYTES, a child has at most MAX_WORKERS lanes and maps one segment for each of
MAX_CAMERAS cameras and each lane.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import msgspec

from gatehouse_edge.inference.manifest import Manifest

MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_CAMERAS: Final = 64
MAX_WORKERS: Final = 32
COPIES: Final = MAX_CAMERAS
"""The segment of the first lane's copies; those below are the cameras' own memories."""
MAX_SEGMENTS: Final = COPIES + MAX_WORKERS
LEAST_REGION_PX: Final = 64
"""No part of a frame that is smaller is looked at by itself."""

_LOOK: Final = struct.Struct("<cIHHIIQdHHHH")
_ATTACH: Final = struct.Struct("<cH")
_REPLY: Final = struct.Struct("<I")


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """First word: the model, and the usual time between frames for detectors that need it."""

    manifest: Manifest
    interval_s: float


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """First answer. `error` is empty, or says in words why the model was refused; then the child ends."""

    error: str = ""
    place: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Detect in `height` x `width` x 3 bytes at `offset` of `segment`. `number` comes back with the answer.

    `at`: media time of the frame in seconds, not a number where it has none. `region`: left, top, width and height of the part to
    look at, in pixels of the frame; the rows are in pixels of the region. A whole frame is `(0, 0, width, height)`.
    """

    number: int
    camera: int
    segment: int
    height: int
    width: int
    offset: int
    at: float
    region: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Attach:
    """Map the descriptor that rides along as `segment`, in place of what was there."""

    segment: int


@dataclass(frozen=True, slots=True)
class Detach:
    """Let go of what is mapped as `segment`."""

    segment: int


def encode_look(look: Look) -> bytes:
    """One Look."""
    return _LOOK.pack(
        b"L",
        look.number,
        look.camera,
        look.segment,
        look.height,
        look.width,
        look.offset,
        look.at,
        *look.region,
    )


def encode_attach(segment: int) -> bytes:
    """One Attach."""
    return _ATTACH.pack(b"A", segment)


def encode_detach(segment: int) -> bytes:
    """One Detach."""
    return _ATTACH.pack(b"D", segment)


def decode_request(message: bytes) -> Look | Attach | Detach:
    """What the agent says after its Hello. Raises ValueError."""
    try:
        if len(message) == _ATTACH.size:
            kind, segment = _ATTACH.unpack(message)
            said: Look | Attach | Detach = Attach(segment) if kind == b"A" else Detach(segment)
        else:
            kind, number, *place, at, left, top, wide, high = _LOOK.unpack(message)
            camera, segment, height, width, offset = place
            region = (left, top, wide, high)
            said = Look(number, camera, segment, height, width, offset, at, region)
    except struct.error as error:
        raise ValueError("a message of no known size") from error
    kinds = b"L" if isinstance(said, Look) else b"AD"
    if kind not in kinds or not (said.segment < MAX_SEGMENTS):
        raise ValueError("a message of no known kind")
    return said


def encode_reply(number: int, rows: bytes) -> bytes:
    """An answer to Look `number`."""
    return _REPLY.pack(number) + rows


def decode_reply(message: bytes) -> tuple[int, bytes]:
    """Number and rows. Raises ValueError when the length cannot be."""
    if len(message) < _REPLY.size or (len(message) - _REPLY.size) % 12:
        raise ValueError("an answer of a length that cannot be")
    return _REPLY.unpack_from(message)[0], message[_REPLY.size :]
