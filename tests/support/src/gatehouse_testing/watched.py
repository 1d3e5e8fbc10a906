"""What rules are told, in few words: moments, tracks, readings, and a driver that steps one rule through them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from gatehouse_edge.rules.observations import Moment, Observation, Signal, Speed, Tick, ZoneSignals
from gatehouse_edge.rules.rule import Rule, RuleState
from gatehouse_edge.values import Finding, Reading, ThermalSample, Track, TrackId, Tracks, ZoneCount
from gatehouse_shared.names import Label

START = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
WIDTH, HEIGHT = 640, 480


def moment(at: float, *, time_known: bool = True) -> Moment:
    """Seconds after noon of a Monday in June, UTC."""
    return Moment(at, START + timedelta(seconds=at), time_known)


def person(
    track_id: int,
    foot: tuple[float, float],
    *,
    tall: float = 0.2,
    age_s: float = 5.0,
    label: Label = Label.PERSON,
    score: float = 0.9,
    seen: bool = True,
) -> Track:
    """Something that stands at `foot`, a third as wide as `tall`; all in fractions of the frame."""
    x, y = foot[0] * WIDTH, foot[1] * HEIGHT
    half, height = tall * HEIGHT / 6, tall * HEIGHT
    return Track(
        TrackId(track_id), label, score, (x - half, y - height, x + half, y), age_s, 9, seen
    )


def thing(track_id: int, box: tuple[float, float, float, float], label: Label = Label.CAR) -> Track:
    """A box in fractions of the frame."""
    x1, y1, x2, y2 = box
    xyxy = (x1 * WIDTH, y1 * HEIGHT, x2 * WIDTH, y2 * HEIGHT)
    return Track(TrackId(track_id), label, 0.9, xyxy, 5.0, 9, True)


def tracks(at: float, *seen: Track, device: str = "cam_1") -> Tracks:
    """One frame's tracks."""
    return Tracks(device, at, moment(at).time, WIDTH, HEIGHT, tuple(seen))


def state_of(at: float, state: bool, device: str = "sensor_1") -> Reading:
    """What a sensor with two states says."""
    return Reading(device, moment(at).time, at, state=state)


def warmth(
    at: float,
    hot_c: float,
    *,
    ambient_c: float | None = 22.0,
    neighbours_c: float | None = None,
    hot_px: int = 40,
) -> ThermalSample:
    """One thermal sample of the shed."""
    time = moment(at).time
    return ThermalSample("thermal_1", "shed", at, time, hot_c, ambient_c, neighbours_c, hot_px)


def count_of(at: float, count: int, zone: str = "plaza") -> ZoneCount:
    """One count of persons by `cam_1`."""
    return ZoneCount(zone, "cam_1", Label.PERSON, at, moment(at).time, count)


def signals(at: float, *rows: Signal, zone: str = "plaza") -> ZoneSignals:
    """Zone signals of `cam_1`."""
    return ZoneSignals(zone, "cam_1", at, moment(at).time, tuple(rows))


def standing(label: Label, area_ratio: float, stay_s: float = 1.0, count: int = 1) -> Signal:
    """A row of what stands still."""
    return Signal(label, Speed.STILL, count, area_ratio, stay_s)


def told(rule: Rule, *observed: tuple[float, Observation]) -> list[Finding]:
    """Findings of a rule that is told all this in order."""
    return run(rule, observed)[1]


def run(
    rule: Rule, observed: Iterable[tuple[float, Observation]], state: RuleState | None = None
) -> tuple[RuleState, list[Finding]]:
    """State and findings after all this."""
    state, findings = state or RuleState(), list[Finding]()
    for at, observation in observed:
        state, found = rule.step(state, observation, moment(at))
        findings.extend(found)
    return state, findings


def ticks(first: int, last: int) -> Sequence[tuple[float, Observation]]:
    """A tick a second."""
    return [(float(at), Tick()) for at in range(first, last + 1)]


def phases(findings: Iterable[Finding]) -> list[tuple[str, int, float]]:
    """Phase, grade and event time in seconds after the start."""
    return [(f.phase.value, f.grade, (f.time - START).total_seconds()) for f in findings]
