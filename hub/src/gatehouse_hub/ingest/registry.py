"""Who may send: the registered gateways of the shards we serve, with the site files their rows are checked against.

Bounds  one small entry a gateway of those shards; BUILT_MAX senders with their site files at hand, read from the store when a
        gateway sends rows. The store is asked at most every LOOK_S whether a site file was added.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, overload

from gatehouse_hub.ingest.reading import Sender
from gatehouse_hub.ports import Database
from gatehouse_hub.store import gateways, sites
from gatehouse_hub.store.gateways import GatewayRow
from gatehouse_hub.store.site_shelf import SiteShelf
from gatehouse_shared.ids import SHARDS, shard_number
from gatehouse_shared.site import Site

LOOK_S: Final = 2.0
BUILT_MAX: Final = 2_000
ALL_SHARDS: Final = frozenset(range(SHARDS))


@dataclass(slots=True)
class _Known:
    """What a gateway said of itself last."""

    site: str
    wire: int
    config_version: int | None


class Registry:
    """Used by the ingest thread only. `sender` reads the store where a site file is not at hand: StoreError."""

    def __init__(self, database: Database, shelf: SiteShelf) -> None:
        self._database, self._shelf = database, shelf
        self._stamp: tuple[int, int] | None = None
        self._looked_s = float("-inf")
        self._shards: frozenset[int] = frozenset()
        self._known: dict[str, _Known] = {}
        self._built: OrderedDict[str, Sender] = OrderedDict()

    def refresh(
        self, now_s: float, shards: frozenset[int] = ALL_SHARDS
    ) -> tuple[list[GatewayRow], list[str]]:
        """Serve these shards from now on and look for new site files: gateways to take in, gateways to forget."""
        gained = shards.difference(self._shards)
        rows: list[GatewayRow] = []
        if gained or now_s - self._looked_s >= LOOK_S:
            with self._database.snapshot() as tx:
                stamp = sites.newest_stamp(tx)
                rows = gateways.load_of_shards(tx, gained if stamp == self._stamp else shards)
            if stamp != self._stamp:
                self._built.clear()
            self._looked_s, self._stamp = now_s, stamp
        lost = [] if shards.issuperset(self._shards) else self._forget(shards)
        self._shards = shards
        for row in rows:
            self.place(row.gateway, row.site, wire=row.wire, config_version=row.config_version)
        return rows, lost

    def knows(self, gateway: str) -> bool:
        """Whether a gateway is registered and of our shards."""
        return gateway in self._known

    def site_of(self, gateway: str) -> str | None:
        """The site of a gateway that we know."""
        known = self._known.get(gateway)
        return known.site if known else None

    def sender(self, gateway: str) -> Sender | None:
        """A registered gateway of our shards, or None."""
        built = self._built.get(gateway)
        if built is not None:
            self._built.move_to_end(gateway)
            return built
        known = self._known.get(gateway)
        if known is None:
            return None
        files = SiteFiles(lambda: self._load_files(known))
        sender = Sender(gateway, known.site, files, known.wire)
        self._built[gateway] = sender
        if len(self._built) > BUILT_MAX:
            self._built.popitem(last=False)
        return sender

    def place(self, gateway: str, site: str, *, wire: int, config_version: int | None) -> None:
        """What a gateway said it runs: its rows are checked against that version first, then newest first."""
        placed = _Known(site, wire, config_version)
        if self._known.get(gateway) != placed:
            self._known[gateway] = placed
            self._built.pop(gateway, None)

    def zone_of(self, gateway: str) -> str | None:
        """The zone of a gateway's first device, for what the hub raises about it."""
        sender = self.sender(gateway)
        for site in sender.sites if sender else ():
            for device in site.devices:
                if device.gateway == gateway:
                    return device.zone
        return None

    def _forget(self, shards: frozenset[int]) -> list[str]:
        gone = [g for g, known in self._known.items() if shard_number(known.site) not in shards]
        for gateway in gone:
            del self._known[gateway]
            self._built.pop(gateway, None)
        return gone

    def _load_files(self, known: _Known) -> tuple[Site, ...]:
        with self._database.snapshot() as tx:
            numbers = sites.version_numbers(tx, known.site)
            numbers.sort(key=lambda n: (n != known.config_version, -n))
            found = self._shelf.take(tx, [(known.site, n) for n in numbers])
        return tuple(found[known.site, n] for n in numbers if (known.site, n) in found)


class SiteFiles(Sequence[Site]):
    """The versions of a site's file, read from the store when somebody looks."""

    def __init__(self, load: Callable[[], tuple[Site, ...]]) -> None:
        self._load = load
        self._found: tuple[Site, ...] | None = None

    @overload
    def __getitem__(self, index: int) -> Site: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Site]: ...
    def __getitem__(self, index: int | slice) -> Site | Sequence[Site]:
        """One version, or some."""
        return self._read()[index]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._read())

    def __iter__(self) -> Iterator[Site]:
        """Likeliest first."""
        return iter(self._read())

    def _read(self) -> tuple[Site, ...]:
        if self._found is None:
            self._found = self._load()
        return self._found
