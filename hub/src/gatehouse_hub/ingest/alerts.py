"""What the hub itself raises about a gateway: that it is gone, or that its clock is wrong. Pure.

Each is raised once, said again well within the half hour after which a hazard is only last known, and cleared when it is over.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_hub.values import Offset, Presence

CLOCK_LIMIT_MS: Final = 5_000
REPEAT_MS: Final = 9 * 60_000
"""A hazard is told of at least every ten minutes."""


class AlertStep(StrEnum):
    """What to write."""

    NONE = "none"
    RAISE = "raise"
    UPDATE = "update"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """A hazard of ours that is not cleared, and when we last wrote of it."""

    told_ms: int


def decide_offline(presence: Presence, alert: OpenAlert | None, now_ms: int) -> AlertStep:
    """`device_offline` of a gateway."""
    if presence is Presence.OFFLINE:
        return _hold(alert, now_ms)
    return AlertStep.CLEAR if alert and presence is Presence.ONLINE else AlertStep.NONE


def decide_clock(offset: Offset | None, alert: OpenAlert | None, now_ms: int) -> AlertStep:
    """`clock_offset` of a gateway: raised when surely beyond the limit, cleared when surely within, kept while unknown."""
    if offset is None:
        return AlertStep.NONE if alert is None else _hold(alert, now_ms)
    if abs(offset.offset_ms) - offset.uncertainty_ms > CLOCK_LIMIT_MS:
        return _hold(alert, now_ms)
    if alert is None:
        return AlertStep.NONE
    within = abs(offset.offset_ms) + offset.uncertainty_ms <= CLOCK_LIMIT_MS
    return AlertStep.CLEAR if within else _hold(alert, now_ms)


def _hold(alert: OpenAlert | None, now_ms: int) -> AlertStep:
    if alert is None:
        return AlertStep.RAISE
    return AlertStep.UPDATE if now_ms - alert.told_ms >= REPEAT_MS else AlertStep.NONE
