"""The broker, seen from the hub: two connections that only listen and hand over, one of them also speaks.

Lanes   alarms, states and answers come on one connection, bulk on the other, so that a flood of bulk delays no alarm.
Session clean, MQTT 3.1.1, QoS 1. Nothing depends on the broker keeping anything: what is not acknowledged comes again.
Thread  each connection has a thread of ours round paho's loop: whatever ends the loop, an exception included, is
        logged and the connection made anew. paho pings every KEEPALIVE_S and drops a connection that is silent.
Bounds  OUT_MESSAGES messages wait to go out; more are refused. What comes in is bounded by the inbox.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from gatehouse_hub.ingest.inbox import Arrival, Inbox
from gatehouse_hub.ports import Clock
from gatehouse_shared.instants import to_ms
from gatehouse_shared.topics import hub_subscriptions
from gatehouse_shared.wire import PACKET_MAX_BYTES, sha256_hex

KEEPALIVE_S: Final = 30
RECONNECT_MIN_S: Final = 1
RECONNECT_MAX_S: Final = 30
OUT_MESSAGES: Final = 20_000
IN_FLIGHT: Final = 200
STOP_S: Final = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is and who we are to it. `tls` with the system's authorities unless `ca_file` is given."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class BrokerLink:
    """Both connections. `publish` may be called from any thread."""

    def __init__(
        self, broker: Broker, inbox: Inbox, clock: Clock, on_shed: Callable[[], None]
    ) -> None:
        name = f"gatehouse-hub-{secrets.token_hex(4)}"
        alarm, bulk, state, response = hub_subscriptions()
        first = _Connection(
            f"{name}-alarm",
            broker,
            (alarm, state, response),
            Door(inbox, clock, on_shed, urgent=True),
        )
        second = _Connection(
            f"{name}-bulk", broker, (bulk,), Door(inbox, clock, on_shed, urgent=False)
        )
        self._connections = (first, second)

    def start(self) -> None:
        """Connect, now or as soon as there is a broker."""
        for connection in self._connections:
            connection.start()

    def stop(self) -> None:
        """Say goodbye and end both threads."""
        for connection in self._connections:
            connection.stop()

    def connected_s(self) -> float | None:
        """Since when (monotonic) both listen; None while one of them does not."""
        since = [connection.listening_s for connection in self._connections]
        known = [s for s in since if s is not None]
        return max(known) if len(known) == len(since) else None

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand over one message at QoS 1; False when there is no connection or too much waits."""
        return self._connections[0].publish(topic, payload, retain=retain)


@dataclass(frozen=True, slots=True)
class Door:
    """What every message passes on its way in: it gets its time of arrival, and only its start is kept if it is too large."""

    inbox: Inbox
    clock: Clock
    on_shed: Callable[[], None]
    urgent: bool

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Hand a message to the ingest thread, waiting a while where it must."""
        too_large = len(payload) > PACKET_MAX_BYTES
        arrival = Arrival(
            topic=topic,
            payload=payload[:PACKET_MAX_BYTES] if too_large else payload,
            retained=retained,
            arrived_ms=to_ms(self.clock.now()),
            arrived_s=self.clock.monotonic_s(),
            size_bytes=len(payload),
            sha256=sha256_hex(payload) if too_large else None,
        )
        if not self.inbox.put(arrival, urgent=self.urgent):
            self.on_shed()


class _Connection:
    """One paho client and the thread that runs it."""

    def __init__(self, client_id: str, broker: Broker, topics: Sequence[str], door: Door) -> None:
        self._topics, self._door = topics, door
        self._broker, self._client_id = broker, client_id
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=client_id, daemon=True)
        self._client = self._build()
        self._was_lost = False
        self.listening_s: float | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._client.disconnect()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        if not self._client.is_connected():
            return False
        told = self._client.publish(topic, payload, qos=1, retain=retain)
        return told.rc is MQTTErrorCode.MQTT_ERR_SUCCESS

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._client.loop_forever(retry_first_connection=True)
            except Exception:  # noqa: BLE001 - top of this thread: whatever it was, the connection is made anew
                _log.exception("the broker connection %s failed and is made anew", self._client_id)
            self.listening_s = None
            self._stopping.wait(RECONNECT_MIN_S)
            # A client that an exception has left keeps its locks; only a new one can be trusted. The broker
            # ends the old connection when the same client id comes again.
            self._client = self._build()

    def _build(self) -> paho.Client:
        broker = self._broker
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            client.tls_set(
                ca_certs=str(broker.ca_file) if broker.ca_file else None,
                certfile=str(broker.cert_file) if broker.cert_file else None,
                keyfile=str(broker.key_file) if broker.key_file else None,
            )
        client.max_inflight_messages_set(IN_FLIGHT)
        client.max_queued_messages_set(OUT_MESSAGES)
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message
        client.connect_async(broker.host, broker.port, keepalive=KEEPALIVE_S)
        return client

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._lose(f"the broker refuses {self._client_id}: {reason}")
            return
        client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(
        self,
        _client: paho.Client,
        _data: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Any,
    ) -> None:
        refused = [t for t, r in zip(self._topics, reasons, strict=False) if r.is_failure]
        if refused:
            self._lose(f"the broker lets {self._client_id} not read {', '.join(refused)}")
            return
        self.listening_s = self._door.clock.monotonic_s()
        self._was_lost = False
        _log.info("listening at %s:%s as %s", self._broker.host, self._broker.port, self._client_id)

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if not self._stopping.is_set():
            self._lose(f"the broker connection {self._client_id} is lost: {reason}")
        self.listening_s = None

    def _on_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        self._lose(f"no broker at {self._broker.host}:{self._broker.port} for {self._client_id}")

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._door.take(message.topic, bytes(message.payload), retained=message.retain)

    def _lose(self, what: str) -> None:
        """Say it once until it is well again."""
        self.listening_s = None
        if not self._was_lost:
            _log.warning("%s", what)
        self._was_lost = True
