"""What is owed and when it may go."""

import pytest

from gatehouse_hub.ingest.acks import EPOCHS_MAX, INTERVAL_S, AckBook, OwedAck
from gatehouse_testing.building import EPOCH, EPOCH_2


def owed(book: AckBook, now_s: float) -> list[OwedAck]:
    return [ack for _, acks in book.due(now_s) for ack in acks]


def test_an_ack_goes_at_once_and_the_next_after_the_interval() -> None:
    book = AckBook()
    first, second = OwedAck("gw_1", EPOCH, 1, 0), OwedAck("gw_1", EPOCH, 2, 0)
    book.owe(first)
    assert owed(book, 10.0) == [first]
    book.sent("gw_1", 10.0)
    assert book.wait_s(10.0) is None
    book.owe(second)
    assert owed(book, 10.0 + INTERVAL_S / 2) == []
    assert book.wait_s(10.0) == pytest.approx(INTERVAL_S)
    assert owed(book, 10.0 + INTERVAL_S) == [second]


def test_the_latest_commit_counts_even_when_it_holds_less() -> None:
    book = AckBook()
    book.owe(OwedAck("gw_1", EPOCH, 9, 9))
    book.owe(OwedAck("gw_1", EPOCH, 4, 0))
    assert owed(book, 0.0) == [OwedAck("gw_1", EPOCH, 4, 0)]


def test_every_epoch_and_every_gateway_is_owed_its_own() -> None:
    book = AckBook()
    acks = [
        OwedAck("gw_1", EPOCH, 1, 0),
        OwedAck("gw_1", EPOCH_2, 2, 0),
        OwedAck("gw_2", EPOCH, 3, 0),
    ]
    for ack in acks:
        book.owe(ack)
    assert owed(book, 0.0) == acks


def test_what_the_broker_did_not_take_stays_owed_without_haste() -> None:
    book = AckBook()
    ack = OwedAck("gw_1", EPOCH, 1, 0)
    book.owe(ack)
    book.postponed("gw_1", 5.0)
    assert owed(book, 5.0) == []
    assert owed(book, 5.0 + INTERVAL_S) == [ack]


def test_a_gateway_with_endless_epochs_is_owed_a_bounded_number() -> None:
    book = AckBook()
    for n in range(EPOCHS_MAX + 50):
        book.owe(OwedAck("gw_1", f"{n:016x}", 1, 0))
    assert len(owed(book, 0.0)) == EPOCHS_MAX
