"""Writing down what changed of the gateways, with the hazards that the hub raises about them: one transaction."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gatehouse_hub.ingest.alerts import AlertStep
from gatehouse_hub.ingest.gateway_book import RULES, Moment, Unsaved
from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import gateways, hub_events
from gatehouse_hub.store.hazards import HazardState
from gatehouse_hub.store.hub_events import HubHazard
from gatehouse_hub.values import Presence
from gatehouse_shared.events import ClockState
from gatehouse_shared.names import HazardKind, Phase

WARN: Final = 2


def save(
    tx: Transaction,
    changes: Iterable[Unsaved],
    now: Moment,
    zone_of: Callable[[str], str | None],
) -> set[str]:
    """Write changes; the sites of which the hub has said something. A gateway without a zone is told of by its row alone."""
    told: set[str] = set()
    changes = list(changes)
    said = hub_events.open_hub_hazards(tx) if any(c.alerts for c in changes) else []
    open_now = {(h.device, h.kind): h for h in said}
    for change in changes:
        if change.birth:
            gateways.save_birth(tx, change.gateway, change.birth)
        if change.watch:
            watch = change.watch
            gateways.save_presence(tx, change.gateway, watch.presence, watch.reason, watch.since_ms)
        if change.sample:
            clock = ClockState.SYNCED if change.sample.synced else ClockState.UNSYNCED
            gateways.save_offset(tx, change.gateway, change.sample.offset, clock, now.ms)
        zone = zone_of(change.gateway) if change.alerts else None
        if zone is not None:
            _save_alerts(tx, change, zone, now, open_now)
            told.add(change.site)
    return told


def _save_alerts(
    tx: Transaction,
    change: Unsaved,
    zone: str,
    now: Moment,
    open_now: Mapping[tuple[str, HazardKind], HazardState],
) -> None:
    for kind, step in change.alerts:
        hazard = open_now.get((change.gateway, kind))
        if step is AlertStep.RAISE and hazard is None:
            raised = HubHazard(
                site=change.site,
                kind=kind,
                zone=zone,
                device=change.gateway,
                rule=RULES[kind],
                grade=WARN,
            )
            hub_events.raise_hazard(tx, raised, time_ms=_since_ms(change, kind, now), now_ms=now.ms)
        elif hazard is not None and step is not AlertStep.RAISE:
            phase = Phase.CLEARED if step is AlertStep.CLEAR else Phase.UPDATED
            hub_events.continue_hazard(tx, hazard, phase, rule=RULES[kind], now_ms=now.ms)


def _since_ms(change: Unsaved, kind: HazardKind, now: Moment) -> int:
    """When it began: a gateway is gone since it was last heard or its will came; a clock is wrong since we know."""
    gone = kind is HazardKind.DEVICE_OFFLINE and change.watch is not None
    if gone and change.watch and change.watch.presence is Presence.OFFLINE:
        return min(change.watch.since_ms, now.ms)
    return now.ms
