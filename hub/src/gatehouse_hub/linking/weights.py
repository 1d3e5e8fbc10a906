"""What speaks for and against a link, in nats. `EXPERT` is what a new hub could start with; `released` gives what was learned.

Theory  a row joins an incident when that is likelier than that it begins another: the score is the logarithm of those odds.
        Each member of the incident speaks by a sum of terms (pair of kinds, time, distance, hops), their voices add up as
        probabilities, and against them stands how often rows like this one begin anew here (`Busy`).
Scale   every table entry lies within CLIP nats, so that no single reason decides alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_hub.linking.causes import CAUSES
from gatehouse_shared.names import HazardKind

CLIP: Final = 6.0
MS: Final = 1000
TIME_BOUNDS_S: Final = (5, 10, 20, 30, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200)
DISTANCE_BOUNDS_M: Final = (5.0, 10.0, 15.0, 25.0, 35.0, 50.0, 70.0, 100.0, 150.0, 200.0, 300.0)
AGE_BOUNDS_S: Final = (30, 120, 300, 600, 1200, 1800)


class Relation(StrEnum):
    """What the kinds of two rows are to each other, the earlier first."""

    SAME = "same"
    CAUSE = "cause"
    TURNED = "turned"
    OTHER = "other"


class Circumstance(StrEnum):
    """Which course of time is expected: of the same kind or not, in the same zone or not."""

    AGAIN_HERE = "again_here"
    AGAIN_NEAR = "again_near"
    CAUSE_HERE = "cause_here"
    CAUSE_NEAR = "cause_near"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Busy:
    """What is added up against any link: `base`, and so much for each e-fold of onsets of the kind in the zone and on the site in
    a day, of all kinds on the site in two hours, and of the kind in the zone in two hours.
    """

    base: float
    kind_here: float
    kind_on_site: float
    site: float
    kind_lately: float


@dataclass(frozen=True, slots=True)
class ByNovelty:
    """Two tables: for a kind that the other row or the incident already has, and for a new one."""

    again: tuple[float, ...]
    new: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Everything the score depends on. A table has one entry more than its bounds: the last is beyond them.

    `pairs` are what is known of single pairs beyond their relation; `latched` is added where a latched kind comes once more;
    `company` for each e-fold of rows that the incident had in the window. `window_s` how far apart two rows may lie; `members`
    how many of an incident's latest members are compared; `link` the score from which a row joins, `maybe` from which it is told
    that it nearly did.
    """

    version: str
    relations: Mapping[Relation, float]
    pairs: Mapping[tuple[HazardKind, HazardKind], float]
    times: Mapping[Circumstance, tuple[float, ...]]
    distances: ByNovelty
    hop_steps: ByNovelty
    ages: ByNovelty
    latched: float
    company: float
    busy: Busy
    link: float = 1.0
    maybe: float = 0.0
    window_s: int = 1800
    members: int = 12


def relation_of(earlier: HazardKind, later: HazardKind) -> Relation:
    """What two kinds are to each other."""
    if earlier is later:
        return Relation.SAME
    if (earlier, later) in CAUSES:
        return Relation.CAUSE
    return Relation.TURNED if (later, earlier) in CAUSES else Relation.OTHER


_TIMES: Final = (2.0, 2.0, 2.0, 2.0, 1.5, 1.0, 1.0, 0.3, 0.3, 0.3, -0.4, -0.8, -2.0, -2.0, -3.0)
_DISTANCES: Final = (2.0, 2.0, 2.0, 2.0, 1.2, 1.2, 0.0, 0.0, -1.0, -1.0, -2.0, -3.0)
_HOPS: Final = (1.0, -0.5, -2.5)
_AGES: Final = (0.0,) * (len(AGE_BOUNDS_S) + 1)

EXPERT: Final = Weights(
    version="expert-2",
    relations={
        Relation.SAME: 2.0,
        Relation.CAUSE: 2.0,
        Relation.TURNED: 0.0,
        Relation.OTHER: -2.5,
    },
    pairs={pair: nats - 2.0 for pair, nats in CAUSES.items()},
    times=dict.fromkeys(Circumstance, _TIMES),
    distances=ByNovelty(_DISTANCES, _DISTANCES),
    hop_steps=ByNovelty(_HOPS, _HOPS),
    ages=ByNovelty(_AGES, _AGES),
    latched=-1.0,
    company=-0.5,
    busy=Busy(base=-1.3, kind_here=0.3, kind_on_site=0.0, site=1.0, kind_lately=0.0),
)
"""The design's table, on the scale of odds; nothing in it is learned."""
