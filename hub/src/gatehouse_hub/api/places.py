"""Sites for the routes: their files, how full their zones are, their hazards and equipment."""

from datetime import datetime
from typing import Final

from gatehouse_hub.fusion.occupancy import Occupancy, SourceReason, Window, fuse
from gatehouse_hub.ports import Clock, Database, Transaction
from gatehouse_hub.store import desk, equipment, occupancy, quarters, sites, views
from gatehouse_hub.store.gap_report import GapReport, load_report
from gatehouse_hub.store.records import (
    GatewayRecord,
    HazardRecord,
    IncidentRecord,
    QuarantineRecord,
    SourceFigure,
    ZoneFigure,
)
from gatehouse_hub.store.site_shelf import SiteShelf
from gatehouse_shared.instants import from_ms, to_ms
from gatehouse_shared.names import DeviceKind, Label
from gatehouse_shared.out import IncidentState
from gatehouse_shared.site import Site, Zone

UNRESOLVED: Final = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)
UNRESOLVED_MAX: Final = 1_000
QUARTERS_MAX: Final = 10_000
COUNTERS: Final = frozenset({DeviceKind.CAMERA})


class Places:
    """What is known of sites. Checks no rights: the routes do.

    Bounds  keeps the number of each site's version, QUARTERS_MAX sites' last quarter of an hour, and what the shelf keeps.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self.shelf = SiteShelf()
        self._stamp: tuple[int, int] | None = None
        self._versions: dict[str, int] = {}
        self._quarters: dict[str, tuple[datetime, dict[str, float]]] = {}

    def names(self) -> tuple[str, ...]:
        """Every site that has a file."""
        with self._database.snapshot() as tx:
            return tuple(self._follow(tx))

    def load_site(self, name: str) -> Site | None:
        """The file that holds now; None for a site that is not there."""
        with self._database.snapshot() as tx:
            version = self._follow(tx).get(name)
            if version is None:
                return None
            return self.shelf.take(tx, [(name, version)]).get((name, version))

    def _follow(self, tx: Transaction) -> dict[str, int]:
        """The version that holds now of each site. Two threads may both read it anew: they find the same."""
        stamp = sites.newest_stamp(tx)
        if stamp != self._stamp:
            self._versions = sites.newest_versions(tx)
            self._stamp = stamp
        return self._versions

    def read_zones(self, site: Site, now: datetime) -> tuple[ZoneFigure, ...]:
        """How full every zone of the site is."""
        with self._database.snapshot() as tx:
            counts = occupancy.zone_counts(tx, site.site)
        quarter_start, means = self._quarter(site.site, now)
        windows: dict[str, list[Window]] = {}
        for count in counts:
            if count.label is Label.PERSON:
                window = Window(count.device, count.end_ms, count.window_s, count.mean)
                windows.setdefault(count.zone, []).append(window)
        return tuple(
            _figure(site, zone, windows.get(zone.id, []), now, (quarter_start, means.get(zone.id)))
            for zone in site.zones
        )

    def list_hazards(
        self, site: str, *, is_open: bool | None, presence: bool, limit: int
    ) -> tuple[HazardRecord, ...]:
        """Newest first; `presence` False leaves class P out."""
        with self._database.snapshot() as tx:
            return views.list_hazards(
                tx, site, self._clock.now(), is_open=is_open, presence=presence, limit=limit
            )

    def list_unresolved(self, site: str, *, presence: bool) -> tuple[IncidentRecord, ...]:
        """Incidents that are open or acknowledged, at most UNRESOLVED_MAX."""
        with self._database.snapshot() as tx:
            return desk.list_incidents(
                tx,
                site,
                states=UNRESOLVED,
                presence=presence,
                limit=UNRESOLVED_MAX,
                before_ms=None,
            )

    def list_gateways(self, site: str) -> tuple[GatewayRecord, ...]:
        """Every registered gateway of the site, by id."""
        with self._database.snapshot() as tx:
            return equipment.list_gateways(tx, site, self._clock.now())

    def read_gaps(self, site: str, gateway: str) -> GapReport | None:
        """What of a gateway's rows is here, on its way or gone; None when the site has no such gateway."""
        with self._database.snapshot() as tx:
            return load_report(tx, site, gateway)

    def list_quarantine(
        self, site: str, *, limit: int, before: int | None
    ) -> tuple[QuarantineRecord, ...]:
        """Newest first, ids below `before`."""
        with self._database.snapshot() as tx:
            return equipment.list_quarantine(tx, site, limit=limit, before=before)

    def _quarter(self, site: str, now: datetime) -> tuple[datetime, dict[str, float]]:
        start = quarters.last_quarter(now)
        kept = self._quarters.get(site)
        if kept is None or kept[0] != start:
            with self._database.snapshot() as tx:
                kept = start, quarters.quarter_means(tx, site, start)
            if len(self._quarters) >= QUARTERS_MAX:
                self._quarters.clear()
            self._quarters[site] = kept
        return kept


def _figure(
    site: Site,
    zone: Zone,
    windows: list[Window],
    now: datetime,
    quarter: tuple[datetime, float | None],
) -> ZoneFigure:
    fused = fuse(windows, zone.kind, zone.area_m2, zone.capacity, to_ms(now))
    window, mean = fused.window, quarter[1]
    return ZoneFigure(
        zone=zone.id,
        level=fused.level,
        mean=fused.mean,
        low90=fused.low90,
        high90=fused.high90,
        quarter_mean=mean,
        quarter_start=None if mean is None else quarter[0],
        window_start=from_ms(window.end_ms - window.window_s * 1000) if window else None,
        window_s=window.window_s if window else None,
        age_s=_age_s(fused, now),
        blind=fused.blind,
        counted=bool(windows) or _has_counter(site, zone),
        sources=tuple(
            SourceFigure(
                device=source.device,
                measure="count",
                used=source.reason is SourceReason.FULLEST,
                reason=source.reason,
                age_s=source.age_s,
            )
            for source in fused.sources
        ),
    )


def _age_s(fused: Occupancy, now: datetime) -> int | None:
    """Age of the window used; of the newest where none is fresh enough."""
    if fused.window is not None:
        return max(0, (to_ms(now) - fused.window.end_ms) // 1000)
    return min((source.age_s for source in fused.sources), default=None)


def _has_counter(site: Site, zone: Zone) -> bool:
    counters = {device.id for device in site.devices if device.kind in COUNTERS}
    return any(view.zone == zone.id and view.device in counters for view in site.views)
