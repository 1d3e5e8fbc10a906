"""What our links rely on of a broker, case by case, and what they were taught not to. See `conftest.py` for who differs."""

import itertools
import time
from contextlib import suppress

import pytest

from gatehouse_shared.topics import hub_subscriptions
from gatehouse_shared.wire import PACKET_MAX_BYTES
from gatehouse_testing.mqtt_probe import (
    ClosedError,
    Message,
    Packet,
    Probe,
    Will,
    packet,
    text,
)
from gatehouse_testing.waiting import wait_until

UP, DOWN = "gatehouse/v1/07/gw_1/up", "gatehouse/v1/07/gw_1/down"
EVERYTHING_UP = "gatehouse/v1/+/+/up/#"
_numbers = itertools.count(1)


@pytest.fixture
def hub(broker):
    """A hub that reads everything that gateways say, but no retained messages of earlier cases."""
    probe = broker.hub(f"hub_{next(_numbers)}")
    probe.subscribe(EVERYTHING_UP)
    probe.ping()
    probe.acknowledge(probe.messages)
    probe.messages.clear()
    return probe


@pytest.fixture
def gateway(broker):
    return broker.gateway("gw_1")


def heard(probe: Probe, count: int) -> list[Message]:
    """The next so many messages, acknowledged."""
    messages = []
    for _ in range(count):
        message = probe.message()
        probe.acknowledge([message])
        messages.append(message)
    return messages


def silent(probe: Probe, marker: Probe, topic: str) -> bool:
    """Whether nothing comes to `probe` before what `marker` says now: with it in hand, nothing else is on its way."""
    marker.published(topic, b"marker")
    return probe.message().payload == b"marker"


def settle(probe: Probe) -> None:
    """Until the broker has dealt with what the probe said, or has ended the connection over it."""
    with suppress(ClosedError, ConnectionError):
        probe.ping()


def refused(broker, user: tuple[str, str] | None) -> bool:
    try:
        return broker.knock("gw_9", user).code in (4, 5)
    except (ClosedError, ConnectionError):
        return True


# Who may come in.


def test_the_right_password_lets_in(broker) -> None:
    broker.gateway("gw_2").disconnect()


def test_a_wrong_password_does_not(broker) -> None:
    assert refused(broker, ("gw_1", "wrong"))


def test_nor_a_name_that_nobody_has(broker) -> None:
    assert refused(broker, ("gw_77", "correct-horse"))


def test_nor_no_name_at_all(broker) -> None:
    assert refused(broker, None)


def test_a_clean_session_begins_with_none_present(broker) -> None:
    first = broker.gateway("gw_2")
    assert not first.session_present
    first.disconnect()
    second = broker.gateway("gw_2")
    assert not second.session_present
    second.disconnect()


def test_a_protocol_that_nobody_speaks_is_refused(broker) -> None:
    with suppress(ClosedError, ConnectionError):
        assert broker.knock("gw_2", ("gw_2", "correct-horse"), level=99).code == 1


def test_who_connects_twice_on_one_connection_is_dropped(broker, gateway) -> None:
    stranger = broker.gateway("gw_3")
    stranger.send(Packet.CONNECT, text("MQTT") + bytes([4, 2, 0, 30]) + text("gw_3"))
    assert stranger.closed()


def test_a_packet_that_is_none_is_dropped(broker, gateway) -> None:
    gateway.sock.sendall(bytes([0xF0, 0]) + packet(Packet.PINGREQ))
    assert gateway.closed()


# What is said is heard.


def test_a_publish_is_acknowledged_by_its_number_and_heard_once(hub, gateway) -> None:
    mid = gateway.publish(f"{UP}/alarm", b"{}")
    assert gateway.puback() == mid
    (message,) = heard(hub, 1)
    assert (message.topic, message.payload, message.qos) == (f"{UP}/alarm", b"{}", 1)
    assert not message.dup
    assert silent(hub, gateway, f"{UP}/alarm")


def test_qos_0_is_heard_too(hub, gateway) -> None:
    gateway.publish(f"{UP}/bulk", b"once", qos=0)
    assert hub.message().payload == b"once"


def test_the_qos_that_is_asked_for_is_granted(broker) -> None:
    probe = broker.hub("hub_granted")
    assert probe.subscribe(EVERYTHING_UP, "gatehouse/v1/out/#") == b"\x01\x01"


