"""The clocks of the desk: by when somebody must have acknowledged an incident. Pure; the table is the site's default.

Source  priorities and service times of `domain`, section 7.2.
"""

from typing import Final

from gatehouse_shared.out import IncidentState

ACKNOWLEDGE_WITHIN_S: Final[dict[str, int | None]] = {"P1": 30, "P2": 60, "P3": 300, "P4": None}
"""Seconds from opening to acknowledgement; P4 waits for the shift."""

UPDATE_WITHIN_S: Final[dict[str, int | None]] = {"P1": 300, "P2": 900, "P3": 3600, "P4": None}
"""Seconds from acknowledgement to the first word on how it goes."""


def due_ms(
    state: IncidentState, priority: str, opened_ms: int, acknowledged_ms: int | None
) -> int | None:
    """When the running clock of an incident ends, milliseconds since 1970; None when none runs."""
    if state is IncidentState.OPEN:
        within_s, from_ms = ACKNOWLEDGE_WITHIN_S[priority], opened_ms
    elif state is IncidentState.ACKNOWLEDGED and acknowledged_ms is not None:
        within_s, from_ms = UPDATE_WITHIN_S[priority], acknowledged_ms
    else:
        return None
    return None if within_s is None else from_ms + within_s * 1000
