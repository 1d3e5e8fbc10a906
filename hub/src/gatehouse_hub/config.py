"""The hub's configuration: one YAML file, read once, unknown keys refused.

Paths are relative to the folder of the file. Secrets may stand in files of their own (`password_file`), so that the
configuration can be shown. Every fault is a ConfigError that names the key and what to do.

    database: sqlite:data/hub.db            # or postgresql://USER@HOST/NAME
    mqtt: {url: "mqtt://127.0.0.1:1883"}    # mqtts://HOST:8883 beyond this machine
    http: {host: 127.0.0.1, port: 8080}
    sites: [sites/riverside.yaml]
    roles: [ingest, linking, notify, api]   # fewer only over PostgreSQL
"""

import base64
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
import yaml
from msgspec import Meta

from gatehouse_hub.api.server import Binding, check_binding, is_loopback
from gatehouse_hub.dispatching.telling import Consumer
from gatehouse_hub.errors import ConfigError
from gatehouse_hub.ingest.connection import Broker
from gatehouse_hub.ingest.inbox import LANE_BYTES
from gatehouse_hub.ingest.rates import BURST, PER_S, RateLimit
from gatehouse_hub.notify.webhook import SECRET_MIN, Address, Hook
from gatehouse_hub.pipeline import ALL_ROLES, Role
from gatehouse_hub.store.retention import PRESENCE_DAYS_MAX, Retention
from gatehouse_shared.errors import SiteError
from gatehouse_shared.ids import Id
from gatehouse_shared.names import HazardClass
from gatehouse_shared.site import Site, decode_site

PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
FILE_MAX_BYTES: Final = 4 * 1024 * 1024

