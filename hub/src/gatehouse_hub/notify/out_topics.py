"""Door out: publishes `out/` topics, retained, and clears what no longer holds, also what an earlier run left behind.

Order   a topic that ends is cleared before a new one is written, so that an incident whose class changes is never seen twice.
"""

from collections.abc import Mapping
from datetime import datetime

from gatehouse_hub.notify.out_messages import VALID
from gatehouse_hub.ports import Database, Publisher
from gatehouse_hub.store.out_topics import Said, forget, load_said, remember, sites_said
from gatehouse_shared.instants import to_ms
from gatehouse_shared.out import OutMessage
from gatehouse_shared.wire import encode


class OutTopics:
    """Keeps the broker's retained topics of all sites as they should be. One thread at a time."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database, self._publisher = database, publisher

    def refresh(self, site: str, messages: Mapping[str, OutMessage], now: datetime) -> int:
        """Publish what is new or about to lapse, clear what is gone; how many topics were written."""
        with self._database.snapshot() as tx:
            standing = load_said(tx, site)
        written = sum(self._clear(topic) for topic in sorted(standing.keys() - messages.keys()))
        now_ms = to_ms(now)
        for topic, message in messages.items():
            payload = encode(message)
            before = standing.get(topic)
            if before is None or _lapses(before, payload, message, now_ms):
                written += self._say(site, Said(topic, payload, now_ms))
        return written

    def clear_unknown(self, known: frozenset[str]) -> int:
        """Clear all topics of sites that the hub no longer serves."""
        with self._database.snapshot() as tx:
            topics = [t for s in sites_said(tx) if s not in known for t in load_said(tx, s)]
        return sum(self._clear(topic) for topic in topics)

    def _clear(self, topic: str) -> bool:
        if not self._publisher.publish(topic, b"", retain=True):
            return False
        with self._database.transaction() as tx:
            forget(tx, topic)
        return True

    def _say(self, site: str, said: Said) -> bool:
        # Remembered first: a crash in between leaves a row to clear, never a topic that nobody knows of.
        with self._database.transaction() as tx:
            remember(tx, site, said)
        if self._publisher.publish(said.topic, said.payload, retain=True):
            return True
        with self._database.transaction() as tx:
            remember(tx, site, Said(said.topic, said.payload, 0))
        return False


def _lapses(before: Said, payload: bytes, message: OutMessage, now_ms: int) -> bool:
    """Whether what stands says something else, or has used up half of its time."""
    until = message.valid_until.encode()
    start = payload.index(until)
    same = before.payload[:start] == payload[:start] and (
        before.payload[start + len(until) :] == payload[start + len(until) :]
    )
    return not same or now_ms - before.said_ms >= VALID.total_seconds() * 500
