"""The latest state of every hazard, kept beside its rows.

A hazard's rows are ordered by their number, not by when they came: a late `raised` does not undo a `cleared`. A hazard
that was silent for SILENT_MS, or whose gateway is gone, is shown as last known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ports import Row, Transaction, Value
from gatehouse_hub.store.columns import flag, integer, integer_or_none, text
from gatehouse_shared.events import HazardData
from gatehouse_shared.ids import HUB_GATEWAY
from gatehouse_shared.names import HazardKind, Phase

SILENT_MS: Final = 30 * 60_000


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a hazard's life."""

    gateway: str
    epoch: str
    seq: int
    site: str
    data: HazardData
    corrected_ms: int
    arrived_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardState:
    """A hazard as its latest row leaves it. `raised_ms` is None until its raised row comes."""

    gateway: str
    epoch: str
    hazard: int
    site: str
    kind: HazardKind
    zone: str
    device: str
    phase: Phase
    grade: int
    drill: bool
    latest_seq: int
    raised_ms: int | None
    latest_ms: int
    heard_ms: int


def follow(tx: Transaction, steps: Sequence[Step]) -> None:
    """Bring hazards up to date with new rows, in any order; in one statement, each hazard once."""
    lives: dict[tuple[str, str, int], list[Step]] = {}
    for step in steps:
        lives.setdefault((step.gateway, step.epoch, step.data.hazard), []).append(step)
    tx.insert(
        "hazard",
        (*_KEY, "site", *_LATEST, "raised_ms", "heard_ms", "peak_grade"),
        [_life(life) for _, life in sorted(lives.items())],
        _FOLLOW,
    )


def _life(life: Sequence[Step]) -> tuple[Value, ...]:
    """What these rows of one hazard say of it: its latest state, when it was raised, when heard of, the highest grade."""
    latest = max(life, key=lambda s: s.seq)
    data = latest.data
    raised = [s.corrected_ms for s in life if s.data.phase is Phase.RAISED]
    return (
        *(latest.gateway, latest.epoch, data.hazard, latest.site),
        *(data.kind.value, data.zone, data.device, data.phase.value, data.grade, int(data.drill)),
        *(latest.seq, latest.corrected_ms, raised[0] if raised else None),
        *(max(s.arrived_ms for s in life), max(s.data.grade for s in life)),
    )


_KEY: Final = ("gateway", "epoch", "hazard")
_LATEST: Final = ("kind", "zone", "device", "phase", "grade", "drill", "latest_seq", "latest_ms")
"""What the row with the highest number says."""

_FOLLOW: Final = (
    "ON CONFLICT (gateway, epoch, hazard) DO UPDATE SET "
    + ", ".join(
        f"{name} = CASE WHEN excluded.latest_seq > hazard.latest_seq THEN excluded.{name} ELSE hazard.{name} END"
        for name in _LATEST
    )
    + ", raised_ms = COALESCE(excluded.raised_ms, hazard.raised_ms)"
    ", peak_grade = CASE WHEN excluded.peak_grade > hazard.peak_grade THEN excluded.peak_grade ELSE hazard.peak_grade END"
    ", heard_ms = CASE WHEN excluded.heard_ms > hazard.heard_ms THEN excluded.heard_ms ELSE hazard.heard_ms END"
)

_COLUMNS: Final = (
    "gateway, epoch, hazard, site, kind, zone, device, phase, grade, drill, latest_seq, raised_ms, "
    "latest_ms, heard_ms"
)


def open_hazards(tx: Transaction, site: str, limit: int = 1_000) -> list[HazardState]:
    """Hazards of a site that are not cleared, latest first."""
    sql = (
        f"SELECT {_COLUMNS} FROM hazard WHERE site = ? AND phase <> 'cleared' "  # noqa: S608
        "ORDER BY latest_ms DESC, gateway, epoch, hazard LIMIT ?"
    )
    return [_state(row) for row in tx.execute(sql, (site, limit))]


def open_of(
    tx: Transaction, gateway: str, epoch: str, devices: Sequence[str] = ()
) -> list[HazardState]:
    """Hazards of one outbox, or of the hub itself, that are not cleared, oldest first; of some devices only, if any are named."""
    among = f" AND device IN ({', '.join('?' * len(devices))})" if devices else ""
    # The hub's name stands in the text where it is meant, so that the index over the hub's own hazards is used.
    whose = f"gateway = '{HUB_GATEWAY}'" if gateway == HUB_GATEWAY else "gateway = ?"
    sql = (
        f"SELECT {_COLUMNS} FROM hazard WHERE {whose} AND epoch = ? AND phase <> 'cleared'{among} "  # noqa: S608
        "ORDER BY hazard"
    )
    params = (epoch, *devices) if gateway == HUB_GATEWAY else (gateway, epoch, *devices)
    return [_state(row) for row in tx.execute(sql, params)]


def is_last_known(heard_ms: int, now_ms: int, *, gateway_online: bool) -> bool:
    """Whether what we show of a hazard may be out of date."""
    return not gateway_online or now_ms - heard_ms > SILENT_MS


def _state(row: Row) -> HazardState:
    return HazardState(
        gateway=text(row[0]),
        epoch=text(row[1]),
        hazard=integer(row[2]),
        site=text(row[3]),
        kind=HazardKind(text(row[4])),
        zone=text(row[5]),
        device=text(row[6]),
        phase=Phase(text(row[7])),
        grade=integer(row[8]),
        drill=flag(row[9]),
        latest_seq=integer(row[10]),
        raised_ms=integer_or_none(row[11]),
        latest_ms=integer(row[12]),
        heard_ms=integer(row[13]),
    )
