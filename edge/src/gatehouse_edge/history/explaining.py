"""`--explain`: a line for each thing a rule said, and for each that it nearly did. Deterministic: media time only."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gatehouse_edge.history.setup import kind_of
from gatehouse_edge.ports import Heard
from gatehouse_edge.rules.explanation import Account, account, disarmed, silences, used
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.quantum import whole
from gatehouse_edge.rules.rule import Rule, RuleState
from gatehouse_edge.rules.ruleset import RuleSet
from gatehouse_edge.values import Finding
from gatehouse_shared.instants import format_instant
from gatehouse_shared.site import Site

DISARMED_EVERY_S: Final = 60.0
"""What is true again and again while a rule is not armed is said this often at most."""


def params_of(site: Site, rules: RuleSet) -> dict[str, dict[str, object]]:
    """The parameters of every rule that has some, with defaults filled in."""
    out: dict[str, dict[str, object]] = {}
    given = {rule.id: rule.params for rule in site.rules}
    for name, rule in rules.rules.items():
        kind = kind_of(site, rule)
        if kind is not None:
            full = msgspec.convert(dict(given.get(name, {})), kind.params)
            out[name] = msgspec.structs.asdict(full)
    return out


class Explainer:
    """A Witness that writes lines. `as_json`: one JSON object a line instead of a sentence. `start`: when media time began."""

    def __init__(
        self,
        rules: RuleSet,
        params: Mapping[str, Mapping[str, object]],
        write: Callable[[str], object],
        *,
        as_json: bool = False,
    ) -> None:
        self._rules, self._params, self._write, self._json = rules, params, write, as_json
        self._disarmed: dict[str, float] = {}
        self._true: dict[str, str] = {}
        self._began: float | None = None

    def heard(self, step: Heard) -> None:
        """One step of the rules."""
        now = whole(step.now)
        self._began = now.at if self._began is None else self._began
        self._found(step, now)
        spoken = {f.rule: f for f in (*step.judged.findings, *step.judged.hidden)}
        for name, rule in self._rules.rules.items():
            before = step.before.rules.get(name, RuleState())
            after = step.after.rules.get(name, before)
            if before is after and name not in spoken:
                continue
            self._explain(rule, (before, after), spoken.get(name), now)

    def _explain(
        self, rule: Rule, states: tuple[RuleState, RuleState], said: Finding | None, now: Moment
    ) -> None:
        if said is not None:
            self._tell(rule, account(rule, states, said, now), said, now)
        name = rule.binding.rule
        for silence in silences(rule, *states, now, self._true.get(name, "its condition")):
            self._tell(rule, silence, None, now)

    def _found(self, step: Heard, now: Moment) -> None:
        """Remembers what was true, and says it where the rule is not armed."""
        for name, sample in step.judged.samples:
            rule = self._rules.rules.get(name)
            if rule is None or not any(sample.on):
                continue
            self._true[name] = sample.facts.reason
            idle = disarmed(rule, step.after.rules[name], sample.facts.reason, now)
            due = now.at - self._disarmed.get(name, float("-inf")) >= DISARMED_EVERY_S
            if idle is not None and due:
                self._disarmed[name] = now.at
                self._tell(rule, idle, None, now)

    def _tell(self, rule: Rule, one: Account, said: Finding | None, now: Moment) -> None:
        media_s = now.at - (self._began or 0.0)
        params = self._params.get(rule.binding.rule, {})
        write = _json_line if self._json else _sentence
        self._write(write(rule, one, said, (media_s, params)) + "\n")


def _sentence(
    rule: Rule,
    one: Account,
    said: Finding | None,
    more: tuple[float, Mapping[str, object]],
) -> str:
    about = rule.binding
    media_s, params = more
    head = f"{_clock(media_s)} {one.said} {about.rule} ({about.kind} in {about.zone} by {about.device})"
    parts = [
        f"{head}{f' grade {one.grade}' if one.grade else ''}{', drill' if one.drill else ''}: {one.why}"
    ]
    if one.since is not None:
        parts.append(f"since {format_instant(one.since)}")
    if one.held_s is not None and one.needed_s is not None:
        parts.append(f"held {one.held_s:.1f} s of {one.needed_s:g} s")
        if one.false_s:
            parts.append(f"of that {one.false_s:.1f} s false, {one.gap_s or 0:.1f} s allowed")
    if said is not None and said.count is not None:
        parts.append(f"count {said.count}")
    if said is not None and said.measure is not None:
        m = said.measure
        parts.append(f"{m.quantity} {m.value}, threshold {m.threshold} (steps)")
    if one.clear_s is not None:
        parts.append(f"clear_s {one.clear_s:g}")
    if one.said == "raised" and params:
        parts.append(f"with {used(params)}")
    return "; ".join(parts)


def _json_line(
    rule: Rule,
    one: Account,
    said: Finding | None,
    more: tuple[float, Mapping[str, object]],
) -> str:
    about = rule.binding
    media_s, params = more
    values = {k: _plain(v) for k, v in asdict(one).items() if v is not None}
    words = {
        "media_s": round(media_s, 2),
        "kind": about.kind.value,
        "zone": about.zone,
        "device": about.device,
        **values,
        **({} if said is None or said.count is None else {"count": said.count}),
        "params": dict(params),
    }
    return json.dumps(words, ensure_ascii=False, sort_keys=True)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(value)
    return round(value, 2) if isinstance(value, float) else value


def _clock(media_s: float) -> str:
    """Media time as h:mm:ss.s.

    >>> _clock(3723.45)
    '1:02:03.4'
    """
    whole_, tenths = divmod(int(media_s * 10 + 1e-6), 10)
    return f"{timedelta(seconds=whole_)}.{tenths}"
