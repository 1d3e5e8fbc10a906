"""One MQTT connection at a time, through paho, without believing in its memory.

Client  MQTT 3.1.1, QoS 1, client id = gateway, clean session, the will is the death of (boot, conn). Every connection gets a
        client of its own, so that paho never sends again what it once queued; a number counts connections, and what an old
        one still says is dropped. The network loop runs in a thread of ours, which reports its own end whatever ended it.
Callbacks  only put what they heard into a bounded queue: they decide nothing, so they cannot fail half-way.
Watch   no packet for three keep-alives although the connection is said to be up: it is dropped and made anew.
Again   first at once, then after 1 to 15 s drawn evenly, doubling to a minute, +-50 %: after an outage a fleet does not come
        as one.
Bounds  PLACES publishes without a PUBACK; INBOX_MAX events that wait (what the hub says is said again, so the rest may go).
"""

import logging
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from gatehouse_edge.errors import EdgeError
from gatehouse_edge.ports import Clock, Connected, LinkEvent, Lost, Puback, Received

PLACES: Final = 50
INBOX_MAX: Final = 2_000
KEEPALIVE_S: Final = 10
CONNECT_TIMEOUT_S: Final = 10.0
SPREAD_S: Final = 15.0
WAIT_MOST_S: Final = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and how to speak to it. `password` is the secret itself; it is never logged."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks: client id, what to read, and the will as (topic, bytes) for connection number n."""

    client_id: str
    subscription: str
    will: Callable[[int], tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to come back. `spread_s`: the first wait is drawn evenly up to it."""

    spread_s: float = SPREAD_S
    most_s: float = WAIT_MOST_S
    keepalive_s: int = KEEPALIVE_S


class MqttLink:
    """Connects, reconnects, publishes, and hands over what it hears. `poll` and `publish` belong to one thread."""

    def __init__(
        self,
        address: Address,
        identity: Identity,
        clock: Clock,
        chance: Callable[[], float],
        *,
        pace: Pace = Pace(),
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._address, self._identity, self._pace = address, identity, pace
        self._clock, self._chance, self._wake = clock, chance, wake
        self._tls = tls_context(address) if address.tls else None
        self._inbox: queue.Queue[LinkEvent] = queue.Queue(INBOX_MAX)
        self._client: paho.Client | None = None
        self._conn = 0
        self._up = False
        self._flying: set[int] = set()
        self._failures = 0
        self._next_try_s = clock.monotonic_s()
        self._beat_s = 0.0
        self._said_down = False

    @property
    def conn(self) -> int:
        """The number of the connection of now; 0 before the first."""
        return self._conn

    @property
    def up(self) -> bool:
        """Whether there is a connection, as far as `poll` has heard."""
        return self._up

    @property
    def places(self) -> int:
        """How many more publishes may go out before a PUBACK comes."""
        return PLACES - len(self._flying) if self._up else 0

    def poll(self) -> tuple[LinkEvent, ...]:
        """What was heard since; makes a connection when there is none and it is time."""
        at = self._clock.monotonic_s()
        self._watch(at)
        events: list[LinkEvent] = []
        for _ in range(INBOX_MAX):
            try:
                event = self._inbox.get_nowait()
            except queue.Empty:
                break
            if event.conn == self._conn and self._client is not None:
                self._note(event, at)
                events.append(event)
        if self._client is None and at >= self._next_try_s:
            self._connect(at)
        return tuple(events)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand one message to the connection. False when there is no place or no connection."""
        client = self._client
        if client is None or self.places <= 0:
            return False
        try:
            info = client.publish(topic, payload, qos=1, retain=retain)
        except ValueError:
            log.exception("a message of %d bytes cannot be published", len(payload))
            return False
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._flying.add(info.mid)
        return True

    def close(self, *, farewell: tuple[str, bytes] | None = None) -> None:
        """End the connection; a `farewell` (topic, bytes; retained) is said first, since a clean end brings no will."""
        client = self._client
        if client is not None and self._up and farewell is not None:
            info = client.publish(farewell[0], farewell[1], qos=1, retain=True)
            try:
                info.wait_for_publish(timeout=2.0)
            except (RuntimeError, ValueError):
                log.debug("the farewell did not go out")
        self._drop()
        self._next_try_s = float("inf")

    def _connect(self, at: float) -> None:
        self._conn += 1
        conn = self._conn
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._identity.client_id,
            clean_session=True,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(PLACES)
        client.max_queued_messages_set(PLACES)
        if self._address.username is not None:
            client.username_pw_set(self._address.username, self._address.password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        topic, will = self._identity.will(conn)
        client.will_set(topic, will, qos=1, retain=True)
        self._listen(client, conn)
        self._client, self._beat_s = client, at
        thread = threading.Thread(
            target=self._network, args=(client, conn), name=f"mqtt-{conn}", daemon=True
        )
        thread.start()

    def _listen(self, client: paho.Client, conn: int) -> None:
        def connected(
            client: paho.Client, _data: Any, _flags: Any, reason: Any, _props: Any
        ) -> None:
            if reason.is_failure:
                self._put(Lost(conn, f"refused: {reason}"))
                return
            client.subscribe(self._identity.subscription, qos=1)

        def subscribed(_client: paho.Client, _data: Any, _mid: int, reasons: Any, _p: Any) -> None:
            if any(reason.is_failure for reason in reasons):
                self._put(Lost(conn, "the broker does not let this gateway read its own topics"))
                return
            self._put(Connected(conn))

        def received(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
            self._put(Received(conn, message.topic, bytes(message.payload), message.retain))

        def published(_client: paho.Client, _data: Any, mid: int, _reason: Any, _p: Any) -> None:
            self._put(Puback(conn, mid))

        def heard(_client: paho.Client, _data: Any, _level: int, _text: str) -> None:
            self._beat_s = self._clock.monotonic_s()

        client.on_connect = connected
        client.on_subscribe = subscribed
        client.on_message = received
        client.on_publish = published
        client.on_log = heard
        client.on_socket_open = lambda _client, _data, opened: _send_at_once(opened)
        # With a callback here, publish() wakes our loop instead of writing from the caller's thread.
        client.on_socket_register_write = lambda _client, _data, _socket: None

    def _network(self, client: paho.Client, conn: int) -> None:
        """The thread of one connection. Whatever ends it is said, so that none is ever up in name only."""
        reason = "the connection ended"
        try:
            client.connect(self._address.host, self._address.port, self._pace.keepalive_s)
            if (
                self._client is client
            ):  # else we were dropped meanwhile, and must not throw out our follower
                reason = paho.error_string(_until_it_ends(client))
        except Exception as error:  # noqa: BLE001 - the top of this thread; the watch would only guess
            reason = f"{type(error).__name__}: {error}"
        finally:
            self._put(Lost(conn, reason))

    def _put(self, event: LinkEvent) -> None:
        try:
            self._inbox.put_nowait(event)
        except queue.Full:
            if isinstance(event, Lost):
                # Room for the one thing that is not said again.
                self._inbox.get_nowait()
                self._inbox.put_nowait(event)
        self._wake()

    def _note(self, event: LinkEvent, at: float) -> None:
        if isinstance(event, Connected):
            self._up, self._failures = True, 0
            log.log(logging.WARNING if self._said_down else logging.INFO, "%s is back", self._name)
            self._said_down = False
        elif isinstance(event, Puback):
            self._flying.discard(event.mid)
        elif isinstance(event, Lost):
            self._lost(event.reason, at)

    def _watch(self, at: float) -> None:
        if self._client is not None and self._up and at - self._beat_s > 3 * self._pace.keepalive_s:
            self._lost("nothing heard for three keep-alives", at)

    def _lost(self, reason: str, at: float) -> None:
        if not self._said_down:
            log.warning("%s does not answer (%s); trying again", self._name, reason)
            self._said_down = True
        self._drop()
        wait_s = self._pace.spread_s * 2**self._failures
        drawn = self._chance() if not self._failures else 0.5 + self._chance()
        self._next_try_s = at + min(wait_s, self._pace.most_s) * drawn
        self._failures = min(self._failures + 1, 10)

    def _drop(self) -> None:
        client, self._client, self._up = self._client, None, False
        self._flying.clear()
        if client is not None:
            client.disconnect()

    @property
    def _name(self) -> str:
        return f"broker {self._address.host}:{self._address.port}"


def _until_it_ends(client: paho.Client) -> MQTTErrorCode:
    """Serve a connection; why it ended. `loop`, unlike `loop_forever`, is woken by a publish, which would else wait up to 1 s."""
    code = MQTTErrorCode.MQTT_ERR_SUCCESS
    while code == MQTTErrorCode.MQTT_ERR_SUCCESS:
        code = client.loop(timeout=1.0)
    return code


def _send_at_once(opened: Any) -> None:
    """The last part of a message does not wait until the one before is acknowledged: that would cost up to 40 ms a message."""
    with suppress(OSError):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def tls_context(address: Address) -> ssl.SSLContext:
    """Certificates are checked, always; the system's authorities unless `ca_file` names others."""
    try:
        context = ssl.create_default_context(cafile=address.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if address.certificate_file is not None:
            context.load_cert_chain(address.certificate_file, address.key_file)
    except OSError as error:
        raise EdgeError(
            f"TLS files cannot be read: {error}",
            place="hub",
            remedy="Check ca_file, certificate_file and key_file",
        ) from None
    return context
