"""How far a lane is accounted for."""

import tempfile
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_hub.ports import Database, Transaction
from gatehouse_hub.store import progress
from gatehouse_hub.store.database import connect, migrate
from gatehouse_hub.store.progress import STRETCH, Gap, reach
from gatehouse_hub.values import LaneKey
from gatehouse_shared.names import Lane

LANE = LaneKey("gw_1", "00112233445566aa", Lane.BULK)


def account(tx: Transaction, *ranges: tuple[int, int]) -> int:
    """Tell gaps of the lane in one transaction; how far it is then."""
    marks = progress.lock(tx, [LANE])
    progress.add_gaps(tx, marks, [Gap(LANE, a, b, "lost", b - a + 1, 0) for a, b in ranges])
    return progress.settle(tx, marks)[LANE]


@pytest.mark.parametrize(
    ("upto", "stretches", "reached"),
    [
        (0, [], 0),
        (0, [(1, 1)], 1),
        (0, [(2, 2)], 0),
        (0, [(1, 1), (2, 2), (4, 4)], 2),
        (0, [(1, 5), (3, 4), (6, 6)], 6),
        (5, [(1, 3)], 5),
        (5, [(2, 9), (10, 10)], 10),
        (5, [(7, 9)], 5),
    ],
)
def test_one_gets_as_far_as_the_first_hole(
    upto: int, stretches: Sequence[tuple[int, int]], reached: int
) -> None:
    assert reach(upto, stretches) == reached


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 6)), max_size=20))
def test_reach_is_the_length_of_the_run_from_one(pairs: list[tuple[int, int]]) -> None:
    stretches = sorted((first, first + more) for first, more in pairs)
    covered = {n for first, last in stretches for n in range(first, last + 1)}
    expected = next(n for n in range(1, 100) if n not in covered) - 1
    assert reach(0, stretches) == expected


def test_a_run_longer_than_one_look_is_walked_to_its_end(database: Database) -> None:
    with database.transaction() as tx:
        account(tx, *((n, n) for n in range(2, 2 * STRETCH + 8)))
        assert progress.load(tx, LANE) == 0
        account(tx, (1, 1))
        assert progress.load(tx, LANE) == 2 * STRETCH + 7


def test_ranges_may_overlap_and_be_told_twice(database: Database) -> None:
    with database.transaction() as tx:
        for first, last in ((1, 4), (3, 9), (1, 4), (11, 12)):
            account(tx, (first, last))
        assert progress.load(tx, LANE) == 9
        assert progress.lock(tx, [LANE])[LANE].top == 12
        assert len(progress.load_gaps(tx, "gw_1", 10)) == 3


def test_a_lane_never_heard_of_is_at_zero(database: Database) -> None:
    with database.snapshot() as tx:
        assert progress.load(tx, LANE) == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 4)), max_size=3), max_size=12)
)
def test_any_cut_into_transactions_ends_at_the_first_hole(
    batches: list[list[tuple[int, int]]],
) -> None:
    told: set[int] = set()
    with tempfile.TemporaryDirectory() as folder:
        database = connect(f"sqlite:{folder}/hub.db")
        migrate(database, 0)
        with database.transaction() as tx:
            for batch in batches:
                upto = account(tx, *((first, first + more) for first, more in batch))
                told |= {n for first, more in batch for n in range(first, first + more + 1)}
                assert upto == next(n for n in range(1, 100) if n not in told) - 1
        database.close()
