"""What a camera's source is: one address and its options, as written in the configuration.

Addresses   `file:PATH` or a plain path (mp4, avi, mkv, gif …), `rtsp://…`, `rtsps://…`, `usb:0`, `usb:/dev/video0`,
            `stills:FOLDER_OR_PATTERN`, `scene:NAME`,
            `radiometric:PATH` (.npz, .npy, or a folder or pattern of 16-bit PNG or TIFF).
Secrets     a password may stand in the address, but better in a file or an environment variable. `repr` of a spec and
            every message of this package show an address without user and password.
Needs       nothing but msgspec: a gateway without cameras imports this too.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import msgspec
from msgspec import Meta

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.sources.backends import Decoder, DecoderCommand, Hardware, check_decoder
from gatehouse_edge.sources.privacy import PrivacyZones, check_privacy

HIDDEN = "***"
SHORT_USER = (
    4  # hiding shorter names would spoil ordinary words; passwords are hidden at any length
)
SCENE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
Fps = Annotated[float, Meta(gt=0, le=240)]
Words = Annotated[str, Meta(max_length=256)]


class Scheme(StrEnum):
    """How the frames come."""

    FILE = "file"
    RTSP = "rtsp"
    RTSPS = "rtsps"
    USB = "usb"
    STILLS = "stills"
    RADIOMETRIC = "radiometric"
    SCENE = "scene"


DEVICES = frozenset({Scheme.RTSP, Scheme.RTSPS, Scheme.USB})
"""Sources that set their own pace; the others are recordings, played in step or, live, at their own speed."""
DECODED_BY_CHOICE = frozenset({Scheme.RTSP, Scheme.RTSPS, Scheme.FILE})
"""Sources of compressed video, which another decoder than the box's own may read."""


class SourceSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Address and options of one camera.

    `native_fps` says how fast the pictures were taken: it re-times a file whose header lies (frame k is at k / native_fps
    seconds, and every frame is still delivered), and gives stills and radiometric folders their pace (default 1).
    `rate_fps` takes fewer: the first frame of each 1 / rate_fps seconds of media time.
    `scale_c`, `offset_c`: degrees Celsius = raw * scale_c + offset_c, for whole-number radiometric data.
    `uncalibrated`: raw counts without an offset; `scale_c` is kelvin a count, and only differences of temperature mean anything.
    `decoder` and `hardware` say who decodes: see `backends`.
    `privacy`: zones that are overwritten in every frame before anybody gets it; they stay in the agent.
    `subnets`: where a network camera's address must lie, CIDR; empty: anywhere but loopback, link-local and multicast.
    """

    url: Annotated[str, Meta(min_length=1, max_length=1024)]
    user: Words = ""
    password_file: Words = ""
    password_env: Words = ""
    native_fps: Fps | None = None
    rate_fps: Fps | None = None
    loop: bool = False
    start_s: Annotated[float, Meta(ge=0, le=604800)] = 0.0
    hold_s: Annotated[float, Meta(ge=0, le=86400)] = 0.0
    scale_c: float | None = None
    offset_c: float | None = None
    uncalibrated: bool = False
    array: Words = ""
    subnets: Annotated[tuple[Words, ...], Meta(max_length=16)] = ()
    allow_loopback: bool = False
    recorded_at: Annotated[datetime, Meta(tz=True)] | None = None
    decoder: Decoder | DecoderCommand = Decoder.OPENCV
    hardware: Hardware = Hardware.NONE
    privacy: PrivacyZones = ()

    def __repr__(self) -> str:
        """Never shows user or password: tracebacks and logs print this."""
        return f"SourceSpec({redact(self.url)})"

    __str__ = __repr__


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A parsed address. `target`: path, pattern, device, scene name; of network cameras the whole URL with secrets."""

    scheme: Scheme
    target: str

    def __repr__(self) -> str:
        """Without secrets."""
        return f"Address({self.scheme}, {redact(self.target)})"


def parse(spec: SourceSpec, *, place: str = "") -> Address:
    """Checks address and options together. Raises ConfigError that names `place` and the remedy."""
    address = _address(spec, place)
    check_decoder(
        spec.decoder, spec.hardware, can_choose=address.scheme in DECODED_BY_CHOICE, place=place
    )
    check_privacy(spec.privacy, f"{place}.privacy" if place else "privacy")
    return address


def _address(spec: SourceSpec, place: str) -> Address:
    head, colon, rest = spec.url.partition(":")
    known = {s.value for s in Scheme}
    if not colon or (head.lower() not in known and "://" not in spec.url):
        return Address(Scheme.FILE, spec.url)
    if head.lower() not in known:
        raise ConfigError(
            f"'{head}:' is not a kind of source",
            place=place,
            remedy="Use one of " + ", ".join(f"{s}:" for s in Scheme),
        )
    scheme = Scheme(head.lower())
    if scheme in {Scheme.RTSP, Scheme.RTSPS}:
        _check_network(spec, place)
        return Address(scheme, spec.url)
    target = rest.removeprefix("//") if scheme is Scheme.FILE else rest
    if not target:
        raise ConfigError(
            f"'{scheme}:' names nothing", place=place, remedy=f"Write {_EXAMPLE[scheme]}"
        )
    if scheme is Scheme.SCENE and not SCENE_NAME.fullmatch(target):
        raise ConfigError(
            f"'{target}' cannot be the name of a scene",
            place=place,
            remedy="Use a file name of seeds/scenes without .py",
        )
    if scheme is Scheme.USB and not (
        re.fullmatch(r"[0-9]{1,3}", target) or re.fullmatch(r"/dev/[\w./-]+", target)
    ):
        raise ConfigError(
            f"'{target}' is not a USB camera",
            place=place,
            remedy=f"Write {_EXAMPLE[scheme]} or usb:/dev/video0",
        )
    if scheme is Scheme.RADIOMETRIC:
        _check_scale(spec, place)
    return Address(scheme, target)


