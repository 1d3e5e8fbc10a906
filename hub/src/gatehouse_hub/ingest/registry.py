"""Who may send: the registered gateways with the site files their rows are checked against, read from the store.

Bounds  one entry a registered gateway; VERSIONS_MAX site files a site. The store is asked at most every LOOK_S whether a site
        file was added, and then read anew.
"""

from typing import Final

from gatehouse_hub.ingest.reading import Sender
from gatehouse_hub.ports import Database
from gatehouse_hub.store import gateways, sites
from gatehouse_hub.store.gateways import GatewayRow
from gatehouse_hub.store.sites import SiteVersion

LOOK_S: Final = 2.0


class Registry:
    """Used by the ingest thread only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stamp: tuple[int, int] | None = None
        self._looked_s = float("-inf")
        self._senders: dict[str, Sender] = {}
        self._versions: dict[str, list[SiteVersion]] = {}

    def refresh(self, now_s: float) -> list[GatewayRow] | None:
        """Look for new site files; every gateway when there were any, None otherwise."""
        if now_s - self._looked_s < LOOK_S:
            return None
        self._looked_s = now_s
        with self._database.snapshot() as tx:
            stamp = sites.newest_stamp(tx)
            if stamp == self._stamp:
                return None
            rows = gateways.load_all(tx)
            self._versions = {s: sites.load_versions(tx, s) for s in sites.site_ids(tx)}
        self._stamp = stamp
        self._senders = {}
        for row in rows:
            self.place(row.gateway, row.site, wire=row.wire, config_version=row.config_version)
        return rows

    def sender(self, gateway: str) -> Sender | None:
        """A registered gateway, or None."""
        return self._senders.get(gateway)

    def known(self) -> frozenset[str]:
        """Every registered gateway."""
        return frozenset(self._senders)

    def place(self, gateway: str, site: str, *, wire: int, config_version: int | None) -> None:
        """What a gateway said it runs: its rows are checked against that version first, then newest first."""
        versions = sorted(
            self._versions.get(site, []),
            key=lambda v: (v.version != config_version, -v.version),
        )
        self._senders[gateway] = Sender(gateway, site, tuple(v.site for v in versions), wire)

    def zone_of(self, gateway: str) -> str | None:
        """The zone of a gateway's first device, for what the hub raises about it."""
        sender = self._senders.get(gateway)
        for site in sender.sites if sender else ():
            for device in site.devices:
                if device.gateway == gateway:
                    return device.zone
        return None
