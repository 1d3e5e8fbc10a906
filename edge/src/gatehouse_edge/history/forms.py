"""The forms in which observations are kept, and back. Every number a rule saw comes back as it was.

Time    within a block all moments are relative to its beginning, so that a stay that goes on is one value for as long as it does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Final, cast, get_args

import msgspec

from gatehouse_edge.history.block import BlockError
from gatehouse_edge.rules.observations import (
    Moment,
    Observation,
    Signal,
    Speed,
    ZoneSignals,
)
from gatehouse_edge.rules.trigger import Facts, Sample
from gatehouse_edge.values import ThermalSample, ZoneCount
from gatehouse_shared.names import Label

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CENTI: Final = timedelta(milliseconds=10)
DECI: Final = timedelta(milliseconds=100)
_SampleRow = tuple[int, int, int, tuple[int, int] | None, int, int | None]
KINDS: Final[dict[str, type]] = {kind.__name__: kind for kind in get_args(Observation)}


@dataclass(frozen=True, slots=True)
class Origin:
    """The beginning of a block: hundredths of a second on the timeline and since 1970."""

    at_cs: int
    time_cs: int


def to_cs(at: float) -> int:
    """Hundredths of a second."""
    return round(at * 100)


def time_cs(time: datetime) -> int:
    """Hundredths of a second since 1970."""
    return (time - EPOCH) // CENTI


def time_ds(time: datetime) -> int:
    """Tenths of a second since 1970."""
    return (time - EPOCH) // DECI


def from_ds(ds: int) -> datetime:
    """The time so many tenths of a second after 1970."""
    return EPOCH + DECI * ds


def signals_value(signals: ZoneSignals, origin: Origin) -> list[object]:
    """Rows of a zone, flat: label, speed, count, thousandths of the zone, tenths of a second since which the longest stays."""
    seen = time_ds(signals.time) - origin.time_cs // 10
    flat: list[object] = []
    for row in signals.rows:
        since = seen - round(row.stay_s * 10)
        flat += (row.label.value, int(row.speed), row.count, round(row.area_ratio * 1000), since)
    return flat


def signals_of(
    value: object, zone: str, device: str, stamp: tuple[float, datetime], seen: int
) -> ZoneSignals:
    """The signals again. `seen`: tenths of a second from the block's beginning to the observation."""
    flat = cast("list[int | str]", value)
    rows = tuple(
        Signal(
            Label(str(label)),
            Speed(int(speed)),
            int(count),
            int(area) / 1000,
            (seen - int(since)) / 10,
        )
        for label, speed, count, area, since in _fives(flat)
    )
    return ZoneSignals(zone, device, stamp[0], stamp[1], rows)


def count_of(
    value: object, key: tuple[str, str], device: str, stamp: tuple[float, datetime]
) -> ZoneCount:
    """A count again. `key`: zone and label."""
    return ZoneCount(key[0], device, Label(key[1]), stamp[0], stamp[1], cast("int", value))


def sample_value(samples: list[Sample], seen: datetime, origin: Origin) -> list[object]:
    """Samples of one rule at one moment: truths as bits, when it began, and how much older than the observation they are."""
    return [
        [
            _bits(s.on),
            _bits(s.hold),
            len(s.on),
            None
            if s.since is None
            else [to_cs(s.since.at) - origin.at_cs, time_cs(s.since.time) - origin.time_cs],
            time_cs(seen) - time_cs(s.time),
            s.facts.count,
        ]
        for s in samples
    ]


def samples_of(value: object, seen: datetime, origin: Origin) -> tuple[Sample, ...]:
    """The samples again. What they said beside truth and count is not kept."""
    out: list[Sample] = []
    for on, hold, stages, since, older, count in cast("list[_SampleRow]", value):
        began = None
        if since is not None:
            at, time = since
            began = Moment((at + origin.at_cs) / 100, EPOCH + CENTI * (time + origin.time_cs))
        facts = Facts(count=count, reason="as it was seen then")
        sample_time = EPOCH + CENTI * (time_cs(seen) - older)
        out.append(Sample(sample_time, _truths(on, stages), _truths(hold, stages), facts, began))
    return tuple(out)


def warmth_value(sample: ThermalSample) -> list[object]:
    """Temperatures in hundredths, and pixels."""
    return [
        _hundredths(sample.hot_c),
        _hundredths(sample.ambient_c),
        _hundredths(sample.neighbours_c),
        sample.hot_px,
        *(() if sample.absolute else (0,)),
    ]


def warmth_of(value: object, device: str, zone: str, at: float, time: datetime) -> ThermalSample:
    """The temperatures again."""
    hot, ambient, beside, pixels, *uncalibrated = cast(
        "tuple[int, int | None, int | None, int, *tuple[int, ...]]", value
    )
    return ThermalSample(
        device=device,
        zone=zone,
        at=at,
        time=time,
        hot_c=hot / 100,
        ambient_c=None if ambient is None else ambient / 100,
        neighbours_c=None if beside is None else beside / 100,
        hot_px=pixels,
        absolute=not uncalibrated,
    )


def other_value(observation: Observation) -> bytes:
    """Any other observation, whole but for `at`, `time` and words of the log."""
    bare = msgspec.to_builtins(observation, builtin_types=(datetime,))
    for name in ("at", "time"):
        bare.pop(name, None)
    if "reason" in bare:
        bare["reason"] = str(bare["reason"])[:80]
    return msgspec.msgpack.encode(bare)


def other_of(kind: str, value: object, at: float, time: datetime) -> Observation:
    """The observation again. BlockError for a kind that this agent does not know."""
    known = KINDS.get(kind)
    if known is None:
        raise BlockError(f"an observation {kind!r} that this agent does not know")
    names = {f.name for f in fields(known)}
    bare: dict[str, object] = msgspec.msgpack.decode(cast("bytes", value))
    stamp: dict[str, object] = {"at": at, "time": time}
    try:
        made = cast(
            "Observation",
            msgspec.convert({**bare, **{k: v for k, v in stamp.items() if k in names}}, known),
        )
    except msgspec.ValidationError as error:
        raise BlockError(f"{kind}: {error}") from None
    return made


def _fives(flat: list[int | str]) -> Iterator[tuple[int | str, ...]]:
    """A row has five values."""
    return zip(*[iter(flat)] * 5, strict=True)


def _hundredths(value: float | None) -> int | None:
    return None if value is None else round(value * 100)


def _bits(truth: tuple[bool, ...]) -> int:
    return sum(1 << i for i, true in enumerate(truth) if true)


def _truths(bits: int, count: int) -> tuple[bool, ...]:
    return tuple(bool(bits >> i & 1) for i in range(count))
