"""From a block back to what the rules were told: moments with observations, in the order of then.

A camera's frames come back without tracks. What zones and rules said of them comes with them: signals and counts as
observations, samples of rules in `Looked` and `Resampled`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final, cast

from gatehouse_edge.history.block import EVERY, Block, Channel, Part, sums, truths
from gatehouse_edge.history.forms import (
    CENTI,
    EPOCH,
    Origin,
    count_of,
    from_ds,
    other_of,
    samples_of,
    signals_of,
    time_ds,
    to_cs,
    warmth_of,
)
from gatehouse_edge.history.writing import TICK
from gatehouse_edge.rules.observations import Moment, Observation, Tick
from gatehouse_edge.rules.trigger import Sample
from gatehouse_edge.values import ThermalSample, Tracks

LIFE_CS: Final = 90
"""Frames closer together than this are one sign of life."""
SILENCE_CS: Final = 190
"""No rule calls so short a time a silence."""
_TRACKS: Final = Tracks.__name__
_WARM: Final = ThermalSample.__name__
_MOMENT_ONLY: Final = frozenset({"PictureQuality", "FlameCue", "Passage"})


@dataclass(frozen=True, slots=True)
class Looked(Tracks):
    """A frame as it is kept: no tracks, but what rules found in them."""

    samples: Mapping[str, Sample] = field(default_factory=dict[str, Sample])


@dataclass(frozen=True, slots=True)
class Resampled:
    """What one rule found at an observation that is not kept."""

    rule: str
    sample: Sample
    device: str = ""


@dataclass(frozen=True, slots=True)
class Unkept:
    """Something was told of which only the moment is kept."""

    device: str


Told = Observation | Resampled | Unkept
Key = tuple[int, int, int]
"""Where an entry stands in its block: moment, part, entry."""
Seen = tuple[Moment, tuple[Told, ...]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What some rules need while they wait for nothing: the samples of `rules`, and ticks and zones or not."""

    rules: frozenset[str]
    zones: frozenset[str]
    ticks: bool = True
    signals: bool = True
    life: bool = False


