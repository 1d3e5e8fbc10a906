"""Rows that the hub writes itself: its own outbox is the store, its epoch the store's id.

They are keyed (hub, store id, alarm, seq) over all sites and go through the same doors as a gateway's rows, in the
transaction of what they tell of. Numbers have no holes: the lane's progress row is the counter and its lock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import events
from gatehouse_hub.store.columns import integer
from gatehouse_hub.store.database import store_id
from gatehouse_hub.store.hazards import HazardState, open_of
from gatehouse_hub.values import EventKey
from gatehouse_shared.counts import floor_confirm
from gatehouse_shared.events import ClockState, HazardData
from gatehouse_shared.ids import HUB_GATEWAY
from gatehouse_shared.instants import from_ms, parse_instant, to_ms
from gatehouse_shared.names import HazardKind, Lane, Phase, class_of
from gatehouse_shared.wire import build_event, encode, sha256_hex

LOOKUP_MAX: Final = 100
"""Devices asked for in one statement."""

CERTAIN: Final = 20
"""Confidence of what the hub knows at first hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubHazard:
    """What the hub raises: `rule` names the hub's own rule, `device` may be a gateway."""

    site: str
    kind: HazardKind
    zone: str
    device: str
    rule: str
    grade: int


@dataclass(frozen=True, slots=True)
class Raise:
    """A hazard that begins: true since `time_ms`."""

    hazard: HubHazard
    time_ms: int


@dataclass(frozen=True, slots=True)
class Continue:
    """A hazard that the hub has raised goes on or ends."""

    hazard: HazardState
    phase: Phase
    rule: str


def write(tx: Transaction, steps: Sequence[Raise | Continue], *, now_ms: int) -> list[EventKey]:
    """Write a row each, confirmed now. Their keys; the `seq` of a raised one is its hazard's number."""
    if not steps:
        return []
    epoch = store_id(tx)
    first = _take_numbers(tx, epoch, len(steps))
    rows = [_row(step, epoch, seq, now_ms) for seq, step in enumerate(steps, first)]
    events.record(tx, rows)
    return [row.key for row in rows]


def open_about(tx: Transaction, devices: Iterable[str]) -> list[HazardState]:
    """What the hub has raised about these devices or gateways and not cleared."""
    names = sorted(set(devices))
    epoch = store_id(tx) if names else ""
    found: list[HazardState] = []
    for start in range(0, len(names), LOOKUP_MAX):
        found += open_of(tx, HUB_GATEWAY, epoch, names[start : start + LOOKUP_MAX])
    return found


def _take_numbers(tx: Transaction, epoch: str, count: int) -> int:
    """The first of `count` numbers of the hub's own lane."""
    rows = tx.execute(
        "INSERT INTO progress (gateway, epoch, lane, upto, top) VALUES (?, ?, 'alarm', ?, ?) "
        "ON CONFLICT (gateway, epoch, lane) DO UPDATE SET upto = progress.upto + excluded.upto, "
        "top = progress.upto + excluded.upto RETURNING upto",
        (HUB_GATEWAY, epoch, count, count),
    )
    return integer(rows[0][0]) - count + 1


def _row(step: Raise | Continue, epoch: str, seq: int, now_ms: int) -> events.NewRow:
    data = _begun(step, seq, now_ms) if isinstance(step, Raise) else _gone_on(step)
    event = build_event(
        site=step.hazard.site,
        gateway=HUB_GATEWAY,
        epoch=epoch,
        lane=Lane.ALARM,
        seq=seq,
        time=from_ms(step.time_ms if isinstance(step, Raise) else now_ms),
        clock=ClockState.SYNCED,
        data=data,
    )
    canonical = encode(event)
    return events.NewRow(
        key=EventKey(HUB_GATEWAY, epoch, Lane.ALARM, seq),
        site=step.hazard.site,
        event=event,
        canonical=canonical,
        sha256=sha256_hex(canonical),
        corrected_ms=to_ms(parse_instant(event.time)),
        offset=None,
        arrived_ms=now_ms,
        historical=False,
    )


def _begun(step: Raise, seq: int, now_ms: int) -> HazardData:
    hazard = step.hazard
    late_s = max(0, now_ms - step.time_ms) / 1000
    return HazardData(
        hazard=seq,
        phase=Phase.RAISED,
        kind=hazard.kind,
        zone=hazard.zone,
        device=hazard.device,
        rule=hazard.rule,
        grade=hazard.grade,
        confidence=CERTAIN,
        confirm_s=floor_confirm(class_of(hazard.kind), late_s),
        armed=True,
        drill=False,
    )


def _gone_on(step: Continue) -> HazardData:
    hazard = step.hazard
    return HazardData(
        hazard=hazard.hazard,
        phase=step.phase,
        kind=hazard.kind,
        zone=hazard.zone,
        device=hazard.device,
        rule=step.rule,
        grade=hazard.grade,
        confidence=CERTAIN,
        confirm_s=0,
        armed=True,
        drill=hazard.drill,
    )
