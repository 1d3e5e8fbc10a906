"""The steps in which rules hear the world: fine enough for every parameter, coarse enough to be kept for two weeks.

Rules judge what is rounded here and nothing finer, so what the gateway keeps of their signals is the very thing they judged,
and a rehearsal of it gives the same hazards.
Steps   a moment 10 ms; the time of an observation 0.1 s; a stay 0.1 s; a share of a zone 0.001; a temperature 0.01 C.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from gatehouse_edge.rules.observations import (
    Acknowledged,
    DrillOrder,
    MaintenanceOrder,
    Moment,
    Observation,
    Signal,
    SourceUp,
    Tick,
    ZoneSignals,
)
from gatehouse_edge.values import ThermalSample

_MOMENT_US: Final = 10_000
_TIME_US: Final = 100_000
_TIMELESS: Final = (Tick, SourceUp, Acknowledged, DrillOrder, MaintenanceOrder)


def whole(now: Moment) -> Moment:
    """A moment in its step.

    >>> from datetime import UTC
    >>> whole(Moment(1.23456, datetime(2026, 5, 4, 16, 0, 1, 239_999, tzinfo=UTC))).at
    1.23
    """
    return Moment(round(now.at, 2), _cut(now.time, _MOMENT_US), now.time_known)


def heard(observation: Observation) -> Observation:
    """An observation in its steps. What a sensor measures is whole already, by the steps of its quantity; when it did is not.

    >>> from gatehouse_edge.values import Reading
    >>> heard(Reading("door", datetime(2026, 5, 4, 16, 0, 1, 390_000), 1.39, state=True)).time.microsecond
    300000
    """
    if isinstance(observation, _TIMELESS):
        return observation
    time = _cut(observation.time, _TIME_US)
    if isinstance(observation, ThermalSample):
        return replace(
            observation,
            at=round(observation.at, 2),
            time=time,
            hot_c=round(observation.hot_c, 2),
            ambient_c=_hundredths(observation.ambient_c),
            neighbours_c=_hundredths(observation.neighbours_c),
        )
    return observation if time == observation.time else replace(observation, time=time)


def told(signals: ZoneSignals) -> ZoneSignals:
    """Signals of a zone in their steps."""
    rows = tuple(
        Signal(r.label, r.speed, r.count, round(r.area_ratio, 3), round(r.stay_s, 1))
        for r in signals.rows
    )
    return replace(signals, rows=rows)


def _hundredths(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _cut(time: datetime, step_us: int) -> datetime:
    return time.replace(microsecond=time.microsecond // step_us * step_us)
