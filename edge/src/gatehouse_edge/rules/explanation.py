"""Why a rule spoke, and why it did not: read off what it remembered before and after a step. Pure, and no part of the step.

Said      for each finding: what made it true, since when and for how long, of how much that was needed, and the pause it keeps.
Not said  a candidate that lapsed; a hazard that waits for its re-arm; something true while the rule is not armed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf

from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.orders import Order
from gatehouse_edge.rules.rule import Rule, RuleState
from gatehouse_edge.rules.trigger import Stage, StageState, TriggerState
from gatehouse_edge.values import Finding
from gatehouse_shared.names import Phase

TELLING_RATIO = 0.1
"""A candidate that lapsed sooner than after this share of its dwell is no news."""


@dataclass(frozen=True, slots=True)
class Account:
    """Why something was said, or was not, at one moment. `said`: raised, updated, cleared, or one of lapsed, waiting, disarmed.

    `held_s` of `needed_s`: how long it was true, and how long it had to be; `false_s` how much of that it was not, `gap_s` how
    much it may be. `since`: the first true sample. `why` is a sentence.
    """

    rule: str
    said: str
    time: datetime
    why: str
    grade: int = 0
    since: datetime | None = None
    held_s: float | None = None
    needed_s: float | None = None
    false_s: float | None = None
    gap_s: float | None = None
    clear_s: float | None = None
    drill: bool = False


def account(
    rule: Rule, step: tuple[RuleState, RuleState], finding: Finding, now: Moment
) -> Account:
    """Why a finding was said. `step`: what the rule remembered before and after."""
    before, after = step
    if finding.phase is Phase.RAISED:
        return _raised(rule, before, after, finding, now)
    why = finding.reason
    held = clear_s = None
    if finding.phase is Phase.CLEARED:
        why, held = _ended(before.trigger, now, why)
        clear_s = rule.timing.clear_s
    elif before.trigger.open is not None and before.trigger.open.grade != finding.grade:
        why = f"grade {before.trigger.open.grade} becomes {finding.grade}: {why}"
    return Account(
        rule.binding.rule,
        finding.phase.value,
        now.time,
        why,
        finding.grade,
        held_s=held,
        clear_s=clear_s,
        drill=finding.drill,
    )


def silences(
    rule: Rule, before: RuleState, after: RuleState, now: Moment, true: str = "its condition"
) -> Iterator[Account]:
    """Why nothing was said in a step where something nearly was. `true`: what was so when it was last so."""
    lapse = _lapsed(rule, before.trigger, after.trigger)
    if lapse is not None and (after.armed or rule.arming is None):
        stage, was, held_s = lapse
        yield Account(
            rule=rule.binding.rule,
            said="lapsed",
            time=now.time,
            why=f"{true}: true for {held_s:.1f} s of {stage.dwell_s:g} s",
            grade=stage.grade,
            since=was.runs[0].time,
            held_s=held_s,
            needed_s=stage.dwell_s,
            false_s=was.false_s,
            gap_s=rule.timing.gap_ratio * stage.dwell_s,
        )
    if _waits(after.trigger) and not _waits(before.trigger):
        since_s = now.at - (after.trigger.cleared_at or 0.0)
        yield Account(
            rule.binding.rule,
            "waiting",
            now.time,
            f"{after.trigger.facts.reason}: the last one ended {since_s:.0f} s ago,"
            f" and the pause is {rule.timing.rearm_s:g} s",
        )


def disarmed(rule: Rule, state: RuleState, true: str, now: Moment) -> Account | None:
    """Why nothing comes of what is true now, where the rule is not armed."""
    if rule.arming is None or state.armed:
        return None
    return Account(rule.binding.rule, "disarmed", now.time, f"{true}: the rule is not armed")


def _raised(
    rule: Rule, before: RuleState, after: RuleState, finding: Finding, now: Moment
) -> Account:
    stage, state = _first_active(rule, after.trigger)
    held_s = None if state.first_at is None else now.at - state.first_at
    hours = "at any hour" if rule.arming is None else "armed"
    free = after.free_from
    if rule.arming is not None and free is not None and finding.time == free.time:
        hours = "true since before it was armed"
    under = "" if after.raised_under is Order.NORMAL else f", {after.raised_under}"
    pause = _pause(rule, before.trigger, now)
    return Account(
        rule=rule.binding.rule,
        said=finding.phase.value,
        time=now.time,
        why=f"{finding.reason}; {hours}{under}{pause}",
        grade=finding.grade,
        since=finding.time,
        held_s=held_s,
        needed_s=stage.dwell_s,
        false_s=state.false_s,
        gap_s=rule.timing.gap_ratio * stage.dwell_s,
        clear_s=rule.timing.clear_s,
        drill=finding.drill,
    )


def _first_active(rule: Rule, trigger: TriggerState) -> tuple[Stage, StageState]:
    """The active stage of the greatest grade, the first of several."""
    active = [
        (stage, state)
        for stage, state in zip(rule.timing.stages, trigger.stages, strict=False)
        if state.active
    ]
    return max(active, key=lambda pair: pair[0].grade, default=(Stage(0), StageState()))


def _pause(rule: Rule, trigger: TriggerState, now: Moment) -> str:
    if trigger.cleared_at is None or rule.timing.rearm_s == 0:
        return ""
    return (
        f"; {now.at - trigger.cleared_at:.0f} s after the last one, pause {rule.timing.rearm_s:g} s"
    )


def _ended(trigger: TriggerState, now: Moment, reason: str) -> tuple[str, float | None]:
    """How a hazard came to its end, and for how long nothing had held it."""
    quiet = [s.quiet_at for s in trigger.stages if s.active and s.quiet_at is not None]
    if not quiet:
        return reason, None
    quiet_s = now.at - max(quiet)
    return f"{reason}: nothing held it for {quiet_s:.1f} s", quiet_s


def _lapsed(
    rule: Rule, before: TriggerState, after: TriggerState
) -> tuple[Stage, StageState, float] | None:
    """The candidate that came furthest of those given up in a step."""
    found: list[tuple[Stage, StageState, float]] = []
    stages = zip(rule.timing.stages, before.stages, after.stages, strict=False)
    for stage, was, now in stages:
        if was.first_at is None or was.active or now.active or now.runs:
            continue
        until = was.first_at if before.sampled_at is None else before.sampled_at
        held_s = max(0.0, until - was.first_at - was.false_s)
        if held_s >= TELLING_RATIO * stage.dwell_s:
            found.append((stage, was, held_s))
    return max(found, key=lambda one: one[2] / (one[0].dwell_s or inf), default=None)


def _waits(trigger: TriggerState) -> bool:
    return trigger.open is None and any(s.active for s in trigger.stages)


def used(params: Mapping[str, object]) -> str:
    """Parameters on one line.

    >>> used({"warn_s": 60.0, "gap_ratio": 0.2})
    'warn_s 60, gap_ratio 0.2'
    """
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}"
        for name, value in params.items()
    )
