"""An incident is new or has changed: who must be told is decided and written down in the same transaction.

Nothing is sent here. What is written is sent by the notifier after the commit, at least once; a transaction that rolls back
tells nobody.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from gatehouse_hub.dispatching.telling import Consumer, decide, key_of
from gatehouse_hub.notify.notices import write_notice
from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import notifications
from gatehouse_hub.store.consumers import load_consumers
from gatehouse_hub.store.notifications import NewNotification
from gatehouse_hub.store.records import NotTold

TOGETHER: Final = 200
"""Incidents looked at in one statement."""


def tell(tx: Transaction, incidents: Sequence[str], now_ms: int) -> int:
    """Write what must be told of these incidents; how many notifications. Call it after they are saved."""
    if not incidents:
        return 0
    consumers = load_consumers(tx)
    if not consumers:
        return 0
    new = [n for some in _chunks(incidents) for n in _decide(tx, some, consumers, now_ms)]
    notifications.add(tx, new)
    return len(new)


def explain(tx: Transaction, incident: str) -> tuple[NotTold, ...]:
    """Consumers that were told nothing of an incident, and why not."""
    told = notifications.load_told(tx, [incident])
    return tuple(
        NotTold(consumer.id, decide(consumer, standing, ()).reason)
        for standing in notifications.load_standing(tx, [incident])
        for consumer in load_consumers(tx)
        if (incident, consumer.id) not in told
    )


def _decide(
    tx: Transaction, incidents: Sequence[str], consumers: Sequence[Consumer], now_ms: int
) -> Iterator[NewNotification]:
    told = notifications.load_told(tx, incidents)
    for standing in notifications.load_standing(tx, incidents):
        for consumer in consumers:
            verdict = decide(consumer, standing, told.get((standing.incident, consumer.id), ()))
            if verdict.what is None:
                continue
            key = key_of(consumer.id, standing.incident, verdict.name)
            notice = write_notice(key, standing, verdict.what)
            yield NewNotification(
                key=key,
                consumer=consumer.id,
                standing=standing,
                what=verdict.what,
                body=msgspec.json.encode(notice).decode(),
                made_ms=now_ms,
            )


def _chunks(incidents: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(incidents), TOGETHER):
        yield incidents[start : start + TOGETHER]
