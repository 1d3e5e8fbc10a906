"""A rule: something that is sensed at one zone by one device, a trigger, and hours at which it is armed.

Every kind of rule is a `Sense`; the trigger machine and the arming are the same for all. Pure: the caller owns the time and
carries the state. `kept` is the part of it that may be written down, a small msgspec struct: memories of senses hold tracks,
and tracks are never written.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol

from gatehouse_edge.errors import TimeWentBackError
from gatehouse_edge.rules.observations import Acknowledged, Moment, Observation
from gatehouse_edge.rules.schedule import Arming
from gatehouse_edge.rules.trigger import (
    Change,
    Kept,
    Sample,
    Timing,
    TriggerState,
    advance,
    cleared,
    kept,
    resumed,
)
from gatehouse_edge.values import Finding
from gatehouse_shared.names import HazardKind, Phase


@dataclass(frozen=True, slots=True)
class Memory:
    """What a sense remembers between steps; each kind has its own. Dies with the process."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Which rule of the site file this is, and what it watches."""

    rule: str
    kind: HazardKind
    zone: str
    device: str


class Sense(Protocol):
    """What is so now. None when the observation says nothing about it. Must forget what a bound does not cover."""

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Take in one observation of this rule's device and zone; give back memory and a sample per stage."""
        ...


@dataclass(frozen=True, slots=True)
class RuleState:
    """What one rule remembers. Start from `RuleState()`. `armed_from` is when it was last armed."""

    at: float = float("-inf")
    trigger: TriggerState = field(default_factory=TriggerState)
    memory: Memory = Memory()
    armed: bool | None = None
    armed_from: Moment | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a site, ready to step. `arming` is None for kinds that hold at any hour.

    `also_devices`: other devices whose readings it hears, such as the readers at a door.
    """

    binding: Binding
    timing: Timing
    sense: Sense
    arming: Arming | None = None
    also_devices: frozenset[str] = frozenset()

    def step(
        self, state: RuleState, observation: Observation, now: Moment
    ) -> tuple[RuleState, tuple[Finding, ...]]:
        """Take in one observation, or only the time. TimeWentBackError when `now.at` is before the last step."""
        if now.at < state.at:
            raise TimeWentBackError(
                f"step at {now.at:.3f} s after one at {state.at:.3f} s", place=self.binding.rule
            )
        state = self._armed(replace(state, at=now.at), now)
        memory, sample = state.memory, None
        if self._concerns(observation):
            memory, sample = self.sense.sense(memory, observation, now)
        if self.arming is not None:
            sample = self._armed_sample(state, sample, now)
        trigger, change = advance(self.timing, state.trigger, sample, now)
        if change is None and self._ends_latch(observation):
            trigger, change = cleared(trigger, now)
        after = replace(state, trigger=trigger, memory=memory)
        return after, () if change is None else (self._finding(change),)

    def kept(self, state: RuleState, now: Moment) -> Kept:
        """What may be written down."""
        return kept(state.trigger, now, state.armed)

    def resumed(self, was: Kept, now: Moment) -> RuleState:
        """The state after a restart; an open hazard is updated or cleared within a minute."""
        return RuleState(at=now.at, trigger=resumed(self.timing, was, now), armed=was.armed)

    def _armed(self, state: RuleState, now: Moment) -> RuleState:
        if self.arming is None:
            return state
        armed = self.arming.armed(now, state.armed)
        if not armed:
            return replace(state, armed=False, armed_from=None)
        return replace(state, armed=True, armed_from=state.armed_from or now)

    def _armed_sample(self, state: RuleState, sample: Sample | None, now: Moment) -> Sample | None:
        """Nothing is true while disarmed, and nothing began before it was armed."""
        if not state.armed:
            never = tuple(False for _ in self.timing.stages)
            return Sample(now.time, never, never)
        if sample is None or sample.since is None or state.armed_from is None:
            return sample
        if sample.since.at >= state.armed_from.at:
            return sample
        return replace(sample, since=state.armed_from)

    def _concerns(self, observation: Observation) -> bool:
        device: str = getattr(observation, "device", self.binding.device)
        zone: str = getattr(observation, "zone", self.binding.zone)
        heard = device == self.binding.device or device in self.also_devices
        return heard and zone == self.binding.zone

    def _ends_latch(self, observation: Observation) -> bool:
        if not isinstance(observation, Acknowledged) or not self.timing.latched:
            return False
        return observation.at_site and observation.rule == self.binding.rule

    def _finding(self, change: Change) -> Finding:
        about, facts = self.binding, change.facts
        further = change.count_raises if change.phase is Phase.UPDATED else 0
        return Finding(
            rule=about.rule,
            zone=about.zone,
            device=about.device,
            kind=about.kind,
            phase=change.phase,
            time=change.time,
            confirm_s=change.confirm_s,
            grade=change.grade,
            confidence=facts.confidence,
            # A hazard of presence was armed when it was raised, also when disarming ends it.
            armed=self.arming is not None,
            count=facts.count,
            measure=facts.measure,
            count_raises=further or None,
            reason=facts.reason,
        )
