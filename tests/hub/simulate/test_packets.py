"""MQTT packets, cut wherever the network likes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_hub.simulate import packets

SAID = (
    b"\x20\x02\x00\x00"  # CONNACK, accepted
    b"\x90\x03\x00\x01\x01"  # SUBACK of 1
    b"\x32\x0b\x00\x05a/b/c\x00\x07hi"  # PUBLISH at QoS 1, number 7
    b"\x31\x08\x00\x03x/yabc"  # PUBLISH at QoS 0, retained
    b"\x40\x02\x00\x09"  # PUBACK of 9
    b"\xd0\x00"  # PINGRESP
)
MEANT = [
    packets.Connected(0),
    packets.Subscribed(1, b"\x01"),
    packets.Published("a/b/c", b"hi", 7, retained=False),
    packets.Published("x/y", b"abc", None, retained=True),
    packets.Taken(9),
    packets.Pong(),
]


@given(st.lists(st.integers(0, len(SAID)), max_size=12))
def test_packets_are_found_however_they_are_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(SAID)]
    reader = packets.Reader()
    found = [p for a, b in pairwise(places) for p in reader.feed(SAID[a:b])]
    assert found == MEANT


@given(st.binary(max_size=40_000), st.integers(1, 65_535))
def test_what_we_publish_reads_as_it_was_meant(payload: bytes, number: int) -> None:
    sent = packets.publish("gatehouse/v1/07/gw_1/up/bulk", payload, number, retain=True)
    (read,) = packets.Reader().feed(sent)
    topic = "gatehouse/v1/07/gw_1/up/bulk"
    assert read == packets.Published(topic, payload, number, retained=True)


def test_a_connection_with_everything_is_as_the_standard_has_it() -> None:
    will = packets.Will("w", b"gone")
    sent = packets.connect("me", keepalive_s=60, will=will, username="me", password="pw")
    head = b"\x10\x1f\x00\x04MQTT\x04\xee\x00\x3c"
    assert sent == head + b"\x00\x02me\x00\x01w\x00\x04gone\x00\x02me\x00\x02pw"


@pytest.mark.parametrize(
    "said",
    [
        b"\x10\x00",
        b"\x30\xff\xff\xff\xff\x01",
        b"\x30\xff\xff\xff\x7f",
        b"\x40\x01\x00",
        b"\x32\x02\x00\x09",
    ],
)
def test_what_no_broker_says_ends_the_connection(said: bytes) -> None:
    with pytest.raises(packets.ProtocolError):
        packets.Reader().feed(said)
