"""Local sensors over MQTT: contacts, buttons, meters and counters of the site's own broker, such as those of Zigbee2MQTT.

One connection reads every mapped topic; each message becomes a Reading by its mapping, or nothing. Needs neither numpy nor
OpenCV. Retained messages tell a state that lasts (a door is open), so they count for all but momentary devices: a button that
was pressed yesterday is not pressed now. Totals of counters are remembered over the life of the process only.
Bounds  as many devices as the configuration names; what is heard is handed over at once, to a queue that its owner bounds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import paho.mqtt.client as paho
from msgspec import Meta
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_edge.errors import ConfigError, EdgeError
from gatehouse_edge.ports import Clock
from gatehouse_edge.sources.mapping import (
    CounterMap,
    Mapped,
    QuantityMap,
    StateMap,
    Translator,
    read_payload,
)
from gatehouse_edge.values import Reading, SourceDown

SAY_S = 1.0

log = logging.getLogger(__name__)


class SensorSpec(Mapped, frozen=True, kw_only=True):
    """One sensor: its topic on the local broker, and one of three mappings."""

    topic: Annotated[str, Meta(pattern=r"^[^+#\x00]{1,256}(?![\s\S])", max_length=256)]
    state: StateMap | None = None
    quantity: QuantityMap | None = None
    counter: CounterMap | None = None


def check_sensor(spec: SensorSpec, place: str) -> None:
    """ConfigError unless exactly one mapping is given."""
    given = [m for m in (spec.state, spec.quantity, spec.counter) if m is not None]
    if len(given) != 1:
        raise ConfigError(
            f"{len(given)} mappings, and there must be one",
            place=place,
            remedy="Give one of state, quantity and counter",
        )


class SensorReader:
    """Reads the sensors of one broker. `on_reading` and `on_down` are called in the network's thread and must only queue.

    `make` gives an unconnected client set up for the broker; `connect` connects it. `momentary` are devices whose retained
    messages say nothing.
    """

    def __init__(
        self,
        sensors: Mapping[str, SensorSpec],
        momentary: frozenset[str],
        clock: Clock,
        on_reading: Callable[[Reading], None],
        on_down: Callable[[SourceDown], None],
    ) -> None:
        self._sensors, self._momentary, self._clock = sensors, momentary, clock
        self._on_reading, self._on_down = on_reading, on_down
        self._by_topic: dict[str, list[str]] = {}
        for device, spec in sensors.items():
            self._by_topic.setdefault(spec.topic, []).append(device)
        self._translator = Translator(sensors, clock)
        self._complained: set[str] = set()
        self._client: paho.Client | None = None

    def start(self, host: str, port: int, set_up: Callable[[paho.Client], None]) -> None:
        """Connect in the background and stay connected; `set_up` gives the client its login and TLS."""
        client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311, reconnect_on_failure=True
        )
        client.reconnect_delay_set(1, 30)
        set_up(client)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        self._client = client
        client.connect_async(host, port, keepalive=30)
        client.loop_start()

    def close(self) -> None:
        """End the connection; idempotent."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def say(self, topic: str, payload: bytes) -> bool:
        """Publish to the local broker, at least once; False when there is no connection or it was not taken within SAY_S."""
        client = self._client
        if client is None or not client.is_connected():
            return False
        sent = client.publish(topic, payload, qos=1)
        try:
            sent.wait_for_publish(SAY_S)
        except (RuntimeError, ValueError):
            return False
        return sent.is_published()

    def take(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """One message of the broker."""
        for device in self._by_topic.get(topic, ()):
            if retained and device in self._momentary:
                continue
            said = self._reading(device, payload)
            if isinstance(said, str):
                self._complain(device, said)
                continue
            self._complained.discard(device)
            self._on_reading(said)

    def _reading(self, device: str, payload: bytes) -> Reading | str:
        try:
            message = read_payload(payload)
        except ValueError as error:
            return f"not readable: {type(error).__name__}"
        return self._translator.reading(device, message)

    def _complain(self, device: str, reason: str) -> None:
        if device not in self._complained:
            self._complained.add(device)
            log.warning("sensor %s: a message without meaning: %s", device, reason)

    def _connected(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _props: Any
    ) -> None:
        if reason.is_failure:
            self._gone(f"the local broker refuses: {reason}")
            return
        log.info("reading %d sensors", len(self._sensors))
        client.subscribe([(topic, 1) for topic in self._by_topic])

    def _disconnected(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _props: Any
    ) -> None:
        if self._client is not None:
            self._gone(f"the local broker is gone: {reason}")

    def _gone(self, reason: str) -> None:
        log.warning("%s", reason)
        for device in self._sensors:
            self._on_down(SourceDown(device, self._clock.now(), self._clock.monotonic_s(), reason))

    def _received(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            self.take(message.topic, bytes(message.payload), retained=message.retain)
        except EdgeError:
            log.exception("sensor message on %s", message.topic)
