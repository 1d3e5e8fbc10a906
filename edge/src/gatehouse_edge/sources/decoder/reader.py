"""What every kind of source is to the decode child: pictures to step through, looked at only when wanted."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.float32]


class Reader(Protocol):
    """Pictures of one source. `grab` is cheap where it can be, so that a picture nobody wants costs little.

    `device`: sets its own pace and has no end (RTSP, USB). `thermal`: float32 degrees instead of BGR. `native_fps`: pictures
    a second of media time. `pictures`: how many there are, 0 when unknown. `size`: (height, width) of the last picture.
    `passed`: pictures that were let go before the last one because they were not due.
    """

    device: bool
    thermal: bool
    native_fps: float
    pictures: int
    size: tuple[int, int]
    passed: int

    def grab(self) -> float | None:
        """Steps to the next picture; its media time in seconds from the start, None at the end."""
        ...

    def picture(self, out: Pixels | None) -> Pixels:
        """The pixels of the present picture: written into `out` and `out` given back when it has the right shape."""
        ...

    def rewind(self) -> None:
        """Back to before the first picture."""
        ...

    def close(self) -> None:
        """Lets go of file or device."""
        ...
