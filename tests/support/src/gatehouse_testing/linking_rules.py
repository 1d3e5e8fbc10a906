"""What the linker is compared with beside the given tool's plain rules: clustering by density in space and time.

Source  ST-DBSCAN: Birant and Kut 2007. It knows neither kinds nor causes and sees all rows at once, which no linker can.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.site_map import metres_between

NEAR_M: Final = 40.0
NEAR_MS: Final = 300_000
LEAST: Final = 2
"""Rows within reach, itself among them, that make a row the core of a cluster."""


def st_dbscan(rows: Sequence[AlarmRow]) -> dict[str, str]:
    """Row id -> name of its cluster; what lies in none stands alone. `rows` in order of time."""
    beside = _neighbours(rows)
    found: dict[int, int] = {}
    for start in range(len(rows)):
        if start in found or len(beside[start]) + 1 < LEAST:
            continue
        found[start] = start
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            if len(beside[here]) + 1 < LEAST:
                continue
            for there in beside[here]:
                if there not in found:
                    found[there] = start
                    waiting.append(there)
    return {row.id: rows[found.get(n, n)].id for n, row in enumerate(rows)}


def _neighbours(rows: Sequence[AlarmRow]) -> list[list[int]]:
    beside: list[list[int]] = [[] for _ in rows]
    first = 0
    for n, row in enumerate(rows):
        while rows[first].time_ms < row.time_ms - NEAR_MS:
            first += 1
        for m in range(first, n):
            other = rows[m]
            if abs(other.x_m - row.x_m) > NEAR_M or abs(other.y_m - row.y_m) > NEAR_M:
                continue
            places = (other.x_m, other.y_m, other.level), (row.x_m, row.y_m, row.level)
            if metres_between(*places) > NEAR_M:
                continue
            beside[n].append(m)
            beside[m].append(n)
    return beside
