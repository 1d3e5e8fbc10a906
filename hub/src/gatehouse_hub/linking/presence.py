"""What may never be joined: presence along a way. This is what keeps the linker from becoming a tracker.

Rule 1  presence rows of one incident lie in at most two zones, and two of them adjoin.
Rule 2  they lie within 600 s.
Rule 3  nothing overrides this: no weight, no merge by an operator.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.site_map import SiteMap
from gatehouse_shared.names import HazardClass, class_of

PRESENCE_SPAN_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class Presence:
    """The presence an incident holds: its zones (at most two) and between when and when."""

    zones: tuple[str, ...] = ()
    first_ms: int = 0
    last_ms: int = 0

    def admits(self, row: AlarmRow, site_map: SiteMap) -> bool:
        """Whether `row` may stand with it."""
        if not self.zones or class_of(row.kind) is not HazardClass.PRESENCE:
            return True
        if max(self.last_ms, row.time_ms) - min(self.first_ms, row.time_ms) > PRESENCE_SPAN_MS:
            return False
        if row.zone in self.zones:
            return True
        return len(self.zones) == 1 and site_map.hops_between(self.zones[0], row.zone) == 1

    def plus(self, row: AlarmRow) -> "Presence":
        """With `row`, which it admits."""
        if class_of(row.kind) is not HazardClass.PRESENCE:
            return self
        if not self.zones:
            return Presence((row.zone,), row.time_ms, row.time_ms)
        zones = self.zones if row.zone in self.zones else (*self.zones, row.zone)
        return Presence(zones, min(self.first_ms, row.time_ms), max(self.last_ms, row.time_ms))


def may_hold(rows: Iterable[AlarmRow], site_map: SiteMap) -> bool:
    """Whether one incident may hold these rows together, in whatever order they come."""
    held = Presence()
    for row in rows:
        if not held.admits(row, site_map):
            return False
        held = held.plus(row)
    return True
