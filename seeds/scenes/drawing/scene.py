"""The contract of a scene: what `seeds/scenes/NAME.py` gives as `SCENE`, and how a colour scene keeps it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from drawing.shapes import Sprite, Truth
from drawing.stage import Stage, Thing

Kind = Literal["colour", "thermal"]
Haze = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]


class Scene(Protocol):
    """A place that plays the same story again every `period_s` seconds.

    `render` and `truth` are pure functions of media time in seconds: the same `at` gives the same bytes, and so does
    `at + period_s`. Times are taken to the millisecond.
    """

    @property
    def width(self) -> int:
        """Pixels."""
        ...

    @property
    def height(self) -> int:
        """Pixels."""
        ...

    @property
    def fps(self) -> float:
        """Frames a second that the scene is meant to be seen at."""
        ...

    @property
    def period_s(self) -> float:
        """Seconds after which the story starts again."""
        ...

    @property
    def kind(self) -> Kind:
        """What the numbers of a frame are."""
        ...

    def render(self, at: float) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Colour `(h, w, 3)` uint8 BGR; thermal `(h, w)` float32 degrees Celsius."""
        ...

    def truth(self, at: float) -> list[Truth]:
        """What is in the frame: label and xyxy in pixels, whether hidden behind others or not."""
        ...


def moment(at: float, period_s: float) -> float:
    """The second of the story, in whole milliseconds, so that a period later is the same number to the last bit."""
    return (round(at * 1000) % round(period_s * 1000)) / 1000


def _clear(canvas: NDArray[np.uint8], _second: float) -> NDArray[np.uint8]:
    return canvas


@dataclass(frozen=True)
class ColourScene:
    """A stage and the cast that is on it at each second of the story. `haze` changes the frame after the cast is drawn."""

    stage: Stage
    cast: Callable[[float], Sequence[Thing]]
    period_s: float
    fps: float = 10.0
    haze: Haze = _clear
    kind: Kind = "colour"

    @property
    def width(self) -> int:
        """Pixels."""
        return self.stage.camera.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.stage.camera.height

    def render(self, at: float) -> NDArray[np.uint8]:
        """The frame at a second of media time, `(h, w, 3)` uint8 BGR."""
        second = moment(at, self.period_s)
        canvas = self.stage.compose(self._sprites(second), tick=round(second * self.fps))
        return self.haze(canvas, second)

    def truth(self, at: float) -> list[Truth]:
        """What is in the frame at a second of media time."""
        return self.stage.truths(self._sprites(moment(at, self.period_s)))

    def _sprites(self, second: float) -> list[Sprite]:
        return self.stage.sprites(self.cast(second))
