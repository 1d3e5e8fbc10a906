"""A linker's turn: claim sites with new rows, link each again from its last quiet moment, save what changed, tell.

Everything happens in one transaction, so a crash leaves the sites to be claimed again. The same rows, acts and weights give the
same incidents, however often and in whatever order they came.
"""

from dataclasses import dataclass, field, replace

from gatehouse_hub.errors import StoreUnavailableError, TurnFailedError
from gatehouse_hub.flows.telling import tell
from gatehouse_hub.flows.unreadable import open_unreadable
from gatehouse_hub.linking.amend import Amended, amend
from gatehouse_hub.linking.busyness import REACH_MS
from gatehouse_hub.linking.linker import NearMiss, link_rows
from gatehouse_hub.linking.priority import judge
from gatehouse_hub.linking.quiet import RECOMPUTE_MAX_MS, restart_ms
from gatehouse_hub.linking.released import released_weights
from gatehouse_hub.linking.rows import AlarmRow, row_of
from gatehouse_hub.linking.score import Term
from gatehouse_hub.linking.site_map import SiteMap, map_site
from gatehouse_hub.linking.summary import summarise
from gatehouse_hub.linking.weights import Weights
from gatehouse_hub.linking.words import describe_link, describe_near_miss, priority_words
from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import sites, work
from gatehouse_hub.store.incidents import (
    IncidentRow,
    RaisedRow,
    StoredLink,
    StoredReason,
    Story,
    add_act,
    any_presence,
    earliest_raised,
    latest_act,
    mark_merged,
    raised_rows,
    raised_times,
    resolved_rows,
    save_incident,
    stored_incidents,
)
from gatehouse_hub.store.site_shelf import SiteShelf
from gatehouse_shared.names import HazardClass
from gatehouse_shared.site import Site

