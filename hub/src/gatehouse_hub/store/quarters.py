"""Counts over the last whole quarter of an hour: the only numbers that others may see.

A zone's figure is that of its fullest device, each window weighted by its length; a quarter of which less than
two thirds is covered has none. `lt10` is taken as five, and no result below ten is ever published.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store.columns import text
from gatehouse_shared.events import CountEvent
from gatehouse_shared.instants import floor_time, to_ms
from gatehouse_shared.names import Label

QUARTER_S: Final = 900
COVERED_S: Final = 600
ROWS_MAX: Final = 50_000
_DECODER: Final = msgspec.json.Decoder(CountEvent)


def last_quarter(now: datetime) -> datetime:
    """Start of the last whole quarter of an hour."""
    return floor_time(now, QUARTER_S) - timedelta(seconds=QUARTER_S)


def quarter_means(tx: Transaction, site: str, start: datetime) -> dict[str, float]:
    """Zone -> mean number of persons over the quarter that began at `start`."""
    rows = tx.execute(
        "SELECT payload FROM event WHERE site = ? AND lane = 'bulk' AND type = 'count'"
        " AND corrected_ms >= ? AND corrected_ms < ? AND arrived_ms >= ? LIMIT ?",
        (site, to_ms(start), to_ms(start) + QUARTER_S * 1000, to_ms(start), ROWS_MAX),
    )
    sums: dict[tuple[str, str], tuple[float, int]] = {}
    for row in rows:
        data = _DECODER.decode(text(row[0])).data
        if data.label is not Label.PERSON:
            continue
        mean = 5.0 if isinstance(data.mean, str) else float(data.mean)
        total, seconds = sums.get((data.zone, data.device), (0.0, 0))
        sums[data.zone, data.device] = total + mean * data.window_s, seconds + data.window_s
    means: dict[str, float] = {}
    for (zone, _), (total, seconds) in sums.items():
        if seconds >= COVERED_S:
            means[zone] = max(means.get(zone, 0.0), total / seconds)
    return means
