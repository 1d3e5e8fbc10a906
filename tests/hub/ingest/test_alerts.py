"""When the hub raises, repeats and clears what it says of a gateway itself."""

import pytest

from gatehouse_hub.ingest.alerts import (
    REPEAT_MS,
    AlertStep,
    OpenAlert,
    decide_clock,
    decide_offline,
)
from gatehouse_hub.values import Offset, Presence

FRESH, OLD = OpenAlert(1_000_000), OpenAlert(1_000_000 - REPEAT_MS)
NOW_MS = 1_000_000


@pytest.mark.parametrize(
    ("presence", "alert", "step"),
    [
        (Presence.OFFLINE, None, AlertStep.RAISE),
        (Presence.OFFLINE, FRESH, AlertStep.NONE),
        (Presence.OFFLINE, OLD, AlertStep.UPDATE),
        (Presence.ONLINE, FRESH, AlertStep.CLEAR),
        (Presence.ONLINE, None, AlertStep.NONE),
        (Presence.UNKNOWN, None, AlertStep.NONE),
        (Presence.UNKNOWN, FRESH, AlertStep.NONE),
    ],
)
def test_offline(presence: Presence, alert: OpenAlert | None, step: AlertStep) -> None:
    assert decide_offline(presence, alert, NOW_MS) is step


@pytest.mark.parametrize(
    ("offset", "alert", "step"),
    [
        (None, None, AlertStep.NONE),
        (None, FRESH, AlertStep.NONE),
        (None, OLD, AlertStep.UPDATE),
        (Offset(5_000, 0), None, AlertStep.NONE),
        (Offset(5_001, 0), None, AlertStep.RAISE),
        (Offset(-5_001, 0), None, AlertStep.RAISE),
        (Offset(5_001, 1), None, AlertStep.NONE),
        (Offset(3_600_000, 20), FRESH, AlertStep.NONE),
        (Offset(3_600_000, 20), OLD, AlertStep.UPDATE),
        (Offset(5_000, 1), FRESH, AlertStep.NONE),
        (Offset(4_999, 1), FRESH, AlertStep.CLEAR),
    ],
)
def test_clock(offset: Offset | None, alert: OpenAlert | None, step: AlertStep) -> None:
    assert decide_clock(offset, alert, NOW_MS) is step
