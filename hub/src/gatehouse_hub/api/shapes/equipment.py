"""Gateways, their devices, gaps and refused rows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from gatehouse_hub.api.schemas import equipment
from gatehouse_hub.api.schemas.equipment import Presence, Sees
from gatehouse_hub.api.shapes.texts import instant_or_none
from gatehouse_hub.store.gap_report import GapReport
from gatehouse_hub.store.records import CameraFigure, GapRecord, GatewayRecord, QuarantineRecord
from gatehouse_shared.instants import format_instant, from_ms
from gatehouse_shared.names import DeviceKind
from gatehouse_shared.site import Device, Site

HEALTH_FORGOTTEN: Final = timedelta(minutes=15)
"""Health comes every five minutes; three missed make it unknown."""

CAMERAS: Final = frozenset({DeviceKind.CAMERA, DeviceKind.THERMAL})
"""Devices whose health is sent."""


def gateway_to_schema(
    site: Site, gateway: str, record: GatewayRecord | None, now: datetime
) -> equipment.Gateway:
    """A gateway of the site file, with what is known of it."""
    cameras = {c.device: c for c in record.cameras} if record else {}
    devices = [
        _device(device, cameras.get(device.id), device_state(device, cameras, record, now))
        for device in site.devices
        if device.gateway == gateway
    ]
    record = record or _never_heard(site.site, gateway)
    return equipment.Gateway(
        gateway=gateway,
        site=site.site,
        presence=presence_of(record),
        since=instant_or_none(record.since),
        last_seen_at=instant_or_none(record.last_seen_at),
        clock=record.clock,
        offset_ms=record.offset_ms,
        offset_uncertainty_ms=record.offset_uncertainty_ms,
        offset_at=instant_or_none(record.offset_at),
        software=record.software,
        models=list(record.models),
        unreviewed_model=record.unreviewed,
        config_version=record.config_version,
        wire=record.wire,
        load=_load(record),
        devices=devices,
        gaps=[_gap(gap) for gap in record.gaps],
        quarantined=record.quarantined,
    )


def _never_heard(site: str, gateway: str) -> GatewayRecord:
    return GatewayRecord(
        gateway=gateway,
        site=site,
        online=False,
        since=None,
        last_seen_at=None,
        clock=None,
        offset_ms=None,
        offset_uncertainty_ms=None,
        offset_at=None,
        software=None,
        models=(),
        unreviewed=False,
        config_version=None,
        wire=None,
        load=None,
        load_at=None,
        cameras=(),
        gaps=(),
        quarantined=0,
    )


def presence_of(record: GatewayRecord) -> Presence:
    """Whether the gateway is there."""
    if record.online:
        return Presence.ONLINE
    return Presence.NEVER if record.last_seen_at is None else Presence.OFFLINE


def device_states(
    site: Site, gateway: str, record: GatewayRecord | None, now: datetime
) -> dict[str, Sees]:
    """How each device of a gateway does."""
    cameras = {c.device: c for c in record.cameras} if record else {}
    return {
        device.id: device_state(device, cameras, record, now)
        for device in site.devices
        if device.gateway == gateway
    }


def device_state(
    device: Device,
    cameras: Mapping[str, CameraFigure],
    record: GatewayRecord | None,
    now: datetime,
) -> Sees:
    """A device does as its last health says; a sensor as long as its gateway is there."""
    if record is None or not record.online:
        return Sees.UNKNOWN
    if device.kind not in CAMERAS:
        return Sees.OK
    camera = cameras.get(device.id)
    if camera is None or now - camera.at > HEALTH_FORGOTTEN:
        return Sees.UNKNOWN
    return Sees(camera.health.state.value)


def _device(device: Device, camera: CameraFigure | None, state: Sees) -> equipment.DeviceHealth:
    return equipment.DeviceHealth(
        device=device.id,
        kind=device.kind,
        zone=device.zone,
        state=state,
        decode=camera.health.decode if camera else None,
        inference=camera.health.inference if camera else None,
        reconnects=camera.health.reconnects if camera else None,
        at=format_instant(camera.at) if camera else None,
    )


def _load(record: GatewayRecord) -> equipment.GatewayLoad | None:
    load, at = record.load, record.load_at
    if load is None or at is None:
        return None
    return equipment.GatewayLoad(
        at=format_instant(at),
        cpu=load.cpu,
        memory=load.memory,
        disk=load.disk,
        outbox_rows=load.outbox_rows,
        outbox_age=load.outbox_age,
    )


def _gap(gap: GapRecord) -> equipment.Gap:
    return equipment.Gap(
        epoch=gap.epoch,
        lane=gap.lane,
        from_seq=gap.from_seq,
        to_seq=gap.to_seq,
        reason=gap.reason,
        at=format_instant(gap.at),
    )


def report_to_schema(report: GapReport, site: str, now: datetime) -> equipment.GapReport:
    """What of a gateway's rows is here, on its way or gone."""
    on_the_way = sum(lane.unaccounted + lane.waiting for lane in report.lanes)
    return equipment.GapReport(
        gateway=report.gateway,
        site=site,
        as_of=format_instant(now),
        heard_at=_instant(report.heard_ms),
        complete=bool(report.lanes) and report.missing == 0 and on_the_way == 0,
        missing=report.missing,
        on_the_way=on_the_way,
        lanes=[
            equipment.LaneAccount(
                epoch=lane.epoch,
                lane=lane.lane,
                last=lane.last,
                upto=lane.upto,
                stored=lane.stored,
                unaccounted=lane.unaccounted,
                waiting=lane.waiting,
                quarantined=lane.quarantined,
            )
            for lane in report.lanes
        ],
        gaps=[
            equipment.GapFigure(
                epoch=gap.epoch,
                lane=gap.lane,
                from_seq=gap.from_seq,
                to_seq=gap.to_seq,
                reason=gap.reason,
                count=gap.count,
                at=format_instant(from_ms(gap.arrived_ms)),
                after=_instant(gap.after_ms),
                before=_instant(gap.before_ms),
            )
            for gap in report.gaps
        ],
        more_gaps=report.more_gaps,
    )


def _instant(ms: int | None) -> str | None:
    return None if ms is None else format_instant(from_ms(ms))


def quarantine_to_schema(record: QuarantineRecord) -> equipment.QuarantineRow:
    """A refused message or row, without its content."""
    return equipment.QuarantineRow(
        id=record.id,
        gateway=record.gateway,
        reason=record.reason,
        message=record.message,
        lane=record.lane,
        epoch=record.epoch,
        seq=record.seq,
        sha256=record.sha256,
        size_bytes=record.size_bytes,
        arrived_at=format_instant(record.arrived_at),
        seen=record.seen,
    )
