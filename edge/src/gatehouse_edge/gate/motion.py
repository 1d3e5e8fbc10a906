"""The motion gate: which frames are worth inferring. One 320x90 gray difference a frame, nothing learned, nothing kept but that.

The difference to the previous frame forgets what stands still, and a person who waits must not be lost. So every frame is
inferred until all tracks are settled (confirmed, and found in the last look); while nothing moves, those that stand are looked at
every `standing_s`, and an empty place every `recheck_s`. What was told of them stays told meanwhile. A change of most of the
picture at once is light (a lamp, lightning, the camera's own exposure), not motion; it is let by for `blind_s` at most, for
`blind_tracks_s` where something is followed, then inferred like any other.

Bounds  one small picture per camera. Colour frames are uint8 BGR, thermal ones float32 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.values import Frame, FrameKind

WIDTH_PX, HEIGHT_PX = 320, 90
THERMAL_PX = 180
"""Rows of a thermal picture, which has few to begin with and whose hot spots are small."""
ROUNDING_S = 1e-6
Small = NDArray[np.uint8] | NDArray[np.float32]


class GateReason(StrEnum):
    """Why a frame is inferred or not; counted in health."""

    FIRST = "first"
    MOTION = "motion"
    TRACKS = "tracks"
    RECHECK = "recheck"
    STILL = "still"
    LIGHT = "light"


class Following(IntEnum):
    """What the tracker follows: nothing, only what stands sure, or something that must be seen again."""

    NOTHING = 0
    SETTLED = 1
    UNSURE = 2


@dataclass(frozen=True, slots=True)
class GateDecision:
    """`moved_ratio`: share of the picture that changed since the last frame, 0 to 1."""

    infer: bool
    reason: GateReason
    moved_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSetting:
    """Parameters of a gate.

    `step_levels`: gray levels (of 255) that count as a change; `step_c` the same for thermal pictures, degrees. `min_ratio`
    of the picture must change for motion; more than `light_ratio` at once is light. `recheck_s`: what stands still is looked
    at this often, `standing_s` where tracks stand there. `linger_s`: frames inferred after motion ended, so that what stops is
    seen standing.
    """

    step_levels: int = 15
    step_c: float = 0.5
    min_ratio: float = 0.0002
    light_ratio: float = 0.6
    recheck_s: float = 5.0
    standing_s: float = 1.0
    linger_s: float = 0.5
    blind_s: float = 1.0
    blind_tracks_s: float = 0.4

    def __post_init__(self) -> None:
        if not 0 < self.min_ratio < self.light_ratio <= 1:
            raise ConfigError(
                "need 0 < min_ratio < light_ratio <= 1", place="gate", remedy="Correct the ratios"
            )
        if not (1 <= self.step_levels <= 254 and self.step_c > 0):
            raise ConfigError("a step must be above 0", place="gate", remedy="Correct the steps")
        times_s = (self.recheck_s, self.standing_s, self.linger_s)
        if min(*times_s, self.blind_s, self.blind_tracks_s) < 0:
            raise ConfigError("times cannot be negative", place="gate", remedy="Correct the times")


class MotionGate:
    """The gate of one camera. Give it every frame, in order."""

    def __init__(self, setting: GateSetting | None = None) -> None:
        self._setting = setting or GateSetting()
        self._before: Small | None = None
        self._inferred_at = self._moved_at = float("-inf")
        self._light_since: float | None = None

    def step(self, frame: Frame, *, tracks_alive: bool, settled: bool = False) -> GateDecision:
        """Decides on one frame. `tracks_alive`: the tracker follows something, seen or coasting; `settled`: all of it is
        confirmed and was found in the last look.
        """
        now = _small(frame)
        before, self._before = self._before, now
        if before is None or frame.at < self._inferred_at:
            return self._decide(frame.at, GateReason.FIRST, 1.0)
        thermal = frame.kind is FrameKind.THERMAL
        step = self._setting.step_c if thermal else self._setting.step_levels
        moved_ratio = _changed(before, now, step)
        following = Following(tracks_alive + (tracks_alive and not settled))
        return self._decide(frame.at, self._judge(frame.at, moved_ratio, following), moved_ratio)

    def _judge(self, at: float, moved_ratio: float, following: Following) -> GateReason:
        setting = self._setting
        recheck_s = setting.standing_s if following else setting.recheck_s
        blind_s = setting.blind_tracks_s if following else setting.blind_s
        if at - self._inferred_at >= recheck_s - ROUNDING_S:
            return GateReason.RECHECK
        if moved_ratio > setting.light_ratio:
            if not self._blinded(at, blind_s):
                return GateReason.LIGHT
        else:
            self._light_since = None
        if moved_ratio >= setting.min_ratio:
            self._moved_at = at
        if following is Following.UNSURE:
            return GateReason.TRACKS
        return GateReason.MOTION if at - self._moved_at <= setting.linger_s else GateReason.STILL

    def _blinded(self, at: float, blind_s: float) -> bool:
        """Whether the picture has been changing as a whole for so long that it is no flash."""
        if self._light_since is None:
            self._light_since = at
        return at - self._light_since >= blind_s - ROUNDING_S

    def _decide(self, at: float, reason: GateReason, moved_ratio: float) -> GateDecision:
        infer = reason not in {GateReason.STILL, GateReason.LIGHT}
        if infer:
            self._inferred_at = at
        return GateDecision(infer, reason, moved_ratio)


def _small(frame: Frame) -> Small:
    """The frame as 320x90 gray levels, or 320x180 degrees.

    Nearest neighbour before gray, and half as many rows as points in them would ask for: what this costs is fetching the lines
    of a frame from memory.
    """
    if frame.kind is FrameKind.COLOUR:
        size = (WIDTH_PX, HEIGHT_PX)
        picked = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_NEAREST)
        return cv2.cvtColor(picked, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    size = (WIDTH_PX, THERMAL_PX)
    picked = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_NEAREST)
    return picked.astype(np.float32, copy=False)


def _changed(before: Small, now: Small, step: float) -> float:
    """Share of pixels that differ by more than `step`."""
    difference = cv2.absdiff(before, now)
    _, marked = cv2.threshold(difference, step, 255, cv2.THRESH_BINARY)
    return cv2.countNonZero(marked) / marked.size
