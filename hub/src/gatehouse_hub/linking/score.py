"""How much speaks for two rows having one cause, term by term, so that every link can say why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.site_map import SiteMap, metres_between
from gatehouse_hub.linking.weights import Weights


class TermKind(StrEnum):
    """What a term of a score is about."""

    SAME_KIND = "same_kind"
    CAUSE = "cause"
    CAUSE_REVERSED = "cause_reversed"
    OTHER_PAIR = "other_pair"
    TIME = "time"
    DISTANCE = "distance"
    HOPS = "hops"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Term:
    """One reason: `weight` in nats as it entered the score; `value` in seconds, metres, hops or rows."""

    kind: TermKind
    weight: float
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """How well a row fits a member of an incident, and the incident as a whole (`total`)."""

    member: AlarmRow
    total: float
    terms: tuple[Term, ...]


def score_pair(a: AlarmRow, b: AlarmRow, site_map: SiteMap, weights: Weights) -> tuple[Term, ...]:
    """Terms of two rows, the same whichever is given first."""
    first, second = (a, b) if (a.time_ms, a.id) <= (b.time_ms, b.id) else (b, a)
    seconds = (second.time_ms - first.time_ms) / 1000
    metres = metres_between((a.x_m, a.y_m, a.level), (b.x_m, b.y_m, b.level))
    hops = site_map.hops_between(a.zone, b.zone)
    damping = weights.damping
    return (
        _pair_term(first, second, weights),
        Term(TermKind.TIME, damping * _step(weights.time_steps, seconds), seconds),
        Term(TermKind.DISTANCE, damping * _step(weights.distance_steps, metres), metres),
        Term(TermKind.HOPS, damping * _step(weights.hop_steps, hops), hops),
    )


def busy_term(recent: int, weights: Weights) -> Term:
    """What the site's own busyness speaks against any link; `recent` other rows lie in the window."""
    weight = weights.prior - math.log((recent + 1) / (weights.busy_mean + 1))
    return Term(TermKind.BUSY, weight, recent)


def score_incident(
    row: AlarmRow, members: Sequence[AlarmRow], busy: Term, site_map: SiteMap, weights: Weights
) -> Score:
    """The best member's score tempered by the mean over all of them. `members` holds at least one row."""
    scored = [(score_pair(row, m, site_map, weights), m) for m in members]
    totals = [sum(t.weight for t in terms) + busy.weight for terms, _ in scored]
    best = max(range(len(scored)), key=lambda i: (totals[i], scored[i][1].time_ms, scored[i][1].id))
    share = weights.mean_share
    total = (1 - share) * totals[best] + share * sum(totals) / len(totals)
    return Score(scored[best][1], round(total, 6), (*scored[best][0], busy))


def _pair_term(first: AlarmRow, second: AlarmRow, weights: Weights) -> Term:
    if first.kind is second.kind:
        return Term(TermKind.SAME_KIND, weights.damping * weights.same_kind)
    caused = weights.causes.get((first.kind, second.kind))
    if caused is not None:
        return Term(TermKind.CAUSE, weights.damping * caused)
    turned = weights.causes.get((second.kind, first.kind))
    if turned is not None:
        weight = weights.damping * weights.reversed_share * turned
        return Term(TermKind.CAUSE_REVERSED, weight)
    return Term(TermKind.OTHER_PAIR, weights.damping * weights.other_pair)


def _step(steps: tuple[tuple[float, float], ...], value: float) -> float:
    return next(weight for bound, weight in steps if value <= bound)
