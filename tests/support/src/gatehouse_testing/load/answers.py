"""Speaks for the gateways of a bench: their births, and an answer to every `time` request, so that none is taken for dead."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gatehouse_hub.simulate.places import Plot
from gatehouse_shared.commands import TimeRequest, TimeResponse
from gatehouse_shared.events import ClockState
from gatehouse_shared.instants import format_instant
from gatehouse_shared.states import WIRE_MINOR, Birth
from gatehouse_shared.topics import parse_topic, up
from gatehouse_shared.wire import decode, encode

REQUESTS = "gatehouse/v1/+/+/down/request/time"


class Answers:
    """One connection for all gateways."""

    def __init__(self, port: int, plots: Iterable[Plot]) -> None:
        self._plots = {plot.gateway: plot for plot in plots}
        self._port, self._boot = port, secrets.token_hex(8)
        self._began_s = time.monotonic()
        self._listening = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311
        )
        self._client.on_message = self._answer
        self._client.on_subscribe = lambda *_: self._listening.set()
        self._client.on_connect = self._subscribe
        self._client.max_queued_messages_set(0)

    def start(self) -> Answers:
        """Connect, and tell every birth."""
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        if not self._listening.wait(30):
            raise RuntimeError("no answer from the broker")
        birth = encode(
            Birth(
                boot=self._boot,
                conn=1,
                wire=WIRE_MINOR,
                epochs=(),
                software="1.0.0",
                config_version=1,
                model=(),
                plugins=(),
                clock=ClockState.SYNCED,
            )
        )
        told = [
            self._client.publish(up(p.site, p.gateway, "state"), birth, qos=1, retain=True)
            for p in self._plots.values()
        ]
        for one in told:
            one.wait_for_publish(60)
        return self

    def stop(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: paho.Client, *_others: Any) -> None:
        client.subscribe(REQUESTS, 1)

    def _answer(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        topic = parse_topic(message.topic)
        plot = self._plots.get(topic.gateway) if topic else None
        if plot is None:
            return
        request = decode(bytes(message.payload), TimeRequest)
        answer = TimeResponse(
            request=request.request,
            gateway_time=format_instant(datetime.now(UTC)),
            synced=True,
            uptime_ms=int((time.monotonic() - self._began_s) * 1000),
            boot=self._boot,
        )
        self._client.publish(up(plot.site, plot.gateway, "response/time"), encode(answer), qos=1)
