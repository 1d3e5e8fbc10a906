"""Occupancy of recorded events: what `gatehouse-hub fuse` does between reading a file and writing one. Pure.

Every zone that a count window names is told once a minute from the end of its first window to the end of its last, by the newest
window of each device as of that minute. Any order of the same events gives the same lines.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.fusion.occupancy import Occupancy, SourceReason, Window, fuse
from gatehouse_shared.events import CountEvent
from gatehouse_shared.ids import parse_source
from gatehouse_shared.instants import format_instant, from_ms, parse_instant, to_ms
from gatehouse_shared.names import Label
from gatehouse_shared.offline import OfflineRow
from gatehouse_shared.site import Site, Zone

STEP_S: Final = 60


@dataclass(frozen=True, slots=True)
class FusedZone:
    """One line of `fuse`'s output. `mean` and its 90 % interval in persons; `level` None while nothing current sees the zone."""

    site: str
    zone: str
    time: str
    mean: float | None
    low90: float | None
    high90: float | None
    level: int | None
    sources: tuple[str, ...]


def fuse_recorded(rows: Iterable[OfflineRow], site: Site) -> Iterator[FusedZone]:
    """Lines by zone, then time. Other sites' events, other labels and repeated events do not count."""
    windows: dict[str, set[Window]] = {}
    for row in rows:
        event = row.event
        at_site, _ = parse_source(event.source)
        if not isinstance(event, CountEvent) or at_site != site.site:
            continue
        data = event.data
        if data.label is Label.PERSON:
            begin_ms = to_ms(parse_instant(event.time)) - (row.offset_ms or 0)
            window = Window(data.device, begin_ms + data.window_s * 1000, data.window_s, data.mean)
            windows.setdefault(data.zone, set()).add(window)
    for zone in site.zones:
        if zone.id in windows:
            yield from _zone(site.site, zone, sorted(windows[zone.id], key=_rank))


def _rank(window: Window) -> tuple[int, int, str, str]:
    return window.end_ms, -window.window_s, window.device, str(window.mean)


def _zone(site: str, zone: Zone, windows: list[Window]) -> Iterator[FusedZone]:
    step_ms = STEP_S * 1000
    newest: dict[str, Window] = {}
    taken = 0
    for step in range(-(-windows[0].end_ms // step_ms), -(-windows[-1].end_ms // step_ms) + 1):
        now_ms = step * step_ms
        while taken < len(windows) and windows[taken].end_ms <= now_ms:
            newest[windows[taken].device] = windows[taken]
            taken += 1
        yield _line(site, zone, now_ms, fuse(
            list(newest.values()), zone.kind, zone.area_m2, zone.capacity, now_ms
        ))  # fmt: skip


def _line(site: str, zone: Zone, now_ms: int, fused: Occupancy) -> FusedZone:
    return FusedZone(
        site=site,
        zone=zone.id,
        time=format_instant(from_ms(now_ms)),
        mean=_rounded(fused.mean),
        low90=_rounded(fused.low90),
        high90=_rounded(fused.high90),
        level=None if fused.level is None else int(fused.level),
        sources=tuple(s.device for s in fused.sources if s.reason is SourceReason.FULLEST),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
