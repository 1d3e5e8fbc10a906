"""All rules, counters and lines of one gateway behind one step.

Pure: state in, state out. Tracks of a camera become passages, zone signals and zone counts here, and go to the camera's rules
together with them; whatever else a source says goes to the rules of its device; a tick goes to all.
Bounds  the state holds one entry for each rule, view and line of the site file, whatever comes in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from gatehouse_edge.rules.line_flow import LineCounter, LineState
from gatehouse_edge.rules.observations import (
    Acknowledged,
    DrillOrder,
    MaintenanceOrder,
    Moment,
    Observation,
    Tick,
    ZoneSignals,
)
from gatehouse_edge.rules.orders import Order, Orders, OrdersKept, resumed_orders
from gatehouse_edge.rules.quantum import heard, told, whole
from gatehouse_edge.rules.release_flow import Tally, tally_of
from gatehouse_edge.rules.rule import NOTHING_TOLD, Binding, Rule, RuleState
from gatehouse_edge.rules.sighted import Sighted
from gatehouse_edge.rules.signals import Moves, SignalState, SignalWatch
from gatehouse_edge.rules.trigger import Kept, Sample
from gatehouse_edge.rules.zone_count import CountState, ZoneCounter
from gatehouse_edge.values import Finding, Passage, Reading, ThermalSample, Tracks, ZoneCount
from gatehouse_shared.names import HazardClass, HazardKind, Label, Phase, class_of

_NO_RULE: Final = RuleState()
_NO_LINE: Final = LineState()
_NO_SIGNAL: Final = SignalState()
_NO_COUNT: Final = CountState()


@dataclass(frozen=True, slots=True)
class Judged:
    """What one step gave. `passages` and `tallies` hold the same crossings; tallies also those of counting gates.

    `hidden` is what rules under maintenance would have raised; `samples` what rules found to be so.
    """

    findings: tuple[Finding, ...] = ()
    hidden: tuple[Finding, ...] = ()
    counts: tuple[ZoneCount, ...] = ()
    passages: tuple[Passage, ...] = ()
    tallies: tuple[Tally, ...] = ()
    signals: tuple[ZoneSignals, ...] = ()
    samples: tuple[tuple[str, Sample], ...] = ()


class KeptRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule's open hazard, and what it was about, in case the rule is gone after a restart."""

    kind: HazardKind
    zone: str
    device: str
    kept: Kept


class RulesKept(msgspec.Struct, frozen=True, kw_only=True):
    """What outlives a restart, by rule; and which drills go on."""

    rules: dict[str, KeptRule] = {}
    orders: OrdersKept = OrdersKept()


