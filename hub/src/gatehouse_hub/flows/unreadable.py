"""An alarm that could not be read is never hidden: it opens an incident that names the gateway, and nothing of its content.

One incident stands for a gateway until a person resolves it; further unreadable alarms join it: a broken gateway asks once.
"""

import hashlib
from typing import Final

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import work
from gatehouse_hub.store.columns import integer, text
from gatehouse_hub.store.incidents import IncidentRow, StoredReason, Story, add_act, insert_incident
from gatehouse_hub.store.quarantine import UnreadableAlarm, unreadable_alarms
from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_shared.site import Site

VERSION: Final = "unreadable"
"""Stands where other incidents name the weights that linked them."""

BATCH: Final = 20_000
"""Alarms looked at in one turn; when there are more, the site waits for another."""


def open_unreadable(tx: Transaction, site: Site, since_ms: int) -> tuple[str, ...]:
    """Incidents of alarms that came since and are in none yet; ids of those that are new or grew."""
    changed: list[str] = []
    alarms = unreadable_alarms(tx, site.site, since_ms, BATCH)
    if len(alarms) == BATCH:
        rest_ms = alarms[-1].arrived_ms
        work.add(tx, [work.Pending(site.site, rest_ms, rest_ms)])
    for alarm in alarms:
        name = _name(alarm)
        if tx.execute("SELECT 1 FROM incident_member WHERE event_id = ?", (name,)):
            continue
        standing = _standing(tx, site.site, alarm.key.gateway)
        incident = standing or name
        if standing is None:
            insert_incident(tx, _row(name, alarm, site))
        else:
            tx.execute(
                "UPDATE incident SET updated_ms = ? WHERE id = ? AND updated_ms < ?",
                (alarm.arrived_ms, incident, alarm.arrived_ms),
            )
        tx.execute(
            "INSERT INTO incident_member (event_id, incident, gateway, epoch, hazard, time_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (name, incident, alarm.key.gateway, alarm.key.epoch, alarm.key.seq, alarm.arrived_ms),
        )
        add_act(tx, incident, alarm.arrived_ms, "unreadable", None, str(alarm.reason))
        changed.append(incident)
    return tuple(dict.fromkeys(changed))


def _name(alarm: UnreadableAlarm) -> str:
    key = alarm.key
    body = f"unreadable/{key.gateway}/{key.epoch}/{key.seq}/{alarm.sha256}"
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def _standing(tx: Transaction, site: str, gateway: str) -> str | None:
    found = tx.execute(
        "SELECT i.id, MIN(i.opened_ms) FROM incident i JOIN incident_member m ON m.incident = i.id"
        " WHERE i.site = ? AND i.weights = ? AND i.state <> 'resolved' AND m.gateway = ?"
        " GROUP BY i.id ORDER BY 2 LIMIT 1",
        (site, VERSION, gateway),
    )
    return text(found[0][0]) if found and integer(found[0][1]) else None


def _row(name: str, alarm: UnreadableAlarm, site: Site) -> IncidentRow:
    gateway = alarm.key.gateway
    zone = next((d.zone for d in site.devices if d.gateway == gateway), site.zones[0].id)
    return IncidentRow(
        id=name,
        site=site.site,
        kind=str(HazardKind.TAMPER),
        hazard_class=HazardClass.THING,
        zone=zone,
        zones=(zone,),
        priority="P2",
        opened_ms=alarm.arrived_ms,
        updated_ms=alarm.arrived_ms,
        drill=False,
        historical=False,
        summary_en=f"Unreadable alarm from {gateway}",
        summary_zh=f"来自 {gateway} 的报警无法读取",
        weights=VERSION,
        story=Story(
            (),
            (),
            (
                StoredReason(
                    "unreadable",
                    {"gateway": gateway, "reason": str(alarm.reason)},
                    "an alarm that cannot be read may be any alarm; look at the place, then at the quarantine",
                    "无法读取的报警可能是任何报警；请先查看现场，再查看隔离区",
                ),
            ),
        ),
    )
