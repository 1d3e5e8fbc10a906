"""Registered numbers: which counts, windows and delays may be written, so that a number says no more than it must.

A count is 0, `lt10`, 10-99 exactly, and above that two significant digits: finer than any camera counts, and few enough values
that a bulk row cannot carry a message beside its meaning (the free-bits budget of ADR 0002).
"""

from bisect import bisect_right
from typing import Annotated, Final, Literal

from msgspec import Meta

from gatehouse_shared.names import LT10, SMALL_COUNT, SMALL_COUNT_LABELS, HazardClass, Label

COUNT_MAX: Final = 9_900
Count = Annotated[int, Meta(ge=0, le=COUNT_MAX)] | Literal["lt10"]
"""A released count."""

CONFIRM_STEPS_S: Final[dict[HazardClass, tuple[int, ...]]] = {
    HazardClass.THING: tuple(range(601)),
    HazardClass.CROWD: (0, 1, 10, 15, 30, 60, 120),
    HazardClass.PRESENCE: (
        *(0, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60),
        *(90, 120, 150, 180, 240, 300, 360, 420, 480, 600),
    ),
    HazardClass.HELP: (0, 1, 2, 5, 10, 20, 30, 45, 60, 90),
}
"""Seconds from the first true sample to confirmation that may be written, per class."""

COUNT_WINDOWS_S: Final = (10, 60, 900)
FLOW_WINDOWS_S: Final = (
    *(10, 20, 30, 40, 50),
    *range(60, 3_601, 60),
    *range(4_500, 86_401, 900),
)
"""Lengths a flow window may have: whole minutes up to an hour, then quarters; tens of seconds in pinch zones."""


def round_count(count: int) -> int:
    """The nearest registered number: exact below 100, then two significant digits, at most 9,900.

    >>> [round_count(n) for n in (7, 99, 104, 105, 1249, 123_456)]
    [7, 99, 100, 110, 1200, 9900]
    """
    step = 1
    while count // step >= 100:
        step *= 10
    return min((count + step // 2) // step * step, COUNT_MAX) if step > 1 else count


def is_registered_count(count: int) -> bool:
    """Whether `count` may be written as it is."""
    return 0 <= count <= COUNT_MAX and round_count(count) == count


def release_count(label: Label, count: int) -> Count:
    """What may leave the gateway of a count: one to nine persons, bicycles or motorcycles become `lt10`."""
    if label in SMALL_COUNT_LABELS and 0 < count < SMALL_COUNT:
        return LT10
    return round_count(count)


def floor_confirm(hazard_class: HazardClass, confirm_s: float) -> int:
    """The largest registered delay not above `confirm_s`."""
    steps = CONFIRM_STEPS_S[hazard_class]
    return steps[max(0, bisect_right(steps, int(confirm_s)) - 1)]


def floor_flow_window(elapsed_s: int) -> int:
    """The longest registered flow window not above `elapsed_s`; 0 when even the shortest is longer."""
    at = bisect_right(FLOW_WINDOWS_S, elapsed_s)
    return FLOW_WINDOWS_S[at - 1] if at else 0
