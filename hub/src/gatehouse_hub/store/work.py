"""Which sites have rows that the linker has not seen.

A site is marked in the transaction that stores the row and cleared in the transaction that links: no cursor over
numbers, which commits would overtake.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gatehouse_hub.ports import Dialect, Transaction
from gatehouse_hub.store.columns import integer, text


@dataclass(frozen=True, slots=True)
class Pending:
    """A site waits: least corrected time of its new rows, and since when."""

    site: str
    oldest_ms: int
    since_ms: int


def add(tx: Transaction, pending: Iterable[Pending]) -> None:
    """Mark sites. In the order of their names, so that two writers do not block each other for good."""
    least: dict[str, Pending] = {}
    for new in pending:
        old = least.get(new.site, new)
        least[new.site] = Pending(
            new.site, min(new.oldest_ms, old.oldest_ms), min(new.since_ms, old.since_ms)
        )
    tx.insert(
        "site_work",
        ("site", "pending", "oldest_ms", "since_ms"),
        [(p.site, 1, p.oldest_ms, p.since_ms) for _, p in sorted(least.items())],
        "ON CONFLICT (site) DO UPDATE SET pending = 1, "
        "oldest_ms = CASE WHEN site_work.pending = 1 AND site_work.oldest_ms < excluded.oldest_ms "
        "THEN site_work.oldest_ms ELSE excluded.oldest_ms END, "
        "since_ms = CASE WHEN site_work.pending = 1 AND site_work.since_ms < excluded.since_ms "
        "THEN site_work.since_ms ELSE excluded.since_ms END",
    )


def claim(tx: Transaction, limit: int) -> list[Pending]:
    """Take up to `limit` waiting sites, longest waiting first, for the rest of this transaction.

    On PostgreSQL their rows are locked and those of another linker passed over; SQLite has one writer anyway. Call `clear`
    for each before the transaction ends; a rollback leaves them waiting.
    """
    lock = " FOR UPDATE SKIP LOCKED" if tx.dialect is Dialect.POSTGRESQL else ""
    rows = tx.execute(
        f"SELECT site, oldest_ms, since_ms FROM site_work WHERE pending = 1 ORDER BY since_ms LIMIT ?{lock}",  # noqa: S608
        (limit,),
    )
    return [Pending(text(site), integer(oldest), integer(since)) for site, oldest, since in rows]


def postpone(tx: Transaction, site: str, now_ms: int) -> None:
    """Put a waiting site behind all others that wait."""
    tx.execute("UPDATE site_work SET since_ms = ? WHERE site = ? AND pending = 1", (now_ms, site))


def clear(tx: Transaction, site: str) -> None:
    """The site's rows are linked."""
    tx.execute(
        "UPDATE site_work SET pending = 0, oldest_ms = NULL, since_ms = NULL WHERE site = ?",
        (site,),
    )
