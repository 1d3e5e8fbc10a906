"""Windows, readings and health as rows before they have numbers. Pure.

Bands   health says orders of magnitude and tenths: how a gateway does, and nothing that would tell who is near it.
Rate    a reading of one (device, quantity) leaves at most once in the quantity's least interval. Bound: one entry for each
        device that the site file names and each quantity.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from gatehouse_edge.rules.release_count import CountWindow
from gatehouse_edge.rules.release_flow import FlowWindow
from gatehouse_edge.values import Draft, GatewayLoad, Reading, SourceHealth
from gatehouse_shared.events import (
    AgeBand,
    Band,
    CameraHealth,
    CameraState,
    CountData,
    FlowData,
    GatewayHealth,
    HealthData,
    ReadingData,
)
from gatehouse_shared.instants import floor_time
from gatehouse_shared.names import QUANTITIES, Lane, Quantity

DEGRADED_BELOW: Final = 0.7
"""A camera that gives less than this share of its target rate is degraded."""
SKIPPED_BELOW: Final = 0.8
"""So is one of whose frames less than this share is looked at."""
LastReadings = Mapping[tuple[str, Quantity], datetime]
_BANDS: Final = (
    (0, Band.NONE),
    (9, Band.FEW),
    (99, Band.TENS),
    (999, Band.HUNDREDS),
    (9_999, Band.THOUSANDS),
)
_AGES: Final = ((60, AgeBand.SECONDS), (3_600, AgeBand.MINUTES), (86_400, AgeBand.HOURS))


def draft_window(window: CountWindow | FlowWindow) -> Draft:
    """A window that the release rules have let go."""
    if isinstance(window, CountWindow):
        count = CountData(
            zone=window.zone,
            device=window.device,
            label=window.label,
            window_s=window.window_s,  # type: ignore[arg-type]  # the release rules make 10, 60 and 900 only
            mean=window.mean,
            max=window.max,
            coverage=window.coverage,
            quality=window.quality,
        )
        return Draft(Lane.BULK, window.start, count)
    flow = FlowData(
        line=window.line,
        device=window.device,
        label=window.label,
        in_=window.inward,
        out=window.outward,
        window_s=window.window_s,
    )
    return Draft(Lane.BULK, window.start, flow)


def draft_readings(
    readings: Iterable[Reading], last: LastReadings
) -> tuple[tuple[Draft, ...], LastReadings]:
    """Readings that may leave now: the first of each device and quantity in each interval."""
    drafts: list[Draft] = []
    seen = dict(last)
    for reading in readings:
        if reading.quantity is None or reading.value is None:
            continue
        key = (reading.device, reading.quantity)
        step = floor_time(reading.time, QUANTITIES[reading.quantity].interval_s)
        if seen.get(key) == step:
            continue
        seen[key] = step
        data = ReadingData(device=reading.device, quantity=reading.quantity, value=reading.value)
        drafts.append(Draft(Lane.BULK, reading.time, data))
    return tuple(drafts), seen


def draft_camera(health: SourceHealth, time: datetime) -> Draft:
    """Health of one camera."""
    target = health.target_fps
    decode = _share(health.decoded_fps, target)
    state = CameraState.DOWN if health.state == "down" else CameraState.OK
    short = decode < DEGRADED_BELOW or health.looked_ratio < SKIPPED_BELOW
    if state is CameraState.OK and (short or health.state == "degraded"):
        state = CameraState.DEGRADED
    camera = CameraHealth(
        state=state,
        decode=_tenths(decode),
        inference=_tenths(health.looked_ratio),
        reconnects=band(health.reconnects),
    )
    return Draft(Lane.BULK, time, HealthData(camera=camera), f"devices/{health.device}")


def draft_gateway(load: GatewayLoad, time: datetime) -> Draft:
    """Health of the gateway itself."""
    age = next((name for most, name in _AGES if load.outbox_age_s < most), AgeBand.DAYS)
    gateway = GatewayHealth(
        cpu=_tenths(load.cpu),
        memory=_tenths(load.memory),
        disk=_tenths(load.disk),
        outbox_rows=band(load.outbox_rows),
        outbox_age=age,
    )
    return Draft(Lane.BULK, time, HealthData(gateway=gateway))


def band(number: int) -> Band:
    """The order of magnitude of a number.

    >>> [str(band(n)) for n in (0, 9, 10, 100, 12_345)]
    ['none', 'few', 'tens', 'hundreds', 'more']
    """
    return next((name for most, name in _BANDS if number <= most), Band.MORE)


def _share(rate: float, target: float) -> float:
    return min(1.0, rate / target) if target > 0 else float(rate > 0)


def _tenths(share: float) -> int:
    return round(min(max(share, 0.0), 1.0) * 10)
