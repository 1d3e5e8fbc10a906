"""Why a source gives nothing, in a word for the program and in a sentence with a remedy for a person."""

from __future__ import annotations

import signal
from enum import StrEnum

from gatehouse_edge.errors import SourceError
from gatehouse_edge.sources.spec import Scheme


class FailReason(StrEnum):
    """Why a decode child gave up."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    LOGIN = "login"
    NO_STREAM = "no_stream"
    UNREADABLE = "unreadable"
    LOST = "lost"
    STALLED = "stalled"
    CRASHED = "crashed"
    CONFIGURATION = "configuration"


class SourceFailedError(SourceError):
    """A SourceError that also knows its reason."""

    def __init__(
        self, reason: FailReason, message: str, *, place: str = "", remedy: str = ""
    ) -> None:
        self.reason = reason
        super().__init__(message, place=place, remedy=remedy)


_BY_REASON = {
    FailReason.REFUSED: "Give the camera's own address, inside `subnets` where they are set",
    FailReason.LOGIN: "Check user and password",
    FailReason.CRASHED: "The decoder is started again by itself; if it goes on, try another stream "
    "or codec of the camera",
}
_BY_SCHEME = {
    Scheme.RTSP: "Check address, credentials, that port {port} is open, and the path of the stream",
    Scheme.RTSPS: "Check address, credentials, that port {port} is open, and the path of the stream",
    Scheme.USB: "Check that the camera is plugged in and that the agent may read /dev/video*",
    Scheme.FILE: "Check the path and that ffmpeg knows the format "
    "(other kinds of source: rtsp:, usb:, stills:, radiometric:, scene:)",
    Scheme.STILLS: "Check the folder or pattern; png, jpg, bmp, tif and webp are read",
    Scheme.RADIOMETRIC: "Check the path, `array`, and `scale_c` with `offset_c`",
    Scheme.SCENE: "Check the name against the files in seeds/scenes",
}


def remedy(reason: FailReason, scheme: Scheme, port: int | None = None) -> str:
    """What to do about it, one sentence."""
    usual = 554 if scheme is Scheme.RTSP else 322
    return _BY_REASON.get(reason) or _BY_SCHEME[scheme].format(port=port or usual)


def describe_exit(returncode: int | None) -> str:
    """How a child process ended, in words."""
    if returncode is None:
        return "the decoder closed its end and did not exit"
    if returncode >= 0:
        return f"the decoder exited with status {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    return f"the decoder was ended by {name}"
