"""Two sets of rules over the same kept days, and how their hazards differ. Deterministic: only kept signals are asked.

Chosen   rules that a change touches, with those that share their zone's raises; all others would say before what they say after,
         so what they said then stands. Where nothing changes, or every rule is asked for, all are replayed.
Skipped  minutes in which a rule or its device was not there, or its zone was drawn otherwise, say nothing about it: they are
         counted, and shown apart from silence. So are gaps, in which the agent was not running.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from gatehouse_edge.history.block import Said
from gatehouse_edge.history.forms import CENTI, EPOCH
from gatehouse_edge.history.reading import BlockReader
from gatehouse_edge.history.replay import GroupReplay, groups, recorded
from gatehouse_edge.history.setup import Setup, by_sample, devices_of
from gatehouse_edge.history.store import KeptBlock
from gatehouse_edge.rules.explanation import Account, silences
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.rule import RuleState
from gatehouse_edge.rules.ruleset import RuleSet, RulesState
from gatehouse_edge.values import Finding
from gatehouse_shared.instants import from_ms
from gatehouse_shared.names import Phase
from gatehouse_shared.site import Site

GAP: Final = timedelta(seconds=150)
"""A longer time without a kept minute is a gap."""
SAME: Final = timedelta(seconds=60)
"""Hazards of one rule that begin this close together are the same one."""
SILENCES_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Span:
    """One hazard: from its first true sample to its end, None while open. `grade`: its greatest."""

    rule: str
    begin: datetime
    end: datetime | None
    grade: int
    reason: str = ""


@dataclass(slots=True)
class Outcome:
    """What one rule did. `gone`, `fresh` and `changed` against the present rules, each with the reason.

    Where it was not `replayed`, before and after are what it said then. `drills`: hazards of then that were drills.
    """

    rule: str
    kind: str
    zone: str
    said: int = 0
    before: list[Span] = field(default_factory=list[Span])
    after: list[Span] = field(default_factory=list[Span])
    gone: list[tuple[Span, str]] = field(default_factory=list[tuple[Span, str]])
    fresh: list[tuple[Span, str]] = field(default_factory=list[tuple[Span, str]])
    changed: list[tuple[Span, Span]] = field(default_factory=list[tuple[Span, Span]])
    unknown_minutes: int = 0
    replayed: bool = True
    drills: int = 0


@dataclass(slots=True)
class Rehearsed:
    """Everything a report tells."""

    begin: datetime
    end: datetime
    outcomes: list[Outcome]
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One group of rules to be replayed. `marks`: what must have been set up then for its minutes to say anything."""

    rules: RuleSet
    marks: Mapping[str, str]

    @property
    def devices(self) -> frozenset[str]:
        """Whom it hears."""
        return devices_of(self.rules)


@dataclass(slots=True)
class Replayed:
    """What came of a task: what was said, what was nearly said, and how many minutes said nothing."""

    findings: list[Finding] = field(default_factory=list[Finding])
    silences: list[Account] = field(default_factory=list[Account])
    unknown: int = 0


@dataclass(slots=True)
class Plan:
    """What is to be replayed. `before` and `after`: for each rule the number of its task; none where it is left as it was."""

    rules: tuple[RuleSet, RuleSet]
    tasks: list[Task] = field(default_factory=list[Task])
    before: dict[str, int] = field(default_factory=dict[str, int])
    after: dict[str, int] = field(default_factory=dict[str, int])


