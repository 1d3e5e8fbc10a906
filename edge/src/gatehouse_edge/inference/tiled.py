"""A detector that looks at tiles too: the whole picture at every look, the tiles at every EVERY-th. For one camera.

Where the tiles lie depends on the camera's marks and the size of its picture alone (see `tiling`). All tiles are looked at in the
same turn, so a look is as long as they are many; what that costs shows in the camera's rate like any other work.
"""

from __future__ import annotations

from collections.abc import Sequence

from gatehouse_edge.inference.boxes import to_detections, to_rows
from gatehouse_edge.inference.detector import ChildDetector
from gatehouse_edge.inference.manifest import InputSpec
from gatehouse_edge.inference.merging import merge, to_boxes
from gatehouse_edge.inference.tiling import EVERY, Layout, lay_out
from gatehouse_edge.rules.views import View
from gatehouse_edge.tracking.table import Patch
from gatehouse_edge.values import Detection, Frame


class TiledDetector:
    """As the detector that it is made of, with tiles where `views` have marks and people in them are small."""

    def __init__(self, detector: ChildDetector, views: Sequence[View], every: int = EVERY) -> None:
        """`every`: tiles are looked at in one look of so many. A model without an input has none."""
        self.name = detector.name
        self._detector, self._views, self._every = detector, tuple(views), every
        self._layout: Layout | None = None
        self._size = (0, 0)
        self._looks = 0
        self._at = self._closely_at = self._before = float("-inf")

    def look(self, frame: Frame) -> tuple[Detection, ...]:
        """Detections in a colour frame, boxes in its pixels, best score first. Raises ModelError."""
        spec = self._detector.manifest.input
        height, width = frame.pixels.shape[:2]
        layout = None if spec is None else self._laid_out(width, height, spec)
        self._keep_time(frame.at)
        if layout is None:
            return self._detector.look(frame)
        whole = self._detector.rows(frame)
        closely = self._looks % self._every == 0
        self._looks += 1
        if not closely:
            return to_detections(whole)
        parts = [(tile, to_boxes(self._detector.rows(frame, tile))) for tile in layout.tiles]
        self._closely_at = frame.at
        overlap = self._detector.manifest.overlap
        return to_detections(
            to_rows(merge(to_boxes(whole), parts, (width, height), layout.tall_px, overlap))
        )

    def patches(self) -> tuple[Patch, ...]:
        """For a tracker: the parts of the picture that are not looked at closely every time, and when they last were."""
        if self._layout is None:
            return ()
        closely = self._closely_at == self._at
        return tuple(Patch(tile.xyxy, self._before, looked=closely) for tile in self._layout.tiles)

    def close(self) -> None:
        """Let go of the model."""
        self._detector.close()

    def _laid_out(self, width: int, height: int, spec: InputSpec) -> Layout | None:
        if self._size != (width, height):
            self._size, self._looks = (width, height), 0
            self._layout = lay_out(self._views, width, height, spec)
        return self._layout

    def _keep_time(self, at: float) -> None:
        """A camera that came back with an earlier media time starts afresh."""
        if at <= self._at:
            self._looks, self._closely_at = 0, float("-inf")
        self._at, self._before = at, self._closely_at
