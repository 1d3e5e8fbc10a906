"""The keys of the gateway's own file, as types: what may stand there, its range and its default. `config.py` reads and checks."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatehouse_edge.inference.runtimes import NAME_PATTERN, RuntimeCommand
from gatehouse_edge.inference.tiling import Tiles
from gatehouse_edge.inference.turns import Priority
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.plugins.spec import PluginSettings
from gatehouse_edge.sources.privacy import PrivacyZones
from gatehouse_edge.sources.sensors import SensorSpec
from gatehouse_edge.sources.spec import SourceSpec
from gatehouse_shared.ids import Id

Text = Annotated[str, Meta(min_length=1, max_length=512)]
Topic = Annotated[str, Meta(pattern=r"^[^+#\x00]{1,256}(?![\s\S])", max_length=256)]


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every part of the file has in common."""


class BrokerSettings(Keys, frozen=True, kw_only=True):
    """A broker: `mqtt://host:port`, or `mqtts://host:port` with checked certificates."""

    url: Text
    username: Annotated[str, Meta(max_length=128)] | None = None
    password_file: Text | None = None
    password_env: Text | None = None
    ca_file: Text | None = None
    certificate_file: Text | None = None
    key_file: Text | None = None
    allow_plaintext: bool = False


class OutboxSettings(Limits, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where accepted events wait for the hub, and how many may."""

    path: Text = "outbox.db"


class SignalsSettings(Keys, frozen=True, kw_only=True):
    """What the rules are told, kept on this gateway for rehearsals. 0 days: nothing is kept."""

    days: Annotated[int, Meta(ge=0, le=60)] = 14
    max_mib: Annotated[int, Meta(ge=8, le=65_536)] = 256
    path: Text = "signals.db"


class CameraSettings(Keys, frozen=True, kw_only=True):
    """One camera: its source (an address, or an address with options), the model that looks, how often."""

    source: SourceSpec | Text
    model: Annotated[
        str, Meta(max_length=512, description="A name of `model list`, or the path of a manifest")
    ] = "yolox_nano"
    runtime: (
        Annotated[
            str,
            Meta(
                max_length=64,
                description="Who runs the model; the agent itself, or one of inference.runtimes or of an installed package",
            ),
        ]
        | None
    ) = None
    tiles: Annotated[
        Tiles,
        Meta(description="Look closer where the marks say that people are too small for the model"),
    ] = Tiles.OFF
    rate_fps: Annotated[
        float, Meta(gt=0, le=60, description="Looks a second, as long as there is time for them")
    ] = 5.0
    floor_fps: (
        Annotated[
            float,
            Meta(
                gt=0, le=60, description="Looks a second that it must have; 1, or the rate if less"
            ),
        ]
        | None
    ) = None
    priority: Annotated[
        Priority, Meta(description="Who is looked at first once every camera has its floor")
    ] = Priority.NORMAL
    privacy: PrivacyZones = ()
    ignore_flames: PrivacyZones = ()
    ambient_c: (
        Annotated[
            float, Meta(ge=-60, le=100, description="Of a thermal camera, instead of measuring it")
        ]
        | None
    ) = None
    integrity: Annotated[
        bool, Meta(description="Watch whether it is covered, blurred, moved or frozen")
    ] = True
    plates: Annotated[
        bool, Meta(description="Keep a background, so that a scene plate may be asked for")
    ] = False

    def floor_of(self, rate_fps: float) -> float:
        """The floor of a camera that is looked at `rate_fps` times a second."""
        return min(rate_fps, 1.0 if self.floor_fps is None else self.floor_fps)


class InferenceSettings(Keys, frozen=True, kw_only=True):
    """How much of the machine the models may have."""

    threads: (
        Annotated[int, Meta(ge=1, le=32, description="Frames at once; one a core by default")]
        | None
    ) = None
    runtimes: Annotated[
        dict[Annotated[str, Meta(pattern=NAME_PATTERN)], RuntimeCommand],
        Meta(max_length=16, description="Programs of somebody else's that run models"),
    ] = {}


class OutputSpec(Keys, frozen=True, kw_only=True):
    """A siren, sign or speaker that the hub may switch: what is said to it, and how long it may be on at most."""

    topic: Topic
    on: Annotated[str, Meta(max_length=512)] = "ON"
    off: Annotated[str, Meta(max_length=512)] = "OFF"
    longest_s: Annotated[float, Meta(ge=1, le=28_800)] = 300.0


class MessageSpec(Keys, frozen=True, kw_only=True):
    """A registered message of a speaker or sign: what is said to it."""

    device: Id
    topic: Topic
    payload: Annotated[str, Meta(max_length=4096)]


class SensorsSettings(Keys, frozen=True, kw_only=True):
    """The local broker, what its topics mean, and what may be switched through it."""

    broker: BrokerSettings = BrokerSettings(url="mqtt://127.0.0.1:1883")
    devices: Annotated[dict[Id, SensorSpec], Meta(min_length=1, max_length=1024)]
    outputs: Annotated[dict[Id, OutputSpec], Meta(max_length=64)] = {}
    messages: Annotated[dict[Id, MessageSpec], Meta(max_length=64)] = {}


class GatewayFile(Keys, frozen=True, kw_only=True):
    """The whole file."""

    gateway: Id
    site_file: Text
    hub: BrokerSettings
    outbox: OutboxSettings = OutboxSettings()
    signals: SignalsSettings = SignalsSettings()
    cameras: Annotated[dict[Id, CameraSettings], Meta(max_length=64)] = {}
    inference: InferenceSettings = InferenceSettings()
    sensors: SensorsSettings | None = None
    plugins: PluginSettings = PluginSettings()
    clock: Annotated[
        Literal["kernel", "host"],
        Meta(
            description="Who says that the clock is right: the kernel, or the host of this machine"
        ),
    ] = "kernel"
    seeds: Annotated[Text, Meta(description="Folder with models and scenes")] | None = None
    config_version: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
