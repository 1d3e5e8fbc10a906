"""The one machine that turns true and false samples into raised, updated and cleared.

States   idle -> candidate (true) -> active (true for the stage's dwell with at most a fifth of it false) -> clearing (false for
         `clear_s`) -> idle, then re-arm. A trigger has one or more stages (pre-alarm and alarm; watch to critical), each with a
         grade and a dwell; the hazard has the greatest grade that is active, and is over when none is.
Times    durations run on the pipeline's timeline, never on the wall clock; `raised` is dated back to the first true sample.
         Silence is no evidence: without samples a candidate waits, then lapses, and an open hazard stays open.
Updates  at most one in 30 s (the first may follow `raised` at once), at least one in 10 min; at once when the grade changes.
Presence after `raises_per_hour` raises within an hour the hazard stays open, and each further trigger is an update that counts.
Bounds   state is a few numbers for each stage, at most 64 beginnings of its stretch, and 64 times of raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf

import msgspec

from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.orders import Order
from gatehouse_edge.rules.stretch import Run, Runs, begun, failed
from gatehouse_edge.values import Measure
from gatehouse_shared.names import Phase

HOUR_S = 3600.0
RAISES_KEPT = 64
RAISES_COUNTED_MAX = 20
"""More further triggers than this are not told apart on the wire."""
RESUMED_UPDATE_S = 20.0
"""A hazard that was open before a restart is updated this soon, unless it clears first."""
_EPSILON_S = 1e-6


@dataclass(frozen=True, slots=True)
class Stage:
    """What the hazard is called (`grade`) once its condition has held for `dwell_s`."""

    grade: int
    dwell_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How a trigger runs. `silence_s`: a longer time without samples counts as false for what exceeds it.

    Infinite silence is for sensors that speak when something changes: then the time before a sample was as the sample
    before it said.
    """

    stages: tuple[Stage, ...]
    clear_s: float
    rearm_s: float = 0.0
    gap_ratio: float = 0.2
    silence_s: float = 5.0
    update_min_s: float = 30.0
    update_max_s: float = 600.0
    latched: bool = False
    raises_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What goes along with a finding. `reason` is for log and explanation only.

    `place_m` on the site's plane, exact; it is never written down, and the wire rounds it.
    """

    confidence: int = 20
    count: int | None = None
    measure: Measure | None = None
    reason: str = ""
    place_m: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What is so at `time`, per stage: `on` starts and confirms, `hold` (weaker) keeps open. `since` when it began to be so."""

    time: datetime
    on: tuple[bool, ...]
    hold: tuple[bool, ...]
    facts: Facts = Facts()
    since: Moment | None = None


@dataclass(frozen=True, slots=True)
class StageState:
    """Where one stage is: the stretch over which it has been true, `quiet_at` the begin of the clearing.

    `on` is what the last sample of a candidate said.
    """

    runs: Runs = ()
    active: bool = False
    quiet_at: float | None = None
    on: bool = False

    @property
    def first_at(self) -> float | None:
        """When it began to be true; None while it is not."""
        return self.runs[0].at if self.runs else None

    @property
    def false_s(self) -> float:
        """How much of it was false."""
        return sum(run.false_s for run in self.runs)


@dataclass(frozen=True, slots=True)
class OpenHazard:
    """What was said of the open hazard: `since` as raised, and what the last row carried."""

    since: datetime
    grade: int
    facts: Facts
    free_at: float
    due_at: float
    count_raises: int = 0
    told_raises: int = 0


@dataclass(frozen=True, slots=True)
class TriggerState:
    """What a trigger remembers. `raises` are moments of raised hazards within the hour, for presence in the whole zone."""

    sampled_at: float | None = None
    stages: tuple[StageState, ...] = ()
    facts: Facts = Facts()
    open: OpenHazard | None = None
    cleared_at: float | None = None
    cleared_grade: int = 0
    raises: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What the trigger has to say."""

    phase: Phase
    time: datetime
    grade: int
    facts: Facts
    confirm_s: int = 0
    count_raises: int = 0


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What outlives a restart: that a hazard is open, and when hazards were raised. No tracks, no samples."""

    since: datetime | None = None
    grade: int = 0
    facts: Facts = Facts()
    count_raises: int = 0
    raises: tuple[datetime, ...] = ()
    armed: bool | None = None
    under: Order = Order.NORMAL


