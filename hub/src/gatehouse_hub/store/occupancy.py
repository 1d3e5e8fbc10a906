"""The newest count window of every zone, label and device, kept beside the rows.

Newest by the end of the window, then the shorter one, then the id: the same whatever order rows came in. Small counts
are `lt10` here as on the wire; nothing in the store knows the number behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ports import Row, Transaction, Value
from gatehouse_hub.store.columns import integer, text
from gatehouse_shared.counts import Count
from gatehouse_shared.names import LT10, Label


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneCount:
    """One window. `time_ms` is the corrected start; `coverage` and `quality` are twentieths."""

    site: str
    zone: str
    label: Label
    device: str
    time_ms: int
    window_s: int
    mean: Count
    max: Count
    coverage: int
    quality: int
    event_id: str

    @property
    def end_ms(self) -> int:
        """When the window ended."""
        return self.time_ms + self.window_s * 1000


def follow(tx: Transaction, counts: Sequence[ZoneCount]) -> None:
    """Keep the newest of each zone, label and device; at most one of `counts` for each."""
    keyed = [((c.site, c.zone, c.label.value, c.device), c) for c in counts]
    tx.insert(
        "zone_count",
        _NAMES,
        [
            (
                *(*key, c.time_ms, c.window_s, str(c.mean), str(c.max)),
                *(c.coverage, c.quality, c.event_id),
            )
            for key, c in sorted(keyed, key=lambda one: one[0])
        ],
        "ON CONFLICT (site, zone, label, device) DO UPDATE SET time_ms = excluded.time_ms, "
        "window_s = excluded.window_s, mean = excluded.mean, max = excluded.max, "
        "coverage = excluded.coverage, quality = excluded.quality, event_id = excluded.event_id "
        "WHERE (excluded.time_ms + excluded.window_s * 1000, -excluded.window_s, excluded.event_id) "
        "> (zone_count.time_ms + zone_count.window_s * 1000, -zone_count.window_s, zone_count.event_id)",
    )


_NAMES: Final = (
    *(
        "site",
        "zone",
        "label",
        "device",
        "time_ms",
        "window_s",
        "mean",
        "max",
        "coverage",
        "quality",
    ),
    "event_id",
)


def zone_counts(tx: Transaction, site: str) -> list[ZoneCount]:
    """The newest window of every zone, label and device of a site."""
    sql = f"SELECT {', '.join(_NAMES)} FROM zone_count WHERE site = ? ORDER BY zone, label, device"  # noqa: S608
    return [_count(row) for row in tx.execute(sql, (site,))]


def rank_of(time_ms: int, window_s: int, event_id: str) -> tuple[int, int, str]:
    """What the newest window has the greatest of: end, then shortness, then id."""
    return time_ms + window_s * 1000, -window_s, event_id


def _number(value: Value) -> Count:
    written = text(value)
    return LT10 if written == LT10 else int(written)


def _count(row: Row) -> ZoneCount:
    return ZoneCount(
        site=text(row[0]),
        zone=text(row[1]),
        label=Label(text(row[2])),
        device=text(row[3]),
        time_ms=integer(row[4]),
        window_s=integer(row[5]),
        mean=_number(row[6]),
        max=_number(row[7]),
        coverage=integer(row[8]),
        quality=integer(row[9]),
        event_id=text(row[10]),
    )
