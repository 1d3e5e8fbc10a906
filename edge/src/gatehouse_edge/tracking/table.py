"""All tracks of one camera as one structured array, and the state that a step takes and gives. Pure.

One record per track, so that a step is a dozen array operations whatever the number of people. Records hold the
filter *as of the last observation*: where a track is now is worked out from there, and a miss changes nothing.
Bound: MAX_TRACKS records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gatehouse_shared.names import Label

Floats = NDArray[np.float64]
Table = NDArray[np.void]

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

RECORD: Final = np.dtype(
    [
        ("track_id", np.uint64),
        ("place", np.float64, (2,)),  # centre, px
        ("speed", np.float64, (2,)),  # px/s
        (
            "spread",
            np.float64,
            (3,),
        ),  # variance of place, covariance, variance of speed, in heights
        ("size", np.float64, (2,)),  # width, height, px
        ("size_spread", np.float64),  # variance of size, in heights
        ("box", np.float64, (4,)),  # last observation, xyxy px
        ("first_at", np.float64),
        ("last_at", np.float64),
        ("hits", np.int64),
        ("score", np.float64),
        ("group", np.int64),
        ("votes", np.float64, (len(LABELS),)),  # sum of scores per label
        ("trail", np.float64, (TRAIL, 3)),  # at, centre x, centre y; newest first
    ]
)

_WORDS: Final = RECORD.itemsize // 8
"""A record is whole words of 64 bits: numpy copies those four times as fast as fields."""


def pick(table: Table, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Table:
    """A copy of these records."""
    return np.asarray(_as_words(table)[rows].view(RECORD)[:, 0])


def put(table: Table, rows: NDArray[np.intp], part: Table) -> None:
    """Writes the records `part` into these rows, in place."""
    _as_words(table)[rows] = _as_words(part)


def join(*tables: Table) -> Table:
    """The records of all, in this order."""
    words = [_as_words(table) for table in tables if len(table)]
    if not words:
        return np.zeros(0, RECORD)
    return np.asarray(np.concatenate(words).view(RECORD)[:, 0])


def _as_words(table: Table) -> NDArray[np.int64]:
    return np.asarray(table.view(np.int64).reshape(len(table), _WORDS))


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
    table: Table = field(default_factory=lambda: np.zeros(0, RECORD))
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