def advance(
    timing: Timing, state: TriggerState, sample: Sample | None, now: Moment
) -> tuple[TriggerState, Change | None]:
    """One step in time, with or without a sample; the new state and what changed."""
    was_active = _grade(timing, state.stages) > 0
    if sample is not None:
        state = _sampled(timing, state, sample, now)
    elif not (was_active or state.raises or state.open is not None):
        return state, None
    if state.raises and now.at - min(state.raises) >= HOUR_S:
        state = replace(state, raises=tuple(at for at in state.raises if now.at - at < HOUR_S))
    grade = _grade(timing, state.stages)
    if state.open is None:
        return _raised(timing, state, grade, now)
    if grade > 0 and not was_active and timing.raises_per_hour is not None:
        more = min(state.open.count_raises + 1, RAISES_COUNTED_MAX)
        state = replace(state, open=replace(state.open, count_raises=more))
    if grade == 0 and not timing.latched and not _worn(timing, state):
        return cleared(state, now)
    return _updated(timing, state, grade, now)


def cleared(state: TriggerState, now: Moment) -> tuple[TriggerState, Change | None]:
    """Ends the open hazard, whatever its stages say; also how a latched one ends."""
    if state.open is None:
        return state, None
    was = state.open
    over = replace(
        state,
        open=None,
        cleared_at=now.at,
        cleared_grade=was.grade,
        stages=tuple(StageState() for _ in state.stages),
    )
    facts = replace(state.facts, reason="the condition is over")
    return over, Change(Phase.CLEARED, now.time, was.grade, facts, 0, was.count_raises)


def kept(state: TriggerState, now: Moment, armed: bool | None) -> Kept:
    """What to write down."""
    raises = tuple(now.time - timedelta(seconds=now.at - at) for at in state.raises)
    if state.open is None:
        return Kept(raises=raises, armed=armed)
    was = state.open
    return Kept(
        since=was.since,
        grade=was.grade,
        facts=replace(was.facts, place_m=None),
        count_raises=was.count_raises,
        raises=raises,
        armed=armed,
    )


def resumed(timing: Timing, was: Kept, now: Moment) -> TriggerState:
    """The trigger as it was before a restart; an open hazard is updated or cleared soon."""
    raises = tuple(
        now.at - (now.time - time).total_seconds() for time in was.raises if time <= now.time
    )
    if was.since is None:
        return TriggerState(raises=raises)
    stages = tuple(
        StageState((Run(now.at, was.since),), active=s.grade <= was.grade) for s in timing.stages
    )
    hazard = OpenHazard(
        since=was.since,
        grade=was.grade,
        facts=was.facts,
        free_at=now.at,
        due_at=now.at + RESUMED_UPDATE_S,
        count_raises=was.count_raises,
        told_raises=was.count_raises,
    )
    return TriggerState(stages=stages, facts=was.facts, open=hazard, raises=raises)


def _grade(timing: Timing, stages: Sequence[StageState]) -> int:
    grade = 0
    for stage, state in zip(timing.stages, stages, strict=False):
        if state.active and stage.grade > grade:
            grade = stage.grade
    return grade


def _worn(timing: Timing, state: TriggerState) -> bool:
    """Whether so many hazards were raised within the hour that this one stays open."""
    return timing.raises_per_hour is not None and len(state.raises) >= timing.raises_per_hour


def _sampled(timing: Timing, state: TriggerState, sample: Sample, now: Moment) -> TriggerState:
    gap_s = 0.0 if state.sampled_at is None else now.at - state.sampled_at
    before = state.stages or tuple(StageState() for _ in timing.stages)
    stages = tuple(
        _stepped(timing, stage, was, (on, hold), (sample, now, gap_s))
        for stage, was, on, hold in zip(timing.stages, before, sample.on, sample.hold, strict=True)
    )
    keep_facts = state.open is not None and not any(sample.hold)
    facts = state.facts if keep_facts else sample.facts
    return TriggerState(
        now.at,
        stages,
        facts,
        state.open,
        state.cleared_at,
        state.cleared_grade,
        state.raises,
    )


