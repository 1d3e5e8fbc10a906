"""What the pipeline needs from the outside, as protocols. Adapters implement them; `app.py` chooses the adapters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from gatehouse_edge.values import Detection, Frame, SourceHealth

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Clock(Protocol):
    """Wall and monotonic time, so that tests and `analyze` can bring their own."""

    def now(self) -> datetime:
        """Aware UTC now."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        ...


class FrameSource(Protocol):
    """Frames of one camera, decoded in a child process.

    Live sources (RTSP, USB, scene) hand over the latest frame only; recorded ones hand over every frame asked for.
    """

    device: str

    def frames(self) -> Iterator[Frame]:
        """Frames in order of `at`. Ends when a recorded source ends. Raises SourceError when the source is gone."""
        ...

    def health(self) -> SourceHealth:
        """How the source does now."""
        ...

    def close(self) -> None:
        """Ends the child process; idempotent."""
        ...


class Detector(Protocol):
    """A model behind a manifest. Fed whole frames only, never the region of a detection."""

    name: str

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Detections in `pixels` `(h, w, 3)` uint8 BGR, boxes in its pixels, best score first."""
        ...

    def close(self) -> None:
        """Ends the inference process; idempotent."""
        ...
