"""Bytes on the wire: canonical, derived, refused in the right way."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_shared import wire
from gatehouse_shared.commands import NACKS, MessageNack, RowNack
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.events import (
    ClockState,
    CountData,
    Event,
    HazardData,
    Place,
    ReadingData,
)
from gatehouse_shared.names import HazardKind, Label, Lane, Phase, Quantity
from gatehouse_shared.offline import decode_line, encode_line
from gatehouse_shared.states import STATES, Death

AT = datetime(2026, 5, 4, 16, 0, 17, 123_456, tzinfo=UTC)
EPOCH = "00112233445566aa"


def hazard(seq: int = 1, **changes: object) -> Event:
    fields: dict[str, object] = {
        "hazard": seq,
        "phase": Phase.RAISED,
        "kind": HazardKind.LANE_BLOCKED,
        "zone": "fire_lane",
        "device": "cam_lane",
        "rule": "lane_1",
        "grade": 3,
        "confidence": 18,
        "confirm_s": 180,
        "armed": True,
        "drill": False,
    }
    data = HazardData(**(fields | changes))  # type: ignore[arg-type]
    return wire.build_event(
        site="riverside", gateway="gw_1", epoch=EPOCH, lane=Lane.ALARM, seq=seq, time=AT,
        clock=ClockState.SYNCED, data=data,
    )  # fmt: skip


def reading(seq: int, value: int = 215) -> Event:
    return wire.build_event(
        site="riverside", gateway="gw_1", epoch=EPOCH, lane=Lane.BULK, seq=seq, time=AT,
        clock=ClockState.SYNCED, data=ReadingData(device="temp_1", quantity=Quantity.TEMPERATURE, value=value),
    )  # fmt: skip


def test_time_is_floored_to_the_step_of_the_class() -> None:
    assert hazard().time == "2026-05-04T16:00:17.000Z"
    assert hazard(kind=HazardKind.PERIMETER_INTRUSION).time == "2026-05-04T16:00:10.000Z"
    assert hazard(kind=HazardKind.PERSON_DOWN).time == "2026-05-04T16:00:10.000Z"


def test_an_event_read_back_is_the_event_that_was_written() -> None:
    (row,) = wire.read_rows(wire.encode_rows([hazard(place=Place(x_m=3, y_m=4, level=0))]))
    assert isinstance(row, wire.Row)
    assert row.event == hazard(place=Place(x_m=3, y_m=4, level=0))
    assert row.key == wire.RowKey("riverside", "gw_1", EPOCH, Lane.ALARM, 1)


@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=100, unique=True),
    st.integers(-600, 15_000),
)
def test_any_batch_reads_back_in_order(seqs: list[int], value: int) -> None:
    events = [reading(seq, value) for seq in sorted(seqs)]
    rows = wire.read_rows(wire.encode_rows(events))
    assert [row.event for row in rows if isinstance(row, wire.Row)] == events


BODY = json.loads(wire.encode_rows([hazard()]))


def compact(tree: object) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(b"{", RefusalReason.NOT_JSON, id="bad JSON"),
        pytest.param(b"\xff\xfe", RefusalReason.NOT_JSON, id="not UTF-8"),
        pytest.param(b"[]", RefusalReason.TOO_MANY_ROWS, id="no rows"),
        pytest.param(b"[" * 100_000, RefusalReason.TOO_DEEP, id="deep"),
        pytest.param(b'"' + b"x" * 300_000 + b'"', RefusalReason.TOO_LARGE, id="large packet"),
        pytest.param(b'"' + b"x" * 70_000 + b'"', RefusalReason.TOO_LARGE, id="large event"),
        pytest.param(compact({"a": 1}), RefusalReason.WRONG_SCHEMA, id="no key"),
        pytest.param(compact([BODY] * 101), RefusalReason.TOO_MANY_ROWS, id="101 rows"),
        pytest.param(
            wire.encode_rows([reading(2), reading(1)]), RefusalReason.MIXED_ROWS, id="out of order"
        ),
        pytest.param(
            wire.encode_rows([reading(1), hazard(2)]), RefusalReason.MIXED_ROWS, id="two lanes"
        ),
        pytest.param(
            b"[" + wire.encode(reading(1)) + b", " + wire.encode(reading(2)) + b"]",
            RefusalReason.NOT_CANONICAL,
            id="white space between rows",
        ),
    ],
)
def test_an_unreadable_message_is_refused_whole(payload: bytes, reason: RefusalReason) -> None:
    with pytest.raises(WireError) as caught:
        wire.read_rows(payload)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(
            compact(BODY | {"note": "said freely"}), RefusalReason.UNKNOWN_FIELD, id="unknown field"
        ),
        pytest.param(
            compact(BODY | {"evaluation": True}), RefusalReason.UNKNOWN_FIELD, id="evaluation"
        ),
        pytest.param(compact(BODY | {"id": "0" * 32}), RefusalReason.WRONG_ID, id="id not derived"),
        pytest.param(compact(BODY | {"clock": "maybe"}), RefusalReason.WRONG_SCHEMA, id="bad enum"),
        pytest.param(json.dumps(BODY).encode(), RefusalReason.NOT_CANONICAL, id="white space"),
        pytest.param(
            compact(dict(reversed(BODY.items()))),
            RefusalReason.NOT_CANONICAL,
            id="other field order",
        ),
        pytest.param(
            compact(BODY).replace(b'"lane_1"', b'"\\u006cane_1"'),
            RefusalReason.NOT_CANONICAL,
            id="long escape",
        ),
        pytest.param(
            compact(BODY).replace(b":180", b":180.0"), RefusalReason.WRONG_SCHEMA, id="float form"
        ),
        pytest.param(
            compact(BODY | {"time": "2026-02-30T00:00:00.000Z"}),
            RefusalReason.OUT_OF_RANGE,
            id="30 February",
        ),
        pytest.param(
            compact(BODY | {"time": "2026-05-04T16:00:17Z"}),
            RefusalReason.WRONG_SCHEMA,
            id="no milliseconds",
        ),
        pytest.param(
            compact(BODY | {"data": BODY["data"] | {"measure": None}}),
            RefusalReason.WRONG_SCHEMA,
            id="null",
        ),
        pytest.param(
            compact(BODY | {"data": BODY["data"] | {"zone": "a\n"}}),
            RefusalReason.WRONG_SCHEMA,
            id="line end",
        ),
        pytest.param(
            compact(BODY | {"data": BODY["data"] | {"zone": "a12345"}}),
            RefusalReason.WRONG_SCHEMA,
            id="digits",
        ),
    ],
)
def test_a_bad_row_keeps_its_key_and_says_why(payload: bytes, reason: RefusalReason) -> None:
    (row,) = wire.read_rows(payload)
    assert isinstance(row, wire.BadRow)
    assert (row.key.gateway, row.key.seq, row.reason) == ("gw_1", 1, reason)
    assert "freely" not in row.message


def test_a_good_row_beside_a_bad_one_is_kept() -> None:
    good = wire.encode(reading(1))
    bad = wire.encode(reading(2)).replace(b'"value":215', b'"value":"x"')
    first, second = wire.read_rows(b"[" + good + b"," + bad + b"]")
    assert isinstance(first, wire.Row)
    assert isinstance(second, wire.BadRow)


def test_lines_of_files_come_back_with_their_extras() -> None:
    line = encode_line(hazard())
    assert decode_line(line).evaluation
    (row,) = wire.read_rows(line)
    assert isinstance(row, wire.BadRow)  # so no hub takes a recording for something that happened
    late = compact(BODY | {"arrived": "2026-05-04T16:10:00.000Z", "offset_ms": -1500})
    assert decode_line(late).offset_ms == -1500


def test_lt10_is_the_only_word_among_counts() -> None:
    data = CountData(
        zone="plaza",
        device="cam_1",
        label=Label.PERSON,
        window_s=60,
        mean="lt10",
        max=12,
        coverage=20,
        quality=20,
    )
    event = wire.build_event(
        site="riverside",
        gateway="gw_1",
        epoch=EPOCH,
        lane=Lane.BULK,
        seq=1,
        time=AT,
        clock=ClockState.SYNCED,
        data=data,
    )
    payload = wire.encode(event)
    (row,) = wire.read_rows(payload)
    assert isinstance(row, wire.Row)
    (bad,) = wire.read_rows(payload.replace(b"lt10", b"lt20"))
    assert isinstance(bad, wire.BadRow)


def test_births_and_deaths_and_both_nacks_are_told_apart_by_their_fields() -> None:
    death = Death(boot="0" * 16, conn=3)
    assert wire.decode_one_of(wire.encode(death), STATES) == death
    assert set(json.loads(wire.encode(death))) == {"boot", "conn"}
    row = RowNack(epoch=EPOCH, lane=Lane.ALARM, seq=4, reason=RefusalReason.CLASS_RULE)
    message = MessageNack(sha256="0" * 64, reason=RefusalReason.NOT_JSON)
    assert [wire.decode_one_of(wire.encode(nack), NACKS) for nack in (row, message)] == [
        row,
        message,
    ]
    with pytest.raises(WireError):
        wire.decode_one_of(b'{"boot":"0"}', STATES)
