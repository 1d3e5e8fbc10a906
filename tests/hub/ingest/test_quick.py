"""The quick reader takes nothing that the careful one refuses, and what it takes it takes the same."""

from dataclasses import replace
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_hub.ingest import quick
from gatehouse_hub.ingest.quick import SHAPES
from gatehouse_hub.ingest.reading import Reading, Sender, read_carefully, read_message
from gatehouse_hub.ingest.relaxed import relaxed_events
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.events import (
    AgeBand,
    Band,
    CountData,
    Data,
    Event,
    FlowData,
    GatewayHealth,
    HealthData,
    ReadingData,
)
from gatehouse_shared.names import HazardKind, Label, Lane, Phase, Quantity
from gatehouse_shared.wire import Row, encode, encode_rows
from gatehouse_testing.building import Outbox, sender, small_site

BOX = Outbox()
HEALTH = GatewayHealth(cpu=1, memory=2, disk=3, outbox_rows=Band.FEW, outbox_age=AgeBand.SECONDS)
BULK: Final[tuple[Data, ...]] = (
    CountData(zone="z0", device="cam_0", label=Label.PERSON, window_s=60, mean=12, max=14, coverage=20, quality=20),
    CountData(zone="z1", device="cam_1", label=Label.CAR, window_s=60, mean=1, max=2, coverage=9, quality=3),
    HealthData(gateway=HEALTH),
)  # fmt: skip


def bulk(count: int) -> list[Event]:
    return [BOX.event(Lane.BULK, n, n * 60, BULK[n % len(BULK)]) for n in range(1, count + 1)]


def alarms() -> list[Event]:
    return [
        BOX.hazard(1),
        BOX.hazard(2, hazard=1, phase=Phase.UPDATED, at_s=30),
        BOX.hazard(3, zone="z1", kind=HazardKind.CAMERA_MOVED),
    ]


def outcome(
    read: object, lane: Lane, payload: bytes, whose: Sender
) -> Reading | tuple[RefusalReason, str]:
    try:
        return read(lane, payload, whose)  # type: ignore[operator, no-any-return]
    except WireError as refusal:
        return refusal.reason, refusal.message


MESSAGES: Final = (
    (Lane.BULK, encode_rows(bulk(9))),
    (Lane.ALARM, encode_rows(alarms())),
    (Lane.ALARM, encode(alarms()[0])),
)


@pytest.mark.parametrize(("lane", "payload"), MESSAGES)
def test_a_message_like_one_before_is_read_the_same(lane: Lane, payload: bytes) -> None:
    whose = sender()
    expected = read_carefully(lane, payload, whose)
    assert whose.quick.read(lane, payload) == expected.rows
    assert whose.quick.read(lane, payload) == expected.rows
    assert all(isinstance(row, Row) for row in expected.rows)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(MESSAGES), st.data())
def test_a_message_that_was_touched_is_judged_as_the_careful_reader_does(
    message: tuple[Lane, bytes], data: st.DataObject
) -> None:
    lane, payload = message
    whose = sender()
    read_message(lane, payload, whose)
    at = data.draw(st.integers(0, len(payload) - 1))
    piece = data.draw(
        st.one_of(
            st.binary(max_size=2),
            st.sampled_from([b"9", b"0", b"z9", b"Z", b'"', b" ", b"-1", b"12345", b"T25", b"alarm", b"bulk"]),
        )
    )  # fmt: skip
    end = at + data.draw(st.integers(0, 4))
    touched = payload[:at] + piece + payload[end:]
    for topic in Lane:
        expected = outcome(read_carefully, topic, touched, sender())
        assert outcome(read_message, topic, touched, whose) == expected


def field_paths(kind: type[msgspec.Struct]) -> list[tuple[str, str]]:
    """(field, its text) of everything that has a pattern in the payload of an event."""
    hints = msgspec.structs.fields(kind)
    return [(f.name, str(f.type)) for f in hints if "pattern=" in str(f.type)]


@pytest.mark.parametrize(
    "data",
    [
        alarms()[0].data,
        BULK[0],
        FlowData(line="l1", device="cam_0", label=Label.PERSON, in_=0, out=12, window_s=60),
        ReadingData(device="temp_1", quantity=Quantity.TEMPERATURE, value=2),
        BULK[2],
    ],
)
def test_every_name_with_a_pattern_is_among_what_is_remembered(data: Data) -> None:
    (shape,) = [s for s in SHAPES.values() if type(data).__name__[:-4] in s.event.__name__]
    for field, _ in field_paths(type(data)):
        other = msgspec.structs.replace(data, **{field: "quite_another"})
        assert shape.names(other) != shape.names(data), field
    assert shape.data(data) == data


def test_relaxed_events_differ_by_patterns_only() -> None:
    for name, kind in relaxed_events().items():
        strict = SHAPES[name].event if name in SHAPES else None
        fields = [(f.name, f.encode_name, f.default) for f in msgspec.structs.fields(kind)]
        if strict is not None:
            of_strict = msgspec.structs.fields(strict)
            assert fields == [(f.name, f.encode_name, f.default) for f in of_strict]
        assert "pattern=" not in repr(msgspec.structs.fields(kind))
        assert kind.__struct_config__.forbid_unknown_fields


def test_names_are_forgotten_beyond_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "NAMES_MAX", 2)
    whose = sender()
    for n, event in enumerate([*bulk(3), *bulk(3)]):
        assert whose.quick.read(Lane.BULK, encode(event)) is not None
        assert 0 < len(whose.quick._names) <= 2, n


def test_an_epoch_of_another_form_is_left_to_the_careful_reader() -> None:
    whose = sender()
    assert whose.quick.read(Lane.ALARM, encode(BOX.hazard(1))) is not None
    odd = replace(BOX, epoch="not-an-epoch")
    assert whose.quick.read(Lane.ALARM, encode(odd.hazard(1))) is None


def test_times_and_figures_are_forgotten_beyond_their_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quick, "MINUTES_MAX", 5)
    monkeypatch.setattr(quick, "FIGURES_MAX", 5)
    monkeypatch.setattr(quick, "_MINUTES", set())
    monkeypatch.setattr(quick, "_FIGURES", {None})
    whose = sender()
    for n in range(30):
        event = BOX.count(n + 1, at_s=60 * n, mean=10 + n)
        assert whose.quick.read(Lane.BULK, encode(event)) is not None
    assert len(quick._MINUTES) <= 5
    assert len(quick._FIGURES) <= 5


def test_what_a_newer_site_file_no_longer_names_is_not_remembered_from_the_older() -> None:
    payload = encode(BOX.hazard(1, zone="z1"))
    old = sender()
    assert old.quick.read(Lane.ALARM, payload) is not None
    site = small_site()
    new = sender(msgspec.structs.replace(site, zones=site.zones[:1]))
    assert new.quick.read(Lane.ALARM, payload) is None