@dataclass(frozen=True, slots=True)
class RulesState:
    """What all rules remember. From `RuleSet.start` or `RuleSet.resume`."""

    rules: Mapping[str, RuleState] = field(default_factory=dict[str, RuleState])
    signals: Mapping[str, SignalState] = field(default_factory=dict[str, SignalState])
    counts: Mapping[str, CountState] = field(default_factory=dict[str, CountState])
    lines: Mapping[str, LineState] = field(default_factory=dict[str, LineState])
    orders: Orders = field(default_factory=Orders)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one gateway. Keys: rule id; `device/zone` of a view; line id."""

    rules: Mapping[str, Rule]
    watches: Mapping[str, SignalWatch] = field(default_factory=dict[str, SignalWatch])
    counters: Mapping[str, ZoneCounter] = field(default_factory=dict[str, ZoneCounter])
    lines: Mapping[str, LineCounter] = field(default_factory=dict[str, LineCounter])
    counting_gates: Mapping[str, str] = field(default_factory=dict[str, str])
    _hearing: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _eyes: Mapping[str, "_Eyes"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Who hears a device, and what looks through it, is the same for every frame."""
        hearing: dict[str, list[str]] = {}
        for name, rule in self.rules.items():
            for device in {rule.binding.device, *rule.also_devices}:
                hearing.setdefault(device, []).append(name)
        object.__setattr__(self, "_hearing", {k: tuple(v) for k, v in hearing.items()})
        devices = {line.device for line in self.lines.values()}
        devices |= {watch.view.device for watch in self.watches.values()}
        devices |= {counter.view.device for counter in self.counters.values()}
        object.__setattr__(self, "_eyes", {device: _eyes_of(self, device) for device in devices})

    def start(self) -> RulesState:
        """A state in which nothing has happened yet."""
        return RulesState()

    def step(
        self, state: RulesState, observation: Observation, now: Moment
    ) -> tuple[RulesState, Judged]:
        """Take in one observation. TimeWentBackError when `now.at` is before the last step of a rule concerned."""
        observation, now = heard(observation), whole(now)
        seen: list[Observation] = []
        judged = Judged()
        if isinstance(observation, Tracks):
            state, judged = self._seen(state, observation)
            seen = [*judged.passages, *judged.signals, *judged.counts]
        elif isinstance(observation, Reading) and observation.passed is not None:
            judged = Judged(tallies=self._counted(observation))
        elif isinstance(observation, ThermalSample):
            judged = Judged(signals=(_warmth(observation),))
        elif isinstance(observation, DrillOrder | MaintenanceOrder):
            state = replace(state, orders=state.orders.after(observation, self.rules, now))
            observation = Tick()
        state, said = self.hear(state, (*seen, observation), now)
        return state, Judged(
            said.findings,
            said.hidden,
            judged.counts,
            judged.passages,
            judged.tallies,
            judged.signals,
            said.samples,
        )

    def hear(
        self, state: RulesState, seen: Sequence[Observation], now: Moment
    ) -> tuple[RulesState, Judged]:
        """The rules' half of a step: everything that is seen at one moment, in its order. Findings, hidden ones, samples."""
        states, findings, hidden = dict(state.rules), list[Finding](), list[Finding]()
        samples: list[tuple[str, Sample]] = []
        orders = state.orders if state.orders.drills or state.orders.hidden else None
        for one in seen:
            for name in self._concerned(one):
                rule, before = self.rules[name], states.get(name, _NO_RULE)
                order = Order.NORMAL
                if orders is not None:
                    order = orders.of(name, rule.binding.kind, now)
                after, said = rule.step_under(order, before, one, now)
                states[name] = after
                if said is not NOTHING_TOLD:
                    findings.extend(said.findings)
                    hidden.extend(said.hidden)
                if after.sample is not None:
                    samples.append((name, after.sample))
        for finding in findings:
            self._share_raise(states, finding)
        judged = Judged(tuple(findings), tuple(hidden), samples=tuple(samples))
        return RulesState(states, state.signals, state.counts, state.lines, state.orders), judged

    def kept(self, state: RulesState, now: Moment) -> RulesKept:
        """What to write down: open hazards and recent raises, no tracks."""
        rules: dict[str, KeptRule] = {}
        for name, rule_state in state.rules.items():
            rule, about = self.rules[name], self.rules[name].binding
            kept = rule.kept(rule_state, now)
            if kept.since is not None or kept.raises or kept.armed is not None:
                rules[name] = KeptRule(
                    kind=about.kind, zone=about.zone, device=about.device, kept=kept
                )
        return RulesKept(rules=rules, orders=state.orders.kept(now))

    def resume(self, was: RulesKept, now: Moment) -> tuple[RulesState, tuple[Finding, ...]]:
        """The state after a restart, and the end of every hazard whose rule is gone or watches something else now."""
        now = whole(now)
        states: dict[str, RuleState] = {}
        ended: list[Finding] = []
        for name, one in was.rules.items():
            rule = self.rules.get(name)
            if rule is not None and rule.binding == Binding(name, one.kind, one.zone, one.device):
                states[name] = rule.resumed(one.kept, now)
            elif one.kept.since is not None and one.kept.under is not Order.HIDDEN:
                ended.append(_orphaned(name, one, now))
        orders = resumed_orders(was.orders, self.rules, now)
        return RulesState(rules=states, orders=orders), tuple(ended)

    def _concerned(self, observation: Observation) -> tuple[str, ...]:
        if isinstance(observation, Tick | DrillOrder | MaintenanceOrder):
            return tuple(self.rules)
        if isinstance(observation, Acknowledged):
            return (observation.rule,) if observation.rule in self.rules else ()
        return self._hearing.get(observation.device, ())

    def _seen(self, state: RulesState, tracks: Tracks) -> tuple[RulesState, Judged]:
        eyes = self._eyes.get(tracks.device)
        if eyes is None:
            return state, Judged()
        lines, signals, counts = dict(state.lines), dict(state.signals), dict(state.counts)
        passages: list[Passage] = []
        signalled: list[ZoneSignals] = []
        counted: list[ZoneCount] = []
        sighted = Sighted(tracks)
        for name, line in eyes.lines:
            before = lines.get(name, _NO_LINE)
            # A camera that came back may count its media time from nought again.
            before = before if before.at <= tracks.at else _NO_LINE
            lines[name], crossed = line.step(before, tracks, sighted)
            passages.extend(crossed)
        moves: list[Moves] = [{} for _ in eyes.watches]
        for name, watch, group in eyes.watches:
            was = signals.get(name, _NO_SIGNAL)
            signals[name], signal = watch.step(was, tracks, sighted, moves[group])
            signalled.extend(() if signal is None else (told(signal),))
        for name, counter in eyes.counters:
            counts[name], fresh = counter.step(counts.get(name, _NO_COUNT), tracks, sighted)
            counted.extend(fresh)
        judged = Judged(
            counts=tuple(counted),
            passages=tuple(passages),
            tallies=tuple(tally_of(p) for p in passages),
            signals=tuple(signalled),
        )
        return RulesState(state.rules, signals, counts, lines, state.orders), judged

    def _counted(self, reading: Reading) -> tuple[Tally, ...]:
        line = self.counting_gates.get(reading.device)
        if line is None or reading.passed is None:
            return ()
        inward, outward = reading.passed
        return (Tally(line, reading.device, Label.PERSON, inward, outward),)

    def _share_raise(self, states: dict[str, RuleState], finding: Finding) -> None:
        """Raises of presence are counted for the whole zone, whichever of its rules spoke."""
        if finding.phase is not Phase.RAISED or class_of(finding.kind) is not HazardClass.PRESENCE:
            return
        raises = states[finding.rule].trigger.raises
        for name, rule in self.rules.items():
            about = rule.binding
            if about.zone != finding.zone or class_of(about.kind) is not HazardClass.PRESENCE:
                continue
            was = states.get(name, RuleState())
            merged = tuple(sorted({*was.trigger.raises, *raises}))
            states[name] = replace(was, trigger=replace(was.trigger, raises=merged))


