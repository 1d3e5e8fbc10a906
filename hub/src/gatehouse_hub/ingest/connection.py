"""One connection to the broker and the thread that runs it, whatever becomes of either.

Session clean, MQTT 3.1.1, QoS 1. Nothing depends on the broker keeping anything: what is not acknowledged comes again.
Life    a paho client serves for one connection. When that ends, by the broker, silence, or an exception in a callback, the next
        has a new client, and nothing of the old one counts any more: no message, no answer to a subscription.
Silence paho pings every `keepalive_s` and ends a connection on which nothing comes for twice as long. A thread that has died, or
        has not moved for `stuck_s`, is given up by `check` and another begins.
Return  after `retry_min_s`, twice as long each time up to `retry_max_s`, all +-50 %, so that not all come back at one moment.
Bounds  OUT_MESSAGES messages wait to go out; more are refused.
"""

import logging
import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from gatehouse_hub.ports import Clock

OUT_MESSAGES: Final = 20_000
IN_FLIGHT: Final = 200
STOP_S: Final = 5.0
LOOP_S: Final = 1.0
TOPICS_MAX: Final = 64
"""Topics in one SUBSCRIBE; brokers bound its size."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTimes:
    """How patient a connection is."""

    keepalive_s: int = 30
    retry_min_s: float = 1.0
    retry_max_s: float = 30.0
    watch_s: float = 5.0
    stuck_s: float = 20.0


class TakeMessage(Protocol):
    """Where messages go."""

    def __call__(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Take one; may wait a little, which slows the broker."""
        ...


