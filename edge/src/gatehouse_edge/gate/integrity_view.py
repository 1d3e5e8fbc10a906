"""Views of one camera as coarse fields of edges: what the place looks like, learned slowly, compared fast. No picture is kept.

Field    the picture as 160x90 gray; at each point the direction of its edge as a doubled angle (so that a reversed contrast,
         such as infrared light makes, stays the same edge), with a length that grows to 1 as the edge stands out of noise.
Match    the learned field along the directions of now, over its length: 1 for the same edges, 0 for others. Brightness and gain
         cancel out. In blocks of 10x10 points, so that what hides a block only for a moment can be told from what stays.
Apart    in six windows: where the learned field fits best, found by correlation; a camera that was moved fits elsewhere.
Sharp    strong steps between neighbouring points of the picture at 640 points a row, over strong steps 16 points apart. Gain
         cancels out; noise is averaged, and counts little among the strongest fiftieth.
Bounds   a field is 115 kB; VIEWS_MAX views a camera. They live in memory only, since an edge picture is a kind of picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cv2.typing import MatLike

WIDTH_PX: Final = 160
HEIGHT_PX: Final = 90
BLOCK_PX: Final = 10
BLOCKS: Final = (HEIGHT_PX // BLOCK_PX) * (WIDTH_PX // BLOCK_PX)
VIEWS_MAX: Final = 4
STRONG_RATIO: Final = 0.02
ROWS: Final = 90
ROW_PX: Final = 640
FAR_PX: Final = 16
SEARCH_PX: Final = 20
"""How far a moved view is searched for, in points of 160 a row: an eighth of the picture."""
SHARP_MEMORY: Final = 12
SHARP_NEAR: Final = (0.65, 1.5)
_NOISE_LEVELS: Final = 1.5
"""An edge of so many gray levels a point has half the length of a sure one."""
_KNOWN: Final = 0.10
"""Mean length of a learned block from which on it says something; noise averages to less."""
_DETAIL_LEVELS: Final = 0.8
_DETAIL_RATIO: Final = 0.3
"""A block shows detail when it has so many gray levels of it, and this share of the learned view's usual."""
_FAINT: Final = 0.1
"""Fields shorter than this are noise rather than a direction."""
_NOISE_STRONG: Final = 4.0
"""The strongest fiftieth of pure noise is so many times its median."""
_CLIPPED: Final = (4, 250)
_DOWN, _ACROSS, _HIGH, _WIDE = 2, 3, 45, 50
_LAGS: Final = np.arange(-SEARCH_PX, SEARCH_PX + 1)
_APART_PX: Final = 2.0
_APART_FIT: Final = 0.25
_APART_GAIN: Final = 0.10
"""A window has moved when it fits so well, so much better than in place, at least so far away."""

