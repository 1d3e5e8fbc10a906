"""What recomputation changes: which stored incident a cluster of rows is, what is new, what is left empty. Pure.

Rule 1  an incident keeps its id as long as any of its rows keeps it together.
Rule 2  an incident that a person has acknowledged or resolved is never emptied: its rows stay, and a merge is proposed.
Rule 3  ties go to the incident that opened first, so that the same rows and acts always give the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gatehouse_hub.linking.linker import Link, LinkedIncident


@dataclass(frozen=True, slots=True)
class Stored:
    """An incident as it stands: `touched` when a person has acted on it. `members` are ids of raised rows."""

    id: str
    opened_ms: int
    touched: bool
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Amended:
    """An incident as it shall stand. `links` in order of time."""

    id: str
    links: tuple[Link, ...]
    computed: LinkedIncident
    is_new: bool


@dataclass(frozen=True, slots=True)
class Emptied:
    """A stored incident whose rows are all in another one; `proposed` when it stands and a merge is only proposed."""

    id: str
    into: str
    proposed: bool


def amend(
    computed: Sequence[LinkedIncident], stored: Sequence[Stored]
) -> tuple[tuple[Amended, ...], tuple[Emptied, ...]]:
    """Match clusters to stored incidents: those that people touched first, then by the row that gave the id, then by overlap.

    A cluster that holds the row some incident is named after always finds a name, so no row is ever left out.
    """
    ids = [{row.id for row in incident.rows} for incident in computed]
    pairs = sorted(
        (not s.touched, s.id not in rows, -len(s.members & rows), s.opened_ms, s.id, index)
        for s in stored
        for index, rows in enumerate(ids)
        if s.members & rows
    )
    by_cluster: dict[int, str] = {}
    taken: set[str] = set()
    for _, _, _, _, name, index in pairs:
        if index not in by_cluster and name not in taken:
            by_cluster[index] = name
            taken.add(name)
    left = [s for s in stored if s.id not in taken]
    kept = {row for s in left if s.touched for row in s.members}
    amended: list[Amended] = []
    owner: dict[str, str] = {}
    used = {s.id for s in stored}
    for index, incident in enumerate(computed):
        fresh = next((row.id for row in incident.rows if row.id not in used), None)
        keep = by_cluster.get(index, fresh)
        links = tuple(link for link in incident.links if link.row.id not in kept)
        if keep is None or not links:
            continue
        used.add(keep)
        owner.update((row.id, keep) for row in incident.rows)
        amended.append(Amended(keep, links, incident, index not in by_cluster))
    emptied = tuple(
        Emptied(s.id, into, s.touched)
        for s in left
        if (into := next((owner[m] for m in sorted(s.members) if m in owner), None)) is not None
    )
    return tuple(amended), emptied
