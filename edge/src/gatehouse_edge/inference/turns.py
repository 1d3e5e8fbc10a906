"""Whose frame the model sees next. Pure: seats and the time in, a camera and the reason out.

    floor      a camera whose floor is due goes first, the one that is late by the most seconds before the others
    priority   else the highest priority that waits
    late       among those the one that is furthest behind its target, in frames

Nobody starves: who waits long enough falls due by its floor, and then lateness alone counts. A camera has one look at a time and
one frame that waits, its newest. What a camera did not want while nothing happened there is not owed to it later.
Bounds  a seat is a few numbers; one for each camera.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

_EPSILON_S: Final = 1e-9


class Priority(StrEnum):
    """How much a camera's looks matter once all floors are kept."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


_RANKS: Final = {Priority.LOW: 0, Priority.NORMAL: 1, Priority.HIGH: 2}


class TurnReason(StrEnum):
    """Why this camera, for logs and tests."""

    ONLY = "only"
    FLOOR = "floor"
    PRIORITY = "priority"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a camera is to get: looks a second as a target and at least, both above 0, the least not above the target."""

    rate_fps: float
    floor_fps: float
    priority: Priority = Priority.NORMAL

    def __post_init__(self) -> None:
        if not 0 < self.floor_fps <= self.rate_fps:
            raise ValueError(f"need 0 < floor {self.floor_fps} <= rate {self.rate_fps}")


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one camera stands. `floor_due` and `target_due`: when its next look is due, in seconds of one clock.

    `waits`: a frame of it is there; `looking`: one is being looked at; `number`: that of its last turn among all turns, 0 before
    its first.
    """

    wish: Wish
    floor_due: float
    target_due: float
    waits: bool = False
    looking: bool = False
    number: int = 0

    def offered(self, now: float) -> Seat:
        """A frame of it waits, its first or a newer one."""
        if self.waits:
            return self
        return replace(
            self,
            waits=True,
            floor_due=max(self.floor_due, now),
            target_due=max(self.target_due, now),
        )

    def taken(self, now: float, number: int) -> Seat:
        """Its turn has come, the `number`th of all. A look that came late makes the next due no later; no more is made up for."""
        return replace(
            self,
            waits=False,
            looking=True,
            number=number,
            floor_due=_after(self.floor_due, 1 / self.wish.floor_fps, now),
            target_due=_after(self.target_due, 1 / self.wish.rate_fps, now),
        )

    def done(self) -> Seat:
        """Its look is over."""
        return replace(self, looking=False)

    def dropped(self) -> Seat:
        """Its frame waits no more."""
        return replace(self, waits=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """Who is next, and why."""

    camera: str
    reason: TurnReason


def new_seat(wish: Wish, now: float) -> Seat:
    """The seat of a camera that comes: its first look is due at once."""
    return Seat(wish, now, now)


def next_turn(seats: Mapping[str, Seat], now: float) -> Turn | None:
    """Who is next at `now`; None only when nobody can be: no frame waits but of cameras that are being looked at."""
    ready = {name: seat for name, seat in seats.items() if seat.waits and not seat.looking}
    if not ready:
        return None
    if len(ready) == 1:
        return Turn(next(iter(ready)), TurnReason.ONLY)
    due = [name for name, seat in ready.items() if seat.floor_due <= now + _EPSILON_S]
    if due:
        late = min(due, key=lambda n: (ready[n].floor_due, ready[n].number, n))
        return Turn(late, TurnReason.FLOOR)
    top = max(_RANKS[seat.wish.priority] for seat in ready.values())
    best = [name for name, seat in ready.items() if _RANKS[seat.wish.priority] == top]
    behind = min(best, key=lambda n: (-_behind(ready[n], now), ready[n].number, n))
    return Turn(behind, TurnReason.LATE if len(best) == len(ready) else TurnReason.PRIORITY)


def _behind(seat: Seat, now: float) -> float:
    """Frames by which a camera is behind its target; below 0 while it is ahead."""
    return (now - seat.target_due) * seat.wish.rate_fps


def _after(due: float, period_s: float, now: float) -> float:
    """The next due moment: a period on, but neither past already nor more than a period ahead."""
    return min(max(due + period_s, now), now + period_s)
