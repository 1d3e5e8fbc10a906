"""The system's ffmpeg as a decoder. Sizes and time stamps come from its `showinfo` filter, a line ahead of each picture.

Tried: software decoding, with 5.1. The hardware columns follow ffmpeg's documentation and are untried by us.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gatehouse_edge.sources.backends import PROGRAMS, Codec, Decoder, Hardware
from gatehouse_edge.sources.decoder.program import Head, Pipes, Wanted
from gatehouse_edge.sources.failures import FailReason, SourceFailedError

HARDWARE: Final[dict[Hardware, dict[Codec, tuple[str, ...]]]] = {
    Hardware.NONE: dict.fromkeys(Codec, ()),
    Hardware.VAAPI: dict.fromkeys(
        Codec, ("-hwaccel", "vaapi", "-hwaccel_device", "/dev/dri/renderD128")
    ),
    Hardware.V4L2M2M: {
        Codec.H264: ("-c:v", "h264_v4l2m2m"),
        Codec.H265: ("-c:v", "hevc_v4l2m2m"),
    },
    Hardware.RKMPP: {
        Codec.H264: ("-hwaccel", "rkmpp", "-c:v", "h264_rkmpp"),
        Codec.H265: ("-hwaccel", "rkmpp", "-c:v", "hevc_rkmpp"),
        Codec.MJPEG: ("-hwaccel", "rkmpp", "-c:v", "mjpeg_rkmpp"),
    },
    Hardware.NVDEC: {
        Codec.H264: ("-hwaccel", "cuda", "-c:v", "h264_cuvid"),
        Codec.H265: ("-hwaccel", "cuda", "-c:v", "hevc_cuvid"),
        Codec.MJPEG: ("-hwaccel", "cuda", "-c:v", "mjpeg_cuvid"),
    },
}
"""Arguments before the input. What is missing in a row is refused."""
# One decode thread: cameras share the processor by processes. No probing: the wrapping says all.
BEFORE: Final = (
    *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "info"),
    *("-threads", "1", "-filter_threads", "1"),
    *("-probesize", "32", "-analyzeduration", "0"),
)
AFTER: Final = (
    *("-map", "0:v:0", "-copyts", "-autoscale", "0", "-fps_mode", "passthrough"),
    *("-f", "rawvideo"),
)
SEEN, DUE = "showinfo@seen", "showinfo@due"
LINE: Final = re.compile(
    r"^\[showinfo@(?P<which>seen|due) @ [^]]*\] n: *\d+ .*?pts_time:(?P<at>\S+) .*? s:(?P<width>\d+)x(?P<height>\d+)"
)

LACKING: Final = re.compile(r"Unknown decoder|Unrecognized (hwaccel|option)|Device creation failed")
REFUSED: Final = "Error while opening decoder"
"""With hardware: there is none, or it does not know the codec. Without: a damaged stream."""


class Ffmpeg:
    """One ffmpeg for one stream."""

    name = PROGRAMS[Decoder.FFMPEG]

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._seen = 0

    def command(self) -> Sequence[str]:
        """The whole call. Pictures that are not due are neither converted nor piped."""
        wanted = self._wanted
        hardware = HARDWARE[wanted.hardware].get(wanted.codec)
        if hardware is None:
            raise SourceFailedError(
                FailReason.CONFIGURATION,
                f"ffmpeg decodes no {wanted.codec} with {wanted.hardware}; leave `hardware` out",
            )
        filters = ["format=bgr24", f"{DUE}=checksum=0"]
        if wanted.rate_fps is not None:
            spans = [f"floor(({t}+1e-6)*{wanted.rate_fps!r})" for t in ("t", "prev_selected_t")]
            due = f"select='isnan(prev_selected_t)+gt({','.join(spans)})'"
            filters = [f"{SEEN}=checksum=0", due, *filters]
        source = ("-f", "matroska", "-i", "pipe:0")
        return (self.name, *BEFORE, *hardware, *source, *AFTER, "-vf", ",".join(filters), "pipe:1")

    def head(self, pipes: Pipes) -> Head | None:
        """The next line that announces a due picture."""
        while (line := pipes.line()) is not None:
            found = LINE.match(line)
            if found is None:
                continue
            if found["which"] == "seen":
                self._seen += 1
                continue
            passed, self._seen = max(0, self._seen - 1), 0
            height, width = int(found["height"]), int(found["width"])
            return Head(height, width, width * 3, _seconds(found["at"]), passed)
        return None

    def why(self, said: Sequence[str]) -> SourceFailedError | None:
        """A device or decoder that this ffmpeg does not have."""
        hard = self._wanted.hardware is not Hardware.NONE
        for line in said:
            if LACKING.search(line) or (hard and REFUSED in line):
                detail = f"ffmpeg: {line.strip()[:200]}"
                return SourceFailedError(FailReason.CONFIGURATION, detail)
        return None


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # NOPTS
        return None
