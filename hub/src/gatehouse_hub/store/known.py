"""Rows whose number stands already: is it the same row again, another one under its key, or one that retention has taken?

Only numbers up to their lane's `top` can be there; for all others nobody looks.

    stored, same hash                              a duplicate
    stored, another hash                           the key was reused
    not stored, in a gap or in quarantine          new: the row came after all
    not stored, above `upto` and in no range       new: it fills a hole
    not stored, though accounted for by a row      retention took that row. If this one is as old, it is its duplicate or would be
                                                   gone with it: outlived. If it is younger, it cannot be that row: reused
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import events, outlived, progress
from gatehouse_hub.store.events import NewRow
from gatehouse_hub.store.partitions import keep_of
from gatehouse_hub.store.progress import OUTLIVED, Mark
from gatehouse_hub.values import EventKey, LaneKey


class Fate(StrEnum):
    """What becomes of a row whose number stands already."""

    DUPLICATE = "duplicate"
    REUSED = "reused"
    OUTLIVED = "outlived"


@dataclass(frozen=True, slots=True)
class Taken:
    """Retention took the row of this number; all rows that came before `before_ms` are gone."""

    before_ms: int


Known = str | Taken
"""What is known of a number: the hash of its row, or that the row was taken."""


def judge_again(row: NewRow, known: Known) -> Fate:
    """What a row is whose number stands already. Pure."""
    if isinstance(known, str):
        return Fate.DUPLICATE if known == row.sha256 else Fate.REUSED
    return Fate.OUTLIVED if row.corrected_ms < known.before_ms else Fate.REUSED


def find_known(
    tx: Transaction, marks: Mapping[LaneKey, Mark], rows: Sequence[NewRow]
) -> dict[EventKey, Known]:
    """What is known of the numbers of these rows; those that are new are left out. Their lanes are locked."""
    if not rows:
        return {}
    keys = sorted({row.key for row in rows})
    known: dict[EventKey, Known] = dict(
        events.hashes(tx, keys, max(row.arrived_ms for row in rows))
    )
    keep = {row.key: keep_of(row.key.lane, row.event.data) for row in rows}
    for key in keys:
        if key not in known and _was_taken(tx, marks, key):
            known[key] = Taken(outlived.load(tx, keep[key]))
    return known


def _was_taken(tx: Transaction, marks: Mapping[LaneKey, Mark], key: EventKey) -> bool:
    lane = key.of_lane
    reason = progress.range_over(tx, lane, key.seq)
    return reason == OUTLIVED or (reason is None and key.seq <= marks[lane].upto)
