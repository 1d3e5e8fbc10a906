"""Rows whose number stands already, judged; and when nobody needs to look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_hub.ingest.storing import store
from gatehouse_hub.ports import Database
from gatehouse_hub.store import events, progress
from gatehouse_hub.store.known import Fate, Taken, find_known, judge_again
from gatehouse_hub.values import EventKey, LaneKey
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import encode, sha256_hex
from gatehouse_testing.building import EPOCH, START_MS, Outbox, letter

BOX = Outbox()
LANE = LaneKey("gw_1", EPOCH, Lane.ALARM)


def row(seq: int, corrected_ms: int = START_MS, grade: int = 2) -> events.NewRow:
    event = BOX.hazard(seq, grade=grade)
    canonical = encode(event)
    return events.NewRow(
        key=EventKey("gw_1", EPOCH, Lane.ALARM, seq), site="testing", event=event, canonical=canonical,
        sha256=sha256_hex(canonical), corrected_ms=corrected_ms, offset=None, arrived_ms=START_MS + 1, historical=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("corrected_ms", "known", "fate"),
    [
        (START_MS, row(1).sha256, Fate.DUPLICATE),
        (START_MS, row(1, grade=3).sha256, Fate.REUSED),
        (START_MS, Taken(START_MS + 1), Fate.OUTLIVED),
        (START_MS, Taken(START_MS), Fate.REUSED),
        (START_MS, Taken(0), Fate.REUSED),
    ],
)
def test_a_row_whose_number_stands(corrected_ms: int, known: str | Taken, fate: Fate) -> None:
    assert judge_again(row(1, corrected_ms), known) is fate


@given(st.integers(0, 2**45), st.integers(0, 2**45))
def test_only_what_is_as_old_as_what_went_is_let_go(corrected_ms: int, before_ms: int) -> None:
    fate = judge_again(row(1, corrected_ms), Taken(before_ms))
    assert (fate is Fate.OUTLIVED) == (corrected_ms < before_ms)
    assert fate is not Fate.DUPLICATE


def test_numbers_in_holes_and_in_gaps_are_new(database: Database) -> None:
    with database.transaction() as tx:
        store(tx, [letter([BOX.hazard(1), BOX.hazard(5), BOX.gap(6, 3, 3, lane=Lane.ALARM)])])
    with database.transaction() as tx:
        marks = progress.lock(tx, [LANE])
        known = find_known(tx, marks, [row(n) for n in range(1, 6)])
        assert {key.seq for key in known} == {1, 5}
        assert (marks[LANE].upto, marks[LANE].top) == (1, 6)
        assert find_known(tx, marks, []) == {}
