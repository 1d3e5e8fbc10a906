"""The inside of the e-bike shed in degrees Celsius: eight bays in two rooms, and a battery in room two that overheats.

A real pack that is charged to failure warms by some 6 K a minute; here the same curve is run about ten times as fast, so
that the whole story fits into 240 s: warm from second 12, 60 C at about 45, past 70 C at about 52, cooling from 150.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from drawing.chance import Chance
from drawing.scene import Kind, moment
from drawing.shapes import Truth
from numpy.typing import NDArray

PERIOD_S = 240.0
AMBIENT_C = 24.0
ROOM_1_PX = (4, 34, 76, 108)
ROOM_2_PX = (84, 34, 156, 108)
REFERENCE_PX = (4, 4, 156, 24)
HOT_BAY = 6
_CURVE_S = (0.0, 12.0, 30.0, 55.0, 80.0, 100.0, 150.0, 185.0, 222.0, 240.0)
_CURVE_C = (26.0, 26.0, 41.0, 73.0, 86.0, 88.0, 84.0, 45.0, 26.5, 26.0)
_NETD_K = 0.05
_TILES = 5


def _bay_centre(bay: int) -> tuple[int, int]:
    """Pixels of the battery of a bay: bays 0-3 stand in room one, 4-7 in room two."""
    room, place = divmod(bay, 4)
    return (13 if room == 0 else 93) + 18 * place, 70


def battery_c(second: float) -> float:
    """What the failing battery truly has at a second of the story."""
    return float(np.interp(second, _CURVE_S, _CURVE_C))


@dataclass(frozen=True)
class ThermalScene:
    """A radiometric view; frames `(h, w)` float32 degrees Celsius."""

    width: int = 160
    height: int = 120
    fps: float = 4.0
    period_s: float = PERIOD_S
    kind: Kind = "thermal"

    @cached_property
    def _still(self) -> NDArray[np.float32]:
        """All that does not change: wall, floor, a wall lamp, racks, and eight bicycles a little warm from their day."""
        picture = np.full((self.height, self.width), AMBIENT_C, dtype=np.float32)
        rows = np.linspace(0.6, -0.9, self.height, dtype=np.float32)[:, None]
        picture += (
            rows
            + 0.25
            * cv2.GaussianBlur(Chance(19).bell(self.height, self.width), (0, 0), 6).astype(
                np.float32
            )
            * 6
        )
        cv2.rectangle(picture, (78, 24), (81, 119), AMBIENT_C - 0.8, -1)
        cv2.rectangle(picture, (0, 29), (159, 30), AMBIENT_C + 0.9, -1)
        for lamp_x in (40, 120):
            cv2.ellipse(picture, (lamp_x, 26), (7, 2), 0, 0, 360, AMBIENT_C + 5.0, -1)
        for bay in range(8):
            self._park(picture, bay)
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), dtype=np.float32)

    def _park(self, picture: NDArray[np.float32], bay: int) -> None:
        x, y = _bay_centre(bay)
        warm = AMBIENT_C + 0.6 + 0.35 * ((bay * 5) % 4)
        for wheel_y in (y - 18, y + 22):
            cv2.ellipse(picture, (x, wheel_y), (3, 11), 0, 0, 360, AMBIENT_C - 0.9, 1)
        cv2.line(picture, (x, y - 14), (x, y + 20), warm, 2)
        cv2.line(picture, (x - 6, y - 19), (x + 6, y - 19), warm, 1)
        cv2.rectangle(picture, (x - 3, y - 5), (x + 3, y + 5), warm + 0.8, -1)
        cv2.rectangle(picture, (x - 2, 36), (x + 2, 40), AMBIENT_C + 3.4, -1)

    @cached_property
    def _glow(self) -> NDArray[np.float32]:
        """How much of the battery's excess each pixel shows, 0-1: the case, and what it warms round itself."""
        x, y = _bay_centre(HOT_BAY)
        case = np.zeros((self.height, self.width), dtype=np.float32)
        cv2.rectangle(case, (x - 4, y - 6), (x + 4, y + 6), 1.0, -1)
        near = cv2.GaussianBlur(case, (0, 0), 5.0) * 0.55
        near[:24] = 0
        return np.asarray(np.maximum(cv2.GaussianBlur(case, (0, 0), 0.7), near), dtype=np.float32)

    @cached_property
    def _tiles(self) -> NDArray[np.float32]:
        return (Chance(23).bell(_TILES, self.height, self.width) * _NETD_K).astype(np.float32)

    def render(self, at: float) -> NDArray[np.float32]:
        """The frame at a second of media time, degrees Celsius."""
        second = moment(at, self.period_s)
        excess = np.float32(battery_c(second) - battery_c(0.0))
        grain = self._tiles[round(second * self.fps) % _TILES]
        return np.asarray(self._still + excess * self._glow + grain, dtype=np.float32)

    def truth(self, at: float) -> list[Truth]:  # noqa: ARG002 - as every scene
        """Nothing that a detector knows is in the shed."""
        return []


SCENE = ThermalScene()