@dataclass(frozen=True, slots=True)
class _Eyes:
    """What looks through one device, by name; watches with the number of the first that sees things move as they do."""

    lines: tuple[tuple[str, LineCounter], ...]
    watches: tuple[tuple[str, SignalWatch, int], ...]
    counters: tuple[tuple[str, ZoneCounter], ...]


def _eyes_of(rules: RuleSet, device: str) -> _Eyes:
    watches = [(k, watch) for k, watch in rules.watches.items() if watch.view.device == device]
    firsts = [
        next(n for n, (_, other) in enumerate(watches) if watch.moves_as(other))
        for _, watch in watches
    ]
    return _Eyes(
        lines=tuple((k, line) for k, line in rules.lines.items() if line.device == device),
        watches=tuple((k, watch, n) for (k, watch), n in zip(watches, firsts, strict=True)),
        counters=tuple((k, c) for k, c in rules.counters.items() if c.view.device == device),
    )


def _warmth(sample: ThermalSample) -> ZoneSignals:
    return ZoneSignals(sample.zone, sample.device, sample.at, sample.time, (), sample.hot_c)


def _orphaned(name: str, one: KeptRule, now: Moment) -> Finding:
    return Finding(
        rule=name,
        zone=one.zone,
        device=one.device,
        kind=one.kind,
        phase=Phase.CLEARED,
        time=now.time,
        grade=max(1, one.kept.grade),
        armed=class_of(one.kind) is HazardClass.PRESENCE,
        drill=one.kept.under is Order.DRILL,
        reason="the rule is no longer there",
    )
