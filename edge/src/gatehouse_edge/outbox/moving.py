"""Taking rows to a new epoch: what was never acknowledged is said again under new numbers. Pure.

When    the outbox was rolled back (a restored card, a snapshot) or salvaged: its old epoch can have no more rows, because the hub
        already holds others under those numbers.
Hazards a hazard is named by (epoch, number of its raised row), so none can go on in another epoch. An update or a clear is
        preceded by its raised row said again, and what is still open is raised again: the hub links both to the same incident.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from gatehouse_edge.outbox.hazards import Hazards, OpenHazard
from gatehouse_edge.values import Draft
from gatehouse_shared.events import ClockState, HazardEvent
from gatehouse_shared.instants import parse_instant
from gatehouse_shared.names import Lane, Phase


@dataclass(slots=True)
class _Move:
    """One move under way: new numbers of hazards by their old ones."""

    first: int
    find: Callable[[int], HazardEvent | None]
    open: Mapping[int, OpenHazard]
    drafts: list[Draft] = field(default_factory=list[Draft])
    numbers: dict[int, int] = field(default_factory=dict[int, int])

    def add(self, event: HazardEvent) -> None:
        data = event.data
        if data.phase is Phase.RAISED:
            if data.hazard in self.numbers:
                return  # said already, for an update that came before it
            self.numbers[data.hazard] = self.first + len(self.drafts)
        elif data.hazard not in self.numbers:
            self.raise_again(data.hazard, event.clock)
            if data.hazard not in self.numbers:
                return  # nobody knows how it began; the gap of the old epoch accounts for the row
        moved = msgspec.structs.replace(data, hazard=self.numbers[data.hazard])
        self.drafts.append(Draft(Lane.ALARM, parse_instant(event.time), moved, clock=event.clock))

    def raise_again(self, number: int, clock: ClockState) -> None:
        known = self.find(number)
        if known is not None:
            self.add(known)
        elif number in self.open:
            still = self.open[number]
            self.numbers[number] = self.first + len(self.drafts)
            data = msgspec.structs.replace(still.began, hazard=self.numbers[number])
            self.drafts.append(Draft(Lane.ALARM, parse_instant(still.raised), data, clock=clock))


def move(
    rows: Sequence[HazardEvent],
    find: Callable[[int], HazardEvent | None],
    hazards: Hazards,
    *,
    epoch: str,
    first: int,
) -> tuple[tuple[Draft, ...], Hazards]:
    """Drafts that say `rows` again in `epoch`, whose alarm lane goes on at `first`, and the open hazards after them.

    `rows` are unacknowledged alarms of one old epoch in order; `find` gives a raised row of it that the file still holds.
    """
    old = {h.number: h for h in hazards.open if h.epoch != epoch}
    work = _Move(first, find, old)
    for event in rows:
        work.add(event)
    for number in old:
        if number not in work.numbers:
            work.raise_again(number, ClockState.SYNCED)
    still = tuple(
        h
        if h.epoch == epoch
        else msgspec.structs.replace(h, epoch=epoch, number=work.numbers[h.number])
        for h in hazards.open
    )
    return tuple(work.drafts), Hazards(still)