Port = Annotated[int, Meta(ge=0, le=65_535)]
PathText = Annotated[str, Meta(min_length=1, max_length=1_024)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every part of the file has in common."""


class MqttSection(Section, frozen=True, kw_only=True):
    """The broker. `allow_plaintext` lets passwords and events cross a network unencrypted: for closed networks only."""

    url: str = "mqtt://127.0.0.1:1883"
    username: str | None = None
    password_file: PathText | None = None
    ca_file: PathText | None = None
    cert_file: PathText | None = None
    key_file: PathText | None = None
    allow_plaintext: bool = False


class HttpSection(Section, frozen=True, kw_only=True):
    """API and console. `port` 0 takes a free one."""

    host: Annotated[str, Meta(min_length=1, max_length=255)] = "127.0.0.1"
    port: Port = 8080
    tls_cert: PathText | None = None
    tls_key: PathText | None = None
    behind_proxy: bool = False
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    public_urls: tuple[str, ...] = ()
    open_metrics: bool = False


class WebhookSection(Section, frozen=True, kw_only=True):
    """Who is told over HTTP. Without `sites` of every site; classes `p` and `h` only where they are named."""

    id: Id
    url: Annotated[str, Meta(min_length=1, max_length=2_048)]
    secret_file: PathText
    sites: Annotated[tuple[Id, ...], Meta(max_length=1_000)] = ()
    classes: Annotated[tuple[HazardClass, ...], Meta(min_length=1, max_length=4)] = (
        HazardClass.THING,
        HazardClass.CROWD,
    )
    min_priority: Literal["P1", "P2", "P3", "P4"] = "P3"
    ca_file: PathText | None = None
    allow_plaintext: bool = False


class NotifySection(Section, frozen=True, kw_only=True):
    """Who is told of incidents."""

    webhooks: Annotated[tuple[WebhookSection, ...], Meta(max_length=32)] = ()


class IngestSection(Section, frozen=True, kw_only=True):
    """What a gateway may send, and how much may wait. Rows older than a minute, a backlog, are not limited."""

    events_per_s: Annotated[float, Meta(ge=1, le=10_000)] = PER_S
    burst: Annotated[int, Meta(ge=100, le=100_000)] = int(BURST)
    inbox_mib: Annotated[int, Meta(ge=1, le=4_096)] = 64


class RetentionSection(Section, frozen=True, kw_only=True):
    """How many days what is kept. Presence never longer than the law of this software: 14."""

    presence_days: Annotated[int, Meta(ge=2, le=PRESENCE_DAYS_MAX)] = PRESENCE_DAYS_MAX
    alarm_days: Annotated[int, Meta(ge=15, le=3_650)] = 400
    bulk_days: Annotated[int, Meta(ge=8, le=3_650)] = 90


class HubFile(Section, frozen=True, kw_only=True):
    """The whole file."""

    database: Annotated[str, Meta(min_length=1, max_length=1_024)] = "sqlite:data/hub.db"
    mqtt: MqttSection = MqttSection()
    http: HttpSection = HttpSection()
    ingest: IngestSection = IngestSection()
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=len(Role))] = tuple(Role)
    notify: NotifySection = NotifySection()
    retention: RetentionSection = RetentionSection()
    sites: Annotated[tuple[PathText, ...], Meta(max_length=10_000)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """The configuration, checked and resolved."""

    database: str
    broker: Broker
    binding: Binding
    public_urls: tuple[str, ...]
    open_metrics: bool
    hooks: tuple[Hook, ...]
    sites: tuple[Path, ...]
    roles: frozenset[Role] = ALL_ROLES
    rate: RateLimit = field(default_factory=RateLimit)
    inbox_bytes: int = 2 * LANE_BYTES
    retention: Retention = field(default_factory=Retention)


def choose_roles(config: HubConfig, roles: Iterable[Role]) -> HubConfig:
    """The configuration of a process that does these roles. ConfigError where the database does not allow it."""
    chosen = replace(config, roles=frozenset(roles))
    check_roles(chosen)
    return chosen


def check_roles(config: HubConfig) -> None:
    """SQLite serves one process, which then does everything."""
    if config.roles != ALL_ROLES and config.database.startswith("sqlite:"):
        raise ConfigError(
            "a hub over SQLite is one process with all roles",
            place="roles",
            remedy="Leave roles out, or set database to a postgresql:// address that the processes share",
        )


def load_config(path: Path) -> HubConfig:
    """Read and check a configuration file."""
    tree = read_yaml(path, "configuration")
    try:
        file = msgspec.convert(tree if tree is not None else {}, HubFile)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        place = where.strip("`").removeprefix("$").removeprefix(".") or path.name
        raise ConfigError(
            message, place=place, remedy="Correct or remove this key; see docs/configuration.md"
        ) from None
    return resolve(file, path.resolve().parent)


def resolve(file: HubFile, folder: Path) -> HubConfig:
    """Paths made absolute, addresses taken apart, what must not be refused."""
    binding = Binding(
        host=file.http.host,
        port=file.http.port,
        tls_cert=_path(folder, file.http.tls_cert),
        tls_key=_path(folder, file.http.tls_key),
        behind_proxy=file.http.behind_proxy,
        proxies=file.http.proxies,
    )
    check_binding(binding)
    config = HubConfig(
        database=_database(file.database, folder),
        broker=_broker(file.mqtt, folder),
        binding=binding,
        public_urls=file.http.public_urls,
        open_metrics=file.http.open_metrics,
        hooks=resolve_hooks(file.notify, folder),
        sites=tuple(folder / site for site in file.sites),
        retention=Retention(
            presence_days=file.retention.presence_days,
            alarm_days=file.retention.alarm_days,
            bulk_days=file.retention.bulk_days,
        ),
        roles=frozenset(file.roles),
        rate=RateLimit(file.ingest.events_per_s, file.ingest.burst),
        inbox_bytes=file.ingest.inbox_mib * 1024 * 1024,
    )
    check_roles(config)
    return config


def load_site(path: Path) -> Site:
    """Read and check a site file."""
    try:
        return decode_site(read_yaml(path, "site file"))
    except SiteError as error:
        raise ConfigError(
            error.message, place=f"{path.name}, {error.place}", remedy=error.remedy
        ) from None


def read_yaml(path: Path, what: str) -> Any:
    """What a YAML or JSON file holds, as plain dicts and lists."""
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise ConfigError(
                f"larger than {FILE_MAX_BYTES} bytes",
                place=str(path),
                remedy=f"This is hardly a {what}",
            )
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the {what}: {error.strerror}",
            place=str(path),
            remedy="Check the path and its rights",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = re.sub(r"\s+", " ", str(error))
        raise ConfigError(
            problem, place=str(path), remedy="Correct the YAML at this line"
        ) from None


def _database(url: str, folder: Path) -> str:
    """The address with environment variables put in and a SQLite path made absolute."""
    url = os.path.expandvars(url)
    scheme, _, rest = url.partition(":")
    return f"sqlite:{folder / rest}" if scheme == "sqlite" else url


def _broker(section: MqttSection, folder: Path) -> Broker:
    parts = urlsplit(section.url)
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise ConfigError(
            f"not the address of a broker: {parts.scheme or section.url!r}",
            place="mqtt.url",
            remedy="Write mqtt://HOST:PORT or mqtts://HOST:PORT",
        )
    if parts.username or parts.password:
        raise ConfigError(
            "the address holds a user or password",
            place="mqtt.url",
            remedy="Give mqtt.username and mqtt.password_file instead",
        )
    tls = parts.scheme == "mqtts"
    if not (tls or section.allow_plaintext or is_loopback(parts.hostname)):
        raise ConfigError(
            f"without TLS everything between {parts.hostname} and the hub can be read and changed on the way",
            place="mqtt.url",
            remedy="Use mqtts://, or set mqtt.allow_plaintext: true on a network nobody else is on",
        )
    return Broker(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        username=section.username,
        password=_secret(_path(folder, section.password_file)),
        tls=tls,
        ca_file=_path(folder, section.ca_file),
        cert_file=_path(folder, section.cert_file),
        key_file=_path(folder, section.key_file),
    )


def resolve_hooks(section: NotifySection, folder: Path) -> tuple[Hook, ...]:
    """Web hooks with their secrets read. Raises ConfigError."""
    ids = [hook.id for hook in section.webhooks]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise ConfigError(
            f"{twice[0]} is there twice",
            place="notify.webhooks",
            remedy="Give each web hook an id of its own",
        )
    return tuple(_hook(hook, folder) for hook in section.webhooks)


def _hook(section: WebhookSection, folder: Path) -> Hook:
    place = f"notify.webhooks.{section.id}"
    if HazardClass.PRESENCE in section.classes and len(section.sites) != 1:
        raise ConfigError(
            "presence is told to a consumer of one site only",
            place=f"{place}.sites",
            remedy="Name that one site, and make a web hook for each further site",
        )
    parts = urlsplit(section.url)
    tls = parts.scheme == "https"
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise ConfigError(
            "not the address of a web hook", place=f"{place}.url", remedy="Write https://HOST/PATH"
        )
    if parts.username or parts.password:
        raise ConfigError(
            "the address holds a user or password",
            place=f"{place}.url",
            remedy="Let the receiver check the signature instead",
        )
    if not re.fullmatch(r"[!-~]*", parts.path + parts.query):
        raise ConfigError(
            "the address holds a character that is not allowed there",
            place=f"{place}.url",
            remedy="Write it percent-encoded",
        )
    if not (tls or section.allow_plaintext or is_loopback(parts.hostname)):
        raise ConfigError(
            f"without TLS everything between the hub and {parts.hostname} can be read on the way",
            place=f"{place}.url",
            remedy="Use https://, or set allow_plaintext: true on a network nobody else is on",
        )
    consumer = Consumer(
        section.id, frozenset(section.sites), frozenset(section.classes), section.min_priority
    )
    address = Address(
        host=parts.hostname,
        port=_port(section.url, place) or (443 if tls else 80),
        target=f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}",
        tls=tls,
        ca_file=_path(folder, section.ca_file),
        secret=_hook_secret(folder / section.secret_file, place),
    )
    return Hook(consumer, address)


def _port(url: str, place: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        raise ConfigError(
            "the port is no number from 0 to 65535", place=f"{place}.url", remedy="Correct it"
        ) from None


def _hook_secret(path: Path, place: str) -> bytes:
    """The secret of a web hook: `whsec_` and base64, as the libraries of receivers write it, or any text."""
    written = _secret(path, f"{place}.secret_file") or ""
    if written.startswith("whsec_"):
        try:
            secret = base64.b64decode(written.removeprefix("whsec_"), validate=True)
        except ValueError:
            raise ConfigError(
                "what follows whsec_ is not base64",
                place=f"{place}.secret_file",
                remedy="Copy the secret again",
            ) from None
    else:
        secret = written.encode()
    if len(secret) < SECRET_MIN:
        raise ConfigError(
            f"shorter than {SECRET_MIN} bytes",
            place=f"{place}.secret_file",
            remedy=f"Make one: openssl rand -base64 {SECRET_MIN}",
        )
    return secret


def _path(folder: Path, text: str | None) -> Path | None:
    return None if text is None else folder / text


def _secret(path: Path | None, place: str = "mqtt.password_file") -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}",
            place=place,
            remedy="Check the path and its rights",
        ) from None
