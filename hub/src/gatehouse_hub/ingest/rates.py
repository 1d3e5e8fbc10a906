"""How fast a gateway may send what has just happened: a bucket of tokens a gateway and lane. Pure but for its own memory.

Rule    a row that is newer than FRESH_MS takes a token; a bucket holds `burst` and gains `per_s` a second. Older rows, a backlog
        that drains, take none. Nothing is refused for want of tokens: it waits behind everybody else.
Looks   age and number of rows are read off the bytes, since the message is decoded only when its turn comes; a clock that is
        wrong moves a gateway between the two kinds, and nothing else.
Bounds  KEPT_MAX buckets; those used longest ago are full by then and forgotten.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from gatehouse_shared.instants import parse_instant, to_ms

FRESH_MS: Final = 60_000
KEPT_MAX: Final = 50_000
PER_S: Final = 20.0
BURST: Final = 200.0

_TIME: Final = re.compile(rb'"time":"([0-9-]{10}T[0-9:.]{8,15}Z)"')
_ROW: Final = b'"specversion":'


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Rows a second that a gateway may go on sending in each lane, and how many at once."""

    per_s: float = PER_S
    burst: float = BURST


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Rates:
    """The buckets of all gateways."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._buckets: OrderedDict[tuple[str, bool], _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._buckets)

    def allows(
        self, gateway: str, payload: bytes, *, urgent: bool, arrived_ms: int, now_s: float
    ) -> bool:
        """Whether a message is within its gateway's rate; its tokens are taken then."""
        rows = fresh_rows(payload, arrived_ms)
        if rows == 0:
            return True
        bucket = self._bucket((gateway, urgent), now_s)
        # A message of more rows than the bucket holds goes when the bucket is full, and leaves it in debt.
        if bucket.tokens < min(rows, self._limit.burst):
            return False
        bucket.tokens -= rows
        return True

    def _bucket(self, key: tuple[str, bool], now_s: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._limit.burst, now_s)
            if len(self._buckets) > KEPT_MAX:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
            gained = max(0.0, now_s - bucket.at_s) * self._limit.per_s
            bucket.tokens = min(self._limit.burst, bucket.tokens + gained)
            bucket.at_s = now_s
        return bucket


def fresh_rows(payload: bytes, arrived_ms: int) -> int:
    """How many rows a message holds, if its first is newer than FRESH_MS; 0 for older ones and for what holds no rows.

    >>> fresh_rows(b'[{"specversion":"1.0","time":"2026-05-04T16:00:00.000Z"}]', 1_777_910_400_000)
    1
    >>> fresh_rows(b'[{"specversion":"1.0","time":"2026-05-04T16:00:00.000Z"}]', 1_777_910_460_001)
    0
    """
    found = _TIME.search(payload)
    if found is None:
        return 0
    try:
        time_ms = to_ms(parse_instant(found[1].decode("ascii")))
    except ValueError:
        return 0
    return payload.count(_ROW) if arrived_ms - time_ms <= FRESH_MS else 0
