"""Older gateways read what the hub says."""

from gatehouse_hub.ingest.down import write_down
from gatehouse_shared.commands import Ack
from gatehouse_shared.wire import decode, encode
from gatehouse_testing.building import BOOT, EPOCH

ACK = Ack(boot=BOOT, epoch=EPOCH, alarm=3, bulk=4, hub_time="2026-05-04T16:00:00.000Z")


def test_a_gateway_of_our_own_version_gets_the_canonical_bytes() -> None:
    assert decode(write_down(ACK, 0), Ack) == ACK
    assert write_down(ACK, 0) == encode(ACK)


def test_a_field_of_a_later_minor_is_left_out_for_an_older_gateway() -> None:
    later = {"Ack": {"hub_time": 2}}
    assert b"hub_time" not in write_down(ACK, 1, later)
    assert write_down(ACK, 2, later) == encode(ACK)
