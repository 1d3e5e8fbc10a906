"""The rules of a site over what is kept: what they would have raised.

Exact    a replay under the parameters of then gives the hazards of then. Steps in which a rule has nothing open, no candidate
         and nothing true are taken without its trigger, which would not change, and what it does not hear is left out; a test
         compares this with every step taken.
Groups   rules of presence in one zone share their raises, so they go together; every other rule goes alone.
Restart  a rule that had a hazard open goes on with what the agent keeps over a restart.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from gatehouse_edge.history.ears import (
    FRAMES,
    MEMORYLESS,
    ORDER_NAMES,
    ORDERS,
    Ears,
    RecordedSense,
    ears_of,
)
from gatehouse_edge.history.reading import BlockReader, Key, PartReader, Resampled, Told, View
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.ruleset import RuleSet, RulesState
from gatehouse_edge.rules.source_stale import StaleMemory, StaleSense
from gatehouse_edge.rules.trigger import HOUR_S, TriggerState
from gatehouse_edge.values import Finding, SourceDown
from gatehouse_shared.names import HazardClass, class_of

SILENCE_S: Final = 1.9
"""No rule calls so short a time a silence."""
_DOWN: Final = SourceDown.__name__


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
    _ears: Ears = field(init=False)
    _devices: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """What the group hears is the same in every block."""
        rules = list(self.rules.rules.values())
        self._ears = ears_of(rules)
        self._devices = frozenset(
            device for rule in rules for device in (rule.binding.device, *rule.also_devices)
        )

    def block(self, block: BlockReader) -> Iterator[Finding]:
        """One block; what was said."""
        view = block.view(self._devices)
        if view.last is None:
            return
        whole = self.exact or self._unsettled(view)
        if whole or not (self._idle and self._sleeps(view)):
            yield from self._through(view, whole=whole)
        self._last = view.last

    def _through(self, view: View, *, whole: bool) -> Iterator[Finding]:
        """Every entry that these rules must hear; `whole`: every one."""
        after: Key | None = None
        while True:
            idle = self._idle
            ears = None if whole or (not idle and self._timed(view)) else self._ears
            for key, (now, seen) in view.entries(ears, idle=idle, after=after):
                after = key
                if not self.exact and self._idle and self._quiet(now, seen, whole=whole):
                    continue
                yield from self._step(now, seen)
                if ears is not None and (self._idle is not idle or self._timed(view)):
                    break
            else:
                return
            # What it must hear has changed with what it waits for.

    def _unsettled(self, view: View) -> bool:
        """Whether a rule begins, is armed or disarmed in these minutes, or the time becomes known: then it hears everything."""
        for name, rule in self.rules.rules.items():
            state = self.state.rules.get(name)
            if state is None:
                return True
            arming, armed = rule.arming, state.armed
            if arming is None:
                continue
            if not all(part.time_is_known for part in view.parts if part.at):
                return True
            if any(arming.armed(now, armed) is not armed for now in view.ends):
                return True
        return False

    def _timed(self, view: View) -> bool:
        """Whether something may come of any entry: a pause or an hour ends, a rule is not armed, or it repeats what is true."""
        if self._idle:
            return False
        if self._ears.repeats:
            return True
        for name, state in self.state.rules.items():
            rule, trigger = self.rules.rules[name], state.trigger
            ends = [at + HOUR_S for at in trigger.raises]
            if trigger.cleared_at is not None:
                ends.append(trigger.cleared_at + rule.timing.rearm_s)
            if any(view.begin_at <= at <= view.end_at for at in ends):
                return True
            if rule.arming is not None and not state.armed:
                return True
        return False

    def _sleeps(self, view: View) -> bool:
        """Whether nothing can come of these minutes for any rule, and none would remember them. Only for idle rules."""
        names = self.rules.rules
        return all(self._rule_sleeps(name, rule, view) for name, rule in names.items())

    def _rule_sleeps(self, name: str, rule: Rule, view: View) -> bool:
        ears = ears_of((rule,))
        if isinstance(rule.sense, StaleSense):
            return self._lives(name, rule, view)
        if isinstance(rule.sense, MEMORYLESS):
            if rule.arming is not None and not self.state.rules[name].armed:
                return not any(part.kind in ORDER_NAMES for part in view.parts)
            return not any(_may_be_true(rule, part, ears) for part in view.parts)
        return not any(len(part.wanted(ears, idle=True)) for part in view.parts)

    def _lives(self, name: str, rule: Rule, view: View) -> bool:
        """Whether a camera's frames come without a silence from the last sign of life to the end; that is then remembered."""
        own = [part for part in view.parts if part.device == rule.binding.device]
        frames = next((part for part in own if part.kind == FRAMES and part.at), None)
        memory = self._memories.get(name, self.state.rules[name].memory)
        if frames is None or not isinstance(memory, StaleMemory) or memory.alive is None:
            return False
        if any(part.kind in (_DOWN, *ORDER_NAMES) for part in view.parts):
            return False
        first, last = frames.moment(0), frames.moment(len(frames.at) - 1)
        pauses = (first.at - memory.alive.at, frames.longest_pause_cs / 100, view.end_at - last.at)
        if max(pauses) >= SILENCE_S:
            return False
        self._memories[name] = StaleMemory(last)
        return True

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
        if isinstance(seen[0], ORDERS):
            self.state, judged = self.rules.step(self.state, seen[0], now)
            findings += judged.findings
            rest = seen[1:]
        if rest:
            self.state, judged = self.rules.hear(self.state, self._for_rules(rest), now)
            findings += judged.findings
        if self.witness is not None:
            self.witness(now, before, self.state)
        self._idle = self._is_idle()
        self._minute = _minute_of(now)
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

    def _quiet(self, now: Moment, seen: Sequence[Told], *, whole: bool) -> bool:
        """Whether nothing can come of these observations; memories are carried on. Where minutes are not `whole` no rule is
        armed or disarmed in them.
        """
        if whole and self._minute != _minute_of(now):
            return False
        after: dict[str, Memory] = {}
        for name, rule in self.rules.rules.items():
            state = self.state.rules.get(name)
            if state is None:
                return False
            memory = self._memories.get(name, state.memory)
            for one in seen:
                if isinstance(one, ORDERS):
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


def _minute_of(now: Moment) -> tuple[object, ...]:
    """Arming changes with the minute of the clock on the wall only, or with whether it is known."""
    time = now.time
    return time.minute, time.hour, time.day, now.time_known


def _may_be_true(rule: Rule, part: PartReader, ears: Ears) -> bool:
    """Whether a memoryless sense finds something true in a part: where it says the same on, its last word tells the most."""
    if part.kind in ORDER_NAMES:
        return True
    for channel in part.heard(ears):
        if channel.kind == "r":
            if channel.true:
                return True
            continue
        for entry in channel.last_of_each():
            now, seen = part.seen(entry, (channel,), bare=False)
            for one in seen:
                _, sample = rule.sense.sense(Memory(), cast("Observation", one), now)
                if sample is not None and any(sample.on):
                    return True
    return False


def _idle(trigger: TriggerState) -> bool:
    return trigger.open is None and not any(s.active or s.runs for s in trigger.stages)


def _concerns(rule: Rule, one: Told) -> bool:
    if isinstance(one, Resampled):
        return one.rule == rule.binding.rule
    about = rule.binding
    device: str = getattr(one, "device", about.device)
    zone: str = getattr(one, "zone", about.zone)
    return zone == about.zone and (device == about.device or device in rule.also_devices)