def _stepped(
    timing: Timing,
    stage: Stage,
    was: StageState,
    truth: tuple[bool, bool],
    step: tuple[Sample, Moment, float],
) -> StageState:
    on, hold = truth
    _, now, gap_s = step
    if was.active:
        if hold:
            return was if was.quiet_at is None else replace(was, quiet_at=None)
        fresh = was.quiet_at is None or gap_s > timing.silence_s
        quiet_at = now.at if fresh or was.quiet_at is None else was.quiet_at
        if now.at - quiet_at >= timing.clear_s - _EPSILON_S:
            return StageState()
        return replace(was, quiet_at=quiet_at)
    return _as_candidate(timing, stage, was, on=on, step=step)


def _as_candidate(
    timing: Timing, stage: Stage, was: StageState, *, on: bool, step: tuple[Sample, Moment, float]
) -> StageState:
    if not (on or was.on or was.runs):
        return was
    sample, now, gap_s = step
    false_s = _false_time(timing, was, on=on, gap_s=gap_s)
    runs = failed(was.runs, false_s, timing.gap_ratio * stage.dwell_s)
    if not on:
        return StageState(runs, was.active, was.quiet_at, on=False)
    if not runs:
        since = sample.since or Moment(now.at, sample.time)
        runs = begun(runs, min(since.at, now.at), since.time)
    elif not was.on:
        runs = begun(runs, now.at, sample.time)
    active = now.at - runs[0].at >= stage.dwell_s - _EPSILON_S
    return StageState(runs[:1] if active else runs, active=active, on=True)


def _false_time(timing: Timing, was: StageState, *, on: bool, gap_s: float) -> float:
    """How much of the time since the last sample counts as false."""
    if timing.silence_s == inf:
        return 0.0 if was.on else gap_s
    return max(0.0, gap_s - timing.silence_s) if on else gap_s


def _raised(
    timing: Timing, state: TriggerState, grade: int, now: Moment
) -> tuple[TriggerState, Change | None]:
    waits = state.cleared_at is not None and now.at - state.cleared_at < timing.rearm_s
    if grade == 0 or (waits and grade <= state.cleared_grade):
        return state, None
    firsts = [(s.runs[0].at, s.runs[0].time) for s in state.stages if s.active and s.runs]
    first_at, first_time = min(firsts, default=(now.at, now.time))
    hazard = OpenHazard(
        since=first_time,
        grade=grade,
        facts=state.facts,
        free_at=now.at,
        due_at=now.at + timing.update_max_s,
    )
    raises = (*state.raises, now.at)[-RAISES_KEPT:]
    change = Change(
        Phase.RAISED, first_time, grade, state.facts, int(now.at - first_at + _EPSILON_S)
    )
    return replace(state, open=hazard, raises=raises), change


def _updated(
    timing: Timing, state: TriggerState, grade: int, now: Moment
) -> tuple[TriggerState, Change | None]:
    was = state.open
    if was is None:
        return state, None
    grade = grade or was.grade
    news = grade != was.grade or was.count_raises != was.told_raises
    # A mere number waits while a greater grade may be coming: told now, it would delay that by half a minute.
    rising = any(s.runs and not s.active for s in state.stages)
    news = news or (not rising and _differs(state.facts, was.facts))
    if now.at < was.due_at and not (news and now.at >= was.free_at):
        return state, None
    hazard = replace(
        was,
        grade=grade,
        facts=state.facts,
        free_at=now.at + timing.update_min_s,
        due_at=now.at + timing.update_max_s,
        told_raises=was.count_raises,
    )
    change = Change(Phase.UPDATED, now.time, grade, state.facts, 0, was.count_raises)
    return replace(state, open=hazard), change


def _differs(now: Facts, told: Facts) -> bool:
    """Whether numbers moved enough to be told again: a fifth of a count, a twentieth of a measured value."""
    if now.count is not None and abs(now.count - (told.count or 0)) * 5 > now.count:
        return True
    if now.measure is None:
        return False
    if told.measure is None:
        return True
    return abs(now.measure.value - told.measure.value) * 20 > max(20, abs(told.measure.value))