def test_order_within_a_topic_is_kept(hub, gateway) -> None:
    sent = [str(n).encode() for n in range(200)]
    for start in range(0, 200, 50):
        for payload in sent[start : start + 50]:
            gateway.publish(f"{UP}/bulk", payload)
        for _ in range(50):
            gateway.puback()
    assert [message.payload for message in heard(hub, 200)] == sent


def test_fifty_publishes_may_wait_for_their_acknowledgement(hub, gateway) -> None:
    sent = {gateway.publish(f"{UP}/bulk", b"x") for _ in range(50)}
    assert {gateway.puback() for _ in range(50)} == sent
    heard(hub, 50)


def test_a_number_may_come_again_after_its_acknowledgement(hub, gateway) -> None:
    for payload in (b"first", b"second"):
        assert gateway.publish(f"{UP}/bulk", payload, mid=7) == 7
        assert gateway.puback() == 7
    assert [message.payload for message in heard(hub, 2)] == [b"first", b"second"]


def test_a_repeated_publish_is_heard_at_least_once_and_acknowledged(hub, gateway) -> None:
    gateway.publish(f"{UP}/alarm", b"again", mid=9)
    assert gateway.puback() == 9
    gateway.publish(f"{UP}/alarm", b"again", mid=9, dup=True)
    assert gateway.puback() == 9
    assert hub.message().payload == b"again"


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\x00\xff\xfe\x80", id="no text"),
        pytest.param(b"", id="nothing"),
        pytest.param("滨江花园".encode(), id="Chinese"),
    ],
)
def test_bytes_arrive_as_they_were_sent(hub, gateway, payload: bytes) -> None:
    gateway.published(f"{UP}/bulk", payload)
    assert heard(hub, 1)[0].payload == payload