_SENSITIVE = (HazardClass.PRESENCE, HazardClass.HELP, HazardClass.CROWD, HazardClass.THING)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn did: `changed` are ids of incidents that are new or other than before; `presence` if class P is among them."""

    site: str
    changed: tuple[str, ...]
    opened: tuple[str, ...]
    presence: bool = False


@dataclass(frozen=True, slots=True)
class Linker:
    """Who links, with what: a name that tells linkers apart, the site files at hand, the weights."""

    name: str = "linker"
    shelf: SiteShelf = field(default_factory=SiteShelf)
    weights: Weights = field(default_factory=released_weights)


def take_turns(tx: Transaction, now_ms: int, limit: int, linker: Linker) -> list[Turn]:
    """Link up to `limit` sites, those that have waited longest; none when none waits.

    Raises TurnFailedError when one of them cannot be linked by a defect of ours: roll back, postpone it, take the others again.
    """
    claimed = work.claim(tx, limit, now_ms)
    if not claimed:
        return []
    versions = sites.versions_now(tx, [p.site for p in claimed])
    files = linker.shelf.take(tx, versions.items())
    turns: list[Turn] = []
    for pending in claimed:
        site = files.get((pending.site, versions.get(pending.site, 0)))
        turns.append(_take(tx, pending, site, now_ms, linker.weights))
    work.finish(tx, [p.site for p in claimed], linker.name)
    return turns


def take_turn(tx: Transaction, now_ms: int) -> Turn | None:
    """Link the site that has waited longest; None when none waits."""
    turns = take_turns(tx, now_ms, 1, Linker())
    return turns[0] if turns else None


def _take(
    tx: Transaction, pending: work.Pending, site: Site | None, now_ms: int, weights: Weights
) -> Turn:
    if site is None:
        return Turn(pending.site, (), ())
    try:
        return _link(tx, pending, site, now_ms, weights)
    except StoreUnavailableError:
        raise
    except Exception as error:
        raise TurnFailedError(pending.site) from error


def _link(
    tx: Transaction, pending: work.Pending, site: Site, now_ms: int, weights: Weights
) -> Turn:
    oldest_ms = max(
        earliest_raised(tx, pending.site, pending.oldest_ms),
        pending.oldest_ms - RECOMPUTE_MAX_MS,
    )
    times = raised_times(tx, pending.site, oldest_ms - RECOMPUTE_MAX_MS)
    from_ms = restart_ms(times, oldest_ms, weights.window_s)
    raised = {row.event.id: row for row in raised_rows(tx, pending.site, from_ms - REACH_MS)}
    site_map = map_site(site)
    rows = [_alarm_row(row, site_map) for row in raised.values()]
    closed = resolved_rows(tx, pending.site, from_ms)
    computed = link_rows(rows, site_map, weights, closed, from_ms=from_ms)
    amended, emptied = amend(computed, stored_incidents(tx, pending.site, from_ms))
    changed = list(open_unreadable(tx, site, pending.oldest_ms))
    for incident in amended:
        members = [raised[link.row.id] for link in incident.links]
        if save_incident(tx, _incident_row(incident, members, site, weights), members):
            changed.append(incident.id)
    for empty in emptied:
        if not empty.proposed:
            mark_merged(tx, empty.id, empty.into)
        elif latest_act(tx, empty.id, "merge_proposed") != empty.into:
            add_act(tx, empty.id, now_ms, "merge_proposed", None, empty.into)
        changed.append(empty.id)
    tell(tx, changed, now_ms)
    opened = tuple(a.id for a in amended if a.is_new)
    return Turn(pending.site, tuple(changed), opened, any_presence(tx, changed))


def _alarm_row(row: RaisedRow, site_map: SiteMap) -> AlarmRow:
    found = row_of(row.event, row.gateway, 0, site_map)
    if found is None:  # raised_rows gives raised hazards only
        raise AssertionError(row.event.id)
    return replace(found, time_ms=row.corrected_ms, grade=row.grade)


def _incident_row(
    incident: Amended, members: list[RaisedRow], site: Site, weights: Weights
) -> IncidentRow:
    rows = [link.row for link in incident.links]
    judgement = judge(rows)
    names = {zone.id: {str(k): v for k, v in zone.name.items()} for zone in site.zones}
    summary_en, summary_zh = summarise(rows, names)
    classes = {row.hazard_class for row in rows}
    return IncidentRow(
        id=incident.id,
        site=site.site,
        kind=str(judgement.kind),
        hazard_class=next(c for c in _SENSITIVE if c in classes),
        zone=judgement.zone,
        zones=tuple(sorted({row.zone for row in rows})),
        priority=judgement.priority,
        opened_ms=rows[0].time_ms,
        updated_ms=rows[-1].time_ms,
        drill=rows[0].drill,
        historical=all(member.historical for member in members),
        summary_en=summary_en,
        summary_zh=summary_zh,
        weights=weights.version,
        story=Story(
            links=tuple(
                StoredLink(
                    link.row.id,
                    link.to.id,
                    _thousandths(link.score),
                    _reasons(describe_link(link, "en"), describe_link(link, "zh-CN"), link.terms),
                )
                for link in incident.links
                if link.to is not None
            ),
            near_misses=tuple(_near_miss(miss, rows[0]) for miss in incident.computed.near_misses),
            urgency=tuple(
                StoredReason(str(r), {}, priority_words(r, "en"), priority_words(r, "zh-CN"))
                for r in judgement.reasons
            ),
        ),
    )


def _near_miss(miss: NearMiss, row: AlarmRow) -> StoredLink:
    english = describe_near_miss(miss, row.kind, "en")
    chinese = describe_near_miss(miss, row.kind, "zh-CN")
    return StoredLink(
        row.id, miss.to.id, _thousandths(miss.score), _reasons(english, chinese, miss.terms)
    )


def _reasons(english: str, chinese: str, terms: tuple[Term, ...]) -> tuple[StoredReason, ...]:
    """The sentence people read, with what each term weighed for those who ask."""
    weighed: dict[str, str | int | float] = {str(t.kind): round(t.weight, 2) for t in terms}
    return (StoredReason("link", weighed, english, chinese),)


def _thousandths(score: float) -> int:
    return round(score * 1000)
