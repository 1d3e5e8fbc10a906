"""What the agent and its inference process say to each other, over one SOCK_SEQPACKET pair. No code is ever sent.

    agent -> child   Hello (the manifest; the model file's descriptor rides along), then Attach (with a
                     descriptor) and Look, as often as needed
    child -> agent   Ready once, then for each Look its number and the rows of `boxes`, int16 `(n, 6)`

Bounds: a message is at most MAX_MESSAGE_BYTES, a child maps at most MAX_SEGMENTS segments and serves
MAX_CAMERAS cameras.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import msgspec

from gatehouse_edge.inference.manifest import Manifest

MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_SEGMENTS: Final = 65
OWN_SEGMENT: Final = 0

_LOOK: Final = struct.Struct("<cIHHIIQ")
_ATTACH: Final = struct.Struct("<cH")
_REPLY: Final = struct.Struct("<I")


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """First word: the model, and the time between frames for detectors that need it."""

    manifest: Manifest
    interval_s: float


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """First answer. `error` is empty, or says in words why the model was refused; then the child ends."""

    error: str = ""
    place: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Detect in `height` x `width` x 3 bytes at `offset` of `segment`. `number` comes back with the answer."""

    number: int
    camera: int
    segment: int
    height: int
    width: int
    offset: int


@dataclass(frozen=True, slots=True)
class Attach:
    """Map the descriptor that rides along as `segment`, in place of what was there."""

    segment: int


def encode_look(look: Look) -> bytes:
    """One Look."""
    return _LOOK.pack(
        b"L", look.number, look.camera, look.segment, look.height, look.width, look.offset
    )


def encode_attach(segment: int) -> bytes:
    """One Attach."""
    return _ATTACH.pack(b"A", segment)


def decode_request(message: bytes) -> Look | Attach:
    """A Look or an Attach. Raises ValueError."""
    try:
        if message[:1] == b"A":
            return Attach(_ATTACH.unpack(message)[1])
        kind, number, camera, segment, height, width, offset = _LOOK.unpack(message)
    except struct.error as error:
        raise ValueError("a message of no known size") from error
    if kind != b"L" or not (segment < MAX_SEGMENTS):
        raise ValueError("a message of no known kind")
    return Look(number, camera, segment, height, width, offset)


def encode_reply(number: int, rows: bytes) -> bytes:
    """An answer to Look `number`."""
    return _REPLY.pack(number) + rows


def decode_reply(message: bytes) -> tuple[int, bytes]:
    """Number and rows. Raises ValueError when the length cannot be."""
    if len(message) < _REPLY.size or (len(message) - _REPLY.size) % 12:
        raise ValueError("an answer of a length that cannot be")
    return _REPLY.unpack_from(message)[0], message[_REPLY.size :]
