"""Surge: a zone fills within seconds, or a crowd runs.

On      grade 1: within `window_s` the density rose by `rise_per_m2` and by ten persons at least, to `least_per_m2` or more.
        Grade 3: `running_ratio` of ten persons or more are faster than anybody walks.
Hold    half the rise; half the share of runners. Never below ten persons.
Source  the level from which a rise counts is Fruin's level of service E; rise, window and share are ours.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from gatehouse_edge.rules.observations import Moment, Observation, Speed, ZoneSignals
from gatehouse_edge.rules.parameters import GENERAL, OURS, Params, limits, read_params
from gatehouse_edge.rules.request import Request, needs_view
from gatehouse_edge.rules.rule import Memory, Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.trigger import Facts, Sample, Stage, Timing
from gatehouse_edge.values import ZoneCount
from gatehouse_shared.names import SMALL_COUNT, DeviceKind, HazardKind, Label

COUNTS_MAX: Final = 256
"""Remembered counts; there is one a second, and the window is two minutes at most."""
ENDS_S: Final = 5.0
"""A window's two ends are means over this long, so that one missed count is no rise."""
HOLD_RATIO: Final = 0.5
FRESH_S: Final = 3.0


class SurgeParams(Params, frozen=True, kw_only=True):
    """What is sudden."""

    rise_per_m2: Annotated[
        float, limits("p/m2", 0.1, 5, OURS, "rise of the density within the window")
    ] = 0.5
    window_s: Annotated[float, limits("s", 15, 120, OURS, "window of the rise")] = 30.0
    least_per_m2: Annotated[
        float, limits("p/m2", 0.1, 8, GENERAL, "density from which a rise counts")
    ] = 1.08
    rise_s: Annotated[float, limits("s", 1, 120, OURS, "time for grade 1")] = 5.0
    running_ratio: Annotated[
        float, limits("", 0.1, 1, OURS, "share of the persons who run (2.5 m/s and faster)")
    ] = 0.5
    running_s: Annotated[float, limits("s", 1, 60, OURS, "time for grade 3")] = 3.0
    clear_s: Annotated[float, limits("s", 10, 1800, OURS, "time without it before it ends")] = 60.0
    rearm_s: Annotated[float, limits("s", 0, 3600, OURS, "pause before it may be raised again")] = (
        60.0
    )


@dataclass(frozen=True, slots=True)
class SurgeMemory(Memory):
    """Counts of the window with their moments, and how many ran when that was last told."""

    counts: tuple[tuple[float, int], ...] = ()
    running: int = 0
    told_at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class SurgeSense:
    """Each count of the zone is a sample; signals say how many run."""

    params: SurgeParams
    area_m2: float

    def sense(
        self, memory: Memory, observation: Observation, now: Moment
    ) -> tuple[Memory, Sample | None]:
        """Signals are remembered, counts of persons give samples."""
        own = memory if isinstance(memory, SurgeMemory) else SurgeMemory()
        if isinstance(observation, ZoneSignals):
            return SurgeMemory(own.counts, _running(observation), now.at), None
        if not isinstance(observation, ZoneCount) or observation.label != Label.PERSON:
            return own, None
        recent = tuple(c for c in own.counts if now.at - c[0] <= self.params.window_s)
        counts = (*recent, (now.at, observation.count))[-COUNTS_MAX:]
        own = SurgeMemory(counts, own.running, own.told_at)
        return own, self._sample(own, observation, now)

    def _sample(self, own: SurgeMemory, counted: ZoneCount, now: Moment) -> Sample:
        p, count = self.params, counted.count
        rise, many = self._rise(own.counts, now), count >= SMALL_COUNT
        dense = many and count >= p.least_per_m2 * self.area_m2
        running = own.running if now.at - own.told_at <= FRESH_S else 0
        run_ratio = running / count if many else 0.0
        least = max(SMALL_COUNT, p.rise_per_m2 * self.area_m2)
        on = (dense and rise >= least, run_ratio >= p.running_ratio)
        hold = (
            dense and rise >= HOLD_RATIO * least,
            many and run_ratio >= HOLD_RATIO * p.running_ratio,
        )
        reason = (
            f"{run_ratio:.0%} of {count} persons run"
            if hold[1]
            else f"{rise:.0f} persons more within {p.window_s:.0f} s"
        )
        facts = Facts(confidence=16, count=count if many else None, reason=reason)
        return Sample(counted.time, on, hold, facts)

    def _rise(self, counts: tuple[tuple[float, int], ...], now: Moment) -> float:
        """By how many persons the end of the window is above its beginning; 0 until the window is full."""
        begins = now.at - self.params.window_s
        first = [n for at, n in counts if at - begins <= ENDS_S]
        last = [n for at, n in counts if now.at - at < ENDS_S]
        full = bool(first) and now.at - counts[0][0] >= self.params.window_s - 1.5
        return sum(last) / len(last) - sum(first) / len(first) if full else 0.0


def _running(signals: ZoneSignals) -> int:
    return sum(r.count for r in signals.rows if r.label == Label.PERSON and r.speed == Speed.FAST)


def build(request: Request) -> Rule:
    """A surge rule. RuleConfigError without a view."""
    params = read_params(SurgeParams, request.params, request.place)
    area_m2 = needs_view(request).area_m2 or request.zone_area_m2
    timing = Timing(
        stages=(Stage(1, params.rise_s), Stage(3, params.running_s)),
        clear_s=params.clear_s,
        rearm_s=params.rearm_s,
    )
    return Rule(request.binding, timing, SurgeSense(params, area_m2))


KINDS: Final = (
    RuleKind(
        "crowd_surge",
        HazardKind.CROWD_SURGE,
        frozenset({DeviceKind.CAMERA}),
        SurgeParams,
        build,
        {1: "the zone fills suddenly", 3: "a crowd runs"},
    ),
)
