"""A rule: something that is sensed at one zone by one device, a trigger, and hours at which it is armed.

Every kind of rule is a `Sense`; the trigger machine and the arming are the same for all. Pure: the caller owns the time and
carries the state. `kept` is the part of it that may be written down, a small msgspec struct: memories of senses hold tracks,
and tracks are never written.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import msgspec

from gatehouse_edge.errors import TimeWentBackError
from gatehouse_edge.rules.observations import Acknowledged, Moment, Observation
from gatehouse_edge.rules.orders import Order
from gatehouse_edge.rules.schedule import Arming, OpenHours
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
    """What one rule remembers. Start from `RuleState()`.

    `free_from` is when it was last armed, or an order ended: nothing that it raises began before. `sample` is what was so at
    the last step, before arming had its say. `raised_under` is the order under which its open hazard was raised.
    """

    at: float = float("-inf")
    trigger: TriggerState = field(default_factory=TriggerState)
    memory: Memory = Memory()
    armed: bool | None = None
    free_from: Moment | None = None
    sample: Sample | None = None
    raised_under: Order = Order.NORMAL


@dataclass(frozen=True, slots=True)
class Told:
    """What one step of a rule gave: findings for the wire, and what is hidden from it while under maintenance."""

    findings: tuple[Finding, ...] = ()
    hidden: tuple[Finding, ...] = ()


NOTHING_TOLD: Final = Told()
"""What most steps give."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a site, ready to step. `arming` is None for kinds that hold at any hour.

    `also_devices`: other devices whose readings it hears, such as the readers at a door. `momentary`: what it senses is an
    event and not a state, so the end of a drill forgets it. `level`: storey of the zone, for kinds that say a place.
    """

    binding: Binding
    timing: Timing
    sense: Sense
    arming: Arming | OpenHours | None = None
    also_devices: frozenset[str] = frozenset()
    momentary: bool = False
    level: int = 0

    def step(
        self, state: RuleState, observation: Observation, now: Moment
    ) -> tuple[RuleState, tuple[Finding, ...]]:
        """Take in one observation, or only the time. TimeWentBackError when `now.at` is before the last step."""
        state, told = self.step_under(Order.NORMAL, state, observation, now)
        return state, told.findings

    def step_under(
        self, order: Order, state: RuleState, observation: Observation, now: Moment
    ) -> tuple[RuleState, Told]:
        """The same under an order. What another order opened ends first, and is raised anew if it is still true."""
        if now.at < state.at:
            raise TimeWentBackError(
                f"step at {now.at:.3f} s after one at {state.at:.3f} s", place=self.binding.rule
            )
        state, ended = self._freed(state, order, now)
        state = self._armed(state, now)
        memory, sensed = state.memory, None
        if self._concerns(observation):
            memory, sensed = self.sense.sense(memory, observation, now)
        sample = sensed
        if self.arming is not None and not state.armed:
            never = tuple(False for _ in self.timing.stages)
            sample = Sample(now.time, never, never)
        trigger, change = advance(self.timing, state.trigger, _since(state, sample), now)
        if change is None and self._ends_latch(observation):
            trigger, change = cleared(trigger, now)
        # Made whole: `replace` for each part was a third of what rules cost.
        after = RuleState(
            now.at, trigger, memory, state.armed, state.free_from, sensed, state.raised_under
        )
        if change is None:
            return after, Told(ended) if ended else NOTHING_TOLD
        return self._spoken(after, change, order, ended)

    def kept(self, state: RuleState, now: Moment) -> Kept:
        """What may be written down."""
        was = kept(state.trigger, now, state.armed)
        return msgspec.structs.replace(was, under=state.raised_under)

    def resumed(self, was: Kept, now: Moment) -> RuleState:
        """The state after a restart; an open hazard is updated or cleared within a minute."""
        trigger = resumed(self.timing, was, now)
        return RuleState(at=now.at, trigger=trigger, armed=was.armed, raised_under=was.under)

    def _freed(
        self, state: RuleState, order: Order, now: Moment
    ) -> tuple[RuleState, tuple[Finding, ...]]:
        """The end of what was raised under an order that holds no more; what is still true begins now."""
        under, trigger = state.raised_under, state.trigger
        if trigger.open is None or under in (Order.NORMAL, order):
            return state, ()
        over, change = cleared(trigger, now)
        memory = Memory() if self.momentary else state.memory
        fresh = replace(
            state,
            trigger=TriggerState(raises=over.raises),
            memory=memory,
            free_from=now,
            raised_under=Order.NORMAL,
        )
        if change is None or under is Order.HIDDEN:
            return fresh, ()
        facts = replace(change.facts, reason="the drill is over")
        return fresh, (replace(self._finding(replace(change, facts=facts)), drill=True),)

    def _spoken(
        self, state: RuleState, change: Change, order: Order, ended: tuple[Finding, ...]
    ) -> tuple[RuleState, Told]:
        """A raise belongs to the order it came under, and what follows belongs to its raise."""
        raised = change.phase is Phase.RAISED
        under = order if raised else state.raised_under
        finding = self._finding(change)
        if change.phase is Phase.CLEARED:
            state = replace(state, raised_under=Order.NORMAL)
        elif raised:
            state = replace(state, raised_under=order)
        if under is not Order.HIDDEN:
            return state, Told((*ended, replace(finding, drill=under is Order.DRILL)))
        if raised:
            # Nobody was told, so it does not wear out the zone's six raises an hour.
            trigger = replace(state.trigger, raises=state.trigger.raises[:-1])
            state = replace(state, trigger=trigger)
        return state, Told(ended, (finding,) if raised else ())

    def _armed(self, state: RuleState, now: Moment) -> RuleState:
        if self.arming is None:
            return state
        armed = self.arming.armed(now, state.armed)
        if armed is state.armed:
            return state
        if armed and not state.armed:
            # Nothing began before it was armed.
            return replace(state, armed=True, free_from=now)
        return replace(state, armed=armed)

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
            armed=isinstance(self.arming, Arming),
            count=facts.count,
            measure=facts.measure,
            place_m=None if facts.place_m is None else (*facts.place_m, self.level),
            count_raises=further or None,
            reason=facts.reason,
        )


def _since(state: RuleState, sample: Sample | None) -> Sample | None:
    """The sample, begun at the earliest when the rule became free to speak."""
    if sample is None or sample.since is None or state.free_from is None:
        return sample
    return (
        sample if sample.since.at >= state.free_from.at else replace(sample, since=state.free_from)
    )
