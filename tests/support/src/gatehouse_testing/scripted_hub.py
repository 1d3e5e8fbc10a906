"""A ModelHub behind a real broker, and a courier with a real connection: the two ends of the wire for tests with mosquitto."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.outbox.store import Outbox
from gatehouse_edge.transport.courier import Around, Courier, Names, Trouble
from gatehouse_edge.transport.mqtt import Address, Identity, MqttLink, Pace
from gatehouse_edge.transport.requests import Desk
from gatehouse_shared.events import ClockState
from gatehouse_shared.states import Birth, EpochMark
from gatehouse_shared.topics import hub_subscriptions
from gatehouse_testing.model_hub import ModelHub

T = TypeVar("T")
QUICK = Pace(spread_s=0.5, most_s=1.0, keepalive_s=5)


class ScriptedHub:
    """The model hub as a client of a broker. `model` may be looked at under `lock`; `lossy` drops what it would take in."""

    def __init__(
        self,
        port: int,
        site: str = "riverside",
        gateway: str = "gw_1",
        account: tuple[str, str] | None = None,
    ) -> None:
        self.model = ModelHub(site, gateway)
        self.lock = threading.Lock()
        self.heard: list[tuple[str, bytes]] = []
        self.loss = 0.0
        self._chance = random.Random(7)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="hub", protocol=paho.MQTTv311
        )
        if account is not None:
            self._client.username_pw_set(*account)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_message = self._received
        self._client.connect_async("127.0.0.1", port, keepalive=5)
        self._client.loop_start()

    def send(self, topic: str, payload: bytes) -> None:
        """Say something to the gateway."""
        self._client.publish(topic, payload, qos=1)

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: paho.Client, *_rest: object) -> None:
        client.subscribe([(topic, 1) for topic in hub_subscriptions()])

    def _received(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        with self.lock:
            self.heard.append((message.topic, bytes(message.payload)))
            if self._chance.random() < self.loss:
                return
            answers = self.model.receive(message.topic, bytes(message.payload))
        for topic, payload in answers:
            client.publish(topic, payload, qos=1)


class CourierThread:
    """A courier that steps by itself. The outbox belongs to its thread: use `do` for whatever else is to be done with it."""

    def __init__(
        self,
        folder: Path,
        port: int,
        opener: Callable[[Path], Outbox],
        courier_type: type[Courier] = Courier,
        account: tuple[str, str] | None = None,
    ) -> None:
        self.troubles: list[Trouble] = []
        self.hub_is_silent = False
        self._account = account or (None, None)
        self._folder, self._port, self._opener, self._type = folder, port, opener, courier_type
        self._jobs: list[Callable[[Outbox], None]] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def do(self, job: Callable[[Outbox], T]) -> T:
        """Run `job(outbox)` between two steps; what it raised is raised here."""
        told: Future[T] = Future()

        def run(outbox: Outbox) -> None:
            try:
                told.set_result(job(outbox))
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                told.set_exception(error)

        with self._lock:
            self._jobs.append(run)
        return told.result(timeout=20)

    def waiting(self) -> int:
        """Rows that the hub has not acknowledged."""
        return self.do(lambda outbox: outbox.load.rows)

    def stop(self) -> None:
        """End it and close the outbox."""
        self._stopping.set()
        self._thread.join(20)

    def _run(self) -> None:
        outbox: Outbox = self._opener(self._folder)
        clock = SystemClock(trusted=True)
        names = Names("riverside", "gw_1", f"{random.getrandbits(64):016x}")
        link = MqttLink(
            Address("127.0.0.1", self._port, *self._account),
            Identity("gw_1", names.subscription, names.will),
            clock,
            random.random,
            pace=QUICK,
        )

        def birth(conn: int, epochs: tuple[EpochMark, ...]) -> Birth:
            return Birth(
                boot=names.boot,
                conn=conn,
                wire=0,
                epochs=epochs,
                software="0.1.0",
                config_version=0,
                model=(),
                plugins=(),
                clock=ClockState.SYNCED,
            )

        desk = Desk(names.boot, lambda _ending: False)
        courier = self._type(names, outbox, link, desk, Around(birth, clock, random.random))
        while not self._stopping.wait(0.01):
            with self._lock:
                jobs, self._jobs = self._jobs, []
            for job in jobs:
                job(outbox)
            self.troubles += courier.step()
            self.hub_is_silent = courier.hub_is_silent
        courier.close()
        outbox.close()
