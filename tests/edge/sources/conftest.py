"""Clips and cameras that the tests of the sources make themselves, and the test material where it is there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.sources.opening import open_source
from gatehouse_edge.sources.patience import Patience
from gatehouse_edge.sources.source import DecodedSource
from gatehouse_edge.sources.spec import SourceSpec
from gatehouse_testing import rtsp

QUICK = Patience(
    open_s=20, stall_s=2, first_retry_s=0.05, last_retry_s=0.2, settled_s=30, crashes=3
)


@pytest.fixture
def gray_of() -> Callable[[int], int]:
    """The gray level of a frame of a written clip, by its number."""
    return lambda number: 20 + 10 * (number % 20)


@pytest.fixture
def clip(tmp_path: Path, gray_of: Callable[[int], int]) -> Callable[..., Path]:
    """Writes an mp4 whose frame k is one flat gray, so that a test can tell which frame it got."""

    def write(frames: int = 20, fps: float = 10, size: tuple[int, int] = (64, 48)) -> Path:
        path = tmp_path / f"clip-{frames}-{fps}.mp4"
        out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
        for number in range(frames):
            out.write(np.full((size[1], size[0], 3), gray_of(number), np.uint8))
        out.release()
        return path

    return write


@pytest.fixture
def opened() -> Iterator[Callable[..., DecodedSource]]:
    """Opens sources and closes them at the end, checking that no child outlives its source."""
    sources: list[DecodedSource] = []

    def open_(url: str | Path, *, live: bool = False, seeds: Path | None = None, **options):
        source = open_source(
            "cam_1",
            msgspec.convert({"url": str(url), **options}, SourceSpec),
            live=live,
            clock=SystemClock(),
            seeds=seeds,
            patience=QUICK,
        )
        sources.append(source)
        return source

    yield open_
    for source in sources:
        pid = source.pid
        source.close()
        assert pid is None or not Path(f"/proc/{pid}").exists()


@pytest.fixture
def asset(assets: Path) -> Callable[[str], Path]:
    """A file of the test material; skips when it is not there."""

    def find(name: str) -> Path:
        if not (assets / name).is_file():
            pytest.skip(f"the test material has no {name}")
        return assets / name

    return find


@pytest.fixture
def camera() -> Iterator[rtsp.RtspCamera]:
    """A running RTSP camera on loopback."""
    lacking = rtsp.missing()
    if lacking:
        pytest.skip(lacking)
    with rtsp.RtspCamera() as running:
        yield running