def _check_scale(spec: SourceSpec, place: str) -> None:
    if spec.uncalibrated and (spec.scale_c is None or spec.offset_c is not None):
        raise ConfigError(
            "uncalibrated counts need scale_c and have no offset_c",
            place=place,
            remedy="Give scale_c in kelvin a count, or leave uncalibrated out",
        )
    if not spec.uncalibrated and (spec.scale_c is None) != (spec.offset_c is None):
        raise ConfigError(
            "scale_c and offset_c belong together",
            place=place,
            remedy="Set both, or neither; with uncalibrated: true scale_c alone",
        )


_EXAMPLE = {
    Scheme.FILE: "file:recordings/yard.mp4",
    Scheme.USB: "usb:0",
    Scheme.STILLS: "stills:pictures/",
    Scheme.RADIOMETRIC: "radiometric:thermal/stack.npz",
    Scheme.SCENE: "scene:plaza",
}


def _check_network(spec: SourceSpec, place: str) -> None:
    """The parts of a camera URL that can be judged without the network."""
    remedy = "Write rtsp://HOST:PORT/PATH"
    try:
        parts = urlsplit(spec.url)
        port = parts.port
    except ValueError:
        raise ConfigError("the camera address cannot be read", place=place, remedy=remedy) from None
    if not parts.hostname or port == 0:
        raise ConfigError("the camera address names no host", place=place, remedy=remedy)
    if re.search(r"[\x00-\x20\x7f\\]", spec.url):
        raise ConfigError(
            "the camera address holds spaces or control characters", place=place, remedy=remedy
        )
    if spec.user and parts.username:
        raise ConfigError(
            "the camera's user is given twice",
            place=place,
            remedy="Take it out of the address or out of `user`",
        )


def told_to_child(spec: SourceSpec) -> SourceSpec:
    """The spec without what is the agent's own affair."""
    return msgspec.structs.replace(spec, privacy=())


def with_secrets(spec: SourceSpec, *, place: str = "") -> SourceSpec:
    """The spec as the decoder needs it: user and password, from file or environment, put into the address."""
    if not (spec.user or spec.password_env or spec.password_file):
        return spec
    password = _password(spec, place)
    parts = urlsplit(spec.url)
    user = spec.user or unquote(parts.username or "")
    host = parts.netloc.rpartition("@")[2]
    login = quote(user, safe="") + (":" + quote(password, safe="") if password else "")
    return msgspec.structs.replace(
        spec,
        url=urlunsplit((parts.scheme, f"{login}@{host}", parts.path, parts.query, parts.fragment)),
        user="",
        password_file="",
        password_env="",
    )


def _password(spec: SourceSpec, place: str) -> str:
    if spec.password_env:
        found = os.environ.get(spec.password_env)
        if found is None:
            raise ConfigError(
                f"the environment has no variable {spec.password_env}",
                place=place,
                remedy="Set it for the agent's service",
            )
        return found
    if spec.password_file:
        try:
            return Path(spec.password_file).read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigError(
                f"cannot read the password file {spec.password_file}: {why}",
                place=place,
                remedy="Check the path and its rights",
            ) from None
    return ""


def redact(url: str) -> str:
    """The address without user, password and query (cameras take passwords there too)."""
    if "://" not in url:
        return url
    head, _, rest = url.partition("://")
    netloc, slash, path = rest.partition("/")
    login, at, host = netloc.rpartition("@")
    if not at and "@" in path:  # a password with a raw slash: hide everything before the last @
        login, at, path = "hidden", "@", path.rpartition("@")[2]
        host, slash, path = path.partition("/")
    path, mark, _ = path.partition("?")
    return f"{head}://{HIDDEN + at if login or at else ''}{host}{slash}{path}{mark}{HIDDEN if mark else ''}"


def scrub(text: str, spec: SourceSpec) -> str:
    """`text` without this camera's secrets, however they got there; for reasons that come out of libraries."""
    out = text.replace(spec.url, redact(spec.url))
    if "://" not in spec.url:
        return out
    parts = urlsplit(spec.url)
    user = parts.username or ""
    raw = [parts.password or "", parts.query, parts.netloc.rpartition("@")[0]]
    raw += [user] if len(user) >= SHORT_USER else []
    for secret in sorted({s for r in raw for s in (r, unquote(r)) if s}, key=len, reverse=True):
        out = out.replace(secret, HIDDEN)
    return out
