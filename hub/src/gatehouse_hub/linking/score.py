"""How much speaks for a row belonging to an incident: odds in nats, and the same term by term so that every link can say why.

`Voices` is the table laid out for speed: `speak` gives the sum for two rows, `explain` its terms; they agree to rounding.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.site_map import HOPS_NEAR, STOREY_M
from gatehouse_hub.linking.weights import (
    AGE_BOUNDS_S,
    DISTANCE_BOUNDS_M,
    MS,
    TIME_BOUNDS_S,
    Circumstance,
    Relation,
    Weights,
    relation_of,
)
from gatehouse_shared.names import HazardKind

_TIME_BOUNDS_MS: Final = [bound * MS for bound in TIME_BOUNDS_S]
_DISTANCES: Final = list(DISTANCE_BOUNDS_M)
_AGE_BOUNDS_MS: Final = [bound * MS for bound in AGE_BOUNDS_S]


class TermKind(StrEnum):
    """What a term of a score is about."""

    SAME_KIND = "same_kind"
    CAUSE = "cause"
    CAUSE_REVERSED = "cause_reversed"
    OTHER_PAIR = "other_pair"
    TIME = "time"
    DISTANCE = "distance"
    HOPS = "hops"
    COMPANY = "company"
    AGE = "age"
    LATCHED = "latched"
    BUSY = "busy"


_TERM_OF: Final[Mapping[Relation, TermKind]] = {
    Relation.SAME: TermKind.SAME_KIND,
    Relation.CAUSE: TermKind.CAUSE,
    Relation.TURNED: TermKind.CAUSE_REVERSED,
    Relation.OTHER: TermKind.OTHER_PAIR,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One reason: `weight` in nats as it entered the score; `value` in seconds, metres, hops or rows."""

    kind: TermKind
    weight: float
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class _Pair:
    """What two kinds say: `times`, `distances` and `hops` are the tables that hold for them, `times` by hops."""

    relation: Relation
    weight: float
    times: tuple[tuple[float, ...], ...]
    distances: tuple[float, ...]
    hops: tuple[float, ...]


class _Earlier(dict[HazardKind, _Pair]):
    """The pairs of one later kind. A kind of another system's log is the same or another one; nothing is kept of it."""

    def __init__(self, later: HazardKind, same: _Pair, other: _Pair) -> None:
        super().__init__()
        self._later, self._same, self._other = later, same, other

    def __missing__(self, earlier: HazardKind) -> _Pair:
        return self._same if earlier == self._later else self._other


class _Later(dict[HazardKind, _Earlier]):
    """All pairs, by the later kind."""

    def __init__(self, same: _Pair, other: _Pair) -> None:
        super().__init__()
        self._same, self._other = same, other

    def __missing__(self, later: HazardKind) -> _Earlier:
        return _Earlier(later, self._same, self._other)


class Voices:
    """What members of an incident say of rows, by one table of weights."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        same = _pair(weights, Relation.SAME, 0.0)
        other = _pair(weights, Relation.OTHER, 0.0)
        self._into = _Later(same, other)
        for later in HazardKind:
            self._into[later] = _Earlier(later, same, other)
            for earlier in HazardKind:
                known = weights.pairs.get((earlier, later), 0.0)
                self._into[later][earlier] = _pair(weights, relation_of(earlier, later), known)

    def speak(self, earlier: AlarmRow, later: AlarmRow, hops: int) -> float:
        """The sum of a pair's terms. `hops` at most HOPS_NEAR."""
        pair = self._into[later.kind][earlier.kind]
        dx, dy = later.x_m - earlier.x_m, later.y_m - earlier.y_m
        if later.level == earlier.level:
            metres = math.sqrt(dx * dx + dy * dy)
        else:
            dz = STOREY_M * (later.level - earlier.level)
            metres = math.sqrt(dx * dx + dy * dy + dz * dz)
        return (
            pair.weight
            + pair.times[hops][bisect_right(_TIME_BOUNDS_MS, later.time_ms - earlier.time_ms)]
            + pair.distances[bisect_right(_DISTANCES, metres)]
            + pair.hops[hops]
        )

    def explain(self, earlier: AlarmRow, later: AlarmRow, hops: int) -> tuple[Term, ...]:
        """A pair's terms."""
        pair = self._into[later.kind][earlier.kind]
        gap_ms = later.time_ms - earlier.time_ms
        metres = math.dist(
            (earlier.x_m, earlier.y_m, earlier.level * STOREY_M),
            (later.x_m, later.y_m, later.level * STOREY_M),
        )
        time = pair.times[hops][bisect_right(_TIME_BOUNDS_MS, gap_ms)]
        distance = pair.distances[bisect_right(_DISTANCES, metres)]
        return (
            Term(_TERM_OF[pair.relation], pair.weight),
            Term(TermKind.TIME, time, gap_ms / MS),
            Term(TermKind.DISTANCE, distance, metres),
            Term(TermKind.HOPS, pair.hops[hops], hops),
        )

    def age(self, age_ms: int, *, again: bool) -> float:
        """What it says that an incident began so long ago, for a kind it has already or a new one."""
        table = self.weights.ages.again if again else self.weights.ages.new
        return table[bisect_right(_AGE_BOUNDS_MS, age_ms)]

    def company(self, rows: int) -> float:
        """What the number of rows says that the incident had in the window."""
        return self.weights.company * math.log1p(rows)


@lru_cache(maxsize=8)
def voices_of(weights: Weights) -> Voices:
    """The laid-out table of weights; kept for the few that a process works with."""
    return Voices(weights)


def _pair(weights: Weights, relation: Relation, known: float) -> _Pair:
    same = relation is Relation.SAME
    here, near = {
        Relation.SAME: (Circumstance.AGAIN_HERE, Circumstance.AGAIN_NEAR),
        Relation.OTHER: (Circumstance.OTHER, Circumstance.OTHER),
    }.get(relation, (Circumstance.CAUSE_HERE, Circumstance.CAUSE_NEAR))
    times = (weights.times[here], *(weights.times[near] for _ in range(HOPS_NEAR)))
    return _Pair(
        relation=relation,
        weight=weights.relations[relation] + known,
        times=times,
        distances=weights.distances.again if same else weights.distances.new,
        hops=weights.hop_steps.again if same else weights.hop_steps.new,
    )
