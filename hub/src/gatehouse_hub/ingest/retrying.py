"""Judging quarantined entries again, with the site files as they are now: what `gatehouse-hub quarantine retry` does.

What passes goes through the same transaction as if it had just come and leaves quarantine; what is still refused stays as it
was, count and all. The incident that an unreadable alarm opened stays: a person closes it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_hub.ingest.opening import LANES
from gatehouse_hub.ingest.reading import Sender, read_message
from gatehouse_hub.ingest.registry import Registry
from gatehouse_hub.ingest.storing import Letter, store
from gatehouse_hub.ports import Clock, Database
from gatehouse_hub.store import quarantine
from gatehouse_hub.store.quarantine import Kept
from gatehouse_hub.store.site_shelf import SiteShelf
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.instants import to_ms
from gatehouse_shared.topics import parse_topic

PAGE: Final = 200


class RetryOutcome(StrEnum):
    """What became of an entry."""

    ACCEPTED = "accepted"
    STILL_REFUSED = "still_refused"
    NOT_ROWS = "not_rows"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True)
class Retried:
    """One entry. `why` is set when it is still refused."""

    number: int
    outcome: RetryOutcome
    why: RefusalReason | None = None


class _StillRefusedError(Exception):
    """Ends the transaction of an entry that may not pass, so that nothing of it stays."""


def retry(
    database: Database, clock: Clock, *, gateway: str | None, number: int | None
) -> list[Retried]:
    """Try one entry, or all of a gateway, or all there are; oldest first."""
    registry = Registry(database, SiteShelf())
    registry.refresh(0.0)
    entries = _all(database, gateway) if number is None else _one(database, number)
    return [_retry(database, clock, registry, entry) for entry in reversed(entries)]


def _one(database: Database, number: int) -> list[Kept]:
    with database.snapshot() as tx:
        kept = quarantine.load(tx, number)
    return [] if kept is None else [kept]


def _all(database: Database, gateway: str | None) -> list[Kept]:
    found: list[Kept] = []
    before: int | None = None
    while True:
        with database.snapshot() as tx:
            page = quarantine.load_newest(tx, gateway=gateway, before=before, limit=PAGE)
        found += page
        if len(page) < PAGE:
            return found
        before = page[-1].number


def _retry(database: Database, clock: Clock, registry: Registry, kept: Kept) -> Retried:
    topic = parse_topic(kept.topic)
    sender = registry.sender(kept.gateway)
    if topic is None or topic.leaf not in LANES or sender is None:
        return Retried(kept.number, RetryOutcome.NOT_ROWS, kept.reason)
    if kept.size_bytes > len(kept.payload):
        return Retried(kept.number, RetryOutcome.CUT_OFF, kept.reason)
    letter = _read(kept, topic.leaf, sender, to_ms(clock.now()))
    if isinstance(letter, RefusalReason):
        return Retried(kept.number, RetryOutcome.STILL_REFUSED, letter)
    try:
        with database.transaction() as tx:
            if store(tx, [letter]).refused:
                raise _StillRefusedError
            quarantine.remove(tx, kept.number)
    except _StillRefusedError:
        return Retried(kept.number, RetryOutcome.STILL_REFUSED, RefusalReason.KEY_REUSED)
    return Retried(kept.number, RetryOutcome.ACCEPTED)


def _read(kept: Kept, leaf: str, sender: Sender, now_ms: int) -> Letter | RefusalReason:
    try:
        reading = read_message(LANES[leaf], kept.payload, sender)
    except WireError as refusal:
        return refusal.reason
    if reading.bad:
        return reading.bad[0].reason
    # Its gateway's clock at the time of arrival is not known any more: the row stands at the time it states.
    return Letter(
        topic=kept.topic,
        sender=sender,
        reading=reading,
        sample=None,
        arrived_ms=min(kept.arrived_ms, now_ms),
    )