class Replays:
    """Tasks on their way through the kept minutes. Feed them every one in order."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = [(task, GroupReplay(task.rules), Replayed()) for task in tasks]
        for task, group, found in self._tasks:
            group.witness = _witness(task.rules, found)
        self._session: int | None = None

    def block(self, kept: KeptBlock, setup_then: Callable[[int], Setup]) -> None:
        """One minute. `setup_then`: what was set up in a session."""
        anew, self._session = self._session != kept.session, kept.session
        then = setup_then(kept.session)
        reader = BlockReader(kept.block)
        now = Moment(kept.block.at_cs / 100, EPOCH + CENTI * kept.from_cs)
        for task, group, found in self._tasks:
            if anew:
                found.findings.extend(group.restart(now))
            if any(_mark(then, key) != mark for key, mark in task.marks.items()):
                found.unknown += 1
                continue
            found.findings.extend(group.block(reader))

    def results(self) -> list[Replayed]:
        """In the order of the tasks."""
        return [found for _, _, found in self._tasks]


class Days:
    """When something was kept, and what was said then."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.gaps: list[tuple[datetime, datetime]] = []
        self.begin = self.end = EPOCH
        self.minutes = 0

    def block(self, kept: KeptBlock) -> None:
        """One minute, in order."""
        begin, end = EPOCH + CENTI * kept.from_cs, EPOCH + CENTI * kept.to_cs
        if self.minutes == 0:
            self.begin = begin
        elif begin - self.end > GAP:
            self.gaps.append((self.end, begin))
        self.end = max(end, self.end)
        self.minutes += 1
        self.said.extend(kept.block.said)


def planned(
    sites: tuple[Site, Site], rules: tuple[RuleSet, RuleSet], setup: Setup, *, every: bool
) -> Plan:
    """What to replay of the rules of now and the changed ones. `setup`: of now."""
    before = recorded(rules[0], frozenset(by_sample(sites[0], rules[0])))
    after = recorded(rules[1], frozenset(by_sample(sites[1], rules[1])))
    plan = Plan((before, after))
    old, new = groups(before), groups(after)
    same = {names for names in new if names in old and _same(before, after, names)}
    every = every or (len(same) == len(new) == len(old))
    for names in (n for n in old if every or n not in same):
        plan.before |= dict.fromkeys(names, len(plan.tasks))
        plan.tasks.append(_task(before, names, setup))
    for names in (n for n in new if every or n not in same):
        if names in same:
            plan.after |= {name: plan.before[name] for name in names}
        else:
            plan.after |= dict.fromkeys(names, len(plan.tasks))
            plan.tasks.append(_task(after, names, setup))
    return plan


def concluded(plan: Plan, days: Days, found: Sequence[Replayed]) -> Rehearsed:
    """What came of it. `found`: in the order of the plan's tasks."""
    names = dict.fromkeys((*plan.rules[0].rules, *plan.rules[1].rules))
    said: dict[str, list[Said]] = {}
    for one in days.said:
        said.setdefault(one.rule, []).append(one)
    outcomes = [_outcome(plan, name, said.get(name, []), found) for name in names]
    return Rehearsed(days.begin, days.end, outcomes, days.gaps, days.minutes)


def _task(rules: RuleSet, names: frozenset[str], setup: Setup) -> Task:
    chosen = {n: rule for n, rule in rules.rules.items() if n in names}
    keys = sorted({f"{r.binding.device}/{r.binding.zone}" for r in chosen.values()})
    marks = {f"v {k}": setup.views[k] for k in keys if k in setup.views}
    marks |= {f"r {n}": setup.rules[n] for n in chosen if n in setup.rules}
    ruleset = RuleSet(rules=chosen)
    marks |= {f"d {d}": d for d in sorted(devices_of(ruleset)) if d in setup.devices}
    return Task(ruleset, marks)


def _witness(rules: RuleSet, found: Replayed) -> Callable[[Moment, RulesState, RulesState], None]:
    def witness(now: Moment, before: RulesState, after: RulesState) -> None:
        for name, rule in rules.rules.items():
            was, state = before.rules.get(name), after.rules.get(name)
            if state is not None and state is not was and len(found.silences) < SILENCES_MAX:
                found.silences.extend(silences(rule, was or RuleState(), state, now))

    return witness


