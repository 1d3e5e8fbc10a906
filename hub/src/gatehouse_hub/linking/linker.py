"""The fold: rows in order of (corrected time, id), each joins the incident it fits best or opens one.

Pure and deterministic: the same rows give the same incidents, whatever order they arrived in and however often. State lives
only inside one call. Bounds: an incident takes part while one of its last `Weights.members` members lies within the window.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_hub.linking.presence import may_hold
from gatehouse_hub.linking.rows import AlarmRow, sort_key
from gatehouse_hub.linking.score import Score, Term, busy_term, score_incident
from gatehouse_hub.linking.site_map import SiteMap
from gatehouse_hub.linking.weights import EXPERT, Weights

NOTHING_CLOSED: Final[Mapping[str, int]] = {}


class LinkReason(StrEnum):
    """Why a row stands where it stands."""

    OPENED = "opened"
    JOINED = "joined"
    OPENED_MAYBE = "opened_maybe"
    OPENED_PRESENCE = "opened_presence"


@dataclass(frozen=True, slots=True)
class Link:
    """A member and why it belongs; `to` is the member it fits best, None for the row that opened the incident."""

    row: AlarmRow
    reason: LinkReason
    to: AlarmRow | None = None
    score: float = 0.0
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An incident that a row nearly joined, by its earliest row, and why it did not."""

    incident: str
    reason: LinkReason
    to: AlarmRow
    score: float
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class LinkedIncident:
    """One incident. `id` is that of its earliest row; `links` in order of time, `near_misses` of its opening row."""

    id: str
    links: tuple[Link, ...]
    near_misses: tuple[NearMiss, ...] = ()

    @property
    def rows(self) -> tuple[AlarmRow, ...]:
        """The members in order of time."""
        return tuple(link.row for link in self.links)


@dataclass(slots=True)
class _Open:
    links: list[Link]
    near_misses: tuple[NearMiss, ...]
    latest: deque[AlarmRow]
    closed_ms: int | None
    rows: list[AlarmRow]


def link_rows(
    rows: Iterable[AlarmRow],
    site_map: SiteMap,
    weights: Weights = EXPERT,
    closed_ms: Mapping[str, int] = NOTHING_CLOSED,
) -> tuple[LinkedIncident, ...]:
    """The incidents of one site, in order of their earliest rows.

    `closed_ms`: row id -> when a person resolved the incident that held it; such an incident takes no later row.
    """
    window_ms = weights.window_s * 1000
    active: list[_Open] = []
    done: list[_Open] = []
    recent: deque[int] = deque()
    for row in sorted(set(rows), key=sort_key):
        while recent and recent[0] < row.time_ms - window_ms:
            recent.popleft()
        still: list[_Open] = []
        for incident in active:
            fresh = incident.latest[-1].time_ms >= row.time_ms - window_ms
            (still if fresh else done).append(incident)
        active = still
        opened = _place(row, active, len(recent), site_map, weights)
        opened.closed_ms = _earlier(opened.closed_ms, closed_ms.get(row.id))
        recent.append(row.time_ms)
    found = sorted((*done, *active), key=lambda o: sort_key(o.rows[0]))
    return tuple(LinkedIncident(o.rows[0].id, tuple(o.links), o.near_misses) for o in found)


def _place(
    row: AlarmRow, active: list[_Open], recent: int, site_map: SiteMap, weights: Weights
) -> _Open:
    scored = [
        (score, incident)
        for incident in active
        if row.drill is incident.rows[0].drill
        and (incident.closed_ms is None or row.time_ms <= incident.closed_ms)
        and (score := _score(row, incident, recent, site_map, weights)) is not None
    ]
    scored.sort(key=lambda pair: (-pair[0].total, sort_key(pair[1].rows[0])))
    misses: list[NearMiss] = []
    for score, incident in scored:
        allowed = may_hold((*incident.rows, row), site_map)
        if score.total >= weights.link and allowed:
            link = Link(row, LinkReason.JOINED, score.member, score.total, score.terms)
            incident.links.append(link)
            incident.rows.append(row)
            incident.latest.append(row)
            return incident
        if score.total >= weights.maybe:
            reason = LinkReason.OPENED_MAYBE if allowed else LinkReason.OPENED_PRESENCE
            first = incident.rows[0].id
            misses.append(NearMiss(first, reason, score.member, score.total, score.terms))
    reason = misses[0].reason if misses else LinkReason.OPENED
    latest = deque([row], maxlen=weights.members)
    opened = _Open([Link(row, reason)], tuple(misses[:3]), latest, None, [row])
    active.append(opened)
    return opened


def _time_ms(row: AlarmRow) -> int:
    return row.time_ms


def _earlier(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


def _score(
    row: AlarmRow, incident: _Open, recent: int, site_map: SiteMap, weights: Weights
) -> Score | None:
    since_ms = row.time_ms - weights.window_s * 1000
    near = [
        m
        for m in incident.latest
        if m.time_ms >= since_ms and site_map.hops_between(row.zone, m.zone) <= weights.hops
    ]
    if not near:
        return None
    # An incident's own rows count as one: they say that it goes on, not that the site is busy with other things.
    own = len(incident.rows) - bisect_left(incident.rows, since_ms, key=_time_ms)
    return score_incident(row, near, busy_term(recent - own + 1, weights), site_map, weights)
