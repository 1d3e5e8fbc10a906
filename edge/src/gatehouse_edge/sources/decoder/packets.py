"""Compressed pictures of a file or network camera, taken out of their container and not decoded.

OpenCV's FFmpeg opens and demultiplexes them under the same rules as for its own decoding (addresses, formats, no redirects), so a
decoder of the system that they are piped into needs no network, no file and no password.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from gatehouse_edge.sources.backends import Codec
from gatehouse_edge.sources.failures import FailReason, SourceFailedError
from gatehouse_edge.sources.messages import MAX_PIXELS

OPTIONS: Final = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
FALLBACK_FPS: Final = 25.0
FOURCCS: Final = {
    **dict.fromkeys((b"h264", b"H264", b"avc1", b"avc3", b"x264", b"X264"), Codec.H264),
    **dict.fromkeys((b"hevc", b"HEVC", b"hev1", b"hvc1", b"H265", b"h265"), Codec.H265),
    **dict.fromkeys((b"mjpg", b"MJPG", b"mjpa", b"jpeg", b"JPEG"), Codec.MJPEG),
}
JPEG_START: Final = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Packet:
    """One compressed picture, in the order of decoding; `at` is when it is shown, seconds from the first."""

    at: float
    key: bool
    data: memoryview


class Packets:
    """One open stream. `pictures` as the header says, 0 when unknown. One thread at a time."""

    def __init__(self, name: str, options: str) -> None:
        os.environ[OPTIONS] = options
        parameters = [cv2.CAP_PROP_N_THREADS, 1, cv2.CAP_PROP_FORMAT, -1]
        self._capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, parameters)
        if not self._capture.isOpened():
            raise SourceFailedError(FailReason.UNREADABLE, "it cannot be opened as video")
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.native_fps = fps if 0.01 <= fps <= 240 else FALLBACK_FPS
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.pictures = int(count) if 0 < count < 1e9 else 0
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_PIXELS:
            raise SourceFailedError(FailReason.UNREADABLE, f"{width}x{height} pixels are too many")
        self.size = (height, width)
        self._first_ms = 0.0
        self._waiting = self._take()
        if self._waiting is None:
            raise SourceFailedError(FailReason.UNREADABLE, "it holds no picture")
        self._first_ms = self._waiting.at * 1000
        self.codec = self._codec(bytes(self._waiting.data[:3]))
        self._waiting = Packet(0.0, self._waiting.key, self._waiting.data)

    def _codec(self, start: bytes) -> Codec:
        fourcc = int(self._capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True)
        codec = FOURCCS.get(fourcc) or (Codec.MJPEG if start == JPEG_START else None)
        if codec is None:
            shown = fourcc.decode("ascii", "replace")
            raise SourceFailedError(
                FailReason.CONFIGURATION,
                f"the system's decoders are given H.264, H.265 and MJPEG, not {shown!r}; "
                "leave `decoder` out",
            )
        return codec

    def read(self) -> Packet | None:
        """The next picture; None at the end of the stream, or when it is lost."""
        waiting, self._waiting = self._waiting, None
        return waiting or self._take()

    def _take(self) -> Packet | None:
        if not self._capture.grab():
            return None
        done, data = self._capture.retrieve()
        if not done or data.size == 0:
            return None
        at = (self._capture.get(cv2.CAP_PROP_POS_MSEC) - self._first_ms) / 1000
        key = bool(self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME))
        return Packet(at, key, np.ascontiguousarray(data).data.cast("B"))

    def close(self) -> None:
        """Closes file or connection."""
        self._capture.release()
