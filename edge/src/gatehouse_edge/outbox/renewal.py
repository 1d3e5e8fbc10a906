"""A new epoch in the file: its beginning, and what is said again in it. Inside a transaction of `Rows`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gatehouse_edge.outbox import trimming
from gatehouse_edge.outbox.hazards import STATE_KEY, read_hazards
from gatehouse_edge.outbox.moving import move
from gatehouse_edge.outbox.rows import Rows
from gatehouse_edge.outbox.salvage import Salvage
from gatehouse_edge.values import Draft, StreamMark
from gatehouse_shared.events import ClockState, Event, GapData, GapReason, HazardEvent
from gatehouse_shared.instants import parse_instant
from gatehouse_shared.names import Lane, Phase

MOVE_STEP: Final = 1_000
"""Bulk rows read at a time when they move to another epoch."""


def begin(rows: Rows, epoch: str, now: datetime, salvage: Salvage | None) -> None:
    """The first epoch of a new file; of a salvaged one, with what was lost and the hazards that are still open."""
    rows.open_epoch(epoch, now)
    if salvage is None:
        return
    for key, value in salvage.state.items():
        rows.keep_state(key, value)
    for lost in salvage.lost:
        count = lost.last - lost.first + 1
        gap = GapData(
            from_seq=lost.first,
            to_seq=lost.last,
            reason=GapReason.LOST,
            count=count,
            epoch=lost.epoch,
        )
        rows.add(Draft(lost.lane, now, gap), now, ClockState.SYNCED)
    _add_all(rows, _move_hazards(rows, (), ""), now)


def renew(
    rows: Rows, old: str, new: str, now: datetime, reissue: Sequence[tuple[Lane, int]]
) -> int:
    """Open epoch `new` and say in it all of `old` that was never acknowledged, and `reissue`. How many rows."""
    marks = [mark for mark in rows.marks() if mark.epoch == old]
    rows.open_epoch(new, now)
    for mark in marks:
        if mark.acked < mark.last:
            gap = GapData(
                from_seq=mark.acked + 1,
                to_seq=mark.last,
                reason=GapReason.EPOCH,
                count=0,
                epoch=old,
            )
            rows.add(Draft(mark.lane, now, gap), now, ClockState.SYNCED)
    again = [event for lane, seq in reissue if (event := rows.event(old, lane, seq))]
    count = _say_alarms(rows, again, old, marks, now) + _say_bulk(rows, again, now)
    for mark in marks:
        if mark.lane is Lane.BULK:
            after = mark.acked
            while step := rows.events_after(old, mark.lane, after, MOVE_STEP):
                count += _say_bulk(rows, [event for _, event in step], now)
                after = step[-1][0]
        trimming.close_lane(rows, old, mark.lane)
    return count


def say_again(rows: Rows, event: Event, epoch: str, now: datetime) -> int:
    """Say one row of a closed epoch again in the current one. How many rows that took."""
    return _say_alarms(rows, [event], epoch, (), now) + _say_bulk(rows, [event], now)


def _say_alarms(
    rows: Rows, again: Sequence[Event], old: str, marks: Sequence[StreamMark], now: datetime
) -> int:
    """All alarms of an old epoch at once, because the rows of a hazard must find each other."""
    found = {event.seq: event for event in again if isinstance(event, HazardEvent)}
    for mark in marks:
        if mark.lane is Lane.ALARM:
            waiting = rows.events_after(old, mark.lane, mark.acked, -1)
            found.update((seq, e) for seq, e in waiting if isinstance(e, HazardEvent))
    return _add_all(rows, _move_hazards(rows, [found[seq] for seq in sorted(found)], old), now)


def _say_bulk(rows: Rows, events: Sequence[Event], now: datetime) -> int:
    drafts = [
        Draft(e.lane, parse_instant(e.time), e.data, e.subject, e.clock)
        for e in events
        if not isinstance(e, HazardEvent) and not isinstance(e.data, GapData)
    ]
    return _add_all(rows, drafts, now)


def _add_all(rows: Rows, drafts: Sequence[Draft], now: datetime) -> int:
    for draft in drafts:
        rows.add(draft, now, ClockState.SYNCED)
    return len(drafts)


def _move_hazards(rows: Rows, alarms: Sequence[HazardEvent], old: str) -> tuple[Draft, ...]:
    drafts, hazards = move(
        alarms,
        lambda number: _raised(rows, old, number),
        read_hazards(rows.state(STATE_KEY)),
        epoch=rows.current,
        first=rows.mark(rows.current, Lane.ALARM).last + 1,
    )
    rows.keep_state(STATE_KEY, msgspec.json.encode(hazards))
    return drafts


def _raised(rows: Rows, epoch: str, number: int) -> HazardEvent | None:
    event = rows.event(epoch, Lane.ALARM, number)
    raised = isinstance(event, HazardEvent) and event.data.phase is Phase.RAISED
    return event if raised and isinstance(event, HazardEvent) else None
