"""Writing down what changed of the gateways, with the hazards that the hub raises about them: one transaction, few statements.

Whether a hazard is open is read in that transaction, whose leases keep other workers away: nothing is raised twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from gatehouse_hub.ingest.alerts import AlertStep
from gatehouse_hub.ingest.gateway_book import RULES, Moment, Unsaved
from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import gateways, hub_events
from gatehouse_hub.store.gateways import OffsetChange, PresenceChange
from gatehouse_hub.store.hazards import HazardState
from gatehouse_hub.store.hub_events import Continue, HubHazard, Raise
from gatehouse_hub.values import Presence
from gatehouse_shared.events import ClockState
from gatehouse_shared.names import HazardKind, Phase

WARN: Final = 2


def save(
    tx: Transaction,
    changes: Sequence[Unsaved],
    now: Moment,
    zone_of: Callable[[str], str | None],
) -> set[str]:
    """Write changes; the sites of which the hub has said something. A gateway without a zone is told of by its row alone."""
    gateways.save_births(tx, [(c.gateway, c.birth) for c in changes if c.birth])
    gateways.save_presences(
        tx,
        [
            PresenceChange(c.gateway, c.watch.presence, c.watch.reason, c.watch.since_ms)
            for c in changes
            if c.watch
        ],
    )
    gateways.save_offsets(
        tx,
        [
            OffsetChange(c.gateway, c.sample.offset, _clock_of(c.sample.synced), now.ms)
            for c in changes
            if c.sample
        ],
    )
    zones = {c.gateway: zone_of(c.gateway) for c in changes if c.alerts}
    if not zones:
        return set()
    open_now = {(h.device, h.kind): h for h in hub_events.open_about(tx, zones)}
    steps = [
        step
        for change in changes
        if (zone := zones.get(change.gateway)) is not None
        for step in _alert_steps(change, zone, now, open_now)
    ]
    hub_events.write(tx, steps, now_ms=now.ms)
    return {step.hazard.site for step in steps}


def _alert_steps(
    change: Unsaved,
    zone: str,
    now: Moment,
    open_now: Mapping[tuple[str, HazardKind], HazardState],
) -> Iterator[Raise | Continue]:
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
            yield Raise(raised, _since_ms(change, kind, now))
        elif hazard is not None and step is not AlertStep.RAISE:
            phase = Phase.CLEARED if step is AlertStep.CLEAR else Phase.UPDATED
            yield Continue(hazard, phase, RULES[kind])


def _since_ms(change: Unsaved, kind: HazardKind, now: Moment) -> int:
    """When it began: a gateway is gone since it was last heard or its will came; a clock is wrong since we know."""
    gone = kind is HazardKind.DEVICE_OFFLINE and change.watch is not None
    if gone and change.watch and change.watch.presence is Presence.OFFLINE:
        return min(change.watch.since_ms, now.ms)
    return now.ms


def _clock_of(synced: bool) -> ClockState:
    return ClockState.SYNCED if synced else ClockState.UNSYNCED
