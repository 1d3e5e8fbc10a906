"""Incidents that can still take a row, found by zone.

Bounds: an incident is kept here while its latest row lies within the window; sweeping is done once a window, so that zones where
nothing happens any more hold nothing for longer than two.
"""

from collections import deque
from collections.abc import Mapping

from gatehouse_hub.linking.presence import Presence
from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.site_map import SiteMap
from gatehouse_shared.names import HazardKind


class Opened:
    """What linking needs to know of an incident: its latest members, its kinds, its presence, its rows in the window."""

    __slots__ = ("first", "kinds", "latest", "number", "presence", "times")

    def __init__(self, number: int, first: AlarmRow, members: int) -> None:
        self.number = number
        self.first = first
        self.latest: deque[AlarmRow] = deque(maxlen=members)
        self.times: deque[int] = deque()
        self.kinds: set[HazardKind] = set()
        self.presence = Presence()

    def take(self, row: AlarmRow) -> None:
        """Let a row in."""
        self.latest.append(row)
        self.times.append(row.time_ms)
        self.kinds.add(row.kind)
        self.presence = self.presence.plus(row)

    def may_take(self, row: AlarmRow, site_map: SiteMap) -> bool:
        """Whether presence allows it."""
        return self.presence.admits(row, site_map)

    def rows_since(self, since_ms: int) -> int:
        """How many of its rows lie at or after a moment; earlier moments may not be asked for again."""
        while self.times and self.times[0] < since_ms:
            self.times.popleft()
        return len(self.times)


class Standing:
    """The opened incidents of a site by the zones of their members."""

    def __init__(self, window_ms: int, members: int) -> None:
        self._window_ms = window_ms
        self._members = members
        self._by_zone: dict[str, dict[int, Opened]] = {}
        self._swept_ms: int | None = None

    def open(self, row: AlarmRow, number: int) -> Opened:
        """A new incident of one row. Numbers rise."""
        opened = Opened(number, row, self._members)
        self.join(opened, row)
        return opened

    def join(self, opened: Opened, row: AlarmRow) -> None:
        """A row for an incident."""
        opened.take(row)
        self._by_zone.setdefault(row.zone, {})[opened.number] = opened

    def near(self, row: AlarmRow, near: Mapping[str, int]) -> list[Opened]:
        """Incidents with a row in the window and one in these zones, in order of their numbers."""
        since_ms = row.time_ms - self._window_ms
        self._sweep(row.time_ms)
        found: dict[int, Opened] = {}
        for zone in near:
            there = self._by_zone.get(zone)
            if there:
                found.update(there)
        return [found[n] for n in sorted(found) if found[n].latest[-1].time_ms >= since_ms]

    def _sweep(self, now_ms: int) -> None:
        if self._swept_ms is not None and now_ms < self._swept_ms + self._window_ms:
            return
        self._swept_ms = now_ms
        since_ms = now_ms - self._window_ms
        for zone, there in list(self._by_zone.items()):
            kept = {n: o for n, o in there.items() if o.latest[-1].time_ms >= since_ms}
            if kept:
                self._by_zone[zone] = kept
            else:
                del self._by_zone[zone]