def _outcome(plan: Plan, name: str, said: Sequence[Said], found: Sequence[Replayed]) -> Outcome:
    changed = plan.rules[1].rules.get(name)
    rule = (changed or plan.rules[0].rules[name]).binding
    out = Outcome(name, rule.kind.value, rule.zone)
    raised = [s for s in said if s.phase == Phase.RAISED.value]
    out.said = sum(1 for s in raised if not s.drill)
    out.drills = len(raised) - out.said
    numbers = plan.before.get(name), plan.after.get(name)
    if numbers == (None, None):
        out.before = out.after = said_spans(said)
        out.replayed = False
        return out
    before, after = (None if n is None else found[n] for n in numbers)
    out.before = [] if before is None else spans(name, before.findings)
    out.after = [] if after is None else spans(name, after.findings)
    out.unknown_minutes = max(r.unknown for r in (before, after) if r is not None)
    if before is not after:
        accounts = [] if after is None else [a for a in after.silences if a.rule == name]
        _compare(out, accounts, removed=after is None)
        out.gone = [(span, _unarmed(plan, name, span) or why) for span, why in out.gone]
    return out


def _unarmed(plan: Plan, name: str, span: Span) -> str | None:
    rule = plan.rules[1].rules.get(name)
    if rule is None or rule.arming is None:
        return None
    armed = rule.arming.armed(Moment(0.0, span.begin), before=False)
    return None if armed else "the rule is not armed at that hour"


def spans(rule: str, findings: Iterable[Finding]) -> list[Span]:
    """The hazards of one rule, in the order they began; drills are left out."""
    own = (f for f in findings if f.rule == rule and not f.drill)
    return _joined(rule, ((f.phase, f.time, f.grade, f.reason) for f in own))


def said_spans(said: Sequence[Said]) -> list[Span]:
    """The hazards that one rule really raised; drills are left out."""
    own = (s for s in said if not s.drill)
    return _joined(
        said[0].rule if said else "",
        ((Phase(s.phase), from_ms(s.time_ms), s.grade, s.reason) for s in own),
    )


def _joined(rule: str, told: Iterable[tuple[Phase, datetime, int, str]]) -> list[Span]:
    out: list[Span] = []
    for phase, time, grade, reason in told:
        if phase is Phase.RAISED:
            out.append(Span(rule, time, None, grade, reason))
        elif out and out[-1].end is None:
            last = out[-1]
            end = time if phase is Phase.CLEARED else None
            out[-1] = replace(last, end=end, grade=max(last.grade, grade))
    return out


def _compare(out: Outcome, accounts: list[Account], *, removed: bool) -> None:
    left = list(out.before)
    for span in out.after:
        match = next((other for other in left if _meet(other, span)), None)
        if match is None:
            out.fresh.append((span, span.reason or "its condition held long enough"))
            continue
        left.remove(match)
        if (match.begin, match.grade) != (span.begin, span.grade):
            out.changed.append((match, span))
    for span in left:
        out.gone.append(
            (span, "the rule is removed" if removed else _why_gone(span, out, accounts))
        )


def _why_gone(span: Span, out: Outcome, accounts: list[Account]) -> str:
    """The nearest thing that the changed rule had to say about it."""
    until = span.end or span.begin + SAME
    near = [
        a
        for a in accounts
        if span.begin - SAME <= (a.since or a.time) <= until + SAME and a.time >= span.begin - SAME
    ]
    best = max(near, key=lambda a: (a.said == "lapsed", a.held_s or 0.0), default=None)
    if best is not None:
        return f"{best.said}: {best.why}"
    if any(s.begin <= span.begin and (s.end is None or s.end >= span.begin) for s in out.after):
        return "part of a hazard that was still open"
    return "its condition never held"


def _meet(a: Span, b: Span) -> bool:
    if abs(a.begin - b.begin) <= SAME:
        return True
    a_end, b_end = a.end or datetime.max.replace(tzinfo=a.begin.tzinfo), b.end
    return a.begin <= (b_end or a_end) and b.begin <= a_end


def _same(a: RuleSet, b: RuleSet, names: frozenset[str]) -> bool:
    return all(a.rules[name] == b.rules[name] for name in names)


def _mark(setup: Setup, key: str) -> str | None:
    kind, _, name = key.partition(" ")
    if kind == "d":
        return name if name in setup.devices or not setup.devices else None
    return (setup.views if kind == "v" else setup.rules).get(name)