class Connection:
    """A connection that is made again whenever it ends. `listening_s`: since when (monotonic) all that is asked for comes."""

    def __init__(
        self,
        client_id: str,
        broker: Broker,
        take: TakeMessage | None,
        clock: Clock,
        times: LinkTimes,
    ) -> None:
        self._client_id, self._broker, self._times = client_id, broker, times
        self._take, self._clock = take, clock
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._client: paho.Client | None = None
        self._thread: threading.Thread | None = None
        # One that hands messages over listens only when it was told to what; one that only speaks needs nothing.
        self._wanted: frozenset[str] | None = frozenset() if take is None else None
        self._asked: set[str] = set()
        self._unanswered: dict[int, list[str]] = {}
        self._was_lost = False
        self._moved_s = clock.monotonic_s()
        self.listening_s: float | None = None

    def start(self) -> None:
        """Connect, now or as soon as there is a broker."""
        self._moved_s = self._clock.monotonic_s()
        self._thread = threading.Thread(target=self._run, name=self._client_id, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye and end the thread."""
        self._stopping.set()
        client, thread = self._client, self._thread
        if client is not None:
            client.disconnect()
        if thread is not None:
            thread.join(STOP_S)

    def listen(self, topics: Iterable[str]) -> None:
        """Read these topics and no others."""
        with self._lock:
            self._wanted = frozenset(topics)
            if self._client is not None and self._client.is_connected():
                self._ask(self._client)

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Hand over one message at QoS 1; False when there is no connection or too much waits."""
        client = self._client
        if client is None or not client.is_connected():
            return False
        told = client.publish(topic, payload, qos=1, retain=retain)
        return told.rc is MQTTErrorCode.MQTT_ERR_SUCCESS

    def check(self) -> None:
        """Begin anew if the thread has died or has not moved for too long."""
        thread = self._thread
        if thread is None or self._stopping.is_set():
            return
        still_s = self._clock.monotonic_s() - self._moved_s
        if thread.is_alive() and still_s < self._times.stuck_s:
            return
        state = f"has not moved for {still_s:.0f} s" if thread.is_alive() else "has ended"
        _log.error("the thread of %s %s; another begins", self._client_id, state)
        with self._lock:
            self._client, self.listening_s = None, None
        self.start()

    def _run(self) -> None:
        """Connect again and again, until stopped or replaced."""
        me = threading.current_thread()
        retry_s = self._times.retry_min_s
        while not self._stopping.is_set() and self._thread is me:
            if self._serve_once(me):
                retry_s = self._times.retry_min_s
            if self._stopping.wait(retry_s * random.uniform(0.5, 1.5)):  # noqa: S311 - spreads, hides nothing
                break
            self._moved(me)
            retry_s = min(self._times.retry_max_s, retry_s * 2)

    def _serve_once(self, me: threading.Thread) -> bool:
        """One connection from its beginning to its end; whether it ever listened."""
        client = self._build()
        with self._lock:
            if self._thread is not me:
                return False
            self._client = client
            self._asked, self._unanswered = set(), {}
        listened = False
        try:
            client.connect(self._broker.host, self._broker.port, keepalive=self._times.keepalive_s)
            while client.loop(LOOP_S) is MQTTErrorCode.MQTT_ERR_SUCCESS and self._is_current(
                client
            ):
                self._moved(me)
                listened = listened or self.listening_s is not None
        except OSError as error:
            self._lose(client, f"no broker at {self._broker.host}:{self._broker.port}: {error}")
        except Exception:  # noqa: BLE001 - top of this thread: whatever it was, the connection is made anew
            _log.exception("the broker connection %s failed and is made anew", self._client_id)
        finally:
            self._lose(client, f"the broker connection {self._client_id} is lost")
            with self._lock:
                if self._client is client:
                    self._client = None
            _close(client)
        return listened

    def _build(self) -> paho.Client:
        broker = self._broker
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
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
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._lose(client, f"the broker refuses {self._client_id}: {reason}")
            return
        with self._lock:
            if self._is_current(client):
                self._ask(client)

    def _ask(self, client: paho.Client) -> None:
        """Ask for what is wanted and not asked for yet, let go what is wanted no more. Under the lock."""
        if self._wanted is None:
            return
        more = sorted(self._wanted - self._asked)
        if more and not self._asked:
            self.listening_s = None
        for topics in (more[n : n + TOPICS_MAX] for n in range(0, len(more), TOPICS_MAX)):
            result, mid = client.subscribe([(topic, 1) for topic in topics])
            if result is MQTTErrorCode.MQTT_ERR_SUCCESS and mid is not None:
                self._unanswered[mid] = topics
        less = sorted(self._asked - self._wanted)
        for topics in (less[n : n + TOPICS_MAX] for n in range(0, len(less), TOPICS_MAX)):
            client.unsubscribe(topics)
        self._asked = set(self._wanted)
        self._settle()

    def _on_subscribe(
        self,
        client: paho.Client,
        _data: Any,
        mid: int,
        reasons: list[ReasonCode],
        _properties: Any,
    ) -> None:
        with self._lock:
            if not self._is_current(client):
                return
            topics = self._unanswered.pop(mid, [])
            refused = [t for t, r in zip(topics, reasons, strict=False) if r.is_failure]
            if not refused:
                self._settle()
                return
        self._lose(client, f"the broker lets {self._client_id} not read {', '.join(refused[:3])}")
        client.disconnect()

    def _settle(self) -> None:
        """All that was asked for is granted. Under the lock."""
        if self._unanswered or self.listening_s is not None:
            return
        self.listening_s = self._clock.monotonic_s()
        self._was_lost = False
        _log.info("connected to %s:%s as %s", self._broker.host, self._broker.port, self._client_id)

    def _on_message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if self._take is not None and self._is_current(client):
            self._take(message.topic, bytes(message.payload), retained=message.retain)
            self._moved(threading.current_thread())

    def _is_current(self, client: paho.Client) -> bool:
        return self._client is client and not self._stopping.is_set()

    def _moved(self, thread: threading.Thread) -> None:
        if self._thread is thread:
            self._moved_s = self._clock.monotonic_s()

    def _lose(self, client: paho.Client, what: str) -> None:
        """Say it once until it is well again."""
        with self._lock:
            if not self._is_current(client):
                return
            self.listening_s = None
            was_lost, self._was_lost = self._was_lost, True
        if not was_lost:
            _log.warning("%s", what)


def _close(client: paho.Client) -> None:
    """Let go of the socket, whatever state the client was left in."""
    try:
        client.disconnect()
        client.loop(0.0)
    except Exception:  # noqa: BLE001 - it is thrown away; its socket closes with it
        _log.debug("a client did not end in good order", exc_info=True)
