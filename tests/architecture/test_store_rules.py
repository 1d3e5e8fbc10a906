"""Rules of the store that a search can keep: no cursor over numbers of events, no read replica to decide from."""

import re

import pytest

from gatehouse_testing.dev.paths import ROOT

HUB = ROOT / "hub" / "src" / "gatehouse_hub"
SOURCES = sorted([*HUB.rglob("*.py"), *HUB.rglob("*.sql")])
CURSOR = re.compile(r"\b(?:e\.|event\.)?(?:id|rowid|ctid)\s*>=?\s*(?:\?|%s|:)", re.IGNORECASE)
REPLICA = re.compile(
    r"replica|standby|target_session_attrs(?!=.read-write)|read_?only_url|hot_standby",
    re.IGNORECASE,
)


def hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in SOURCES
        for found in pattern.finditer(path.read_text())
    ]


def test_nothing_reads_events_from_the_last_id_seen_on() -> None:
    """The order of numbers is not the order of commits: late commits would be passed over."""
    assert hits(CURSOR) == []


def test_nothing_is_read_from_a_replica() -> None:
    """A replica may show commits in an order that never was."""
    assert hits(REPLICA) == []


@pytest.mark.parametrize(
    ("pattern", "planted"),
    [
        (CURSOR, "SELECT payload FROM event e WHERE e.id > ? ORDER BY e.id"),
        (CURSOR, "SELECT 1 FROM event WHERE id >= ?"),
        (CURSOR, "WHERE rowid > ?"),
        (REPLICA, "replica_url: str"),
        (REPLICA, "?target_session_attrs=any"),
    ],
)
def test_the_search_finds_what_it_is_for(pattern: re.Pattern[str], planted: str) -> None:
    assert pattern.search(planted)
