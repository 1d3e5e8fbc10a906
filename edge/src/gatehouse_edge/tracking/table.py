"""All tracks of one camera as a few arrays, and the state that a step takes and gives. Pure.

One row per field, one column per track: a step is a few dozen array operations whatever the number of people, and each runs
along memory. The fields hold the filter *as of the last observation*: where a track is now is worked out from there, and a
miss changes nothing. Bound: MAX_TRACKS tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gatehouse_shared.names import Label

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

MAX_TRACKS: Final = 256
"""Tracks of one camera; beyond them the least certain new ones are not begun."""
MAX_DETECTIONS: Final = 512
"""Detections of one step; the best are used."""
TRAIL: Final = 20
"""Observations kept per track, for its direction."""
TRAIL_STEP_S: Final = 0.099
"""Observations closer in time than this replace one another, so that a trail spans two seconds at any rate."""
LABELS: Final[tuple[Label, ...]] = tuple(Label)

_GROUPS: Final[tuple[frozenset[Label], ...]] = (
    frozenset({Label.BICYCLE, Label.MOTORCYCLE}),
    frozenset({Label.CAR, Label.BUS, Label.TRUCK}),
)
"""Labels that detectors take for one another: a van that is a car, then a truck, is one track."""


def _group_of(label: Label) -> int:
    return next((LABELS.index(min(g)) for g in _GROUPS if label in g), LABELS.index(label))


GROUP: Final = np.array([_group_of(label) for label in LABELS], np.int64)
"""Group of each label; only things of one group are ever matched."""

PLACE: Final = slice(0, 2)
"""Centre x and y, px."""
SIZE: Final = slice(2, 4)
"""Width and height, px."""
TALL: Final = 3
"""The height alone."""
SPEED: Final = slice(4, 6)
"""px/s along x and y."""
SPREAD: Final = slice(6, 9)
"""Variance of place, covariance of place and speed, variance of speed; lengths in heights."""
SIZE_SPREAD: Final = 9
"""Variance of the size, in heights."""
BOX: Final = slice(10, 14)
"""The last observation, xyxy px."""
LAST_AT: Final = 14
SCORE: Final = 15
HITS: Final = 16
FIRST_AT: Final = 17
GROUP_OF: Final = 18
VOTES: Final = slice(19, 19 + len(LABELS))
"""Sum of scores per label."""
OBSERVED: Final = slice(0, 17)
"""What an observation changes, but for votes and trail."""
_FIELDS: Final = VOTES.stop


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Tracks in the order in which they began. `table[HITS]` is one field `(n,)`, `table[BOX]` several `(4, n)`: views.

    `fields` `(…, n)`; `trail` `(n, TRAIL, 3)`: at, centre x, centre y, the newest first; `ids` `(n,)`.
    """

    fields: Floats
    trail: Floats
    ids: NDArray[np.uint64]

    def __len__(self) -> int:
        return self.ids.size

    def __getitem__(self, field: int | slice) -> Floats:
        return self.fields[field]

    def __setitem__(self, field: int | slice, values: Floats | Rows | float) -> None:
        self.fields[field] = values

    def copy(self) -> Table:
        """A copy that may be changed."""
        return Table(self.fields.copy(), self.trail.copy(), self.ids)

    def take(self, rows: Rows) -> Table:
        """A copy of these tracks."""
        return Table(
            self.fields.take(rows, axis=1), self.trail.take(rows, axis=0), self.ids.take(rows)
        )


def blank(count: int) -> Table:
    """So many tracks of zeros."""
    return Table(
        np.zeros((_FIELDS, count)), np.zeros((count, TRAIL, 3)), np.zeros(count, np.uint64)
    )


def join(tables: Sequence[Table]) -> Table:
    """The tracks of all, in this order; at least one table."""
    return Table(
        np.concatenate([one.fields for one in tables], axis=1),
        np.concatenate([one.trail for one in tables]),
        np.concatenate([one.ids for one in tables]),
    )


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of the picture, xyxy px, that was last looked at closely at `before`, media seconds, ahead of this look; and
    whether in this one too (`looked`).
    """

    xyxy: tuple[float, float, float, float]
    before: float
    looked: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """When and of what a step is: `at` media seconds, `time` aware UTC, `width` and `height` of the frame in pixels.

    `patches`: parts of the picture that are not looked at closely in every look.
    """

    device: str
    at: float
    time: datetime
    width: int
    height: int
    patches: tuple[Patch, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TrackerState:
    """Everything a tracker remembers of one camera. `seed` makes its ids random; a fresh one belongs to every start."""

    seed: int
    table: Table = field(default_factory=lambda: blank(0))
    at: float | None = None
    begun: int = 0
    """Tracks begun so far; the next one's number."""


def track_ids(numbers: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Ids of tracks from their numbers: 64 bits, without order, and never two alike under one seed (splitmix64
    is a bijection).
    """
    base = _mix(np.array([seed & 0xFFFF_FFFF_FFFF_FFFF], np.uint64))
    return _mix(numbers.astype(np.uint64) + base)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64 (Steele, Lea, Flood 2014)."""
    x = x * np.uint64(0x9E37_79B9_7F4A_7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return x ^ (x >> np.uint64(31))
