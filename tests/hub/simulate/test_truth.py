"""The judge is judged: whatever is wrong with a store is said, and nothing else is."""

import pytest

from gatehouse_hub.simulate.truth import LaneTruth, StoredLane, Verdict
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import sha256_hex

LANE = ("gw_1", "00112233445566aa", Lane.BULK)
ROWS = [(n, sha256_hex(b"%d" % n)) for n in range(1, 11)]


def judged(
    rows: list[tuple[int, str]], gaps: tuple[tuple[int, int], ...] = (), upto: int = 10
) -> Verdict:
    truth = LaneTruth()
    for _, sha256 in ROWS:
        truth.add(sha256)
    verdict = Verdict()
    verdict.judge(LANE, truth, StoredLane(rows, gaps, upto))
    return verdict


def test_what_was_sent_in_any_order_is_well() -> None:
    verdict = judged(ROWS[::-1])
    assert verdict.is_well
    assert (verdict.rows, verdict.examples) == (10, [])


def test_a_gap_accounts_for_what_is_not_there() -> None:
    assert judged([ROWS[0], *ROWS[5:]], gaps=((2, 4), (4, 5))).is_well


@pytest.mark.parametrize(
    ("verdict", "what"),
    [
        (judged(ROWS[:6] + ROWS[7:]), {"lost": 1}),
        (judged([], upto=0), {"lost": 10, "unaccounted": 10}),
        (judged([*ROWS, ROWS[3]]), {"duplicated": 1}),
        (judged(ROWS, upto=7), {"unaccounted": 3}),
        (judged([*ROWS, (11, sha256_hex(b"11"))], upto=11), {"invented": 1}),
        (judged([*ROWS[:-1], (10, sha256_hex(b"other"))]), {"altered": 1}),
    ],
)
def test_what_is_wrong_is_said(verdict: Verdict, what: dict[str, int]) -> None:
    names = ("lost", "duplicated", "unaccounted", "invented", "altered")
    found = {name: getattr(verdict, name) for name in names if getattr(verdict, name)}
    assert found == what
    assert not verdict.is_well
    assert len(verdict.examples) == 1


def test_a_row_that_no_incident_has_is_not_well() -> None:
    assert not Verdict(unlinked=1).is_well
