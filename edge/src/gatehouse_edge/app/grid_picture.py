"""What the grid helper draws: the place without people, its zones, lines, marks and the metre grid. Needs `[vision]`."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.inference.detector import ChildDetector
from gatehouse_edge.rules.geometry import Point
from gatehouse_edge.rules.homography import Homography, Mark
from gatehouse_edge.values import Frame
from gatehouse_shared.names import Label
from gatehouse_shared.polygons import contains

WIDTH_MOST_PX: Final = 640
GRID_LINES_MOST: Final = 60
SPACINGS_M: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_THINGS: Final = frozenset({Label.CAR, Label.BUS, Label.TRUCK, Label.BOAT, Label.OBJECT})
_WIDER: Final = 1.0 / 3.0
_GRAY: Final = 128
_STAYED_LEVELS: Final = 20.0
_SEGMENT: Final = 20
ZONE, LINE, MARK, GRID = (0, 200, 255), (255, 80, 255), (60, 60, 255), (120, 255, 120)

Pixels = NDArray[np.uint8]


def small(frame: Frame) -> Pixels:
    """A frame at no more than 640 pixels across."""
    high, wide = frame.pixels.shape[:2]
    width = min(WIDTH_MOST_PX, wide)
    size = (width, round(high * width / wide))
    return np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def without_people(frames: Sequence[Frame], detector: ChildDetector) -> Pixels:
    """The median of frames, in which whoever walks vanishes; whoever is still there is flat gray.

    Looked for in the median, and in the first, middle and last frame: what is found there and is in the median too has stayed.
    """
    shown = [small(frame) for frame in frames]
    middle: Pixels = np.asarray(np.median(np.stack(shown), axis=0), dtype=np.uint8)
    last = frames[-1]
    calm = Frame(last.device, last.kind, last.index + 1, last.at + 1.0, last.time, middle)
    picked = sorted({0, len(frames) // 2, len(frames) - 1})
    looks = [(calm, middle), *((frames[i], shown[i]) for i in picked)]
    boxes = [box for frame, seen in looks for box in _people(frame, seen, middle, detector)]
    for box in boxes:
        middle[box] = _GRAY
    return middle


def _people(
    frame: Frame, seen: Pixels, middle: Pixels, detector: ChildDetector
) -> Iterator[tuple[slice, slice]]:
    """Where in the median somebody stands who was found in a frame."""
    across = middle.shape[1] / frame.pixels.shape[1]
    down = middle.shape[0] / frame.pixels.shape[0]
    for found in detector.look(frame):
        if found.label in _THINGS:
            continue
        x1, y1, x2, y2 = found.xyxy
        tight = (
            slice(max(0, int(y1 * down)), int(y2 * down) + 1),
            slice(max(0, int(x1 * across)), int(x2 * across) + 1),
        )
        apart = np.abs(seen[tight].astype(np.int16) - middle[tight])
        if apart.size and float(apart.mean()) > _STAYED_LEVELS:
            continue
        dx, dy = _WIDER * (x2 - x1), _WIDER * (y2 - y1)
        yield (
            slice(max(0, int((y1 - dy) * down)), max(0, int((y2 + dy) * down) + 1)),
            slice(max(0, int((x1 - dx) * across)), max(0, int((x2 + dx) * across) + 1)),
        )


class Drawing:
    """A picture to draw on, in fractions of the frame."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels.copy()
        self._size = (pixels.shape[1], pixels.shape[0])

    def png(self) -> bytes:
        """The picture in memory, coded."""
        _, coded = cv2.imencode(".png", self._pixels)
        return coded.tobytes()

    def zone(self, name: str, polygon: Sequence[Point]) -> None:
        """The outline of a zone with its name."""
        corners = np.array([self._at(p) for p in polygon], dtype=np.int32)
        cv2.polylines(self._pixels, [corners], True, ZONE, 2, cv2.LINE_AA)
        self._text(name, self._at(polygon[0]), ZONE)

    def line(self, name: str, a: Point, b: Point) -> None:
        """A counted line; the arrow points inward, to the right of first to second point."""
        start, end = self._at(a), self._at(b)
        cv2.line(self._pixels, start, end, LINE, 2, cv2.LINE_AA)
        middle = ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
        along = np.array([end[0] - start[0], end[1] - start[1]], dtype=float)
        along /= max(1.0, float(np.hypot(*along)))
        tip = (round(middle[0] - 25 * along[1]), round(middle[1] + 25 * along[0]))
        cv2.arrowedLine(self._pixels, middle, tip, LINE, 2, cv2.LINE_AA)
        self._text(name, start, LINE)

    def marks(self, marks: Sequence[Mark]) -> None:
        """Each mark with its number, from 1."""
        for number, (place, _) in enumerate(marks, 1):
            cv2.drawMarker(self._pixels, self._at(place), MARK, cv2.MARKER_TILTED_CROSS, 12, 2)
            self._text(str(number), self._at(place), MARK)

    def grid(self, fit: Homography, polygon: Sequence[Point]) -> float:
        """Metre lines over a zone; their spacing in metres. Every fifth line is bold and says its metres."""
        ground = [at for p in polygon if (at := fit.ground(p)) is not None]
        low = np.floor(np.min(ground, axis=0))
        high = np.ceil(np.max(ground, axis=0))
        longest = float(np.max(high - low))
        spacing = next((s for s in SPACINGS_M if longest / s <= GRID_LINES_MOST), SPACINGS_M[-1])
        back = np.linalg.inv(np.array(fit.rows))
        for axis in (0, 1):
            first = int(np.floor(low[axis] / spacing))
            for step in range(first, min(first + GRID_LINES_MOST, int(high[axis] / spacing)) + 1):
                ends = np.array([low, high], dtype=float)
                ends[:, axis] = step * spacing
                self._ground_line(back, (ends[0], ends[1]), polygon, bold=step % 5 == 0)
        return spacing

    def _ground_line(
        self,
        back: NDArray[np.float64],
        ends: tuple[NDArray[np.float64], NDArray[np.float64]],
        polygon: Sequence[Point],
        *,
        bold: bool,
    ) -> None:
        shares = np.linspace(0.0, 1.0, _SEGMENT * 4)[:, None]
        points = ends[0] + shares * (ends[1] - ends[0])
        placed = np.c_[points, np.ones(len(points))] @ back.T
        places = [(x / w, y / w) if abs(w) > 1e-9 else (-1.0, -1.0) for x, y, w in placed.tolist()]
        for a, b in pairwise(places):
            if contains(polygon, a) and contains(polygon, b):
                thick = 2 if bold else 1
                cv2.line(self._pixels, self._at(a), self._at(b), GRID, thick, cv2.LINE_AA)

    def _at(self, p: Point) -> tuple[int, int]:
        return round(p[0] * (self._size[0] - 1)), round(p[1] * (self._size[1] - 1))

    def _text(self, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
        x = min(max(2, at[0] + 6), self._size[0] - 9 * len(text))
        y = min(max(14, at[1] - 6), self._size[1] - 4)
        for thick, ink in ((3, (0, 0, 0)), (1, colour)):
            cv2.putText(
                self._pixels, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, thick, cv2.LINE_AA
            )