Floats = NDArray[np.float32]
Gray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is taken from one frame.

    `edges` `(2, 90, 160)` and their `lengths`; `detail` `(9, 16)` gray levels of fine structure in each block; `spread` gray
    levels between dark and light parts; `points` `(90, 160)` sampled pixels, for telling whether anything changed at all;
    `sharpness` 0 to about 0.5; `clipped_ratio` of the points black or white beyond what the camera can show.
    """

    edges: Floats
    lengths: Floats
    detail: Floats
    spread: float
    points: Gray
    sharpness: float
    clipped_ratio: float


def picture(pixels: Gray) -> Picture:
    """Features of a frame `(h, w, 3)` uint8 BGR of any size."""
    # Two rows for each point, not four: what this costs is fetching the lines of a frame from memory.
    near = cv2.resize(pixels, (4 * WIDTH_PX, 2 * HEIGHT_PX), interpolation=cv2.INTER_NEAREST)
    gray = _gray(near)
    small = cv2.resize(gray, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    levels = _floats(small)
    smooth = _floats(cv2.GaussianBlur(levels, (0, 0), 1.0))
    detail = np.sqrt(_means((levels - smooth) ** 2))
    shades = np.sort(_means(levels), axis=None)
    dark, light = shades[round(0.15 * BLOCKS)], shades[round(0.85 * BLOCKS)]
    points = gray[1::2, 2::4].copy()
    clipped = float(np.mean((points <= _CLIPPED[0]) | (points >= _CLIPPED[1])))
    spread = float(light - dark)
    edges = _edges(smooth)
    return Picture(edges, _lengths(edges), detail, spread, points, _sharpness(pixels), clipped)


def _edges(smooth: Floats) -> Floats:
    gx = _floats(cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32))
    gy = _floats(cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32))
    weight = 1.0 / (gx * gx + gy * gy + _NOISE_LEVELS**2)
    return np.stack(((gx * gx - gy * gy) * weight, 2.0 * gx * gy * weight)).astype(np.float32)


def _sharpness(pixels: Gray) -> float:
    """0 where there are no steps at all, 0.1 to 0.5 in sharp pictures."""
    step = max(1, pixels.shape[0] // ROWS)
    rows = _gray(pixels[step // 2 :: step])
    across = cv2.resize(rows, (ROW_PX, rows.shape[0]), interpolation=cv2.INTER_AREA)
    points = np.asarray(across, dtype=np.uint8)
    far, _ = _strong(points, FAR_PX)
    near, noise = _strong(points, 1)
    if far <= 0:
        return 0.0
    return sqrt(max(0.0, near * near - (_NOISE_STRONG * noise) ** 2)) / far


def _strong(points: Gray, apart_px: int) -> tuple[float, float]:
    """Steps between points of a row so far apart: mean of the strongest STRONG_RATIO, and the median of all, gray levels."""
    steps = cv2.absdiff(points[:, apart_px:], points[:, :-apart_px])
    counted = np.asarray(cv2.calcHist([steps], [0], None, [256], [0, 256]))
    counts = counted.ravel().astype(np.float64)
    total = float(counts.sum())
    below = np.cumsum(counts)
    wanted = STRONG_RATIO * total
    taken = np.clip(wanted - (total - below), 0.0, counts)
    middle = int(np.searchsorted(below, total / 2.0))
    within = (total / 2.0 - (below[middle] - counts[middle])) / max(1.0, counts[middle])
    strong = float((taken * np.arange(256)).sum() / max(wanted, 1e-9))
    return strong, max(0.0, middle - 0.5 + within)


def _gray(pixels: MatLike) -> Gray:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _floats(values: MatLike) -> Floats:
    return np.asarray(values, dtype=np.float32)


def _means(values: Floats) -> Floats:
    """Means over blocks, `(9, 16)`."""
    size = (WIDTH_PX // BLOCK_PX, HEIGHT_PX // BLOCK_PX)
    return _floats(cv2.resize(values, size, interpolation=cv2.INTER_AREA))


def _lengths(edges: Floats) -> Floats:
    return _floats(np.sqrt(edges[0] * edges[0] + edges[1] * edges[1]))


@dataclass(frozen=True, slots=True)
class Displacement:
    """How a picture lies against a view. `ratio`: share of windows that fit elsewhere; `way_ratio`: how far, of the width."""

    ratio: float
    way_ratio: float


@dataclass(slots=True, eq=False)
class View:
    """One learned view. `number` names it in this process; `looks` how many pictures it is made of."""

    number: int
    edges: Floats = field(
        default_factory=lambda: np.zeros((2, HEIGHT_PX, WIDTH_PX), dtype=np.float32)
    )
    detail: float = 0.0
    spread: float = 0.0
    sharpness: float = 0.0
    clipped_ratio: float = 0.0
    looks: int = 0

    @property
    def known(self) -> int:
        """Blocks of which something is known."""
        return int(np.count_nonzero(_means(_lengths(self.edges)) >= _KNOWN))

    def fit(self, now: Picture) -> Floats:
        """What each block adds to the match, `(9, 16)`: the sum is the match ratio. At most the block's share of the view."""
        along = self.edges[0] * now.edges[0] + self.edges[1] * now.edges[1]
        whole = float(_lengths(self.edges).sum())
        return _means(along / (now.lengths + _FAINT)) * (BLOCK_PX**2 / max(1e-6, whole))

    def match_ratio(self, now: Picture) -> float:
        """How well a picture shows what was learned: about 0.3 to 0.9 for the same view, below 0.2 for another."""
        return float(self.fit(now).sum())

    def texture_ratio(self, now: Picture) -> float:
        """Blocks that show detail now, over the known blocks; may be above 1."""
        least = max(_DETAIL_LEVELS, _DETAIL_RATIO * self.detail)
        return float(np.count_nonzero(now.detail >= least)) / max(1, self.known)

    def displacement(self, now: Picture) -> Displacement:
        """Where the view fits best, window by window. The dearest part of a look: ask only when the match is poor."""
        learned, seen = _windows(self.edges), _windows(now.edges)
        own, other = _power(learned), _power(seen)
        told = own >= _KNOWN**2 * _HIGH * _WIDE
        if not told.any():
            return Displacement(0.0, 0.0)
        spectrum = np.conj(np.fft.fft2(learned)) * np.fft.fft2(seen)
        fit = np.fft.ifft2(spectrum).real / np.maximum(np.sqrt(own * other), 1e-6)[:, None, None]
        near = fit[:, _LAGS[:, None] % _HIGH, _LAGS[None, :] % _WIDE]
        best = near.reshape(len(near), -1).argmax(axis=1)
        most = near.reshape(len(near), -1)[np.arange(len(near)), best]
        still = slice(SEARCH_PX - 1, SEARCH_PX + 2)
        gain = most - near[:, still, still].max(axis=(1, 2))
        way = np.hypot(_LAGS[best // len(_LAGS)], _LAGS[best % len(_LAGS)])
        apart = told & (most >= _APART_FIT) & (gain >= _APART_GAIN) & (way >= _APART_PX)
        if not apart.any():
            return Displacement(0.0, 0.0)
        ratio = np.count_nonzero(apart) / np.count_nonzero(told)
        return Displacement(ratio, float(np.median(way[apart])) / WIDTH_PX)

    def spread_ratio(self, now: Picture) -> float:
        """Difference between dark and light parts, over the learned one."""
        return now.spread / max(1.0, self.spread)

    def sharpness_ratio(self, now: Picture) -> float:
        """Sharpness over the learned one."""
        return now.sharpness / max(1e-3, self.sharpness)

    def learn(self, now: Picture, *, memory_looks: int) -> None:
        """Take a picture into a view that is being made; each weighs at least 1 / memory_looks."""
        self.looks += 1
        self._take(now, 1.0 / min(self.looks, memory_looks))
        self.sharpness += (now.sharpness - self.sharpness) / min(self.looks, memory_looks)

    def follow(self, now: Picture, *, memory_looks: int) -> None:
        """Take a picture into a finished view, by 1 / memory_looks. Sharpness follows a twelfth as fast, and only what is near:
        neither dirt nor rain.
        """
        self._take(now, 1.0 / memory_looks)
        low, high = SHARP_NEAR
        if low * self.sharpness <= now.sharpness <= high * self.sharpness:
            self.sharpness += (now.sharpness - self.sharpness) / (SHARP_MEMORY * memory_looks)

    def _take(self, now: Picture, share: float) -> None:
        self.edges += share * (now.edges - self.edges)
        self.detail += share * (float(np.median(now.detail)) - self.detail)
        self.spread += share * (now.spread - self.spread)
        self.clipped_ratio += share * (now.clipped_ratio - self.clipped_ratio)


def _windows(edges: Floats) -> NDArray[np.complex64]:
    """Six windows of a field as complex numbers, `(6, 45, 50)`."""
    plane = (edges[0] + 1j * edges[1])[:, : _ACROSS * _WIDE]
    cut = plane.reshape(_DOWN, _HIGH, _ACROSS, _WIDE).swapaxes(1, 2)
    return np.asarray(cut.reshape(-1, _HIGH, _WIDE), dtype=np.complex64)


def _power(windows: NDArray[np.complex64]) -> Floats:
    return _floats((windows.real**2 + windows.imag**2).sum(axis=(1, 2)))