def test_the_largest_packet_of_the_wire_passes(hub, gateway) -> None:
    payload = bytes(range(256)) * (PACKET_MAX_BYTES // 256)
    gateway.published(f"{UP}/bulk", payload)
    assert heard(hub, 1)[0].payload == payload


def test_the_longest_topic_of_the_wire_passes(broker, hub) -> None:
    # Gateway and leaf of 32 characters each; only the hub may write outside of its own name.
    topic = f"gatehouse/v1/out/{'s' * 32}/zone/{'z' * 32}"
    hub.subscribe("gatehouse/v1/out/#")
    hub.published(topic, b"{}")
    assert heard(hub, 1)[0].topic == topic


def test_what_is_too_large_harms_nobody_else(broker, hub, gateway) -> None:
    """A broker may drop the sender, or carry it to the hub, which refuses it; the others go on."""
    other = broker.gateway("gw_2")
    with suppress(ClosedError, ConnectionError, TimeoutError):
        gateway.publish(f"{UP}/bulk", bytes(2 * 1024 * 1024))
        gateway.puback(timeout_s=2.0)
    other.published("gatehouse/v1/07/gw_2/up/alarm", b"still here")
    wait_until(lambda: hub.message().payload == b"still here")


# Wildcards.


def test_a_plus_stands_for_one_level(broker, gateway) -> None:
    probe = broker.hub("hub_plus")
    probe.subscribe("gatehouse/v1/+/+/up/alarm")
    gateway.published(f"{UP}/alarm/deeper", b"no")
    gateway.published(f"{UP}/bulk", b"no")
    gateway.published(f"{UP}/alarm", b"yes")
    assert probe.message().payload == b"yes"


def test_a_hash_stands_for_all_that_lies_below(broker, gateway) -> None:
    probe = broker.hub("hub_hash")
    probe.subscribe("gatehouse/v1/07/gw_1/up/#")
    for leaf in ("alarm", "response/time"):
        gateway.published(f"{UP}/{leaf}", leaf.encode())
    assert [message.payload for message in heard(probe, 2)] == [b"alarm", b"response/time"]


def test_the_hub_s_own_subscriptions_hear_what_gateways_say(broker, gateway) -> None:
    probe = broker.hub("hub_subs")
    probe.subscribe(*hub_subscriptions())
    probe.ping()
    probe.messages.clear()
    leaves = ("alarm", "bulk", "response/time")
    for leaf in leaves:
        gateway.published(f"{UP}/{leaf}", b"{}")
    assert {m.topic for m in heard(probe, 3)} == {f"{UP}/{leaf}" for leaf in leaves}


def test_all_shards_in_one_subscribe(broker, gateway) -> None:
    probe = broker.hub("hub_shards")
    granted = probe.subscribe(*(f"gatehouse/v1/{n:02}/+/up/bulk" for n in range(64)))
    assert granted == b"\x01" * 64
    gateway.published(f"{UP}/bulk", b"07")
    gateway.published("gatehouse/v1/63/gw_1/up/bulk", b"63")
    assert [m.payload for m in heard(probe, 2)] == [b"07", b"63"]


def test_what_two_subscriptions_match_is_heard_at_least_once(broker, gateway) -> None:
    probe = broker.hub("hub_twice")
    probe.subscribe("gatehouse/v1/+/+/up/alarm", "gatehouse/v1/07/gw_1/up/#")
    gateway.published(f"{UP}/alarm", b"{}")
    assert heard(probe, 1)[0].payload == b"{}"


def test_what_is_unsubscribed_is_not_heard_any_more(broker, gateway) -> None:
    probe = broker.hub("hub_off")
    probe.subscribe("gatehouse/v1/+/+/up/bulk", "gatehouse/v1/+/+/up/alarm")
    probe.unsubscribe("gatehouse/v1/+/+/up/bulk")
    gateway.published(f"{UP}/bulk", b"no")
    gateway.published(f"{UP}/alarm", b"yes")
    assert probe.message().payload == b"yes"


def test_a_topic_with_a_wildcard_is_published_to_nobody(broker, hub) -> None:
    bad, good = broker.gateway("gw_4"), broker.gateway("gw_5")
    bad.publish("gatehouse/v1/07/gw_4/up/#", b"no")
    settle(bad)
    assert silent(hub, good, "gatehouse/v1/07/gw_5/up/alarm")


# Who may say and read what.


def test_a_gateway_says_nothing_under_another_s_name(broker, hub) -> None:
    bad, good = broker.gateway("gw_4"), broker.gateway("gw_5")
    bad.publish("gatehouse/v1/07/gw_5/up/alarm", b"forged")
    settle(bad)
    assert silent(hub, good, "gatehouse/v1/07/gw_5/up/alarm")


def test_a_refused_publish_is_told_in_no_way_that_could_be_told_from_success(broker) -> None:
    """MQTT 3.1.1 knows no refusal: some acknowledge, some hang up. Hence only the hub's word counts, and its silence is told."""
    bad = broker.gateway("gw_4")
    bad.publish("gatehouse/v1/07/gw_5/up/alarm", b"forged", mid=3)
    with suppress(ClosedError, ConnectionError):
        assert bad.puback(timeout_s=3.0) == 3


def test_a_gateway_does_not_speak_for_the_hub(broker, gateway) -> None:
    gateway.subscribe(f"{DOWN}/#")
    bad, hub = broker.gateway("gw_4"), broker.hub("hub_down")
    bad.publish(f"{DOWN}/ack", b"forged")
    settle(bad)
    assert silent(gateway, hub, f"{DOWN}/ack")


def test_a_gateway_does_not_write_to_its_own_down_topics(broker) -> None:
    topic = "gatehouse/v1/07/gw_4/down/ack"
    forger, hub = broker.gateway("gw_4"), broker.hub("hub_own")
    forger.subscribe("gatehouse/v1/07/gw_4/down/#")
    forger.publish(topic, b"forged")
    with suppress(ClosedError, ConnectionError):
        assert silent(forger, hub, topic)
    assert b"forged" not in [message.payload for message in forger.messages]


def test_the_hub_is_heard_by_the_gateway_that_it_means(broker, gateway) -> None:
    gateway.subscribe(f"{DOWN}/#")
    hub = broker.hub("hub_speaks")
    hub.published("gatehouse/v1/07/gw_2/down/ack", b"not for us")
    hub.published(f"{DOWN}/ack", b"{}")
    assert heard(gateway, 1)[0].payload == b"{}"


@pytest.mark.parametrize(
    "nosy", ["gatehouse/v1/07/gw_2/down/#", "gatehouse/v1/+/+/down/#", "gatehouse/#", "#"]
)
def test_a_gateway_reads_nothing_that_is_another_s(broker, nosy: str) -> None:
    """A subscription that asks for too much is refused, or hears nothing that it should not; either will do."""
    reader, hub = broker.gateway("gw_6"), broker.hub("hub_nosy")
    with suppress(ClosedError, ConnectionError):
        reader.subscribe(nosy)
        hub.published("gatehouse/v1/07/gw_2/down/ack", b"secret")
        hub.published("gatehouse/v1/07/gw_6/down/ack", b"own")
        reader.ping()
    assert b"secret" not in [message.payload for message in reader.messages]


# Wills.


def will(name: str, *, retain: bool = False) -> Will:
    return Will(f"gatehouse/v1/07/{name}/up/state", b"death", retain)


def test_a_cut_connection_brings_the_will(broker, hub) -> None:
    broker.gateway("gw_3", will=will("gw_3")).drop()
    assert heard(hub, 1)[0].payload == b"death"


def test_a_clean_end_brings_none(broker, hub, gateway) -> None:
    broker.gateway("gw_3", will=will("gw_3")).disconnect()
    assert silent(hub, gateway, f"{UP}/alarm")


def test_a_gateway_that_falls_silent_brings_the_will(broker, hub) -> None:
    broker.gateway("gw_3", will=will("gw_3"), keepalive_s=1)
    assert heard(hub, 1)[0].payload == b"death"


def test_a_retained_will_is_there_for_who_comes_later(broker, hub) -> None:
    broker.gateway("gw_3", will=will("gw_3", retain=True)).drop()
    heard(hub, 1)
    late = broker.hub("hub_late")
    late.subscribe("gatehouse/v1/07/gw_3/up/state")
    message = late.message()
    assert (message.payload, message.retained) == (b"death", True)
    clear(broker, "gw_3")


# What is retained.


def clear(broker, name: str) -> None:
    probe = broker.gateway(name)
    probe.published(f"gatehouse/v1/07/{name}/up/state", b"", retain=True)
    probe.disconnect()


def test_a_birth_is_there_for_who_comes_later_and_marked_as_retained(broker, gateway) -> None:
    gateway.published(f"{UP}/state", b"birth", retain=True)
    late = broker.hub("hub_later")
    late.subscribe(f"{UP}/state")
    message = late.message()
    assert (message.payload, message.retained) == (b"birth", True)
    gateway.published(f"{UP}/state", b"", retain=True)


def test_who_is_there_hears_it_as_news(hub, gateway) -> None:
    gateway.published(f"{UP}/state", b"birth", retain=True)
    assert not heard(hub, 1)[0].retained
    gateway.published(f"{UP}/state", b"", retain=True)


def test_the_last_retained_message_is_the_one_that_is_kept(broker, gateway) -> None:
    for payload in (b"first", b"second"):
        gateway.published(f"{UP}/state", payload, retain=True)
    late = broker.hub("hub_last")
    late.subscribe(f"{UP}/state")
    assert late.message().payload == b"second"
    gateway.published(f"{UP}/state", b"", retain=True)


def test_an_empty_retained_message_clears_the_topic(broker, gateway) -> None:
    gateway.published(f"{UP}/state", b"birth", retain=True)
    gateway.published(f"{UP}/state", b"", retain=True)
    late = broker.hub("hub_clear")
    late.subscribe(f"{UP}/#")
    assert silent(late, gateway, f"{UP}/alarm")


def test_what_is_retained_outlives_who_said_it(broker) -> None:
    speaker = broker.gateway("gw_3")
    speaker.published("gatehouse/v1/07/gw_3/up/state", b"birth", retain=True)
    speaker.disconnect()
    late = broker.hub("hub_outlives")
    late.subscribe("gatehouse/v1/07/gw_3/up/state")
    assert late.message().payload == b"birth"
    clear(broker, "gw_3")


# One client id, one connection.


def test_the_same_client_id_again_ends_the_first_connection(broker, hub) -> None:
    first = broker.gateway("gw_3")
    second = broker.gateway("gw_3")
    assert first.closed()
    second.published("gatehouse/v1/07/gw_3/up/alarm", b"second")
    assert heard(hub, 1)[0].payload == b"second"


def test_what_the_first_connection_had_subscribed_is_gone_with_it(broker) -> None:
    first = broker.gateway("gw_3")
    first.subscribe("gatehouse/v1/07/gw_3/down/#")
    second, hub = broker.gateway("gw_3"), broker.hub("hub_taken")
    hub.published("gatehouse/v1/07/gw_3/down/ack", b"for nobody")
    second.subscribe("gatehouse/v1/07/gw_3/down/#")
    hub.published("gatehouse/v1/07/gw_3/down/ack", b"heard")
    assert heard(second, 1)[0].payload == b"heard"


# Sessions.


def test_a_clean_session_is_not_remembered(broker) -> None:
    first, hub = broker.gateway("gw_3"), broker.hub("hub_clean")
    first.subscribe("gatehouse/v1/07/gw_3/down/#")
    first.disconnect()
    hub.published("gatehouse/v1/07/gw_3/down/ack", b"while away")
    second = broker.gateway("gw_3")
    second.subscribe("gatehouse/v1/07/gw_3/down/request/#")
    hub.published("gatehouse/v1/07/gw_3/down/ack", b"not subscribed now")
    hub.published("gatehouse/v1/07/gw_3/down/request/time", b"heard")
    assert heard(second, 1)[0].payload == b"heard"


def test_an_unacknowledged_delivery_is_not_repeated_to_a_new_clean_session(broker) -> None:
    """Hence nobody may hold a PUBACK back and hope: who was away asks again, by the application's own numbers."""
    first, hub = broker.gateway("gw_3"), broker.hub("hub_unacked")
    first.subscribe("gatehouse/v1/07/gw_3/down/#")
    hub.published("gatehouse/v1/07/gw_3/down/ack", b"lost")
    assert first.message().payload == b"lost"
    first.drop()
    second = broker.gateway("gw_3")
    second.subscribe("gatehouse/v1/07/gw_3/down/#")
    assert silent(second, hub, "gatehouse/v1/07/gw_3/down/ack")


def test_an_unacknowledged_delivery_is_repeated_to_a_session_that_is_kept(broker) -> None:
    """Shown, not relied on: our links ask for no such session."""
    first, hub = broker.gateway("gw_7", clean=False), broker.hub("hub_kept")
    first.subscribe("gatehouse/v1/07/gw_7/down/#")
    hub.published("gatehouse/v1/07/gw_7/down/ack", b"twice")
    assert first.message().payload == b"twice"
    first.drop()
    second = broker.gateway("gw_7", clean=False)
    assert second.session_present
    message = second.message()
    assert (message.payload, message.dup) == (b"twice", True)
    second.acknowledge([message])
    second.disconnect()
    broker.gateway("gw_7").disconnect()


# Slow and silent ones.


def test_who_does_not_read_holds_up_nobody(broker, hub, gateway) -> None:
    slow = broker.hub("hub_slow")
    slow.subscribe(EVERYTHING_UP)
    payload = bytes(8_192)
    for start in range(0, 2_000, 50):
        for _ in range(50):
            gateway.publish(f"{UP}/bulk", payload)
        heard(hub, 50)
        for _ in range(50):
            gateway.puback()
        assert start < 2_000
    gateway.published(f"{UP}/alarm", b"through")
    assert heard(hub, 1)[0].payload == b"through"


def test_who_acknowledges_nothing_holds_up_nobody(broker, hub, gateway) -> None:
    slow = broker.hub("hub_mute")
    slow.subscribe(EVERYTHING_UP)
    for _ in range(4):
        for _ in range(50):
            gateway.publish(f"{UP}/bulk", b"x")
        heard(hub, 50)
        for _ in range(50):
            gateway.puback()


def test_a_ping_is_answered(gateway) -> None:
    gateway.ping()


def test_who_pings_stays_and_who_is_silent_is_dropped(broker) -> None:
    alive = broker.gateway("gw_3", keepalive_s=2)
    silent_one = broker.gateway("gw_4", keepalive_s=2)
    dropped: list[float] = []

    def is_dropped() -> bool:
        alive.ping()
        if silent_one.closed(0.2):
            dropped.append(time.monotonic())
        return bool(dropped)

    wait_until(is_dropped, 10.0)
    alive.ping()
