"""Any change to the audit log is found."""

import contextlib
import random
from pathlib import Path

import pytest

from gatehouse_hub.store.audit import Act, append_act, find_broken
from gatehouse_hub.store.database import open_database
from gatehouse_testing.desk import HandClock

ENTRIES = 30


@pytest.fixture
def database(tmp_path: Path):
    found = open_database(f"sqlite:{tmp_path / 'hub.db'}", HandClock())
    clock = HandClock()
    for n in range(ENTRIES):
        clock.move(1)
        with found.transaction() as tx:
            act = Act(clock.now(), f"user_{n % 3}", "session.open", None, f"o{n}", {"n": str(n)})
            assert append_act(tx, act) == n + 1
    yield found
    found.close()


def test_an_untouched_log_holds(database):
    with database.snapshot() as tx:
        assert find_broken(tx) is None


class UndoError(Exception):
    """Rolls a mutation back."""


def test_every_one_of_a_thousand_mutations_is_found(database):
    chance, missed = random.Random(7), []
    for n in range(1_000):
        sql, params = mutation(chance)
        if mutated(database, sql, params) is None:
            missed.append((n, sql, params))
    assert missed == []


def mutated(database, sql: str, params: tuple[int, ...]) -> int | None:
    """What is found of a mutation, which is rolled back."""
    found = None
    with contextlib.suppress(UndoError), database.transaction() as tx:
        tx.execute(sql, params)
        found = find_broken(tx)
        raise UndoError
    return found


def mutation(chance: random.Random) -> tuple[str, tuple[int, ...]]:
    number = chance.randint(1, ENTRIES)
    column = chance.choice(["actor", "action", "object", "hash", "detail"])
    value = {"detail": "'{}'", "hash": f"'{'0' * 64}'"}.get(column, "'x'")
    kind = chance.randrange(5)
    if kind == 0:
        return f"UPDATE audit SET {column} = {value} WHERE number = ?", (number,)
    if kind == 1:
        return f"UPDATE audit SET at_ms = at_ms + {chance.choice([-1, 1])} WHERE number = ?", (
            number,
        )
    if kind == 2:
        return "DELETE FROM audit WHERE number = ?", (number,)
    if kind == 3:
        return "DELETE FROM audit WHERE number >= ?", (number,)
    copy = "SELECT ?, at_ms, actor, action, site, object, detail, hash FROM audit WHERE number = 1"
    return f"INSERT INTO audit {copy}", (chance.choice([0, -3, ENTRIES + 1, ENTRIES + 9]),)