class PartReader:
    """One part of a block, decoded; observations are made when they are asked for, once."""

    def __init__(self, part: Part, number: int, origin: Origin) -> None:
        kind, device, zone = (*part.code.split("/"), "", "")[:3]
        self.kind, self.device, self.zone, self.number = kind, device, zone, number
        self.at = sums(part.at)
        self._origin = origin
        self._part = part
        self._shift = sums(part.shift)
        self._lag = sums(part.lag)
        self._behind = sums(part.behind)
        self._known = truths(part.unknown, len(self.at)) if part.unknown else None
        self._values = _by_entry(part, len(self.at))
        self._tellings = [sums(entries) for entries in part.tellings]
        self._spoken = {
            entry
            for channel in part.channels
            if not channel.key.startswith("r/")
            for entry in self._entries(channel)
        }
        self._made: dict[int, Seen] = {}

    def __len__(self) -> int:
        return len(self.at)

    def telling(self, wish: Wish) -> Sequence[int]:
        """Entries that say something to rules that wait for nothing: of frames those with signals, those in which something
        was true for these rules, and those round a silence.
        """
        if self.kind == TICK:
            return range(len(self.at)) if wish.ticks else ()
        if self.kind != _TRACKS:
            return range(len(self.at))
        if wish.life:
            return (0, len(self.at) - 1)
        true = frozenset(self._true(wish.rules))
        if not wish.signals:
            return sorted(true)
        at, last = self.at, len(self.at) - 1
        spoken = true | self._spoken
        return [
            i
            for i in range(len(at))
            if i in spoken
            or i in (0, last)
            or at[i] - at[i - 1] > LIFE_CS
            or at[i + 1] - at[i] > LIFE_CS
        ]

    def _true(self, rules: frozenset[str]) -> Iterator[int]:
        """Entries in which something was true for one of these rules."""
        for channel in self._part.channels:
            kind, _, rule = channel.key.partition("/")
            if kind != "r" or rule not in rules:
                continue
            entries = self._entries(channel)
            starts = sums([after for after, _ in channel.changes])
            for n, (start, (_, value)) in enumerate(zip(starts, channel.changes, strict=True)):
                if any(sample[0] for sample in cast("list[list[int]]", value)):
                    yield from entries[start : starts[n + 1] if n + 1 < len(starts) else None]

    def _entries(self, channel: Channel) -> Sequence[int]:
        if channel.telling == EVERY:
            return range(len(self.at))
        return self._tellings[channel.telling]

    def moment(self, entry: int) -> Moment:
        """When an entry was told."""
        at_cs = self.at[entry] + self._origin.at_cs
        clock_cs = self.at[entry] + self._shift[entry] + self._origin.time_cs
        known = True if self._known is None else self._known[entry]
        return Moment(at_cs / 100, EPOCH + CENTI * clock_cs, known)

    def seen(self, entry: int, zones: frozenset[str] | None) -> Seen:
        """The moment and the observations of one entry, of these zones or all."""
        now, told = self._made.get(entry) or self._made.setdefault(entry, self._make(entry))
        if zones is None or self.kind != _TRACKS:
            return now, told
        return now, tuple(one for one in told if getattr(one, "zone", None) in (None, *zones))

    def _make(self, entry: int) -> Seen:
        origin, now = self._origin, self.moment(entry)
        values = self._values.get(entry, ())
        if self.kind == TICK:
            return now, (Tick(), *_resampled(values, now.time, origin))
        lag = self._lag[entry] if self._lag else 0
        seen_ds = time_ds(now.time) - lag
        time = from_ds(seen_ds)
        if self.kind == _TRACKS:
            return now, self._frame(values, now, time, seen_ds - origin.time_cs // 10)
        at = now.at if not self._behind else (to_cs(now.at) - self._behind[entry]) / 100
        return now, self._told(values, at, time)

    def _frame(
        self, values: Iterable[tuple[str, object]], now: Moment, time: datetime, seen: int
    ) -> tuple[Told, ...]:
        stamp = (now.at, time)
        told: list[Told] = []
        counts: list[Observation] = []
        first: dict[str, Sample] = {}
        more: list[Resampled] = []
        for key, value in values:
            kind, _, rest = key.partition("/")
            if kind == "s":
                told.append(signals_of(value, rest, self.device, stamp, seen))
            elif kind == "c":
                zone, _, label = rest.partition("/")
                counts.append(count_of(value, (zone, label), self.device, stamp))
            else:
                for sample in samples_of(value, time, self._origin):
                    if rest in first:
                        more.append(Resampled(rest, sample))
                    else:
                        first[rest] = sample
        frame = Looked(self.device, now.at, time, 16, 9, (), first)
        return (*told, *counts, frame, *more)

    def _told(
        self, values: Iterable[tuple[str, object]], at: float, time: datetime
    ) -> tuple[Told, ...]:
        out: list[Told] = []
        for key, value in values:
            if key:
                out += _resampled(((key, value),), time, self._origin)
            elif self.kind == _WARM:
                out.append(warmth_of(value, self.device, self.zone, at, time))
            else:
                out.append(other_of(self.kind, value, at, time))
        return (Unkept(self.device), *out) if self.kind in _MOMENT_ONLY else tuple(out)


class BlockReader:
    """A block, decoded part by part."""

    def __init__(self, block: Block) -> None:
        origin = Origin(block.at_cs, block.time_cs)
        self.parts = [PartReader(part, n, origin) for n, part in enumerate(block.parts)]
        self.ends = tuple(
            part.moment(entry) for part in self.parts if part.at for entry in (0, len(part) - 1)
        )
        last = self._last_cs = max((part.at[-1] for part in self.parts if part.at), default=0)
        self.begin_at, self.end_at = origin.at_cs / 100, (origin.at_cs + last) / 100
        self._ties = {at: _ranks(parts) for at, parts in block.ties}

    def lives(self, device: str) -> bool:
        """Whether a camera's frames come without a silence from end to end, and nothing else is said of it."""
        parts = [part for part in self.parts if part.device == device]
        if len(parts) != 1 or parts[0].kind != _TRACKS:
            return False
        at = [0, *parts[0].at, self._last_cs]
        return all(b - a < SILENCE_CS for a, b in pairwise(at))

    def entries(
        self,
        devices: frozenset[str],
        wish: Wish | None = None,
        *,
        after: Key | None = None,
    ) -> Iterator[tuple[Key, Seen]]:
        """What rules of these devices were told, in order. A wish leaves out what says nothing new to them."""
        chosen: list[tuple[int, int, int, PartReader]] = []
        for part in self.parts:
            if part.device and part.device not in devices:
                continue
            wanted = range(len(part)) if wish is None else part.telling(wish)
            chosen += self._ranked(part, wanted)
        chosen.sort(key=_by_moment)
        for item in chosen:
            key = item[:3]
            if after is None or key > after:
                yield key, item[3].seen(item[2], None if wish is None else wish.zones)

    def _ranked(
        self, part: PartReader, wanted: Sequence[int]
    ) -> Iterator[tuple[int, int, int, PartReader]]:
        at, number = part.at, part.number
        if not self._ties:
            for entry in wanted:
                yield at[entry], number, entry, part
            return
        for entry in wanted:
            ranks = self._ties.get(at[entry])
            rank = number
            if ranks is not None:
                before = sum(1 for other in at[:entry] if other == at[entry])
                rank = ranks[number][before]
            yield at[entry], rank, entry, part


def _by_moment(item: tuple[int, int, int, PartReader]) -> tuple[int, int, int]:
    return item[:3]


def _ranks(parts: list[int]) -> dict[int, list[int]]:
    ranks: dict[int, list[int]] = {}
    for rank, part in enumerate(parts):
        ranks.setdefault(part, []).append(rank)
    return ranks


def _resampled(
    values: Iterable[tuple[str, object]], seen: datetime, origin: Origin
) -> tuple[Resampled, ...]:
    return tuple(
        Resampled(key[2:], sample)
        for key, value in values
        for sample in samples_of(value, seen, origin)
    )


def _by_entry(part: Part, count: int) -> dict[int, list[tuple[str, object]]]:
    """What was said in each entry that said something: (key, value) in the order of the channels."""
    tellings = [sums(entries) for entries in part.tellings]
    out: dict[int, list[tuple[str, object]]] = {}
    for channel in part.channels:
        entries = range(count) if channel.telling == EVERY else tellings[channel.telling]
        for entry, value in zip(entries, _spread(channel, len(entries)), strict=True):
            out.setdefault(entry, []).append((channel.key, value))
    return out


def _spread(channel: Channel, count: int) -> Iterator[object]:
    starts = sums([after for after, _ in channel.changes])
    for n, (start, (_, value)) in enumerate(zip(starts, channel.changes, strict=True)):
        end = starts[n + 1] if n + 1 < len(starts) else count
        for _ in range(end - start):
            yield value
