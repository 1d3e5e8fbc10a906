"""Gateways with their last health, their gaps and what was refused of them.

Bounds  health of the last HEALTH_MS and at most HEALTH_MAX rows is looked at; GAPS_MAX gaps a gateway.
"""

from datetime import datetime
from typing import Final

import msgspec
from msgspec import UnsetType

from gatehouse_hub.ports import Row, Transaction
from gatehouse_hub.store import gateways
from gatehouse_hub.store.columns import integer, integer_or_none, text, text_or_none
from gatehouse_hub.store.gateways import GatewayRow
from gatehouse_hub.store.records import (
    CameraFigure,
    GapRecord,
    GatewayRecord,
    QuarantineRecord,
)
from gatehouse_hub.values import Presence
from gatehouse_shared.errors import RefusalReason
from gatehouse_shared.events import GapReason, GatewayHealth, HealthEvent
from gatehouse_shared.instants import from_ms, to_ms
from gatehouse_shared.names import Lane

HEALTH_MS: Final = 60 * 60_000
HEALTH_MAX: Final = 20_000
GAPS_MAX: Final = 20
_DECODER: Final = msgspec.json.Decoder(HealthEvent)


class _Healths:
    """The newest health of each camera and gateway of a site."""

    def __init__(self) -> None:
        self.cameras: dict[str, dict[str, CameraFigure]] = {}
        self.loads: dict[str, tuple[datetime, GatewayHealth]] = {}

    def take(self, row: Row) -> None:
        """Older rows come first."""
        gateway, at = text(row[0]), from_ms(integer(row[1]))
        event = _DECODER.decode(text(row[2]))
        camera, load = event.data.camera, event.data.gateway
        if not isinstance(load, UnsetType):
            self.loads[gateway] = at, load
        if not isinstance(camera, UnsetType):
            device = event.subject.partition("/")[2]
            figure = CameraFigure(device=device, at=at, health=camera)
            self.cameras.setdefault(gateway, {})[device] = figure


def list_gateways(tx: Transaction, site: str, now: datetime) -> tuple[GatewayRecord, ...]:
    """Every registered gateway of a site, by id."""
    healths = _Healths()
    for row in reversed(
        tx.execute(
            "SELECT gateway, corrected_ms, payload FROM event WHERE site = ? AND lane = 'bulk'"
            " AND type = 'health' AND corrected_ms > ? AND arrived_ms > ? ORDER BY corrected_ms DESC LIMIT ?",
            (site, to_ms(now) - HEALTH_MS, to_ms(now) - HEALTH_MS, HEALTH_MAX),
        )
    ):
        healths.take(row)
    refused = {
        text(owner): integer(count)
        for owner, count in tx.execute(
            "SELECT q.owner, COUNT(*) FROM quarantine q JOIN gateway g ON g.gateway = q.owner"
            " WHERE g.site = ? GROUP BY q.owner",
            (site,),
        )
    }
    return tuple(
        _gateway(tx, row, healths, refused.get(row.gateway, 0))
        for row in gateways.load_of_site(tx, site)
    )


def count_online(tx: Transaction, site: str) -> tuple[int, int]:
    """(registered, online) gateways of a site."""
    rows = tx.execute(
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN presence = 'online' THEN 1 ELSE 0 END), 0)"
        " FROM gateway WHERE site = ?",
        (site,),
    )
    return integer(rows[0][0]), integer(rows[0][1])


def _gateway(
    tx: Transaction, row: GatewayRow, healths: _Healths, quarantined: int
) -> GatewayRecord:
    birth, load = row.birth, healths.loads.get(row.gateway)
    return GatewayRecord(
        gateway=row.gateway,
        site=row.site,
        online=row.presence is Presence.ONLINE,
        since=None if row.presence_ms is None else from_ms(row.presence_ms),
        last_seen_at=None if row.last_seen_ms is None else from_ms(row.last_seen_ms),
        clock=row.clock,
        offset_ms=row.offset.offset_ms if row.offset else None,
        offset_uncertainty_ms=row.offset.uncertainty_ms if row.offset else None,
        offset_at=None if row.offset_at_ms is None else from_ms(row.offset_at_ms),
        software=birth.software if birth else None,
        models=tuple(m.name for m in birth.model) if birth else (),
        unreviewed=any(m.reviewed == "unreviewed" for m in birth.model) if birth else False,
        config_version=row.config_version,
        wire=birth.wire if birth else None,
        load=load[1] if load else None,
        load_at=load[0] if load else None,
        cameras=tuple(healths.cameras.get(row.gateway, {}).values()),
        gaps=_gaps(tx, row.gateway),
        quarantined=quarantined,
    )


def _gaps(tx: Transaction, gateway: str) -> tuple[GapRecord, ...]:
    rows = tx.execute(
        "SELECT epoch, lane, from_seq, to_seq, reason, arrived_ms FROM gap_range"
        " WHERE gateway = ? AND reason NOT IN ('quarantined', 'outlived') ORDER BY arrived_ms DESC, to_seq DESC LIMIT ?",
        (gateway, GAPS_MAX),
    )
    return tuple(
        GapRecord(
            epoch=text(r[0]),
            lane=Lane(text(r[1])),
            from_seq=integer(r[2]),
            to_seq=integer(r[3]),
            reason=GapReason(text(r[4])),
            at=from_ms(integer(r[5])),
        )
        for r in rows
    )


def list_quarantine(
    tx: Transaction, site: str, *, limit: int, before: int | None
) -> tuple[QuarantineRecord, ...]:
    """What was refused of a site's gateways, newest first, numbers below `before`; without its content."""
    rows = tx.execute(
        "SELECT q.number, q.gateway, q.reason, q.message, q.lane, q.epoch, q.seq, q.sha256, q.size_bytes,"
        " q.arrived_ms, q.seen FROM quarantine q JOIN gateway g ON g.gateway = q.owner"
        " WHERE g.site = ? AND q.number < ? ORDER BY q.number DESC LIMIT ?",
        (site, 2**62 if before is None else before, limit),
    )
    return tuple(_refused(row) for row in rows)


def _refused(row: Row) -> QuarantineRecord:
    lane = text_or_none(row[4])
    return QuarantineRecord(
        id=integer(row[0]),
        gateway=text(row[1]),
        reason=RefusalReason(text(row[2])),
        message=text(row[3]),
        lane=Lane(lane) if lane else None,
        epoch=text_or_none(row[5]),
        seq=integer_or_none(row[6]),
        sha256=text(row[7]),
        size_bytes=integer(row[8]),
        arrived_at=from_ms(integer(row[9])),
        seen=integer(row[10]),
    )
