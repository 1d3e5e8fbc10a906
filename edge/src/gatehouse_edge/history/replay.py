"""The rules of a site over what is kept: what they would have raised.

Exact    a replay under the parameters of then gives the hazards of then. Steps in which a rule has nothing open, no candidate and
         nothing true are taken without its trigger, which would not change; a test compares this with every step taken.
Groups   rules of presence in one zone share their raises, so they go together; every other rule goes alone.
Restart  a rule that had a hazard open goes on with what the agent keeps over a restart.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from gatehouse_edge.history.reading import BlockReader, Key, Looked, Resampled, Told, Unkept, Wish
from gatehouse_edge.rules.crowd_density import CrowdSense
from gatehouse_edge.rules.dwell import DwellSense
from gatehouse_edge.rules.lane_blocked import LaneSense
from gatehouse_edge.rules.observations import Moment, Observation, Tick, ZoneSignals
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.ruleset import RuleSet, RulesState
from gatehouse_edge.rules.source_stale import StaleSense
from gatehouse_edge.rules.trigger import Sample, TriggerState
from gatehouse_edge.values import Finding, ThermalSample, Tracks, ZoneCount
from gatehouse_shared.names import HazardClass, class_of

_PLAIN = (Tracks, Tick, ZoneSignals, ZoneCount, ThermalSample, Resampled, Unkept)
"""Everything else may bring orders and acknowledgements, and takes the whole step."""


@dataclass(frozen=True, slots=True)
class RecordedSense:
    """Says again what a rule found then."""

    rule: str

    def sense(
        self,
        memory: Memory,
        observation: Observation,
        now: Moment,  # noqa: ARG002 - what a Sense is given
    ) -> tuple[Memory, Sample | None]:
        """The sample that was kept with this observation."""
        if isinstance(observation, Looked):
            return memory, observation.samples.get(self.rule)
        if isinstance(observation, Resampled):
            return memory, observation.sample if observation.rule == self.rule else None
        return memory, None


def recorded(rules: RuleSet, by_sample: frozenset[str]) -> RuleSet:
    """The rules with samples of then in place of what cannot be looked at again; no views, no lines."""
    return RuleSet(
        rules={
            name: replace(rule, sense=RecordedSense(name)) if name in by_sample else rule
            for name, rule in rules.rules.items()
        }
    )


def groups(rules: RuleSet) -> tuple[frozenset[str], ...]:
    """Rules that must go together, in the order of the site file."""
    together: dict[str, set[str]] = {}
    for name, rule in rules.rules.items():
        about = rule.binding
        shared = class_of(about.kind) is HazardClass.PRESENCE
        together.setdefault(f"zone {about.zone}" if shared else name, set()).add(name)
    return tuple(frozenset(names) for names in together.values())


_MEMORYLESS = (RecordedSense, LaneSense, DwellSense)
_DEAF = (RecordedSense, LaneSense, DwellSense, CrowdSense)
"""Senses to which a tick says nothing; to all others every tick is told."""


@dataclass(slots=True)
class GroupReplay:
    """One group of rules on its way through the blocks. `exact` takes every step."""

    rules: RuleSet
    exact: bool = False
    state: RulesState = field(default_factory=RulesState)
    witness: Callable[[Moment, RulesState, RulesState], None] | None = None
    _idle: bool = True
    _minute: tuple[object, ...] = ()
    _last: Moment | None = None
    _memories: dict[str, Memory] = field(default_factory=dict[str, Memory])

    def block(self, block: BlockReader) -> Iterator[Finding]:
        """One block; what was said."""
        names = frozenset(self.rules.rules)
        devices = frozenset(
            device
            for rule in self.rules.rules.values()
            for device in (rule.binding.device, *rule.also_devices)
        )
        if not self.exact and self._sleeps(block):
            return
        wish = None if self.exact else self._wish(names, block)
        last: Key | None = None
        while True:
            for key, (now, seen) in block.entries(devices, wish, after=last):
                last, self._last = key, now
                if not self.exact and self._idle and self._quiet(now, seen):
                    continue
                yield from self._step(now, seen)
                if wish is not None and wish != self._wish(names, block):
                    break
            else:
                return
            # What it needs has changed with what it waits for.
            wish = self._wish(names, block)

    def _wish(self, names: frozenset[str], block: BlockReader) -> Wish | None:
        """Frames without signals matter only to rules by sample that wait, and round the end of a re-arm pause; ticks only to
        rules that sample them, and to timers.
        """
        rules = self.rules.rules
        if any(name not in self.state.rules for name in rules) or self._arms(block):
            return None
        zones = frozenset(rule.binding.zone for rule in rules.values())
        if self._idle and self._lives(block):
            return Wish(names, frozenset(), ticks=False, life=True)
        if self._idle:
            signals = not self._recorded()
            return Wish(names, zones, ticks=not self._deaf(), signals=signals)
        if self._recorded(any_of=True) or self._rearms(block):
            return None
        return Wish(names, zones)

    def _recorded(self, *, any_of: bool = False) -> bool:
        recorded = [isinstance(r.sense, RecordedSense) for r in self.rules.rules.values()]
        return any(recorded) if any_of else all(recorded)

    def _deaf(self) -> bool:
        """Whether a tick says nothing to these rules: their senses sample zones or samples of then."""
        return all(isinstance(r.sense, _DEAF) for r in self.rules.rules.values())

    def _sleeps(self, block: BlockReader) -> bool:
        """Whether these rules have nothing open, are not armed in this block, and have no memory of zones."""
        rules, states = self.rules.rules, self.state.rules
        if not self._idle or any(
            rule.arming is None or not isinstance(rule.sense, _MEMORYLESS) or name not in states
            for name, rule in rules.items()
        ):
            return False
        return not any(s.armed for s in states.values()) and not self._arms(block)

    def _lives(self, block: BlockReader) -> bool:
        """Whether all that these rules wait for is a silence, and there is none in this block."""
        return all(
            isinstance(rule.sense, StaleSense) and block.lives(rule.binding.device)
            for rule in self.rules.rules.values()
        )

    def _arms(self, block: BlockReader) -> bool:
        """Whether a rule is armed or disarmed in this block."""
        for name, rule in self.rules.rules.items():
            armed = self.state.rules[name].armed
            if rule.arming is not None and any(
                rule.arming.armed(now, armed) is not armed for now in block.ends
            ):
                return True
        return False

    def _rearms(self, block: BlockReader) -> bool:
        for name, state in self.state.rules.items():
            cleared_at, rearm_s = state.trigger.cleared_at, self.rules.rules[name].timing.rearm_s
            if cleared_at is not None and block.begin_at <= cleared_at + rearm_s <= block.end_at:
                return True
        return False

    def restart(self, now: Moment) -> Iterator[Finding]:
        """The agent was started anew."""
        if self._last is not None:
            self._settle()
            kept = self.rules.kept(self.state, self._last)
            self.state, ended = self.rules.resume(kept, now)
            self._idle, self._minute = self._is_idle(), ()
            yield from ended

    def _step(self, now: Moment, seen: Sequence[Told]) -> Iterator[Finding]:
        self._settle()
        before, findings = self.state, list[Finding]()
        rest = seen
        if not isinstance(seen[0], _PLAIN):
            self.state, judged = self.rules.step(self.state, seen[0], now)
            findings += judged.findings
            rest = seen[1:]
        if rest:
            self.state, judged = self.rules.hear(self.state, self._for_rules(rest), now)
            findings += judged.findings
        if self.witness is not None:
            self.witness(now, before, self.state)
        self._idle = self._is_idle()
        self._minute = self._minute_of(now)
        yield from findings

    def _for_rules(self, seen: Sequence[Told]) -> tuple[Observation, ...]:
        """Samples reach the rule they belong to only."""
        out: list[Observation] = []
        for one in seen:
            if isinstance(one, Resampled):
                rule = self.rules.rules.get(one.rule)
                if rule is not None:
                    out.append(cast("Observation", replace(one, device=rule.binding.device)))
            else:
                out.append(cast("Observation", one))
        return tuple(out)

    def _quiet(self, now: Moment, seen: Sequence[Told]) -> bool:
        """Whether nothing can come of these observations; memories are carried on."""
        if self._minute != self._minute_of(now):
            return False
        after: dict[str, Memory] = {}
        for name, rule in self.rules.rules.items():
            state = self.state.rules.get(name)
            if state is None:
                return False
            memory = self._memories.get(name, state.memory)
            for one in seen:
                if not isinstance(one, _PLAIN):
                    return False
                if not _concerns(rule, one):
                    continue
                memory, sample = rule.sense.sense(memory, cast("Observation", one), now)
                if sample is not None and any(sample.on) and (rule.arming is None or state.armed):
                    return False
            after[name] = memory
        self._memories = after
        return True

    def _settle(self) -> None:
        """Puts memories that were carried on into the state."""
        if self._memories:
            states = dict(self.state.rules)
            for name, memory in self._memories.items():
                states[name] = replace(states[name], memory=memory)
            self.state = replace(self.state, rules=states)
            self._memories = {}

    def _is_idle(self) -> bool:
        return all(_idle(s.trigger) for s in self.state.rules.values())

    def _minute_of(self, now: Moment) -> tuple[object, ...]:
        """Arming changes with the minute of the clock on the wall only, or with whether it is known."""
        time = now.time
        return time.minute, time.hour, time.day, now.time_known


def _idle(trigger: TriggerState) -> bool:
    return trigger.open is None and not any(s.active or s.runs for s in trigger.stages)


def _concerns(rule: Rule, one: Told) -> bool:
    if isinstance(one, Resampled):
        return one.rule == rule.binding.rule
    about = rule.binding
    device: str = getattr(one, "device", about.device)
    zone: str = getattr(one, "zone", about.zone)
    return zone == about.zone and (device == about.device or device in rule.also_devices)
