"""The gateway's own file: who it is, its hub, its cameras and sensors. Never sent. One YAML file, unknown keys refused.

Place    every error names the key and what to do. Paths in the file are relative to the folder that holds it.
Secrets  stand in files or environment variables that the file names, never in it.
Closed   plain MQTT goes to this very machine only, unless `allow_plaintext: true` says that the network between is trusted.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import yaml

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.inference.catalogue import catalogue_folder
from gatehouse_edge.plugins.spec import check_plugins
from gatehouse_edge.settings import BrokerSettings, GatewayFile, SensorsSettings
from gatehouse_edge.sources.privacy import check_privacy
from gatehouse_edge.sources.sensors import check_sensor
from gatehouse_edge.sources.spec import SourceSpec, parse
from gatehouse_edge.transport.mqtt import Address
from gatehouse_shared.errors import SiteError
from gatehouse_shared.names import DeviceKind
from gatehouse_shared.site import Site, decode_site

SEEING: Final = frozenset({DeviceKind.CAMERA, DeviceKind.THERMAL})
OUTPUTS: Final = frozenset({DeviceKind.SIREN, DeviceKind.SIGN, DeviceKind.SPEAKER})
SAYING: Final = OUTPUTS - {DeviceKind.SIREN}
FILE_MAX_BYTES: Final = 4 * 1024 * 1024
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Config:
    """A checked file with its site and the folder it lies in."""

    file: GatewayFile
    site: Site
    folder: Path

    def path(self, text: str) -> Path:
        """A path of the file, from the folder it lies in."""
        return (self.folder / Path(text).expanduser()).absolute()

    @property
    def seeds(self) -> Path | None:
        """The folder with models and scenes: the one that is named, else the one that was installed."""
        if self.file.seeds is not None:
            return self.path(self.file.seeds)
        models = catalogue_folder()
        return None if models is None else models.parent

    def source(self, device: str) -> SourceSpec:
        """The source of a camera; file paths are made absolute, and its privacy zones are with it wherever it is opened."""
        camera = self.file.cameras[device]
        spec = (
            SourceSpec(url=camera.source, rate_fps=camera.rate_fps)
            if isinstance(camera.source, str)
            else camera.source
        )
        if spec.rate_fps is None:
            spec = msgspec.structs.replace(spec, rate_fps=camera.rate_fps)
        if camera.privacy:
            spec = msgspec.structs.replace(spec, privacy=spec.privacy + camera.privacy)
        return anchored(spec, self.folder)

    def kind(self, device: str) -> DeviceKind:
        """What a device of this gateway is."""
        known = self.site.device(device)
        assert known is not None
        return known.kind


def load_config(path: Path) -> Config:
    """Read and check a gateway file and the site file that it names. ConfigError on the first fault."""
    folder = path.absolute().parent
    file = decode_gateway_file(read_yaml(path), place=str(path))
    site_path = folder / Path(file.site_file).expanduser()
    try:
        site = decode_site(read_yaml(site_path))
    except SiteError as error:
        raise ConfigError(
            error.message, place=f"{site_path}: {error.place}", remedy=error.remedy
        ) from None
    config = Config(file, site, folder)
    check_config(config, place=str(path))
    return config


def decode_gateway_file(tree: object, *, place: str) -> GatewayFile:
    """The file from what YAML gave. ConfigError names the key."""
    try:
        return msgspec.convert(tree, GatewayFile)
    except msgspec.ValidationError as error:
        message, _, key = str(error).rpartition(" - at ")
        message, where = (message, key.strip("`").removeprefix("$.")) if message else (key, "")
        raise ConfigError(
            message,
            place=f"{place}: {where}" if where else place,
            remedy="Correct or remove this key; see edge/docs/configuration.md",
        ) from None


def read_yaml(path: Path) -> object:
    """Plain data of a YAML file. ConfigError with line and column where it is not YAML."""
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise ConfigError(
                "larger than 4 MiB", place=str(path), remedy="This is some other file"
            )
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            error.strerror or "cannot be read",
            place=str(path),
            remedy="Check the path and its rights",
        ) from None
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8 text", place=str(path), remedy="Save it as UTF-8") from None
    return parse_yaml(text, place=str(path))


class _Loader(yaml.SafeLoader):
    """YAML 1.2 booleans: `true` and `false`. Sensors say ON and OFF, and mean the words."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def parse_yaml(text: str, *, place: str) -> object:
    """Plain data of YAML text. ConfigError with the line where it is not YAML."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with fewer words for true
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"not YAML: {error.problem}",
            place=f"{place}{line}",
            remedy="Check indents and quotes there",
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"not YAML: {error}", place=place, remedy="Check the file") from None


def check_config(config: Config, *, place: str) -> None:
    """What types cannot say: the site knows the gateway and its devices, addresses read, nothing secret goes in the clear."""
    file = config.file
    broker_address(config, file.hub, f"{place}: hub", with_secrets=False)
    if file.sensors is not None:
        sensors = file.sensors
        broker_address(config, sensors.broker, f"{place}: sensors.broker", with_secrets=False)
        for device, spec in sensors.devices.items():
            key = f"{place}: sensors.devices.{device}"
            check_sensor(spec, key)
            _check_device(config, device, key, seeing=False)
        _check_outputs(config, sensors, place)
    read = () if file.sensors is None else tuple(file.sensors.devices)
    check_plugins(file.plugins, config.site, file.gateway, place, read)
    for device, camera in file.cameras.items():
        key = f"{place}: cameras.{device}"
        check_privacy(camera.privacy, f"{key}.privacy")
        check_privacy(camera.ignore_flames, f"{key}.ignore_flames")
        _check_device(config, device, key, seeing=True)
        _check_floor(config, device, key)
        parse(config.source(device), place=f"{key}.source")
    if file.gateway not in config.site.gateways():
        raise ConfigError(
            f"the site has no device of gateway {file.gateway!r}",
            place=f"{place}: gateway",
            remedy=f"Use one of: {', '.join(config.site.gateways()) or 'none (it has no devices)'}",
        )


def _check_floor(config: Config, device: str, place: str) -> None:
    floor_fps, rate_fps = config.file.cameras[device].floor_fps, config.source(device).rate_fps
    if floor_fps is not None and rate_fps is not None and floor_fps > rate_fps:
        raise ConfigError(
            f"at least {floor_fps:g} looks a second are asked of a rate of {rate_fps:g}",
            place=f"{place}.floor_fps",
            remedy=f"Lower it to {rate_fps:g} or less, or raise rate_fps",
        )


def _check_outputs(config: Config, sensors: SensorsSettings, place: str) -> None:
    """Outputs are sirens, signs and speakers of this gateway; messages are said by signs and speakers."""
    named = {f"outputs.{device}": (device, OUTPUTS) for device in sensors.outputs}
    named |= {f"messages.{m}": (spec.device, SAYING) for m, spec in sensors.messages.items()}
    for key, (device, kinds) in named.items():
        where = f"{place}: sensors.{key}"
        _check_device(config, device, where, seeing=False)
        if config.kind(device) not in kinds:
            raise ConfigError(
                f"{device} is a {config.kind(device)}",
                place=where,
                remedy=f"Switch a {', a '.join(sorted(kinds))}",
            )


def _check_device(config: Config, device_id: str, place: str, *, seeing: bool) -> None:
    device = config.site.device(device_id)
    mine = [d.id for d in config.site.devices if d.gateway == config.file.gateway]
    if device is None or device.gateway != config.file.gateway:
        raise ConfigError(
            f"the site has no device {device_id!r} of gateway {config.file.gateway!r}",
            place=place,
            remedy=f"Use one of: {', '.join(mine) or 'none (it has none)'}",
        )
    if (device.kind in SEEING) is not seeing:
        where = "cameras" if device.kind in SEEING else "sensors.devices"
        raise ConfigError(
            f"{device_id} is a {device.kind}", place=place, remedy=f"List it under {where}"
        )


def broker_address(
    config: Config, broker: BrokerSettings, place: str, *, with_secrets: bool = True
) -> Address:
    """Where a broker is. ConfigError for an address that does not read, or plain text over a network."""
    remedy = "Write mqtts://HOST:8883, or mqtt://127.0.0.1:1883 for a broker on this machine"
    try:
        parts = urlsplit(broker.url)
        port = parts.port
    except ValueError:
        raise ConfigError(
            "the address cannot be read", place=f"{place}.url", remedy=remedy
        ) from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise ConfigError(f"{broker.url!r} is no broker", place=f"{place}.url", remedy=remedy)
    if parts.username or parts.password:
        raise ConfigError(
            "a login stands in the address",
            place=f"{place}.url",
            remedy="Use username and password_file",
        )
    tls = parts.scheme == "mqtts"
    if not tls and not broker.allow_plaintext and not is_this_machine(parts.hostname):
        raise ConfigError(
            f"mqtt:// would send everything to {parts.hostname} in plain text",
            place=f"{place}.url",
            remedy="Use mqtts://, or set allow_plaintext: true if you trust the whole network between",
        )
    files = {
        name: None if text is None else config.path(text)
        for name, text in (
            ("ca_file", broker.ca_file),
            ("certificate_file", broker.certificate_file),
            ("key_file", broker.key_file),
        )
    }
    return Address(
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        username=broker.username,
        password=_password(config, broker, place) if with_secrets else None,
        tls=tls,
        **files,
    )


def is_this_machine(host: str) -> bool:
    """Whether a host name is loopback by itself, without asking anyone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def anchored(spec: SourceSpec, folder: Path) -> SourceSpec:
    """The source with its relative file paths taken from `folder`."""
    head, colon, rest = spec.url.partition(":")
    if spec.password_file:
        spec = msgspec.structs.replace(spec, password_file=str(folder / spec.password_file))
    if "://" in spec.url or head.lower() in ("rtsp", "rtsps", "usb", "scene"):
        return spec
    if colon and head.lower() in ("file", "stills", "radiometric"):
        return msgspec.structs.replace(spec, url=f"{head}:{folder / rest}")
    return msgspec.structs.replace(spec, url=str(folder / spec.url))


def _password(config: Config, broker: BrokerSettings, place: str) -> str | None:
    if broker.password_env is not None:
        return _from_environment(os.environ, broker.password_env, place)
    if broker.password_file is None:
        return None
    path = config.path(broker.password_file)
    try:
        return path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"cannot read {path}",
            place=f"{place}.password_file",
            remedy="Check the path and its rights",
        ) from None


def _from_environment(environment: Mapping[str, str], name: str, place: str) -> str:
    if name not in environment:
        raise ConfigError(
            f"the environment has no variable {name}",
            place=f"{place}.password_env",
            remedy="Set it for the agent's service",
        )
    return environment[name]
