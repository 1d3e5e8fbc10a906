"""Corrected time and lateness, by table."""

import pytest

from gatehouse_hub.values import (
    HISTORICAL_MS,
    CorrectedTime,
    Offset,
    Sample,
    TimeBasis,
    correct_time,
    is_historical,
)

AHEAD = Offset(4_000, 7)
HOUR_AHEAD = Offset(3_600_000, 20)


@pytest.mark.parametrize(
    ("stated_ms", "synced", "sample", "expected"),
    [
        (50_000, True, Sample(AHEAD, True), CorrectedTime(46_000, TimeBasis.MEASURED, AHEAD)),
        (50_000, False, Sample(AHEAD, False), CorrectedTime(46_000, TimeBasis.MEASURED, AHEAD)),
        (50_000, True, None, CorrectedTime(50_000, TimeBasis.STATED, None)),
        (50_000, True, Sample(AHEAD, False), CorrectedTime(50_000, TimeBasis.STATED, None)),
        (50_000, False, None, CorrectedTime(60_000, TimeBasis.RECEIVED, None)),
        (50_000, False, Sample(AHEAD, True), CorrectedTime(60_000, TimeBasis.RECEIVED, None)),
        (3_655_000, True, None, CorrectedTime(60_000, TimeBasis.STATED, None)),
        (
            3_655_000,
            True,
            Sample(HOUR_AHEAD, True),
            CorrectedTime(55_000, TimeBasis.MEASURED, HOUR_AHEAD),
        ),
    ],
)
def test_the_corrected_time(
    stated_ms: int, synced: bool, sample: Sample | None, expected: CorrectedTime
) -> None:
    assert correct_time(stated_ms, synced=synced, sample=sample, arrived_ms=60_000) == expected


@pytest.mark.parametrize(
    ("late_ms", "confirm_s", "basis", "historical"),
    [
        (HISTORICAL_MS, 0, TimeBasis.MEASURED, False),
        (HISTORICAL_MS + 1, 0, TimeBasis.MEASURED, True),
        (HISTORICAL_MS + 60_000, 60, TimeBasis.MEASURED, False),
        (HISTORICAL_MS + 60_001, 60, TimeBasis.MEASURED, True),
        (10 * HISTORICAL_MS, 0, TimeBasis.STATED, False),
        (0, 0, TimeBasis.RECEIVED, False),
    ],
)
def test_historical_is_late_from_confirmation_and_never_with_an_unknown_clock(
    late_ms: int, confirm_s: int, basis: TimeBasis, historical: bool
) -> None:
    corrected = CorrectedTime(0, basis, None)
    assert is_historical(corrected, confirm_s=confirm_s, arrived_ms=late_ms) is historical
