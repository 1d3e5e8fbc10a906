"""Who decodes a camera's video, as configured: the box's OpenCV, the system's ffmpeg or GStreamer, or a program.

Hardware needs one of the system's two; what each of them is then told stands in `decoder/ffmpeg.py` and `decoder/gstreamer.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatehouse_edge.errors import ConfigError

MEMORY_MIB: Final = 2048


class Decoder(StrEnum):
    """Decoders that the agent knows by name."""

    OPENCV = "opencv"
    FFMPEG = "ffmpeg"
    GSTREAMER = "gstreamer"


PROGRAMS: Final = {Decoder.FFMPEG: "ffmpeg", Decoder.GSTREAMER: "gst-launch-1.0"}
"""The program behind a decoder."""
PACKAGES: Final = {
    Decoder.FFMPEG: "ffmpeg",
    Decoder.GSTREAMER: (
        "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
        "gstreamer1.0-plugins-bad gstreamer1.0-libav"
    ),
}
"""The Debian packages that bring it with what it needs."""


class Hardware(StrEnum):
    """Where the decoder may leave the work: the interface of the machine's video engine."""

    NONE = "none"
    VAAPI = "vaapi"
    V4L2M2M = "v4l2m2m"
    RKMPP = "rkmpp"
    NVDEC = "nvdec"


class Codec(StrEnum):
    """Compressed video that the system's decoders are given."""

    H264 = "h264"
    H265 = "h265"
    MJPEG = "mjpeg"


class DecoderCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A program of somebody else's that decodes and speaks `messages` on its standard input.

    `command`: program and arguments, no shell. `memory_mib`: how much address space it may use.
    """

    command: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...],
        Meta(min_length=1, max_length=32),
    ]
    memory_mib: Annotated[int, Meta(ge=64, le=1 << 20)] = MEMORY_MIB


def check_decoder(
    decoder: Decoder | DecoderCommand, hardware: Hardware, *, can_choose: bool, place: str
) -> None:
    """Refuses a decoder that the source cannot have. `can_choose`: the source is compressed video. Raises ConfigError."""
    named = isinstance(decoder, Decoder)
    if named and decoder is not Decoder.OPENCV and not can_choose:
        raise ConfigError(
            f"{decoder} decodes files and network cameras only",
            place=f"{place}.decoder",
            remedy="Leave `decoder` out",
        )
    if hardware is not Hardware.NONE and (not named or decoder is Decoder.OPENCV):
        raise ConfigError(
            f"hardware: {hardware} needs the system's decoder",
            place=f"{place}.hardware",
            remedy="Set decoder: ffmpeg or decoder: gstreamer",
        )
