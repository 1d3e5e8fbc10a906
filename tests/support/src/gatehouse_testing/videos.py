"""Clips in the codecs of cameras, made by the system's ffmpeg, and what a machine lacks to make and decode them."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from gatehouse_edge.sources.backends import PACKAGES, Decoder

ENCODERS = {
    "h264": ("mp4", "libx264", "yuv420p"),
    "h265": ("mp4", "libx265", "yuv420p"),
    "mjpeg": ("avi", "mjpeg", "yuvj420p"),
}
GST_ELEMENTS = ("avdec_h264", "avdec_h265", "jpegdec", "matroskademux", "gdppay", "h265parse")


def clip_of(
    folder: Path,
    codec: str,
    *,
    size: tuple[int, int],
    fps: int,
    seconds: float,
    pattern: str = "testsrc2",
) -> Path:
    """A moving test picture in `codec`. Skips the test where ffmpeg is missing."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg: apt-get install ffmpeg")
    suffix, encoder, pixels = ENCODERS[codec]
    path = folder / f"{codec}-{size[0]}x{size[1]}.{suffix}"
    source = f"{pattern}=size={size[0]}x{size[1]}:rate={fps}:duration={seconds}"
    quiet = ("-x265-params", "log-level=error") if codec == "h265" else ()
    subprocess.run(
        [
            *("ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", encoder),
            *(*quiet, "-pix_fmt", pixels, "-threads", "1", str(path)),
        ],
        check=True,
        timeout=120,
    )
    return path


def has_decoder(decoder: str) -> bool:
    """Whether this machine decodes with `decoder`."""
    if decoder == "ffmpeg":
        return shutil.which("ffmpeg") is not None
    if decoder == "gstreamer":
        return shutil.which("gst-inspect-1.0") is not None and all(
            subprocess.run(["gst-inspect-1.0", "--exists", name], check=False).returncode == 0
            for name in GST_ELEMENTS
        )
    return True


@cache
def missing_decoder(decoder: str) -> str | None:
    """What to install for a decoder; None when all is there."""
    if has_decoder(decoder):
        return None
    return f"no {decoder}: apt-get install {PACKAGES[Decoder(decoder)]}"
