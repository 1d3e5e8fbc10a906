"""Puts the parts of a running agent together."""

import random
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import paho.mqtt.client as paho

from gatehouse_edge.app.outputs import Outputs, Publish
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import Config, broker_address
from gatehouse_edge.outbox.store import Opened, Outbox, Place, open_outbox
from gatehouse_edge.ports import Clock
from gatehouse_edge.rules.observations import Observation
from gatehouse_edge.sources.sensors import SensorReader
from gatehouse_edge.transport.courier import Around, Courier, Names
from gatehouse_edge.transport.mqtt import Identity, MqttLink, Pace, tls_context
from gatehouse_edge.transport.requests import Desk, Drilling, Ending, Hands
from gatehouse_shared.commands import PlateRequest
from gatehouse_shared.events import ClockState
from gatehouse_shared.names import DeviceKind
from gatehouse_shared.states import WIRE_MINOR, Birth, EpochMark, ModelState, PlugIn


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the parts tell the agent, from whatever thread."""

    tell: Callable[[Observation], None]
    wake: Callable[[], None]
    acknowledge: Callable[[Ending], bool]
    drill: Callable[[Drilling], bool]
    plate: Callable[[PlateRequest], bool]
    hands: Hands
    models: Callable[[], tuple[ModelState, ...]]
    plugins: Callable[[], tuple[PlugIn, ...]]


def new_id() -> str:
    """16 random hex: a boot, an epoch."""
    return secrets.token_hex(8)


def build_clock(config: Config) -> SystemClock:
    """The machine's clock, believed as the configuration says."""
    return SystemClock(trusted=config.file.clock == "host")


def build_outbox(config: Config, clock: Clock) -> tuple[Outbox, Opened]:
    """The outbox of the gateway. Raises OutboxError."""
    path = config.path(config.file.outbox.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    place = Place(path, config.site.site, config.file.gateway, config.file.outbox, new_id)
    return open_outbox(place, clock.now())


def build_courier(
    config: Config, outbox: Outbox, clock: Clock, callbacks: Callbacks, pace: Pace | None = None
) -> Courier:
    """The way to the hub. Raises ConfigError for secrets that cannot be read."""
    names = Names(config.site.site, config.file.gateway, new_id())
    link = MqttLink(
        broker_address(config, config.file.hub, "hub"),
        Identity(names.gateway, names.subscription, names.will),
        clock,
        random.random,
        pace=pace or Pace(),
        wake=callbacks.wake,
    )

    def birth(conn: int, epochs: tuple[EpochMark, ...]) -> Birth:
        return Birth(
            boot=names.boot,
            conn=conn,
            wire=WIRE_MINOR,
            epochs=epochs,
            software=version("gatehouse-edge"),
            config_version=config.file.config_version,
            model=callbacks.models(),
            plugins=callbacks.plugins(),
            clock=ClockState.SYNCED if clock.synced() else ClockState.UNSYNCED,
        )

    desk = Desk(
        names.boot, callbacks.acknowledge, callbacks.drill, callbacks.plate, callbacks.hands
    )
    return Courier(names, outbox, link, desk, Around(birth, clock, random.random))


def build_outputs(config: Config, publish: Publish) -> Outputs:
    """The outputs of the gateway; none where none is configured."""
    path = config.path(config.file.outbox.path).with_suffix(".outputs.json")
    sensors = config.file.sensors
    if sensors is None:
        return Outputs(path, {}, {}, publish)
    return Outputs(path, sensors.outputs, sensors.messages, publish)


def start_sensors(config: Config, clock: Clock, callbacks: Callbacks) -> SensorReader | None:
    """The reader of the local sensors, connecting; None where none is configured."""
    settings = config.file.sensors
    if settings is None:
        return None
    address = broker_address(config, settings.broker, "sensors.broker")
    momentary = frozenset(
        device for device in settings.devices if config.kind(device) is DeviceKind.BUTTON
    )
    context: ssl.SSLContext | None = tls_context(address) if address.tls else None

    def set_up(client: paho.Client) -> None:
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if context is not None:
            client.tls_set_context(context)

    reader = SensorReader(settings.devices, momentary, clock, callbacks.tell, callbacks.tell)
    reader.start(address.host, address.port, set_up)
    return reader
