"""Rows that the hub writes itself: its own outbox is the store, its epoch the store's id.

They are keyed (hub, store id, alarm, seq) over all sites and go through the same doors as a gateway's rows, in the
transaction of what they tell of. Numbers have no holes: the lane's progress row is the counter and its lock.
"""

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


def raise_hazard(tx: Transaction, hazard: HubHazard, *, time_ms: int, now_ms: int) -> EventKey:
    """Write a `raised` row: true since `time_ms`, confirmed now. Its key; `seq` is the hazard's number."""
    seq = _next_seq(tx)
    confirm_s = floor_confirm(class_of(hazard.kind), max(0, now_ms - time_ms) / 1000)
    data = HazardData(
        hazard=seq,
        phase=Phase.RAISED,
        kind=hazard.kind,
        zone=hazard.zone,
        device=hazard.device,
        rule=hazard.rule,
        grade=hazard.grade,
        confidence=CERTAIN,
        confirm_s=confirm_s,
        armed=True,
        drill=False,
    )
    return _write(tx, hazard.site, data, seq, time_ms, now_ms)


def continue_hazard(
    tx: Transaction, hazard: HazardState, phase: Phase, *, rule: str, now_ms: int
) -> EventKey:
    """Write an `updated` or `cleared` row of a hazard that the hub has raised."""
    seq = _next_seq(tx)
    data = HazardData(
        hazard=hazard.hazard,
        phase=phase,
        kind=hazard.kind,
        zone=hazard.zone,
        device=hazard.device,
        rule=rule,
        grade=hazard.grade,
        confidence=CERTAIN,
        confirm_s=0,
        armed=True,
        drill=hazard.drill,
    )
    return _write(tx, hazard.site, data, seq, now_ms, now_ms)


def open_hub_hazards(tx: Transaction) -> list[HazardState]:
    """What the hub has raised and not cleared."""
    return open_of(tx, HUB_GATEWAY, store_id(tx))


def _next_seq(tx: Transaction) -> int:
    rows = tx.execute(
        "INSERT INTO progress (gateway, epoch, lane, upto, top) VALUES (?, ?, 'alarm', 1, 1) "
        "ON CONFLICT (gateway, epoch, lane) DO UPDATE SET upto = progress.upto + 1, top = progress.upto + 1 "
        "RETURNING upto",
        (HUB_GATEWAY, store_id(tx)),
    )
    return integer(rows[0][0])


def _write(
    tx: Transaction, site: str, data: HazardData, seq: int, time_ms: int, now_ms: int
) -> EventKey:
    key = EventKey(HUB_GATEWAY, store_id(tx), Lane.ALARM, seq)
    event = build_event(
        site=site,
        gateway=HUB_GATEWAY,
        epoch=key.epoch,
        lane=key.lane,
        seq=seq,
        time=from_ms(time_ms),
        clock=ClockState.SYNCED,
        data=data,
    )
    canonical = encode(event)
    row = events.NewRow(
        key=key,
        site=site,
        event=event,
        canonical=canonical,
        sha256=sha256_hex(canonical),
        corrected_ms=to_ms(parse_instant(event.time)),
        offset=None,
        arrived_ms=now_ms,
        historical=False,
    )
    events.record(tx, [row])
    return key
