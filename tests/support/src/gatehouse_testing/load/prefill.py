"""Millions of events in a hub's PostgreSQL without sending them: rows as ingest writes them, made by the server itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.partitions import DAY_MS, Keep, ensure

DAYS = 7
STEP = 500_000
GATEWAYS = 512
PAYLOAD = 390
"""Bytes of a row's text; the load's rows have about as many."""

INSERT = """
    INSERT INTO event (gateway, epoch, lane, seq, id, sha256, site, type, zone, device, time_ms, corrected_ms, offset_ms,
        uncertainty_ms, arrived_ms, historical, payload, keep)
    SELECT 'simgw_000_' || lpad((n %% %(gateways)s)::text, 3, '0'),
        'f00d' || lpad(to_hex(n %% %(gateways)s), 12, '0'), 'bulk', n / %(gateways)s + 1,
        md5(n::text), md5(n::text) || md5((-n)::text),
        'sim_000_' || lpad((n %% 128)::text, 3, '0'), 'count', 'plaza_0', 'cam_plaza_0', t, t, 3, 2, t, 0,
        rpad(md5(n::text), %(payload)s, md5((n + 1)::text)), 'bulk'
    FROM (SELECT n, %(from_ms)s + (n - %(first)s) * %(span_ms)s / %(count)s AS t
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS made
"""


def prefill(url: str, count: int, *, first: int, tell: Callable[[str], None]) -> None:
    """Add `count` bulk rows, numbered on from `first`, that came in the last DAYS, a commit each STEP; then ANALYZE."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    from_ms, span_ms = now_ms - DAYS * DAY_MS, DAYS * DAY_MS
    database = open_database(url, SystemClock())
    with database.transaction() as tx:
        ensure(tx, [(Keep.BULK, from_ms + day * DAY_MS) for day in range(DAYS + 1)])
    database.close()
    values = {"gateways": GATEWAYS, "payload": PAYLOAD, "from_ms": from_ms, "span_ms": span_ms}
    with psycopg.connect(url, autocommit=True) as connection:
        for start in range(first, first + count, STEP):
            last = min(start + STEP, first + count) - 1
            given = {**values, "first": start, "last": last, "count": last - start + 1}
            connection.execute(INSERT.encode(), given)
            tell(f"{last + 1 - first:,} of {count:,} rows made")
        connection.execute("CHECKPOINT")
        connection.execute("ANALYZE event")
