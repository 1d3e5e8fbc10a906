"""What may never be joined: presence along a way. This is what keeps the linker from becoming a tracker.

Rule 1  presence rows of one incident lie in at most two zones, and two of them adjoin.
Rule 2  they lie within 600 s.
Rule 3  nothing overrides this: no weight, no merge by an operator.
"""

from collections.abc import Iterable
from typing import Final

from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.site_map import SiteMap
from gatehouse_shared.names import HazardClass

PRESENCE_SPAN_MS: Final = 600_000


def may_hold(rows: Iterable[AlarmRow], site_map: SiteMap) -> bool:
    """Whether one incident may hold these rows together."""
    present = [row for row in rows if row.hazard_class is HazardClass.PRESENCE]
    zones = sorted({row.zone for row in present})
    if len(zones) > 2 or (len(zones) == 2 and site_map.hops_between(*zones) != 1):
        return False
    times = [row.time_ms for row in present]
    return not times or max(times) - min(times) <= PRESENCE_SPAN_MS
