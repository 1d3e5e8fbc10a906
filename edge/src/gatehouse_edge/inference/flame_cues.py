"""How much a patch of a picture behaves like a flame over two seconds: ten measures, each with a ramp, and the least of them.

A flame is fed by a turbulent column of hot gas. Its edge flickers in a wide band up to 12 Hz with no beat to it, no two parts of
it quite together, yet the whole of it swells and sinks; and its heart is bright. Lamps blink together and with a beat, leaves and
waves are slow, what passes by is soon gone, what sways in place keeps its brightness, noise has no lower band.

Rates   signals are laid on 25 samples a second first, so that measures do not depend on the camera's rate. From 20 frames a
        second they hold as they stand; at 15 they are weaker, and flames are found later or not.
Source  flicker band, second-difference high-pass and zero crossings: Toreyin et al. 2006; the other measures and every ramp are
        OURS, set between what the flames and the other things of the tests and clips reached (shared/docs/adr/0016).
Bounds  at most PIXELS_MAX signals, WINDOW_S seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW_S: Final = 2.0
RATE_HZ: Final = 25.0
PIXELS_MAX: Final = 256
LOW_HZ, UPPER_HZ, HIGH_HZ = 1.0, 6.0, 12.0
BEAT_S: Final = (0.2, 1.0)
"""Periods in which a beat is looked for: lamps of 1 to 5 Hz, and faster ones by a multiple of theirs."""
_STEPS: Final = round(WINDOW_S * RATE_HZ)
_MEAN_STEPS: Final = round(RATE_HZ)
_DEAD_LEVELS: Final = 2.0
_DEAD_SHARE: Final = 0.3
_DARK_LEVELS: Final = 8.0
_LEAST_GAIN: Final = 0.2

Levels = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ramp:
    """0 at `none` and beyond, 1 at `full` and beyond, straight between; `none` may be the greater one."""

    none: float
    full: float

    def __call__(self, value: float) -> float:
        """The score of `value`.

        >>> Ramp(4.0, 6.5)(5.25), Ramp(0.8, 0.5)(0.9)
        (0.5, 0.0)
        """
        return min(1.0, max(0.0, (value - self.none) / (self.full - self.none)))


RAMPS: Final[dict[str, tuple[Ramp, ...]]] = {
    "flicker_hz": (Ramp(4.0, 6.5),),
    "busy_ratio": (Ramp(0.3, 0.5),),
    "strength_levels": (Ramp(2.0, 5.0),),
    "upper_ratio": (Ramp(0.03, 0.1), Ramp(0.6, 0.45)),
    "alike_ratio": (Ramp(0.65, 0.35),),
    "beat_ratio": (Ramp(0.75, 0.45),),
    "swell_ratio": (Ramp(0.04, 0.1),),
    "core_levels": (Ramp(130.0, 180.0),),
    "stay_ratio": (Ramp(0.3, 0.6),),
    "left_over_ratio": (Ramp(0.12, 0.24),),
}


@dataclass(frozen=True, slots=True)
class Place:
    """What only the picture as such tells. `stay_ratio`: share of the patch that flickered a second ago too.

    `left_over_ratio`: share of its change that is no movement, see `flame_shift`.
    """

    stay_ratio: float
    left_over_ratio: float


@dataclass(frozen=True, slots=True)
class FlameCues:
    """What was measured on one patch; levels are of 255.

    `flicker_hz`: crossings of zero a second of the high-passed signal (median of pixels). `busy_ratio`: share of the time in
    which it is away from zero: always in a flame, for a moment in what passes by. `strength_levels`: its standard deviation.
    `upper_ratio`: share of the power of 1-12 Hz that is at 6 Hz or above: little in leaves and waves, more than half in noise.
    `alike_ratio`: one over the number of independent signals in the patch: near 1 in a lamp. `beat_ratio`: likeness of the
    signals to themselves a period later, for the best period. `swell_ratio`: swing of the patch's mean to that of its pixels.
    `core_levels`: how bright its brightest tenth gets. The last two as in `Place`.
    """

    flicker_hz: float
    busy_ratio: float
    strength_levels: float
    upper_ratio: float
    alike_ratio: float
    beat_ratio: float
    swell_ratio: float
    core_levels: float
    stay_ratio: float
    left_over_ratio: float

    def scores(self) -> dict[str, float]:
        """The score of each measure, 0 to 1."""
        return {
            name: min(ramp(float(getattr(self, name))) for ramp in ramps)
            for name, ramps in RAMPS.items()
        }

    @property
    def score(self) -> float:
        """How much it is like a flame: the least of all scores, for a flame is like one in every way."""
        return min(self.scores().values())


def measure(pixels: Levels, around: Levels, times: NDArray[np.float64], place: Place) -> FlameCues:
    """The cues of a patch. `pixels` `(t, n)` and `around` `(t, m)` are luma levels at `times`, rising seconds, WINDOW_S or more.

    `around` is the picture as a whole: what it does together (the camera's exposure, the room's light) is divided out.
    """
    steady = _on_grid(pixels, times) / _gain(_on_grid(around, times))[:, None]
    moving = steady - _running_mean(steady)
    spread = np.maximum(moving.std(axis=0), 1e-3)
    flicker_hz, busy, strength = _flicker(steady)
    return FlameCues(
        flicker_hz=flicker_hz,
        busy_ratio=busy,
        strength_levels=strength,
        upper_ratio=_upper(moving, spread),
        alike_ratio=_alike(moving / spread),
        beat_ratio=_beat(moving / spread),
        swell_ratio=float(moving.mean(axis=1).std() / max(1.0, float(spread.mean()))),
        core_levels=float(np.percentile(np.percentile(steady, 95, axis=0), 90)),
        stay_ratio=place.stay_ratio,
        left_over_ratio=place.left_over_ratio,
    )


def _on_grid(levels: Levels, times: NDArray[np.float64]) -> Levels:
    """The last WINDOW_S at RATE_HZ, straight lines between samples."""
    back_s = (_STEPS - 1 - np.arange(_STEPS, dtype=np.float64)) / RATE_HZ
    grid: NDArray[np.float64] = float(times[-1]) - back_s
    right = times.searchsorted(grid).clip(1, len(times) - 1)
    share = (grid - times[right - 1]) / (times[right] - times[right - 1])
    weight = np.clip(share, 0.0, 1.0).astype(np.float32)[:, None]
    return np.asarray(levels[right - 1] * (1 - weight) + levels[right] * weight, np.float32)


def _gain(around: Levels) -> Levels:
    """How bright the whole picture is at each step, relative to its mean."""
    usual = np.maximum(around.mean(axis=0), _DARK_LEVELS)
    gain = np.percentile(around / usual, 50, axis=1).astype(np.float32)
    return np.asarray(np.maximum(gain, np.float32(_LEAST_GAIN)), np.float32)


def _running_mean(steady: Levels) -> Levels:
    """Mean over a second around each step; the ends are mirrored."""
    half = _MEAN_STEPS // 2
    padded = np.pad(steady, ((half, half), (0, 0)), mode="reflect")
    begin = np.zeros((1, steady.shape[1]), np.float32)
    total = np.vstack([begin, padded]).cumsum(axis=0, dtype=np.float64)
    mean = (total[_MEAN_STEPS:] - total[:-_MEAN_STEPS])[: len(steady)] / _MEAN_STEPS
    return np.asarray(mean, np.float32)


def _flicker(steady: Levels) -> tuple[float, float, float]:
    """Crossings a second, share of time away from zero, and strength of the second difference."""
    fast = np.zeros_like(steady)
    fast[1:-1] = 0.5 * steady[1:-1] - 0.25 * (steady[:-2] + steady[2:])
    spread = fast.std(axis=0)
    dead = np.maximum(_DEAD_LEVELS, _DEAD_SHARE * spread)
    sign = (fast > dead).astype(np.int8) - (fast < -dead).astype(np.int8)
    busy = float(np.median((sign != 0).mean(axis=0)))
    for step in range(1, len(sign)):  # within the dead band the last sign holds
        sign[step] = np.where(sign[step] == 0, sign[step - 1], sign[step])
    crossings = (sign[1:] * sign[:-1] < 0).sum(axis=0) / WINDOW_S
    return float(np.median(crossings)), busy, float(np.median(spread))


def _upper(moving: Levels, spread: Levels) -> float:
    window = np.hanning(len(moving))[:, None]
    power = (np.abs(np.fft.rfft(moving * window / np.maximum(spread, 1.0), axis=0)) ** 2).mean(
        axis=1
    )
    hz = np.fft.rfftfreq(len(moving), 1.0 / RATE_HZ)
    band = (hz >= LOW_HZ) & (hz <= HIGH_HZ)
    return float(power[band & (hz >= UPPER_HZ)].sum() / max(float(power[band].sum()), 1e-9))


def _alike(unit: Levels) -> float:
    """One over the number of independent signals: the squares of the principal parts over the square of their sum."""
    product = np.einsum("in,jn->ij", unit, unit)  # no threads of a library for so little
    return float((product * product).sum()) / max(float(np.trace(product)) ** 2, 1e-9)


def _beat(unit: Levels) -> float:
    first, last = (round(period_s * RATE_HZ) for period_s in BEAT_S)
    return max(_likeness(unit[:-lag], unit[lag:]) for lag in range(first, last + 1))


def _likeness(a: Levels, b: Levels) -> float:
    size = float(np.sqrt((a * a).mean() * (b * b).mean()))
    return float((a * b).mean()) / size if size > 1e-9 else 0.0
