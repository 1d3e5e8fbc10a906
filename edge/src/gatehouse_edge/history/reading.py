"""From a block back to what the rules were told: moments with observations, in the order of then.

A camera's frames come back without tracks. What zones and rules said of them comes with them: signals and counts as
observations, samples of rules in `Looked` and `Resampled`. Parts are unpacked, channels spread and observations made when they
are asked for, once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Final, cast

import msgspec

from gatehouse_edge.history.block import EVERY, Block, Channel, Part, head, sums, truths, unpacked
from gatehouse_edge.history.ears import FRAMES, Ears
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
from gatehouse_edge.rules.observations import Moment, Observation, Tick, ZoneSignals
from gatehouse_edge.rules.trigger import Sample
from gatehouse_edge.values import ThermalSample, Tracks, ZoneCount

LIFE_CS: Final = 90
"""Frames closer together than this are one sign of life."""
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


class ChannelReader:
    """One channel of a part: in which entries it spoke, and what it said there. `made`: what came of it, by entry."""

    def __init__(self, channel: Channel, entries: Sequence[int]) -> None:
        self.kind, _, self.rest = channel.key.partition("/")
        self.entries = entries
        self._starts = sums([after for after, _ in channel.changes])
        self._values = [value for _, value in channel.changes]
        self.made: dict[int, object] = {}

    @cached_property
    def values(self) -> Mapping[int, object]:
        """By entry."""
        spread: list[object] = []
        for (start, end), value in zip(self._runs(), self._values, strict=True):
            spread += [value] * (end - start)
        return dict(zip(self.entries, spread, strict=True))

    def last_of_each(self) -> Iterator[int]:
        """The last entry of each stretch in which it said the same."""
        return (self.entries[end - 1] for _, end in self._runs() if end)

    @cached_property
    def true(self) -> Sequence[int]:
        """Of samples: entries in which something was true."""
        return self._where(lambda value: any(sample[0] for sample in value))

    @cached_property
    def sampled(self) -> Sequence[int]:
        """Of samples: entries that hold some."""
        return self._where(bool)

    def _where(self, wanted: Callable[[list[list[int]]], object]) -> Sequence[int]:
        out: list[int] = []
        for (start, end), value in zip(self._runs(), self._values, strict=True):
            if wanted(cast("list[list[int]]", value)):
                out += self.entries[start:end]
        return out

    def _runs(self) -> Iterable[tuple[int, int]]:
        return pairwise([*self._starts, len(self.entries)])


class PartReader:
    """One part of a block."""

    def __init__(self, raw: msgspec.Raw, number: int, origin: Origin) -> None:
        kind, device, zone = (*head(raw).code.split("/"), "", "")[:3]
        self.kind, self.device, self.zone, self.number = kind, device, zone, number
        self._raw, self._origin = raw, origin

    @cached_property
    def _part(self) -> Part:
        return unpacked(self._raw)

    @cached_property
    def at(self) -> list[int]:
        """Moments of the entries, in hundredths from the block's beginning."""
        return sums(self._part.at)

    @cached_property
    def channels(self) -> tuple[ChannelReader, ...]:
        """In the order in which they spoke."""
        tellings = [sums(entries) for entries in self._part.tellings]
        every = range(len(self.at))
        return tuple(
            ChannelReader(c, every if c.telling == EVERY else tellings[c.telling])
            for c in self._part.channels
        )

    @cached_property
    def _shift(self) -> list[int]:
        return sums(self._part.shift)

    @cached_property
    def _lag(self) -> list[int]:
        return sums(self._part.lag) or [0] * len(self.at)

    @cached_property
    def _behind(self) -> list[int]:
        return sums(self._part.behind) or [0] * len(self.at)

    @cached_property
    def _known(self) -> list[bool]:
        return truths(self._part.unknown, len(self.at))

    @property
    def time_is_known(self) -> bool:
        """Whether it was in every entry."""
        return not self._part.unknown

    @cached_property
    def longest_pause_cs(self) -> int:
        """The longest time without an entry between two."""
        return max((b - a for a, b in pairwise(self.at)), default=0)

    def moment(self, entry: int) -> Moment:
        """When an entry was told."""
        at_cs = self.at[entry] + self._origin.at_cs
        clock_cs = self.at[entry] + self._shift[entry] + self._origin.time_cs
        return Moment(at_cs / 100, EPOCH + CENTI * clock_cs, self._known[entry])

    def heard(self, ears: Ears) -> tuple[ChannelReader, ...]:
        """The channels that these ears hear."""
        if self.kind not in (FRAMES, TICK) and ears.hears(self.kind, self.zone):
            return self.channels
        return tuple(c for c in self.channels if _heard(c, ears))

    def wanted(self, ears: Ears, *, idle: bool) -> Sequence[int]:
        """Entries that these ears must hear. `idle`: of samples only those in which something was true."""
        every = range(len(self.at))
        if self.kind == TICK and (ears.ticks or not idle):
            return every
        if self.kind not in (FRAMES, TICK) and ears.hears(self.kind, self.zone):
            return every
        out: set[int] = set()
        for channel in self.heard(ears):
            if channel.kind != "r":
                out.update(channel.entries)
            else:
                out.update(channel.true if idle else channel.sampled)
        if self.kind == FRAMES and ears.life:
            out.update(self._alive())
        return sorted(out)

    def _alive(self) -> Iterator[int]:
        """The first and the last sign of life, and those round a pause."""
        at, last = self.at, len(self.at) - 1
        for i in range(last + 1):
            if i in (0, last) or at[i] - at[i - 1] > LIFE_CS or at[i + 1] - at[i] > LIFE_CS:
                yield i

    def seen(self, entry: int, channels: Iterable[ChannelReader], *, bare: bool = True) -> Seen:
        """The moment and the observations of one entry in these channels; `bare`: with the frame, whatever was said of it."""
        now = self.moment(entry)
        said = [c for c in channels if entry in c.values]
        if self.kind == TICK:
            return now, (Tick(), *self._resampled(said, entry, now.time))
        seen_ds = time_ds(now.time) - self._lag[entry]
        time = from_ds(seen_ds)
        if self.kind == FRAMES:
            return now, self._frame(said, entry, (now, time, seen_ds), bare=bare)
        at = (to_cs(now.at) - self._behind[entry]) / 100
        own = [self._other(c, entry, at, time) for c in said if c.kind != "r"]
        told = (*own, *self._resampled(said, entry, time))
        return now, (Unkept(self.device), *told) if self.kind in _MOMENT_ONLY or not told else told

    def _frame(
        self,
        said: Iterable[ChannelReader],
        entry: int,
        stamp: tuple[Moment, datetime, int],
        *,
        bare: bool,
    ) -> tuple[Told, ...]:
        now, time, seen_ds = stamp
        told: list[Told] = []
        counts: list[Observation] = []
        first: dict[str, Sample] = {}
        more: list[Resampled] = []
        for channel in said:
            if channel.kind == "s":
                told.append(self.signals(channel, entry, (now.at, time), seen_ds))
            elif channel.kind == "c":
                counts.append(self._count(channel, entry, (now.at, time)))
            else:
                bare = True
                for sample in self._samples(channel, entry, time):
                    if channel.rest in first:
                        more.append(Resampled(channel.rest, sample))
                    else:
                        first[channel.rest] = sample
        frame = (Looked(self.device, now.at, time, 16, 9, (), first),) if bare else ()
        return (*told, *counts, *frame, *more)

    def signals(
        self, channel: ChannelReader, entry: int, stamp: tuple[float, datetime], seen_ds: int
    ) -> ZoneSignals:
        """The signals of one zone in one entry."""
        made = channel.made.get(entry)
        if made is None:
            seen = seen_ds - self._origin.time_cs // 10
            made = channel.made[entry] = signals_of(
                channel.values[entry], channel.rest, self.device, stamp, seen
            )
        return cast("ZoneSignals", made)

    def _count(
        self, channel: ChannelReader, entry: int, stamp: tuple[float, datetime]
    ) -> ZoneCount:
        made = channel.made.get(entry)
        if made is None:
            zone, _, label = channel.rest.partition("/")
            value = channel.values[entry]
            made = channel.made[entry] = count_of(value, (zone, label), self.device, stamp)
        return cast("ZoneCount", made)

    def _samples(self, channel: ChannelReader, entry: int, seen: datetime) -> tuple[Sample, ...]:
        made = channel.made.get(entry)
        if made is None:
            made = channel.made[entry] = samples_of(channel.values[entry], seen, self._origin)
        return cast("tuple[Sample, ...]", made)

    def _other(self, channel: ChannelReader, entry: int, at: float, time: datetime) -> Observation:
        made = channel.made.get(entry)
        if made is None:
            value = channel.values[entry]
            made = channel.made[entry] = (
                warmth_of(value, self.device, self.zone, at, time)
                if self.kind == _WARM
                else other_of(self.kind, value, at, time)
            )
        return cast("Observation", made)

    def _resampled(
        self, said: Iterable[ChannelReader], entry: int, seen: datetime
    ) -> tuple[Resampled, ...]:
        return tuple(
            Resampled(c.rest, sample)
            for c in said
            if c.kind == "r"
            for sample in self._samples(c, entry, seen)
        )


