"""What an acknowledgement means: forward, lower, stale, foreign, or proof that the outbox was rolled back."""

import pytest

from gatehouse_edge.transport.acks import Heard, Verdict, judge
from gatehouse_edge.values import StreamMark
from gatehouse_shared.commands import Ack
from gatehouse_shared.names import Lane

E, BOOT = "ab" * 8, "cd" * 8
NOTHING = Heard()
T = "2026-05-04T12:00:{:02d}.000Z"


def ack(alarm: int, second: int = 10, boot: str = BOOT, epoch: str = E) -> Ack:
    return Ack(boot=boot, epoch=epoch, alarm=alarm, bulk=0, hub_time=T.format(second))


def verdict(
    said: Ack,
    heard: Heard = NOTHING,
    *,
    acked: int = 5,
    last: int = 20,
    held: int = 10,
    sent: int = 0,
    current: bool = True,
    at: float = 0.0,
):
    marks = [
        StreamMark(E, Lane.ALARM, acked, last, held, current),
        StreamMark(E, Lane.BULK, 0, 0, 0, current),
    ]
    return judge(said, boot=BOOT, marks=marks, sent={(E, Lane.ALARM): sent}, heard=heard, at=at)


@pytest.mark.parametrize(
    ("said", "more", "expected"),
    [
        (ack(8), {}, Verdict.FORWARD),
        (ack(5), {}, Verdict.UNCHANGED),
        (ack(8, boot="ef" * 8), {}, Verdict.FOREIGN),
        (ack(8, epoch="ef" * 8), {}, Verdict.FOREIGN),
        (ack(8, second=9), {"heard": Heard(T.format(10))}, Verdict.STALE),
        (ack(11), {}, Verdict.ROLLED_BACK),
        (ack(11), {"sent": 15}, Verdict.FORWARD),
        (ack(16), {"sent": 15}, Verdict.ROLLED_BACK),
        (ack(99), {"current": False}, Verdict.FORWARD),
        (ack(3), {}, Verdict.ASK_AGAIN),
    ],
)
def test_a_verdict(said: Ack, more: dict[str, object], expected: Verdict) -> None:
    assert verdict(said, **more)[0] is expected  # type: ignore[arg-type]


def test_numbers_that_only_our_own_unsent_rows_would_cover_prove_a_rollback() -> None:
    """The file was put back at 10 and has written to 20 since; the hub holds 15 of the life before."""
    assert verdict(ack(15), held=10, last=20, sent=0)[0] is Verdict.ROLLED_BACK


def test_a_lower_ack_counts_when_it_comes_twice_five_seconds_apart_and_later() -> None:
    first, heard = verdict(ack(3, 10), at=100.0)
    assert first is Verdict.ASK_AGAIN
    assert verdict(ack(3, 12), heard, at=103.0)[0] is Verdict.ASK_AGAIN
    assert verdict(ack(3, 10), heard, at=106.0)[0] is Verdict.ASK_AGAIN
    assert verdict(ack(2, 16), heard, at=106.0)[0] is Verdict.HUB_RESTORED


def test_an_ack_that_is_not_lower_takes_a_lower_one_back() -> None:
    _, heard = verdict(ack(3, 10), at=100.0)
    _, heard = verdict(ack(5, 11), heard, at=101.0)
    assert verdict(ack(3, 16), heard, at=106.0)[0] is Verdict.ASK_AGAIN
