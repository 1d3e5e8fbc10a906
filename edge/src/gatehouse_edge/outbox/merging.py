"""Count windows that wait become fewer and longer: tens of seconds and minutes become their quarter of an hour. Pure.

Says      nothing that its parts did not say: the longer window is worked out from their released numbers alone. `lt10` stays
          `lt10`, unless windows of ten and more carry the mean over ten; then it weighs as five, the middle of one to nine. 0 is
          never made. Where the release rules gave a quiet quarter its own window, that one stands and its minutes go.
Numbers   mean over time, weighted by window and coverage, half up, then registered steps; the largest `max`; coverage and quality
          as shares of the quarter, floored to twentieths like those of the parts.
Leaves    quarters whose windows overlap (the clock was set back), and those where it would save too little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gatehouse_shared.counts import Count, release_count
from gatehouse_shared.events import ClockState, CountData
from gatehouse_shared.names import LT10, SMALL_COUNT, SMALL_COUNT_LABELS, Label

QUARTER_S: Final = 900
MOST_LEFT: Final = 0.8
"""A quarter is merged only where rows and gaps after it are no more than this share of the rows before."""
_TWENTIETHS: Final = 20
_LT10_AS: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """A waiting count row: its number, when its window began (seconds since 1970), what it says."""

    seq: int
    start_s: int
    data: CountData


@dataclass(frozen=True, slots=True)
class Merged:
    """What stands for the parts: the row under the number `seq`, and the numbers that are gone."""

    seq: int
    data: CountData
    gone: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Whose windows may be joined: one zone, device and label, under one state of the clock."""

    zone: str
    device: str
    label: Label
    clock: ClockState


def quarter_of(start_s: int) -> int:
    """Where the quarter of an hour begins that a window lies in."""
    return start_s // QUARTER_S * QUARTER_S


def merge(parts: Sequence[Part]) -> Merged | None:
    """One window for those of one series in one quarter; None where they are left as they are."""
    if len(parts) < 2:
        return None
    whole = [part for part in parts if part.data.window_s == QUARTER_S]
    if whole:
        return _stand_in(whole, [part for part in parts if part.data.window_s != QUARTER_S])
    spans = sorted((part.start_s, part.start_s + part.data.window_s) for part in parts)
    if any(a[1] > b[0] for a, b in pairwise(spans)):
        return None
    first, *rest = sorted(parts, key=lambda part: part.seq)
    return Merged(first.seq, _joined([p.data for p in parts]), tuple(part.seq for part in rest))


def saves(parts: int, windows: int, gaps: int) -> bool:
    """Whether `windows` rows and `gaps` instead of `parts` rows are worth writing."""
    return windows + gaps <= parts * MOST_LEFT


def _stand_in(whole: Sequence[Part], minutes: Sequence[Part]) -> Merged | None:
    """The window of a quiet quarter says all that its minutes say."""
    quiet = len(whole) == 1 and whole[0].data.max in (0, LT10)
    if not quiet or any(part.data.max != LT10 for part in minutes):
        return None
    return Merged(whole[0].seq, whole[0].data, tuple(sorted(part.seq for part in minutes)))


def _joined(parts: Sequence[CountData]) -> CountData:
    label = parts[0].label
    known = [part.window_s * part.coverage for part in parts]
    total = sum(known)
    weights = known if total else [part.window_s for part in parts]
    return CountData(
        zone=parts[0].zone,
        device=parts[0].device,
        label=label,
        window_s=QUARTER_S,
        mean=_mean(label, [part.mean for part in parts], weights),
        max=max((part.max for part in parts), key=_order),
        coverage=min(_TWENTIETHS, total // QUARTER_S),
        quality=sum(w * p.quality for w, p in zip(weights, parts, strict=True)) // sum(weights),
    )


def _mean(label: Label, means: Sequence[Count], weights: Sequence[int]) -> Count:
    total = sum(weights)
    area = sum(weight * _order(mean) for weight, mean in zip(weights, means, strict=True))
    mean = (2 * area + total) // (2 * total)
    if label not in SMALL_COUNT_LABELS:
        return release_count(label, mean)
    return release_count(label, mean) if mean >= SMALL_COUNT else LT10


def _order(count: Count) -> int:
    return _LT10_AS if isinstance(count, str) else count
