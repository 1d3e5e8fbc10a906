"""Who wants to be told of incidents, as the configuration says: kept in the store, so that every process decides alike."""

from collections.abc import Sequence
from typing import Final

import msgspec

from gatehouse_hub.dispatching.telling import Consumer
from gatehouse_hub.ports import Transaction
from gatehouse_hub.store.columns import priority, text
from gatehouse_shared.names import HazardClass

REMOVED: Final = "consumer_removed"
"""Why what waited for a consumer is given up."""


def replace_consumers(tx: Transaction, consumers: Sequence[Consumer], now_ms: int) -> None:
    """Make these the ones that are told. What waits for any other is given up."""
    tx.execute("DELETE FROM consumer")
    tx.execute_many(
        "INSERT INTO consumer (consumer, sites, classes, min_priority) VALUES (?, ?, ?, ?)",
        [(c.id, _listed(c.sites), _listed(c.classes), c.min_priority) for c in consumers],
    )
    tx.execute(
        "UPDATE notification SET state = 'failed', reason = ?, ended_ms = ? WHERE state = 'waiting'"
        " AND consumer NOT IN (SELECT consumer FROM consumer)",
        (REMOVED, now_ms),
    )


def load_consumers(tx: Transaction) -> tuple[Consumer, ...]:
    """All of them, by id."""
    rows = tx.execute(
        "SELECT consumer, sites, classes, min_priority FROM consumer ORDER BY consumer"
    )
    return tuple(
        Consumer(
            id=text(row[0]),
            sites=msgspec.json.decode(text(row[1]), type=frozenset[str]),
            classes=msgspec.json.decode(text(row[2]), type=frozenset[HazardClass]),
            min_priority=priority(row[3]),
        )
        for row in rows
    )


def _listed(names: frozenset[str]) -> str:
    return msgspec.json.encode(sorted(str(name) for name in names)).decode()
