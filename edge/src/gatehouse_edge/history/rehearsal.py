"""Two sets of rules over the same kept days, and how their hazards differ. Deterministic: only kept signals are asked.

Skipped  minutes in which a rule was not there, or its zone was drawn otherwise, say nothing about it: they are counted, and shown
         apart from silence. So are gaps, in which the agent was not running.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from gatehouse_edge.history.block import Said
from gatehouse_edge.history.forms import CENTI, EPOCH
from gatehouse_edge.history.reading import BlockReader
from gatehouse_edge.history.replay import GroupReplay, groups, recorded
from gatehouse_edge.history.setup import Setup, by_sample
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
    """What one rule did. `gone`, `fresh` and `changed` against the present rules, each with the reason."""

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


@dataclass(slots=True)
class Rehearsed:
    """Everything a report tells."""

    begin: datetime
    end: datetime
    outcomes: list[Outcome]
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])
    minutes: int = 0


@dataclass(slots=True)
class _Run:
    """One group of rules under way, and what it said."""

    group: GroupReplay
    marks: dict[str, str]
    findings: list[Finding] = field(default_factory=list[Finding])
    silences: list[Account] = field(default_factory=list[Account])
    unknown: int = 0

    def witness(self, now: Moment, before: RulesState, after: RulesState) -> None:
        for name, rule in self.group.rules.rules.items():
            if len(self.silences) < SILENCES_MAX:
                was = before.rules.get(name, RuleState())
                self.silences.extend(silences(rule, was, after.rules.get(name, was), now))


class Rehearsal:
    """The rules of now and the changed ones. Feed it every kept block in order, then ask for the result."""

    def __init__(
        self, site: Site, changed: Site, rules: tuple[RuleSet, RuleSet], setup: Setup
    ) -> None:
        self._setup = setup
        before = recorded(rules[0], frozenset(by_sample(site, rules[0])))
        after = recorded(rules[1], frozenset(by_sample(changed, rules[1])))
        self._rules = (before, after)
        self._before = {names: self._run(before, names) for names in groups(before)}
        self._after = {
            names: self._before[names]
            if names in self._before and _same(before, after, names)
            else self._run(after, names)
            for names in groups(after)
        }
        self._session: int | None = None
        self._said: list[Said] = []
        self._gaps: list[tuple[datetime, datetime]] = []
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._minutes = 0

    def block(self, kept: KeptBlock, setup_then: Callable[[int], Setup]) -> None:
        """One minute. `setup_then`: what was set up in a session."""
        begin, end = EPOCH + CENTI * kept.from_cs, EPOCH + CENTI * kept.to_cs
        self._first = self._first or begin
        if self._last is not None and begin - self._last > GAP:
            self._gaps.append((self._last, begin))
        self._last = max(end, self._last or end)
        self._minutes += 1
        anew, self._session = self._session != kept.session, kept.session
        then = setup_then(kept.session)
        reader = BlockReader(kept.block)
        now = Moment(kept.block.at_cs / 100, begin)
        for run in self._runs():
            if anew:
                run.findings.extend(run.group.restart(now))
            if any(_mark(then, key) != mark for key, mark in run.marks.items()):
                run.unknown += 1
                continue
            run.findings.extend(run.group.block(reader))
        self._said.extend(kept.block.said)

    def result(self) -> Rehearsed:
        """What came of it."""
        begin = self._first or EPOCH
        end = self._last or begin
        names = dict.fromkeys((*self._rules[0].rules, *self._rules[1].rules))
        outcomes = [self._outcome(name) for name in names]
        return Rehearsed(begin, end, outcomes, self._gaps, self._minutes)

    def _runs(self) -> Iterator[_Run]:
        yield from self._before.values()
        for names, run in self._after.items():
            if self._before.get(names) is not run:
                yield run

    def _run(self, rules: RuleSet, names: frozenset[str]) -> _Run:
        chosen = {n: rule for n, rule in rules.rules.items() if n in names}
        keys = {f"{r.binding.device}/{r.binding.zone}" for r in chosen.values()}
        marks = {f"v {k}": self._setup.views[k] for k in keys if k in self._setup.views}
        marks |= {f"r {n}": self._setup.rules[n] for n in chosen if n in self._setup.rules}
        run = _Run(GroupReplay(RuleSet(rules=chosen)), marks)
        run.group.witness = run.witness
        return run

    def _outcome(self, name: str) -> Outcome:
        before = next((run for names, run in self._before.items() if name in names), None)
        after = next((run for names, run in self._after.items() if name in names), None)
        rule = (self._rules[1].rules.get(name) or self._rules[0].rules[name]).binding
        out = Outcome(name, rule.kind.value, rule.zone)
        raised = Phase.RAISED.value
        out.said = sum(
            1 for s in self._said if s.rule == name and s.phase == raised and not s.drill
        )
        out.before = [] if before is None else spans(name, before.findings)
        out.after = [] if after is None else spans(name, after.findings)
        out.unknown_minutes = max(r.unknown for r in (before, after) if r is not None)
        if before is not after:
            accounts = [] if after is None else [a for a in after.silences if a.rule == name]
            _compare(out, accounts, removed=after is None)
            out.gone = [(span, self._unarmed(name, span) or why) for span, why in out.gone]
        return out

    def _unarmed(self, name: str, span: Span) -> str | None:
        rule = self._rules[1].rules.get(name)
        if rule is None or rule.arming is None:
            return None
        armed = rule.arming.armed(Moment(0.0, span.begin), before=False)
        return None if armed else "the rule is not armed at that hour"


def spans(rule: str, findings: Iterable[Finding]) -> list[Span]:
    """The hazards of one rule, in the order they began; drills are left out."""
    out: list[Span] = []
    for finding in findings:
        if finding.rule != rule or finding.drill:
            continue
        if finding.phase is Phase.RAISED:
            out.append(Span(rule, finding.time, None, finding.grade, finding.reason))
        elif out and out[-1].end is None:
            last = out[-1]
            end = finding.time if finding.phase is Phase.CLEARED else None
            grade = max(last.grade, finding.grade)
            out[-1] = replace(last, end=end, grade=grade)
    return out


def said_times(said: Iterable[Said], rule: str) -> list[datetime]:
    """When a rule really raised something."""
    return [from_ms(s.time_ms) for s in said if s.rule == rule and s.phase == Phase.RAISED.value]


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
    return (setup.views if kind == "v" else setup.rules).get(name)
