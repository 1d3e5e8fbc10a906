"""Which sites have rows that no linker has seen.

News are added in the transaction that stores the rows, a line each time, and taken in the transaction that links: no cursor over
numbers, which commits would overtake, and no row on which ingest and a linker would wait for one another. A site's row in
`site_turn` is the lock: who holds it, until the end of the transaction, is the only one to link that site.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ports import Dialect, Transaction
from gatehouse_hub.store.columns import integer, integer_or_none, text

PAGE: Final = 1_000
PAGES: Final = 20
"""Lines of news that one claim looks through: beyond them everything would have to be in other linkers' hands."""

RETRY_MS: Final = (1_000, 2_000, 5_000, 15_000, 60_000)
"""How long a site waits after its first, second, … failure in a row."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A site waits: least corrected time of its new rows, and since when."""

    site: str
    oldest_ms: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many sites wait, and since when the one that waits longest."""

    sites: int
    since_ms: int | None


def add(tx: Transaction, pending: Iterable[Pending]) -> None:
    """Tell of new rows."""
    least = _merged(pending)
    tx.insert(
        "site_news",
        ("site", "oldest_ms", "since_ms"),
        [(p.site, p.oldest_ms, p.since_ms) for _, p in sorted(least.items())],
    )


def claim(tx: Transaction, limit: int, now_ms: int) -> list[Pending]:
    """Take up to `limit` waiting sites with their news, longest waiting first, for the rest of this transaction.

    On PostgreSQL those of another linker are passed over; SQLite has one writer anyway. A rollback leaves all as it was.
    """
    claimed: list[str] = []
    looked_at: set[str] = set()
    after = 0
    for _ in range(PAGES):
        lines = tx.execute(
            "SELECT number, site FROM site_news WHERE number > ? ORDER BY number LIMIT ?",
            (after, PAGE),
        )
        names = list(dict.fromkeys(text(site) for _, site in lines if site not in looked_at))
        looked_at.update(names)
        while names and len(claimed) < limit:
            some, names = names[: limit - len(claimed)], names[limit - len(claimed) :]
            claimed += _lock(tx, some, now_ms)
        if len(claimed) == limit or len(lines) < PAGE:
            break
        after = integer(lines[-1][0])
    return _take_news(tx, claimed)


def finish(tx: Transaction, sites: Iterable[str], linker: str) -> None:
    """The claimed sites are linked."""
    tx.execute_many(
        "UPDATE site_turn SET turns = turns + 1, linker = ?, failures = 0, not_before_ms = 0 "
        "WHERE site = ?",
        [(linker, site) for site in sorted(sites)],
    )


def postpone(tx: Transaction, site: str, now_ms: int) -> None:
    """Let a site that cannot be linked wait, longer each time."""
    rows = tx.execute("SELECT failures FROM site_turn WHERE site = ?", (site,))
    failures = integer(rows[0][0])
    until_ms = now_ms + RETRY_MS[min(failures, len(RETRY_MS) - 1)]
    tx.execute(
        "UPDATE site_turn SET failures = ?, not_before_ms = ? WHERE site = ?",
        (failures + 1, until_ms, site),
    )


def peek(tx: Transaction, limit: int) -> list[Pending]:
    """Sites that wait, longest waiting first, without taking them."""
    rows = tx.execute(
        "SELECT site, MIN(oldest_ms), MIN(since_ms) FROM site_news GROUP BY site ORDER BY 3, 1 LIMIT ?",
        (limit,),
    )
    return [Pending(text(site), integer(oldest), integer(since)) for site, oldest, since in rows]


def backlog(tx: Transaction) -> Backlog:
    """How much waits."""
    row = tx.execute("SELECT COUNT(DISTINCT site), MIN(since_ms) FROM site_news")[0]
    return Backlog(integer(row[0]), integer_or_none(row[1]))


def _lock(tx: Transaction, names: Sequence[str], now_ms: int) -> list[str]:
    """Those of these sites that are free now, locked."""
    marks = ", ".join("?" * len(names))
    lock = " FOR UPDATE SKIP LOCKED" if tx.dialect is Dialect.POSTGRESQL else ""
    free = tx.execute(
        f"SELECT site FROM site_turn WHERE site IN ({marks}) AND not_before_ms <= ?{lock}",  # noqa: S608
        (*names, now_ms),
    )
    return [text(row[0]) for row in free]


def _take_news(tx: Transaction, sites: Sequence[str]) -> list[Pending]:
    """The news of locked sites; one whose news another linker took in between is left out."""
    if not sites:
        return []
    marks = ", ".join("?" * len(sites))
    rows = tx.execute(
        f"DELETE FROM site_news WHERE site IN ({marks}) RETURNING site, oldest_ms, since_ms",  # noqa: S608
        sites,
    )
    taken = _merged(Pending(text(r[0]), integer(r[1]), integer(r[2])) for r in rows)
    return sorted(taken.values(), key=lambda p: (p.since_ms, p.site))


def _merged(pending: Iterable[Pending]) -> dict[str, Pending]:
    least: dict[str, Pending] = {}
    for new in pending:
        old = least.get(new.site, new)
        least[new.site] = Pending(
            new.site, min(new.oldest_ms, old.oldest_ms), min(new.since_ms, old.since_ms)
        )
    return least
