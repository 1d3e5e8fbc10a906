"""Opens cameras for the pipeline, and tries them for `check` and `doctor`. Imports without `[vision]`; opening needs it."""

from __future__ import annotations

import importlib.util
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.ports import Clock
from gatehouse_edge.sources.backends import PACKAGES, PROGRAMS, Decoder, DecoderCommand
from gatehouse_edge.sources.child import DECODER
from gatehouse_edge.sources.failures import FailReason, SourceFailedError, remedy
from gatehouse_edge.sources.patience import Patience
from gatehouse_edge.sources.spec import DEVICES, Scheme, SourceSpec, parse, redact
from gatehouse_edge.values import Frame, FrameKind

if TYPE_CHECKING:
    from gatehouse_edge.sources.source import DecodedSource

RECORDED_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""When a recording begins if nobody says otherwise: fixed, so that a second run gives the same bytes."""

CHOSEN = "Compare with edge/docs/decoders.md, or leave `decoder` and `hardware` out"


@dataclass(frozen=True, slots=True)
class Probed:
    """What a camera showed when it was tried: `width` and `height` in pixels, its own rate, how long it took."""

    width: int
    height: int
    kind: FrameKind
    native_fps: float
    took_s: float


def open_source(
    device: str,
    spec: SourceSpec,
    *,
    live: bool,
    clock: Clock,
    seeds: Path | None = None,
    patience: Patience | None = None,
) -> DecodedSource:
    """A camera, opened at its first `read` or `frames`.

    `live`: as it happens, latest frame only, trying again for ever; recordings are then played at their own speed. Not
    live (`analyze`): every due frame in media time, in step with the consumer; needs a recording. `seeds` is the folder
    that holds `scenes/`. Raises ConfigError.
    """
    address = parse(spec, place=device)
    if not live and address.scheme in DEVICES:
        raise ConfigError(
            f"{address.scheme} is live and cannot be analysed in media time",
            place=device,
            remedy="Give a recording, or run the agent",
        )
    return _open(device, spec, live=live, clock=clock, seeds=seeds, patience=patience or Patience())


def probe(
    device: str,
    spec: SourceSpec,
    *,
    clock: Clock,
    seeds: Path | None = None,
    timeout_s: float = 10.0,
) -> Probed:
    """Opens the camera and takes one frame. Raises SourceFailedError or ConfigError that name the camera and the remedy."""
    began_s = time.monotonic()
    patience = Patience(open_s=timeout_s, stall_s=timeout_s)
    source = _open(device, spec, live=False, clock=clock, seeds=seeds, patience=patience)
    try:
        got = source.read(timeout_s)
        if isinstance(got, Frame):
            height, width = got.pixels.shape[:2]
            took_s = time.monotonic() - began_s
            return Probed(width, height, got.kind, source.native_fps, took_s)
        if source.failure is not None:
            raise source.failure
        raise explain(device, spec, FailReason.STALLED, f"no frame within {timeout_s:.0f} s")
    finally:
        source.close()


def _open(
    device: str,
    spec: SourceSpec,
    *,
    live: bool,
    clock: Clock,
    seeds: Path | None,
    patience: Patience,
) -> DecodedSource:
    require_vision(device)
    require_decoder(device, spec)
    if parse(spec, place=device).scheme is Scheme.SCENE and seeds is None:
        raise ConfigError(
            "no folder of scenes is known", place=device, remedy="Say where the seeds are (--seeds)"
        )
    from gatehouse_edge.sources.source import DecodedSource, Setting  # noqa: PLC0415 - needs numpy

    foreign = spec.decoder if isinstance(spec.decoder, DecoderCommand) else None
    setting = Setting(
        device=device,
        spec=spec,
        live=live,
        started_at=spec.recorded_at or RECORDED_AT,
        scenes=str((seeds / "scenes").absolute()) if seeds else "",
        patience=patience,
        explain=lambda reason, detail: explain(device, spec, reason, detail),
        command=foreign.command if foreign else DECODER,
        memory_mib=foreign.memory_mib if foreign else None,
    )
    return DecodedSource(setting, clock)


def explain(device: str, spec: SourceSpec, reason: FailReason, detail: str) -> SourceFailedError:
    """The sentence a person reads: which camera, at which address (no secrets), what is wrong, what to do."""
    scheme = parse(spec, place=device).scheme
    port = urlsplit(spec.url).port if scheme in {Scheme.RTSP, Scheme.RTSPS} else None
    lost = reason in {FailReason.LOST, FailReason.STALLED, FailReason.CRASHED}
    what = "lost" if lost else "cannot reach" if scheme in DEVICES else "cannot read"
    message = f"{what} camera {device} at {redact(spec.url)}: {detail}"
    chosen = spec.decoder is not Decoder.OPENCV and reason is FailReason.CONFIGURATION
    what_to_do = CHOSEN if chosen else remedy(reason, scheme, port)
    return SourceFailedError(reason, message, remedy=what_to_do)


def require_decoder(device: str, spec: SourceSpec) -> None:
    """Raises ConfigError when the program that shall decode is not on this machine."""
    if isinstance(spec.decoder, DecoderCommand):
        program, remedy = spec.decoder.command[0], "Give its whole path, or leave `decoder` out"
    elif spec.decoder in PROGRAMS:
        program, remedy = PROGRAMS[spec.decoder], f"apt install {PACKAGES[spec.decoder]}"
    else:
        return
    if shutil.which(program) is None:
        raise ConfigError(
            f"there is no {program} on this machine", place=f"{device}.decoder", remedy=remedy
        )


def require_vision(device: str) -> None:
    """Raises ConfigError when the gateway was installed without what cameras need."""
    missing = [n for n in ("numpy", "cv2") if importlib.util.find_spec(n) is None]
    if missing:
        raise ConfigError(
            f"a camera needs {' and '.join(missing)}, which this gateway does not have",
            place=device,
            remedy="pip install gatehouse-edge[vision]",
        )
