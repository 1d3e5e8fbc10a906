"""Gathers a minute of what the rules were told into a block. Pure: the recorder owns the time.

Bounds  ENTRIES_MAX entries a block: a flood ends the minute early.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Final

from gatehouse_edge.history.block import (
    EVERY,
    VERSION,
    Block,
    Channel,
    Part,
    Said,
    flips,
    packed,
    steps,
)
from gatehouse_edge.history.forms import (
    Origin,
    other_value,
    sample_value,
    signals_value,
    time_cs,
    time_ds,
    to_cs,
    warmth_value,
)
from gatehouse_edge.ports import Heard
from gatehouse_edge.rules.observations import FlameCue, Observation, PictureQuality, Tick
from gatehouse_edge.rules.quantum import heard, whole
from gatehouse_edge.rules.trigger import Sample
from gatehouse_edge.values import Passage, ThermalSample, Tracks
from gatehouse_shared.instants import to_ms

ENTRIES_MAX: Final = 20_000
TICK: Final = "tick"
_NO_VALUE: Final = (Tracks, PictureQuality, FlameCue, Passage, Tick)
"""Of these only the moment is kept."""


@dataclass(slots=True)
class _Channel:
    entries: list[int] = field(default_factory=list[int])
    changes: list[tuple[int, object]] = field(default_factory=list[tuple[int, object]])
    last: object = None

    def say(self, entry: int, value: object) -> None:
        if not self.entries or value != self.last:
            self.changes.append((len(self.entries), value))
            self.last = value
        self.entries.append(entry)


@dataclass(slots=True)
class _Part:
    code: str
    at: list[int] = field(default_factory=list[int])
    shift: list[int] = field(default_factory=list[int])
    lag: list[int] = field(default_factory=list[int])
    behind: list[int] = field(default_factory=list[int])
    known: list[bool] = field(default_factory=list[bool])
    channels: dict[str, _Channel] = field(default_factory=dict[str, _Channel])

    def say(self, key: str, value: object) -> None:
        self.channels.setdefault(key, _Channel()).say(len(self.at) - 1, value)

    def built(self) -> Part:
        tellings: list[list[int]] = []
        channels: list[Channel] = []
        for key, channel in self.channels.items():
            telling = EVERY
            if len(channel.entries) != len(self.at):
                if channel.entries not in tellings:
                    tellings.append(channel.entries)
                telling = tellings.index(channel.entries)
            counts = steps([count for count, _ in channel.changes])
            changes = [(c, v) for c, (_, v) in zip(counts, channel.changes, strict=True)]
            channels.append(Channel(key, telling, changes))
        return Part(
            code=self.code,
            at=steps(self.at),
            shift=steps(self.shift),
            lag=steps(self.lag) if any(self.lag) else [],
            behind=steps(self.behind) if any(self.behind) else [],
            unknown=flips(self.known),
            tellings=[steps(entries) for entries in tellings],
            channels=channels,
        )


class BlockWriter:
    """One minute under way. `by_sample`: rules whose samples are kept, with their devices."""

    def __init__(self, by_sample: Mapping[str, frozenset[str]]) -> None:
        self._by_sample = by_sample
        self._parts: dict[str, _Part] = {}
        self._order: list[tuple[int, int]] = []
        self._origin: Origin | None = None
        self._said: list[Said] = []

    def __len__(self) -> int:
        return len(self._order)

    @property
    def full(self) -> bool:
        """Whether the minute must end early."""
        return len(self._order) >= ENTRIES_MAX

    @property
    def at_s(self) -> float | None:
        """When it began on the timeline."""
        return None if self._origin is None else self._origin.at_cs / 100

    def take(self, step: Heard) -> None:
        """One step of the rules."""
        now, observation = whole(step.now), heard(step.observation)
        at, clock = to_cs(now.at), time_cs(now.time)
        origin = self._origin = self._origin or Origin(at, clock)
        code = code_of(observation)
        part = self._parts.setdefault(code, _Part(code))
        seen: datetime = getattr(observation, "time", now.time)
        part.at.append(at - origin.at_cs)
        part.shift.append(clock - at - (origin.time_cs - origin.at_cs))
        part.lag.append(time_ds(now.time) - time_ds(seen))
        behind = 0 if isinstance(observation, _NO_VALUE) else at - to_cs(_at(observation, now.at))
        part.behind.append(behind)
        part.known.append(now.time_known)
        self._order.append((at, list(self._parts).index(code)))
        self._say_values(part, observation, step, origin)
        self._say_samples(part, observation, step, seen)
        for finding in step.judged.findings:
            self._said.append(
                Said(
                    finding.rule,
                    finding.kind.value,
                    finding.zone,
                    finding.phase.value,
                    to_ms(finding.time),
                    finding.grade,
                    finding.drill,
                    finding.reason[:120],
                )
            )

    def built(self) -> Block | None:
        """The block; None where nothing was told."""
        if self._origin is None:
            return None
        return Block(
            version=VERSION,
            at_cs=self._origin.at_cs,
            time_cs=self._origin.time_cs,
            parts=[packed(part.built()) for part in self._parts.values()],
            ties=_ties(self._order, self._origin.at_cs),
            said=self._said,
        )

    def _say_values(
        self, part: _Part, observation: Observation, step: Heard, origin: Origin
    ) -> None:
        if isinstance(observation, ThermalSample):
            part.say("", warmth_value(observation))
        elif not isinstance(observation, _NO_VALUE):
            part.say("", other_value(observation))
        if isinstance(observation, Tracks):
            for signals in step.judged.signals:
                part.say(f"s/{signals.zone}", signals_value(signals, origin))
            for count in step.judged.counts:
                part.say(f"c/{count.zone}/{count.label}", count.count)

    def _say_samples(
        self, part: _Part, observation: Observation, step: Heard, seen: datetime
    ) -> None:
        """Samples of the rules that this observation may have made speak; an empty list where they said nothing."""
        assert self._origin is not None
        device: str | None = getattr(observation, "device", None)
        found: dict[str, list[Sample]] = {}
        for rule, sample in step.judged.samples:
            if rule in self._by_sample:
                found.setdefault(rule, []).append(sample)
        for rule, devices in self._by_sample.items():
            if device in devices or rule in found:
                samples = found.get(rule, [])
                part.say(f"r/{rule}", sample_value(samples, seen, self._origin))


def code_of(observation: Observation) -> str:
    """The part of a block that an observation belongs to."""
    if isinstance(observation, Tick):
        return TICK
    kind = type(observation).__name__
    device: str = getattr(observation, "device", "")
    zone: str = getattr(observation, "zone", "")
    return "/".join((kind, device, zone))


def _at(observation: Observation, now_at: float) -> float:
    at: float = getattr(observation, "at", now_at)
    return at


def _ties(order: list[tuple[int, int]], start_cs: int) -> list[tuple[int, list[int]]]:
    """Moments of several entries that did not come in the order of their parts."""
    ties: list[tuple[int, list[int]]] = []
    for at, group in groupby(order, key=itemgetter(0)):
        parts = [part for _, part in group]
        if parts != sorted(parts):
            ties.append((at - start_cs, parts))
    return ties
