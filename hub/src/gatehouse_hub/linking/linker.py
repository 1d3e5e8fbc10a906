"""The fold: rows in order of (corrected time, id), each joins the incident it fits best or opens one.

Rule 1  the same rows give the same incidents, whatever order they arrived in and however often.
Rule 2  where a row stands depends only on rows before it. So a late row changes nothing before its own time, and a linker may
        take up the fold at any moment: give it what stood (`placed`) and the rows of `REACH_MS` before.
Rule 3  presence is never followed, whatever the score (see `presence`).

Bounds: an incident takes part while one of its last `Weights.members` members lies within the window and near enough.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_hub.linking.busyness import Busyness, against
from gatehouse_hub.linking.opened import Opened, Standing
from gatehouse_hub.linking.rows import AlarmRow, sort_key
from gatehouse_hub.linking.score import Term, TermKind, voices_of
from gatehouse_hub.linking.site_map import SiteMap
from gatehouse_hub.linking.weights import EXPERT, MS, Weights
from gatehouse_shared.names import LATCHED_KINDS

NOTHING_CLOSED: Final[Mapping[str, int]] = {}
NOTHING_PLACED: Final[Mapping[str, str]] = {}
NEAR_MISSES: Final = 3


class LinkReason(StrEnum):
    """Why a row stands where it stands."""

    OPENED = "opened"
    JOINED = "joined"
    OPENED_MAYBE = "opened_maybe"
    OPENED_PRESENCE = "opened_presence"
    STOOD = "stood"


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
class _Growing:
    opened: Opened
    links: list[Link]
    near_misses: tuple[NearMiss, ...]
    closed_ms: int | None


@dataclass(frozen=True, slots=True)
class _Scored:
    growing: _Growing
    total: float
    best: AlarmRow
    others: float
    heard: int


class Fold:
    """The incidents of one site as they grow. Feed rows in order of `sort_key`, each once."""

    def __init__(
        self,
        site_map: SiteMap,
        weights: Weights = EXPERT,
        closed_ms: Mapping[str, int] = NOTHING_CLOSED,
    ) -> None:
        self._site_map = site_map
        self._weights = weights
        self._voices = voices_of(weights)
        self._closed_ms = closed_ms
        self._busyness = Busyness()
        self._standing = Standing(weights.window_s * MS, weights.members)
        self._all: list[_Growing] = []
        self._placed: dict[str, _Growing] = {}

    def count(self, row: AlarmRow) -> None:
        """A row from before: it says how busy the site was, no more."""
        self._busyness.step(row)

    def place(self, row: AlarmRow, incident: str) -> None:
        """A row from before that is known to stand in `incident`, whatever the score would be now."""
        self._busyness.step(row)
        growing = self._placed.get(incident)
        link = Link(row, LinkReason.STOOD)
        if growing is None:
            growing = self._placed[incident] = self._open(row, link, ())
        else:
            self._join(growing, row, link)

    def step(self, row: AlarmRow) -> None:
        """Put a row where it belongs."""
        busy = against(self._busyness.step(row), self._weights.busy)
        near = self._site_map.near_zones(row.zone)
        scored = [
            found
            for opened in self._standing.near(row, near)
            if (found := self._score(row, self._all[opened.number], near, busy)) is not None
        ]
        scored.sort(key=lambda s: (-s.total, s.growing.opened.number))
        misses: list[NearMiss] = []
        for found in scored:
            if found.total < self._weights.maybe:
                break
            opened = found.growing.opened
            allowed = opened.may_take(row, self._site_map)
            terms = self._terms(row, found, near, busy)
            if allowed and found.total >= self._weights.link:
                link = Link(row, LinkReason.JOINED, found.best, found.total, terms)
                self._join(found.growing, row, link)
                return
            reason = LinkReason.OPENED_MAYBE if allowed else LinkReason.OPENED_PRESENCE
            misses.append(NearMiss(opened.first.id, reason, found.best, found.total, terms))
        reason = misses[0].reason if misses else LinkReason.OPENED
        self._open(row, Link(row, reason), tuple(misses[:NEAR_MISSES]))

    def incidents(self) -> tuple[LinkedIncident, ...]:
        """What there is, in order of earliest rows."""
        return tuple(
            LinkedIncident(g.opened.first.id, tuple(g.links), g.near_misses) for g in self._all
        )

    def _open(self, row: AlarmRow, link: Link, misses: tuple[NearMiss, ...]) -> _Growing:
        opened = self._standing.open(row, len(self._all))
        growing = _Growing(opened, [link], misses, self._closed_ms.get(row.id))
        self._all.append(growing)
        return growing

    def _join(self, growing: _Growing, row: AlarmRow, link: Link) -> None:
        self._standing.join(growing.opened, row)
        growing.links.append(link)
        closed = self._closed_ms.get(row.id)
        if closed is not None:
            old = growing.closed_ms
            growing.closed_ms = closed if old is None else min(closed, old)

    def _score(
        self, row: AlarmRow, growing: _Growing, near: Mapping[str, int], busy: float
    ) -> _Scored | None:
        opened = growing.opened
        if row.drill is not opened.first.drill:
            return None
        if growing.closed_ms is not None and row.time_ms > growing.closed_ms:
            return None
        since_ms = row.time_ms - self._weights.window_s * MS
        speak = self._voices.speak
        total, best, best_score, heard = 0.0, row, -math.inf, 0
        for member in opened.latest:
            hops = near.get(member.zone)
            if hops is None or member.time_ms < since_ms:
                continue
            score = speak(member, row, hops)
            total += math.exp(score)
            heard += 1
            if score >= best_score:
                best, best_score = member, score
        if not heard:
            return None
        voice = math.log(total)
        rest = self._of_incident(row, opened, since_ms)
        return _Scored(growing, round(voice + rest - busy, 6), best, voice - best_score, heard - 1)

    def _of_incident(self, row: AlarmRow, opened: Opened, since_ms: int) -> float:
        again = row.kind in opened.kinds
        latched = self._weights.latched if again and row.kind in LATCHED_KINDS else 0.0
        age = self._voices.age(row.time_ms - opened.first.time_ms, again=again)
        return age + latched + self._voices.company(opened.rows_since(since_ms))

    def _terms(
        self, row: AlarmRow, found: _Scored, near: Mapping[str, int], busy: float
    ) -> tuple[Term, ...]:
        opened = found.growing.opened
        again = row.kind in opened.kinds
        age_ms = row.time_ms - opened.first.time_ms
        company = found.others + self._voices.company(len(opened.times))
        terms = [
            *self._voices.explain(found.best, row, near[found.best.zone]),
            Term(TermKind.COMPANY, company, found.heard),
            Term(TermKind.AGE, self._voices.age(age_ms, again=again), age_ms / MS),
        ]
        if again and row.kind in LATCHED_KINDS:
            terms.append(Term(TermKind.LATCHED, self._weights.latched))
        return (*terms, Term(TermKind.BUSY, -busy))


def link_rows(
    rows: Iterable[AlarmRow],
    site_map: SiteMap,
    weights: Weights = EXPERT,
    closed_ms: Mapping[str, int] = NOTHING_CLOSED,
    *,
    from_ms: int | None = None,
    placed: Mapping[str, str] = NOTHING_PLACED,
) -> tuple[LinkedIncident, ...]:
    """The incidents of one site, in order of their earliest rows.

    `closed_ms`: row id -> when a person resolved the incident that held it; such an incident takes no later row.
    `from_ms`: rows before are not linked; they only say how busy the site was, and those named in `placed` (row id -> any name
    of their incident) stand where they stood.
    """
    fold = Fold(site_map, weights, closed_ms)
    for row in sorted({row.id: row for row in rows}.values(), key=sort_key):
        if from_ms is None or row.time_ms >= from_ms:
            fold.step(row)
        elif row.id in placed:
            fold.place(row, placed[row.id])
        else:
            fold.count(row)
    return fold.incidents()
