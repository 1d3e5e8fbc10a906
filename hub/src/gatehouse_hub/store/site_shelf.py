"""Site files that were read, decoded once for all threads of a process. A version never changes, so nothing here goes stale.

Bounds  SHELF_BYTES of the files' JSON; decoded, a file takes about five times that. What was asked for longest ago goes first.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import sites
from gatehouse_shared.site import Site

SHELF_BYTES: Final = 16 * 1024 * 1024
LOOKUP_MAX: Final = 100

SiteKey = tuple[str, int]
"""A site and the number of a version of its file."""


class SiteShelf:
    """Decoded site files. Any thread may use it."""

    def __init__(self, size_bytes: int = SHELF_BYTES) -> None:
        self._size_bytes = size_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[SiteKey, tuple[Site, int]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """How many files are kept."""
        return len(self._kept)

    def take(self, tx: Transaction, wanted: Iterable[SiteKey]) -> dict[SiteKey, Site]:
        """The files of these versions, read where they are not kept; a version that is not there is left out."""
        found: dict[SiteKey, Site] = {}
        missing: list[SiteKey] = []
        with self._lock:
            for key in wanted:
                kept = self._kept.get(key)
                if kept is None:
                    missing.append(key)
                else:
                    self._kept.move_to_end(key)
                    found[key] = kept[0]
        for start in range(0, len(missing), LOOKUP_MAX):
            for key, site, size in sites.load_files(tx, missing[start : start + LOOKUP_MAX]):
                found[key] = site
                self._keep(key, site, size)
        return found

    def _keep(self, key: SiteKey, site: Site, size: int) -> None:
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = site, size
            self._bytes += size
            while self._bytes > self._size_bytes and len(self._kept) > 1:
                _, (_, gone) = self._kept.popitem(last=False)
                self._bytes -= gone
