"""Compressed pictures as a Matroska stream, a wrapping with time stamps that ffmpeg and GStreamer read from a pipe. Pure.

A header, then a cluster a picture. H.264 and H.265 go in as they come (Annex B, parameter sets in the stream): without a
CodecPrivate both take them so. Ids and sizes after RFC 8794 and RFC 9559.
"""

from __future__ import annotations

import struct
from typing import Final

from gatehouse_edge.sources.backends import Codec

CODEC_IDS: Final = {
    Codec.H264: b"V_MPEG4/ISO/AVC",
    Codec.H265: b"V_MPEGH/ISO/HEVC",
    Codec.MJPEG: b"V_MJPEG",
}
TICK_NS: Final = 1000
_UNKNOWN_SIZE: Final = b"\x01" + b"\xff" * 7
_KEY: Final = 0x80


def header(codec: Codec, height: int, width: int) -> bytes:
    """What comes before the first picture."""
    ebml = _element(
        b"\x1a\x45\xdf\xa3",
        _element(b"\x42\x82", b"matroska") + _number(b"\x42\x87", 4) + _number(b"\x42\x85", 2),
    )
    video = _element(b"\xe0", _number(b"\xb0", width) + _number(b"\xba", height))
    entry = (
        _number(b"\xd7", 1)  # track number
        + _number(b"\x73\xc5", 1)  # track UID
        + _number(b"\x83", 1)  # video
        + _number(b"\x9c", 0)  # no lacing
        + _element(b"\x86", CODEC_IDS[codec])
        + video
    )
    info = _element(b"\x15\x49\xa9\x66", _number(b"\x2a\xd7\xb1", TICK_NS))
    tracks = _element(b"\x16\x54\xae\x6b", _element(b"\xae", entry))
    return ebml + b"\x18\x53\x80\x67" + _UNKNOWN_SIZE + info + tracks


def cluster(at_s: float, data: bytes | memoryview, *, key: bool) -> bytes:
    """One picture, stamped in seconds from the start of the stream, not before it."""
    stamp = _number(b"\xe7", max(0, round(at_s * 1e9 / TICK_NS)))
    block = b"\x81" + struct.pack(">hB", 0, _KEY if key else 0)
    size = _size(len(block) + len(data))
    inside = len(stamp) + 1 + len(size) + len(block) + len(data)
    return b"".join((b"\x1f\x43\xb6\x75", _size(inside), stamp, b"\xa3", size, block, data))


def _element(name: bytes, content: bytes) -> bytes:
    return name + _size(len(content)) + content


def _number(name: bytes, value: int) -> bytes:
    return _element(name, value.to_bytes(8, "big"))


def _size(length: int) -> bytes:
    return (length | 1 << 56).to_bytes(8, "big")