class View:
    """The parts of a block that are about some devices, or about none."""

    def __init__(self, parts: Sequence[PartReader], ties: Mapping[int, dict[int, list[int]]]):
        self.parts, self._ties = parts, ties
        ends = [part.moment(entry) for part in parts if part.at for entry in (0, len(part.at) - 1)]
        self.ends = ends
        self.begin_at = min((end.at for end in ends), default=0.0)
        self.last = max(ends, key=_at, default=None)
        self.end_at = 0.0 if self.last is None else self.last.at

    def entries(
        self, ears: Ears | None = None, *, idle: bool = False, after: Key | None = None
    ) -> Iterator[tuple[Key, Seen]]:
        """What was told, in order; without ears everything."""
        chosen: list[tuple[int, int, int]] = []
        channels = [p.channels if ears is None else p.heard(ears) for p in self.parts]
        by_place: dict[tuple[int, int, int], int] = {}
        for n, part in enumerate(self.parts):
            wanted = range(len(part.at)) if ears is None else part.wanted(ears, idle=idle)
            for place in self._ranked(part, wanted):
                if after is None or place > after:
                    chosen.append(place)
                    by_place[place] = n
        chosen.sort()
        bare = ears is None or ears.life
        for place in chosen:
            n = by_place[place]
            yield place, self.parts[n].seen(place[2], channels[n], bare=bare)

    def _ranked(self, part: PartReader, wanted: Sequence[int]) -> Iterator[Key]:
        at, number = part.at, part.number
        for entry in wanted:
            ranks = self._ties.get(at[entry])
            rank = number
            if ranks is not None:
                before = sum(1 for other in at[:entry] if other == at[entry])
                rank = ranks[number][before]
            yield at[entry], rank, entry


class BlockReader:
    """A block; views of it are made once for each set of devices."""

    def __init__(self, block: Block) -> None:
        origin = Origin(block.at_cs, block.time_cs)
        self._parts = [PartReader(raw, n, origin) for n, raw in enumerate(block.parts)]
        self._ties = {at: _ranks(parts) for at, parts in block.ties}
        self._views: dict[frozenset[str], View] = {}

    def view(self, devices: frozenset[str]) -> View:
        """What these devices said, and what is about none."""
        known = self._views.get(devices)
        if known is None:
            parts = [p for p in self._parts if not p.device or p.device in devices]
            known = self._views[devices] = View(parts, self._ties)
        return known


def _heard(channel: ChannelReader, ears: Ears) -> bool:
    if channel.kind == "r":
        return channel.rest in ears.samples
    if channel.kind == "s":
        return ears.signals and channel.rest in ears.zones
    return ears.counts and channel.rest.partition("/")[0] in ears.zones


def _ranks(parts: list[int]) -> dict[int, list[int]]:
    ranks: dict[int, list[int]] = {}
    for rank, part in enumerate(parts):
        ranks.setdefault(part, []).append(rank)
    return ranks


def _at(moment: Moment) -> float:
    return moment.at
