"""The `plugins` key of the gateway's file, and the files that it names: found, whole, and with the hash that was agreed to."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Meta

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.plugins.messages import CODE_MAX_BYTES, Line
from gatehouse_edge.sources.mapping import CounterMap, QuantityMap, StateMap
from gatehouse_shared.ids import Id, Sha256
from gatehouse_shared.names import (
    EQUIPMENT_KINDS,
    MAY_RAISE,
    DeviceKind,
    HazardClass,
    class_of,
)
from gatehouse_shared.site import Site

PLUGINS_MAX: Final = 16
"""As many as a birth has room for."""
FileName = Annotated[str, Meta(min_length=1, max_length=512)]
Params = Annotated[
    dict[Annotated[str, Meta(max_length=48)], bool | int | float], Meta(max_length=64)
]
MemoryMib = Annotated[int, Meta(ge=64, le=1024)]
SEEING: Final = frozenset({DeviceKind.CAMERA, DeviceKind.THERMAL})
OPEN_CLASSES: Final = frozenset({HazardClass.THING, HazardClass.CROWD})
"""Classes that a plug-in may raise: presence and help are about people, and ours to answer for."""


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An unknown key is refused."""


class RulePlugin(Keys, frozen=True, kw_only=True):
    """A file that judges rules of the site file, by their ids."""

    name: Id
    file: FileName
    sha256: Sha256
    rules: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=64)]
    every_s: Annotated[float, Meta(ge=1, le=60)] = 1.0
    memory_mib: MemoryMib = 128


class DeviceMap(Keys, frozen=True, kw_only=True):
    """What a source's fields mean for one device: one of three mappings, as of sensors."""

    state: StateMap | None = None
    quantity: QuantityMap | None = None
    counter: CounterMap | None = None


class SourcePlugin(Keys, frozen=True, kw_only=True):
    """A file that reads something over one line, and the devices that its fields belong to."""

    name: Id
    file: FileName
    sha256: Sha256
    connection: FileName
    devices: Annotated[dict[Id, DeviceMap], Meta(min_length=1, max_length=64)]
    params: Params = {}
    every_s: Annotated[float, Meta(ge=0.2, le=3600)] = 10.0
    read_s: Annotated[float, Meta(ge=0.1, le=60)] = 10.0
    memory_mib: MemoryMib = 128


class PluginSettings(Keys, frozen=True, kw_only=True):
    """All plug-ins of a gateway."""

    rules: Annotated[tuple[RulePlugin, ...], Meta(max_length=PLUGINS_MAX)] = ()
    sources: Annotated[tuple[SourcePlugin, ...], Meta(max_length=PLUGINS_MAX)] = ()

    @property
    def judged(self) -> Mapping[str, float]:
        """The rules that plug-ins judge, and how many seconds lie between two of their answers."""
        return {rule: plugin.every_s for plugin in self.rules for rule in plugin.rules}


@dataclass(frozen=True, slots=True)
class Code:
    """The bytes of a plug-in's file, and their SHA-256."""

    name: str
    data: bytes
    sha256: str


def read_code(name: str, path: Path, *, agreed: str | None = None) -> Code:
    """The file, read once: what is checked is what runs. ConfigError when it is not there, too long, or not the agreed one."""
    place = f"plug-in {name}"
    try:
        with path.open("rb") as file:
            data = file.read(CODE_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", place=place, remedy="Check the path and its rights"
        ) from None
    if len(data) > CODE_MAX_BYTES:
        raise ConfigError(
            f"{path} is larger than {CODE_MAX_BYTES // 1024} KiB",
            place=place,
            remedy="A plug-in is one Python file",
        )
    found = hashlib.sha256(data).hexdigest()
    if agreed is not None and found != agreed:
        raise ConfigError(
            f"{path} is not the file that was agreed to: its SHA-256 is {found}",
            place=place,
            remedy=f"Read what changed; if it is right, put the line of `gatehouse-edge plugin hash {path}` "
            "into the gateway's file",
        )
    return Code(name, data, found)


