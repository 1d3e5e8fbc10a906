"""Video files, network cameras and USB cameras through OpenCV's FFmpeg and V4L2."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from gatehouse_edge.sources.decoder.reader import Pixels, Reader
from gatehouse_edge.sources.decoder.rtsp_answer import ask
from gatehouse_edge.sources.failures import FailReason, SourceFailedError
from gatehouse_edge.sources.hosts import pin, strangers
from gatehouse_edge.sources.messages import MAX_PIXELS
from gatehouse_edge.sources.spec import Address, Scheme, SourceSpec

OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
# FFmpeg opens whatever a file or a camera names; only these may follow, and only these formats.
FILE_OPTIONS = (
    "protocol_whitelist;file|format_whitelist;"
    "mov,mp4,avi,matroska,webm,gif,mpegts,mpeg,mpegvideo,flv,h264,hevc,mjpeg,asf,ogg,m4v"
)
RTSP_OPTIONS = (
    "rtsp_transport;tcp|protocol_whitelist;rtsp,rtsps,rtp,tcp,tls|format_whitelist;rtsp"
    "|allowed_media_types;video|timeout;{timeout_us}"
)
FALLBACK_FPS = 25.0


class Make(Protocol):
    """Opens a checked address with FFmpeg's options."""

    def __call__(self, name: str, options: str, spec: SourceSpec, *, device: bool) -> Reader:
        """Raises SourceFailedError, UNREADABLE where the address gives no video."""
        ...


class VideoReader:
    """One open `cv2.VideoCapture`. Media time is the stream's own, or frame number / `native_fps` where given.

    OpenCV keeps the size of the opening: a camera that changes its resolution is scaled to it until it is opened anew.
    """

    thermal, passed = False, 0

    def __init__(
        self, name: str | int, backend: int, options: str, spec: SourceSpec, *, device: bool
    ) -> None:
        os.environ[OPTIONS] = options
        self._name, self._backend = name, backend
        self.device, self._retimed = device, spec.native_fps is not None and not device
        self._capture = self._open()
        header_fps = self._capture.get(cv2.CAP_PROP_FPS)
        trusted = header_fps if 0.01 <= header_fps <= 240 else FALLBACK_FPS
        self.native_fps = (spec.native_fps if self._retimed else None) or trusted
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.pictures = int(count) if 0 < count < 1e9 and not device else 0
        self.size = self._header_size()
        self._restart()

    @classmethod
    def of(cls, name: str, options: str, spec: SourceSpec, *, device: bool) -> VideoReader:
        """Through OpenCV's FFmpeg."""
        return cls(name, cv2.CAP_FFMPEG, options, spec, device=device)

    def _open(self) -> cv2.VideoCapture:
        parameters = [] if self._backend == cv2.CAP_V4L2 else [cv2.CAP_PROP_N_THREADS, 1]
        capture = cv2.VideoCapture(self._name, self._backend, parameters)
        if not capture.isOpened():
            raise SourceFailedError(FailReason.UNREADABLE, "it cannot be opened as video")
        return capture

    def _header_size(self) -> tuple[int, int]:
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_PIXELS:
            raise SourceFailedError(FailReason.UNREADABLE, f"{width}x{height} pixels are too many")
        return (height, width)

    def _restart(self) -> None:
        self._index, self._last_s, self._first_ms = -1, -1.0, 0.0

    def grab(self) -> float | None:
        """Decodes the next frame, without converting it to BGR."""
        if not self._capture.grab():
            return None
        self._index += 1
        self._last_s = self._media_s()
        return self._last_s

    def _media_s(self) -> float:
        if self._retimed:
            return self._index / self.native_fps
        stamp_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        if self._index == 0:
            self._first_ms = stamp_ms
            return 0.0
        at = (stamp_ms - self._first_ms) / 1000
        return at if at > self._last_s else self._last_s + 1 / self.native_fps

    def picture(self, out: Pixels | None) -> Pixels:
        """BGR, written straight into `out` when the size is the same."""
        done, pixels = self._capture.retrieve(out) if out is not None else self._capture.retrieve()
        if not done or pixels.ndim != 3:
            raise SourceFailedError(FailReason.UNREADABLE, "a frame cannot be converted to BGR")
        self.size = (pixels.shape[0], pixels.shape[1])
        if out is not None and np.shares_memory(pixels, out):
            return out
        return pixels.astype(np.uint8, copy=False)

    def rewind(self) -> None:
        """Opens the file anew: seeking to 0 is not exact in every format."""
        self._capture.release()
        self._capture = self._open()
        self._restart()

    def close(self) -> None:
        """Closes file or device."""
        self._capture.release()


def open_file(path: str, spec: SourceSpec, make: Make = VideoReader.of) -> Reader:
    """A video file, read by what `make` makes. Raises SourceFailedError when it is not there or not video."""
    file = Path(path)
    if not file.is_file():
        raise SourceFailedError(FailReason.UNREADABLE, f"there is no file {path}")
    if file.stat().st_size == 0:
        raise SourceFailedError(FailReason.UNREADABLE, f"{path} is empty")
    # `file:` keeps FFmpeg from reading a scheme or an option into an odd name.
    return make(f"file:{file.absolute()}", FILE_OPTIONS, spec, device=False)


def open_usb(device: str, spec: SourceSpec) -> VideoReader:
    """A USB camera by number or device file."""
    path = Path(f"/dev/video{device}" if device.isdigit() else device)
    if not path.exists():
        raise SourceFailedError(FailReason.UNREACHABLE, f"there is no device {path}")
    return VideoReader(str(path), cv2.CAP_V4L2, "", spec, device=True)


def open_network(
    address: Address, spec: SourceSpec, timeout_s: float, make: Make = VideoReader.of
) -> Reader:
    """An RTSP camera, over TCP, at the address that was checked, read by what `make` makes.

    Raises SourceFailedError; when FFmpeg cannot open it, the camera is asked once more in plain words for the reason.
    """
    url, ip, port = pin(address.target, subnets=spec.subnets, allow_loopback=spec.allow_loopback)
    options = RTSP_OPTIONS.format(timeout_us=int(timeout_s * 1e6))
    try:
        reader = make(url, options, spec, device=True)
    except SourceFailedError as failure:
        if failure.reason is not FailReason.UNREADABLE:
            raise
        raise ask(url, str(ip), port, tls=address.scheme is Scheme.RTSPS) from None
    others = strangers(ip)
    if others:
        reader.close()
        names = ", ".join(sorted(others))
        raise SourceFailedError(
            FailReason.REFUSED, f"the camera redirects to another host, {names}"
        )
    return reader
