"""Links recorded events: what `gatehouse-hub replay` does between reading a file and writing one. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gatehouse_hub.linking.linker import LinkedIncident, link_rows
from gatehouse_hub.linking.priority import judge
from gatehouse_hub.linking.released import released_weights
from gatehouse_hub.linking.rows import AlarmRow, row_of
from gatehouse_hub.linking.site_map import map_site
from gatehouse_hub.linking.weights import Weights
from gatehouse_hub.linking.words import describe_link, priority_words
from gatehouse_shared.events import HazardEvent
from gatehouse_shared.ids import parse_source
from gatehouse_shared.instants import format_instant, from_ms
from gatehouse_shared.offline import OfflineRow
from gatehouse_shared.site import Site


@dataclass(frozen=True, slots=True)
class ReplayedIncident:
    """One line of `replay`'s output. `reasons` says why, member by member, then why this urgent."""

    id: str
    site: str
    kind: str
    opened_at: str
    priority: str
    events: tuple[str, ...]
    reasons: tuple[str, ...]


def replay(
    lines: Iterable[OfflineRow], site: Site, weights: Weights | None = None
) -> tuple[ReplayedIncident, ...]:
    """The incidents of recorded events of one site, in order of time. Duplicates and other sites' events do not count.

    `weights` are those of this version where none are given.
    """
    site_map = map_site(site)
    rows: dict[str, AlarmRow] = {}
    peaks: dict[tuple[str, str, int], int] = {}
    for line in lines:
        at_site, gateway = parse_source(line.event.source)
        if at_site != site.site or not isinstance(line.event, HazardEvent):
            continue
        key = gateway, line.event.epoch, line.event.data.hazard
        peaks[key] = max(peaks.get(key, 1), line.event.data.grade)
        row = row_of(line.event, gateway, line.offset_ms, site_map)
        if row is not None:
            rows[row.id] = row
    found = [_at_peak(r, peaks[r.gateway, r.epoch, r.hazard]) for r in rows.values()]
    return tuple(
        _describe(site.site, incident)
        for incident in link_rows(found, site_map, weights or released_weights())
    )


def _at_peak(row: AlarmRow, grade: int) -> AlarmRow:
    return row if row.grade == grade else replace(row, grade=grade)


def _describe(site: str, incident: LinkedIncident) -> ReplayedIncident:
    judgement = judge(incident.rows)
    return ReplayedIncident(
        id=incident.id,
        site=site,
        kind=str(judgement.kind),
        opened_at=format_instant(from_ms(incident.rows[0].time_ms)),
        priority=judgement.priority,
        events=tuple(row.id for row in incident.rows),
        reasons=(
            *(describe_link(link, "en") for link in incident.links),
            *(f"{judgement.priority}: {priority_words(r, 'en')}" for r in judgement.reasons),
        ),
    )
