"""Whose a message is and which of its rows may pass."""

import msgspec
import pytest

from gatehouse_hub.ingest.reading import Sender, read_message
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.events import Event
from gatehouse_shared.names import Lane, Phase
from gatehouse_shared.offline import encode_line
from gatehouse_shared.wire import encode, encode_rows
from gatehouse_testing.building import Outbox, sender, small_site

GOOD = Outbox().hazard(1)
SENDER = sender()


def with_time(event: Event, time: str) -> Event:
    return msgspec.structs.replace(event, time=time)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", RefusalReason.NOT_JSON),
        (b"\xff\xfe", RefusalReason.NOT_JSON),
        (b"[]", RefusalReason.TOO_MANY_ROWS),
        (b'"text"', RefusalReason.WRONG_SCHEMA),
        (encode(Outbox(gateway="gw_2").hazard(1)), RefusalReason.WRONG_IDENTITY),
        (encode(Outbox(site="elsewhere").hazard(1)), RefusalReason.WRONG_IDENTITY),
        (encode(Outbox(gateway="hub").hazard(1)), RefusalReason.HUB_ONLY),
        (
            encode_rows([Outbox().hazard(2), Outbox().hazard(1)]),
            RefusalReason.MIXED_ROWS,
        ),
    ],
)
def test_a_message_that_is_not_its_senders_own_is_refused_whole(
    payload: bytes, reason: RefusalReason
) -> None:
    with pytest.raises(WireError) as refusal:
        read_message(Lane.ALARM, payload, SENDER)
    assert refusal.value.reason is reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (encode(GOOD).replace(b'"grade":2', b'"grade":9'), RefusalReason.WRONG_SCHEMA),
        (encode(GOOD)[:-1] + b',"face":"x"}', RefusalReason.UNKNOWN_FIELD),
        (encode_line(GOOD), RefusalReason.EVALUATION),
        (encode(GOOD).replace(b'"seq":1', b'"seq": 1'), RefusalReason.NOT_CANONICAL),
        (encode(Outbox().hazard(1, zone="z9")), RefusalReason.UNKNOWN_NAME),
        (encode(with_time(GOOD, "2026-05-04T16:00:00.500Z")), RefusalReason.TIME_STEP),
        (encode(msgspec.structs.replace(GOOD, id="0" * 32)), RefusalReason.WRONG_ID),
        (encode(Outbox().count(1)), RefusalReason.WRONG_TOPIC),
        (encode(Outbox().hazard(1, hazard=1, phase=Phase.UPDATED)), RefusalReason.CLASS_RULE),
    ],
)
def test_a_row_of_its_own_that_breaks_a_rule_is_refused_alone(
    raw: bytes, reason: RefusalReason
) -> None:
    reading = read_message(Lane.ALARM, raw, SENDER)
    assert [(b.key.seq, b.reason, b.raw) for b in reading.bad] == [(1, reason, raw)]
    assert reading.rows == ()


def test_the_rows_beside_a_bad_one_pass() -> None:
    events = [Outbox().hazard(n, zone="z9" if n == 2 else "z0") for n in (1, 2, 3)]
    reading = read_message(Lane.ALARM, encode_rows(events), SENDER)
    assert [r.key.seq for r in reading.rows] == [1, 3]
    assert [r.key.seq for r in reading.bad] == [2]


def test_a_row_may_follow_an_older_version_of_the_site_file() -> None:
    old = small_site()
    new = msgspec.structs.replace(old, devices=old.devices[:1])
    row = encode(Outbox().hazard(1, zone="z1"))
    assert read_message(Lane.ALARM, row, Sender("gw_1", "testing", (new,))).bad
    assert not read_message(Lane.ALARM, row, Sender("gw_1", "testing", (new, old))).bad


def test_an_unknown_field_of_a_newer_gateway_is_told_as_that() -> None:
    raw = encode(GOOD)[:-1] + b',"later":1}'
    newer = Sender("gw_1", "testing", (small_site(),), wire=7)
    (bad,) = read_message(Lane.ALARM, raw, newer).bad
    assert bad.reason is RefusalReason.NEWER_WIRE