def parse_line(text: str, place: str) -> Line:
    """`tcp://HOST:PORT`, `udp://HOST:PORT` (listens there) or `serial:/dev/NAME?baud=9600`. ConfigError for anything else.

    >>> parse_line("serial:/dev/ttyUSB0?baud=19200", "").baud
    19200
    """
    try:
        parts = urlsplit(text)
        if parts.scheme in ("tcp", "udp") and parts.hostname and parts.port and not parts.path:
            return Line("tcp" if parts.scheme == "tcp" else "udp", parts.hostname, parts.port)
        if parts.scheme == "serial" and parts.path.startswith("/dev/") and ".." not in parts.path:
            baud = parse_qs(parts.query).get("baud", ["9600"])[0]
            return Line("serial", parts.path, 0, int(baud))
    except ValueError:
        pass
    raise ConfigError(
        f"{text!r} is no connection",
        place=place,
        remedy="Write tcp://HOST:PORT, udp://HOST:PORT or serial:/dev/NAME?baud=9600",
    )


def check_plugins(
    settings: PluginSettings, site: Site, gateway: str, place: str, taken: Collection[str] = ()
) -> None:
    """What types cannot say: rules and devices are this gateway's, each has one plug-in, of a kind that a plug-in may have.

    `taken` are devices that are read otherwise. ConfigError names the key.
    """
    names = [*(p.name for p in settings.rules), *(p.name for p in settings.sources)]
    _once(names, f"{place}: plugins", "name")
    if len(names) > PLUGINS_MAX:
        raise ConfigError(
            f"{len(names)} plug-ins", place=f"{place}: plugins", remedy=f"{PLUGINS_MAX} is the most"
        )
    _once([r for p in settings.rules for r in p.rules], f"{place}: plugins.rules", "rule")
    read = [d for p in settings.sources for d in p.devices]
    _once([*read, *(d for d in taken if d in read)], f"{place}: plugins.sources", "device")
    for plugin in settings.rules:
        for rule in plugin.rules:
            _check_rule(site, gateway, rule, f"{place}: plugins.rules.{plugin.name}")
    for source in settings.sources:
        key = f"{place}: plugins.sources.{source.name}"
        parse_line(source.connection, f"{key}.connection")
        for device, mapping in source.devices.items():
            _check_device(site, gateway, device, mapping, f"{key}.devices.{device}")


def _once(names: list[str], place: str, what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"the {what} {name} stands there twice", place=place, remedy="Keep one"
            )


def _check_rule(site: Site, gateway: str, rule_id: str, place: str) -> None:
    rule = next((r for r in site.rules if r.id == rule_id), None)
    if rule is None:
        raise ConfigError(
            f"the site has no rule {rule_id!r}",
            place=place,
            remedy="Declare it in the site file: its kind, zone and device stand there",
        )
    device = site.device(rule.device)
    if device is None or device.gateway != gateway:
        raise ConfigError(
            f"rule {rule_id} is of another gateway", place=place, remedy="Remove it here"
        )
    if class_of(rule.kind) not in OPEN_CLASSES:
        raise ConfigError(
            f"rule {rule_id} is about {rule.kind}, which no plug-in may raise",
            place=place,
            remedy="Plug-ins raise things and crowds; presence and help are for the rules of the box",
        )
    may = MAY_RAISE[device.kind] | EQUIPMENT_KINDS
    if device.kind not in SEEING or rule.kind not in may:
        raise ConfigError(
            f"rule {rule_id}: a {device.kind} does not give signals for {rule.kind}",
            place=place,
            remedy="Name a camera or thermal camera that may raise this kind; see edge/docs/plugins.md",
        )


def _check_device(site: Site, gateway: str, name: str, mapping: DeviceMap, place: str) -> None:
    device = site.device(name)
    if device is None or device.gateway != gateway or device.kind in SEEING:
        mine = [d.id for d in site.devices if d.gateway == gateway and d.kind not in SEEING]
        raise ConfigError(
            f"the site has no sensor {name!r} of gateway {gateway!r}",
            place=place,
            remedy=f"Use one of: {', '.join(mine) or 'none (it has none)'}",
        )
    given = [m for m in (mapping.state, mapping.quantity, mapping.counter) if m is not None]
    if len(given) != 1:
        raise ConfigError(
            f"{len(given)} mappings, and there must be one",
            place=place,
            remedy="Give one of state, quantity and counter",
        )
