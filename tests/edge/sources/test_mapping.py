"""A sensor's message becomes a boolean, a registered quantity or passages, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.sources.mapping import (
    CounterMap,
    QuantityMap,
    StateMap,
    map_counter,
    map_quantity,
    map_state,
    pick,
    read_payload,
)
from gatehouse_shared.names import QUANTITIES, Quantity


@pytest.mark.parametrize(
    ("rule", "payload", "state"),
    [
        (StateMap(field="contact", means_true=(False,)), b'{"contact": false}', True),
        (StateMap(field="contact", means_true=(False,)), b'{"contact": true}', False),
        (StateMap(field="contact", means_true=(False,)), b'{"other": 1}', None),
        (StateMap(field="contact", means_true=(False,)), b'{"contact": 0}', False),
        (StateMap(field="", means_true=("ON",), means_false=("OFF",)), b"ON", True),
        (StateMap(field="", means_true=("ON",), means_false=("OFF",)), b"OFF", False),
        (StateMap(field="", means_true=("ON",), means_false=("OFF",)), b"unavailable", None),
        (StateMap(field="a.b", means_true=(1,)), b'{"a": {"b": 1.0}}', True),
        (StateMap(field="a.b", means_true=(1,)), b'{"a": {"b": true}}', False),
        (StateMap(field="a", means_true=(1,)), b'{"a": {"b": 1}}', None),
    ],
)
def test_a_state_is_what_its_lists_say(rule: StateMap, payload: bytes, state: bool | None) -> None:
    assert map_state(rule, read_payload(payload)).state is state


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"21.34", 213),
        (b"21.35", 214),
        (b"-5.06", -51),
        (b"9999", None),
        (b'"21"', None),
        (b"true", None),
        (b"NaN", None),
    ],
)
def test_a_quantity_is_whole_steps_within_its_range(payload: bytes, value: int | None) -> None:
    rule = QuantityMap(field="", quantity=Quantity.TEMPERATURE)
    assert map_quantity(rule, read_payload(payload)).value == value


def test_a_counter_that_counts_from_its_start_gives_differences() -> None:
    rule = CounterMap(in_="i", out="o", total=True)
    totals = None
    passed = []
    for message in ({"i": 10, "o": 4}, {"i": 12, "o": 4}, {"i": 1, "o": 0}, {"i": 3, "o": 2}):
        said, totals = map_counter(rule, message, totals)
        passed.append(said.passed)
    assert passed == [None, (2, 0), None, (2, 2)]


@given(st.binary(max_size=200))
def test_no_message_gives_text(payload: bytes) -> None:
    try:
        message = read_payload(payload)
    except ValueError:
        return
    said = map_quantity(QuantityMap(field="", quantity=Quantity.GAS), message)
    spec = QUANTITIES[Quantity.GAS]
    assert said.value is None or spec.low <= said.value <= spec.high
    assert map_state(StateMap(field="", means_true=("x",)), message).state in (True, False, None)
    pick(message, "a.b.c")
