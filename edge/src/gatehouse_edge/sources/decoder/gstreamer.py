"""The system's GStreamer as a decoder. Its pictures come in the GStreamer Data Protocol, which says size and time stamp of each.

Tried: software decoding, with 1.22. The hardware columns follow GStreamer's documentation and are untried by us.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Final

from gatehouse_edge.sources.backends import PACKAGES, PROGRAMS, Codec, Decoder, Hardware
from gatehouse_edge.sources.decoder.program import Head, Pipes, Wanted
from gatehouse_edge.sources.failures import FailReason, SourceFailedError

PARSERS: Final = {Codec.H264: "h264parse", Codec.H265: "h265parse", Codec.MJPEG: "jpegparse"}
HARDWARE: Final[dict[Hardware, dict[Codec, str]]] = {
    Hardware.NONE: {
        Codec.H264: "avdec_h264 max-threads=1",
        Codec.H265: "avdec_h265 max-threads=1",
        Codec.MJPEG: "jpegdec",
    },
    Hardware.VAAPI: {
        Codec.H264: "vah264dec ! vapostproc",
        Codec.H265: "vah265dec ! vapostproc",
        Codec.MJPEG: "vajpegdec ! vapostproc",
    },
    Hardware.V4L2M2M: {
        Codec.H264: "v4l2h264dec",
        Codec.H265: "v4l2h265dec",
        Codec.MJPEG: "v4l2jpegdec",
    },
    Hardware.RKMPP: {
        Codec.H264: "mppvideodec",
        Codec.H265: "mppvideodec",
        Codec.MJPEG: "mppjpegdec",
    },
    Hardware.NVDEC: {
        Codec.H264: "nvh264dec ! cudadownload",
        Codec.H265: "nvh265dec ! cudadownload",
        Codec.MJPEG: "nvjpegdec ! cudadownload",
    },
}
"""Elements between the parser and the conversion."""
HEADER: Final = struct.Struct(">BBBBHIQ")
HEADER_BYTES: Final = 62
BUFFER, CAPS = 1, 2
TALK_MAX: Final = 65_536
"""Bytes of a packet that is no picture."""
NO_TIME: Final = 2**64 - 1
SIZE: Final = re.compile(rb"\b(width|height)=\(int\)(\d{1,5})\b")
NO_ELEMENT: Final = re.compile(r'no element "([\w-]+)"')


class Gstreamer:
    """One `gst-launch-1.0` for one stream."""

    name = PROGRAMS[Decoder.GSTREAMER]

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._size = (0, 0)

    def command(self) -> Sequence[str]:
        """The whole call."""
        wanted = self._wanted
        stages = (
            "fdsrc fd=0 blocksize=65536",
            "matroskademux",
            PARSERS[wanted.codec],
            HARDWARE[wanted.hardware][wanted.codec],
            "videoconvert n-threads=1",
            "video/x-raw,format=BGR",
            "gdppay crc-header=false crc-payload=false",
            "fdsink fd=1 sync=false",
        )
        return (self.name, "-q", *" ! ".join(stages).split())

    def head(self, pipes: Pipes) -> Head | None:
        """The next packet that is a picture; sizes are taken from those that are not. Raises SourceFailedError for nonsense."""
        while (head := pipes.exactly(HEADER_BYTES)) is not None:
            major, _, _, _, kind, length, stamp = HEADER.unpack_from(head)
            if major != 1:
                raise SourceFailedError(FailReason.CRASHED, "GStreamer sent no data packet")
            if kind == BUFFER:
                height, width = self._size
                if not height or length % height or length < height * width * 3:
                    raise SourceFailedError(FailReason.CRASHED, "GStreamer sent no whole picture")
                at = None if stamp == NO_TIME else stamp / 1e9
                return Head(height, width, length // height, at)
            if length > TALK_MAX:
                raise SourceFailedError(FailReason.CRASHED, "GStreamer sent no data packet")
            said = pipes.exactly(length)
            if said is not None and kind == CAPS:
                sizes = {name: int(number) for name, number in SIZE.findall(said)}
                self._size = (sizes.get(b"height", 0), sizes.get(b"width", 0))
        return None

    def why(self, said: Sequence[str]) -> SourceFailedError | None:
        """An element that is not installed."""
        for line in said:
            found = NO_ELEMENT.search(line)
            if found is not None:
                hardware = self._wanted.hardware
                why = f"apt install {PACKAGES[Decoder.GSTREAMER]}"
                if hardware is not Hardware.NONE:
                    why = f"it comes with the drivers of {hardware} where the machine has such hardware"
                detail = f"GStreamer has no element {found[1]} ({why})"
                return SourceFailedError(FailReason.CONFIGURATION, detail)
        return None
