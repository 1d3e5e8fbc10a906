"""Two opposed streams among those who walk: the axis along which most go, and how many go either way. Pure.

Source  mean of doubled angles, which makes opposite directions one: Mardia and Jupp, Directional Statistics, 2000, ch. 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin
from typing import Final

ALIGNED: Final = cos(pi / 4)
"""Who walks farther than 45 degrees off the axis belongs to neither stream."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Walkers along the axis: the greater stream and the one against it."""

    greater: int
    lesser: int

    @property
    def walkers(self) -> int:
        """Both streams together."""
        return self.greater + self.lesser

    @property
    def lesser_ratio(self) -> float:
        """Share of the lesser stream, 0 to 0.5."""
        return self.lesser / self.walkers if self.walkers else 0.0


def streams(velocities: Iterable[tuple[float, float]], least_speed_m_s: float) -> Streams:
    """The streams among velocities in metres a second; slower ones stand.

    >>> streams([(1, 0), (1.2, 0.1), (-1, 0), (0, 0.1)], 0.3)
    Streams(greater=2, lesser=1)
    """
    moving = [v for v in velocities if hypot(*v) >= least_speed_m_s]
    angles = [atan2(y, x) for x, y in moving]
    axis = atan2(sum(sin(2 * a) for a in angles), sum(cos(2 * a) for a in angles)) / 2
    along = [cos(a - axis) for a in angles]
    ahead = sum(c >= ALIGNED for c in along)
    against = sum(c <= -ALIGNED for c in along)
    return Streams(max(ahead, against), min(ahead, against))
