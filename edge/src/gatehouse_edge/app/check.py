"""`check`: reads a configuration, builds its rules, and tries what it names. Every problem with its place and its remedy."""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gatehouse_edge.app.closeness import shape_said, tiles_said
from gatehouse_edge.app.plugins import all_plugins, try_plugin
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import Config, broker_address, load_config
from gatehouse_edge.errors import ConfigError, EdgeError
from gatehouse_edge.inference.catalogue import resolve_manifest
from gatehouse_edge.inference.runtimes import find_runtime
from gatehouse_edge.inference.weights import find_file
from gatehouse_edge.rules.build import build_release, build_rules
from gatehouse_edge.settings import BrokerSettings
from gatehouse_edge.sources.opening import Probed, probe, require_vision
from gatehouse_edge.transport.mqtt import Address, tls_context
from gatehouse_shared.names import DeviceKind

CONNECT_S = 5.0
PROBE_S = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `problem` None: all is well with `what`."""

    what: str
    problem: EdgeError | None = None
    detail: str = ""


def check(path: Path, say: Callable[[str], None], *, probe_all: bool = True) -> int:
    """Say a line for each thing checked; 0 when all is well, 1 when something that was tried fails.

    Raises ConfigError for a file that cannot be used at all.
    """
    config = load_config(path)
    say(f"ok    {path} and {config.path(config.file.site_file)}")
    failed = 0
    for finding in findings(config, probe_all=probe_all):
        failed += finding.problem is not None
        say(describe(finding))
    if failed:
        say(f"{failed} problem{'s' if failed > 1 else ''} found")
    return 1 if failed else 0


def describe(finding: Finding) -> str:
    """One line, or two when it is a problem: what is wrong, and what to do."""
    if finding.problem is None:
        return f"ok    {finding.what}{f': {finding.detail}' if finding.detail else ''}"
    error = finding.problem
    place = f" ({error.place})" if error.place else ""
    remedy = f"\n      {error.remedy}" if error.remedy else ""
    return f"WRONG {finding.what}{place}: {error.message}{remedy}"


def findings(config: Config, *, probe_all: bool) -> Iterator[Finding]:
    """Rules, models, secrets; with `probe_all` also brokers and cameras."""
    site, gateway = config.site, config.file.gateway
    judged = config.file.plugins.judged
    yield _try("rules", lambda: f"{len(build_rules(site, gateway, judged).rules)} rules")
    yield _try("release windows", lambda: _built(build_release(site, gateway)))
    for name in sorted(
        {c.model for d, c in config.file.cameras.items() if _sees_colour(config, d)}
    ):
        yield _try(f"model {name}", partial(_model, config, name))
    for device in config.file.cameras:
        if config.source(device).privacy:
            yield _try(f"privacy of {device}", partial(_privacy, config, device))
    for runtime in dict.fromkeys(camera.runtime for camera in config.file.cameras.values()):
        if runtime is not None:
            yield _try(f"runtime {runtime}", partial(_runtime, config, runtime))
    for plugin in all_plugins(config):
        yield _try(f"plug-in {plugin.name}", partial(try_plugin, config, plugin, run=probe_all))
    yield from _brokers(config, probe_all=probe_all)
    if probe_all:
        for device in config.file.cameras:
            yield from _tried(config, device)


def _brokers(config: Config, *, probe_all: bool) -> Iterator[Finding]:
    brokers = {"hub": config.file.hub}
    if config.file.sensors is not None:
        brokers["sensors.broker"] = config.file.sensors.broker
    for place, broker in brokers.items():
        yield _try(f"broker of {place}", partial(_broker, config, broker, place, probe_all))


def _try(what: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(what, detail=attempt())
    except EdgeError as error:
        return Finding(what, error)


def _built(_part: object) -> str:
    return ""


def _sees_colour(config: Config, device: str) -> bool:
    return config.kind(device) is not DeviceKind.THERMAL


def _model(config: Config, name: str) -> str:
    path = str(config.path(name)) if name.endswith((".yaml", ".yml")) else name
    manifest, beside = resolve_manifest(path)
    file = find_file(manifest, () if beside is None else (beside,))
    return str(file or "needs no file")


def _broker(config: Config, broker: BrokerSettings, place: str, probe_all: bool) -> str:
    address = broker_address(config, broker, place)
    return reach(address, place) if probe_all else ""


def reach(address: Address, place: str) -> str:
    """Open and close a connection, with TLS where it is asked for. ConfigError with what to do."""
    where = f"{address.host}:{address.port}"
    try:
        with socket.create_connection((address.host, address.port), CONNECT_S) as plain:
            if address.tls:
                context = tls_context(address)
                with context.wrap_socket(plain, server_hostname=address.host) as secure:
                    return f"{where} answers ({secure.version()})"
    except ssl.SSLError as error:
        raise ConfigError(
            f"{where}: no trusted TLS: {error.reason}",
            place=place,
            remedy="Check ca_file and the broker's certificate",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{where} does not answer: {error.strerror or error}",
            place=place,
            remedy="Check that the broker runs, its address and port, and the firewall between",
        ) from None
    return f"{where} answers"


def _privacy(config: Config, device: str) -> str:
    require_vision(device)
    from gatehouse_edge.sources.masking import covered_ratio  # noqa: PLC0415 - needs numpy

    zones = config.source(device).privacy
    named = f"{len(zones)} zone{'s' if len(zones) > 1 else ''}"
    return f"{named} hide{'' if len(zones) > 1 else 's'} {covered_ratio(zones):.1%} of the picture"


def _tried(config: Config, device: str) -> Iterator[Finding]:
    """The camera's picture, and what its size and marks mean to its model."""
    shown: list[Probed] = []

    def try_it() -> str:
        source = config.source(device)
        shown.append(
            probe(device, source, clock=SystemClock(), seeds=config.seeds, timeout_s=PROBE_S)
        )
        return _picture(shown[0])

    yield _try(f"camera {device}", try_it)
    if shown and _sees_colour(config, device):
        size_wh = (shown[0].width, shown[0].height)
        for what, said in (("tiles", tiles_said), ("model", shape_said)):
            finding = _try(f"{what} of {device}", partial(said, config, device, size_wh))
            if finding.problem is not None or finding.detail:
                yield finding


def _runtime(config: Config, name: str) -> str:
    runtime = find_runtime(name, config.file.inference.runtimes, "runtime")
    return f"{' '.join(runtime.command)}, sha256 {runtime.sha256}" if runtime.command else ""


def _picture(seen: Probed) -> str:
    return f"{seen.width}x{seen.height} {seen.kind}, {seen.native_fps:g} a second, in {seen.took_s:.1f} s"
