"""Alarms that look late, from gateways whose clock is not known: they wait a moment while the clock is asked for.

Whether a row is history is settled when it is stored, and a row of unknown offset never is. After an outage a gateway sends what
it kept in the moment in which it is back, before its clock can have been measured; without this wait all of it would call people.

Bounds  HOLD_S for each message, HELD_MESSAGES and HELD_BYTES together; what finds no room is stored as it is.
"""

from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ingest.inbox import Arrival
from gatehouse_hub.ingest.storing import Letter
from gatehouse_hub.values import HISTORICAL_MS
from gatehouse_shared.events import ClockState, HazardData
from gatehouse_shared.instants import parse_instant, to_ms

HOLD_S: Final = 3.0
HELD_MESSAGES: Final = 2_000
HELD_BYTES: Final = 16 * 1024 * 1024


def looks_late(letter: Letter) -> bool:
    """Whether an alarm in it would be history, could its gateway's clock be trusted."""
    if letter.sample is not None:
        return False
    return any(
        isinstance(event.data, HazardData)
        and event.clock is ClockState.SYNCED
        and letter.arrived_ms - to_ms(parse_instant(event.time)) - event.data.confirm_s * 1000
        > HISTORICAL_MS
        for event in (row.event for row in letter.reading.rows)
    )


@dataclass(frozen=True, slots=True)
class _Held:
    gateway: str
    arrival: Arrival
    until_s: float


class LateAlarms:
    """What waits. Used by the ingest thread only."""

    def __init__(self) -> None:
        self._held: list[_Held] = []
        self._bytes = 0

    def hold(self, gateway: str, arrival: Arrival, now_s: float) -> bool:
        """Keep a message for HOLD_S; False when there is no room."""
        size = len(arrival.payload)
        if len(self._held) >= HELD_MESSAGES or self._bytes + size > HELD_BYTES:
            return False
        self._held.append(_Held(gateway, arrival, now_s + HOLD_S))
        self._bytes += size
        return True

    def gateways(self) -> set[str]:
        """Whose messages wait."""
        return {held.gateway for held in self._held}

    def release(self, measured: set[str], now_s: float) -> list[Arrival]:
        """Messages of gateways whose clock is known by now, and those that have waited long enough; oldest first."""
        if not self._held:
            return []
        free = [h for h in self._held if h.gateway in measured or now_s >= h.until_s]
        if free:
            self._held = [h for h in self._held if h.gateway not in measured and now_s < h.until_s]
            self._bytes = sum(len(h.arrival.payload) for h in self._held)
        return [h.arrival for h in free]
