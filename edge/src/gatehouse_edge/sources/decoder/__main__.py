"""Entry of the decode child. Its standard input is the socket to the agent; it prints nothing.

Each camera has one, so it loads only what its own source needs.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import cv2

from gatehouse_edge.sources.backends import PROGRAMS, Decoder
from gatehouse_edge.sources.decoder.channel import Channel
from gatehouse_edge.sources.decoder.limits import confine
from gatehouse_edge.sources.decoder.reader import Reader
from gatehouse_edge.sources.decoder.serving import Serving
from gatehouse_edge.sources.decoder.video import (
    Make,
    VideoReader,
    open_file,
    open_network,
    open_usb,
)
from gatehouse_edge.sources.failures import FailReason, SourceFailedError
from gatehouse_edge.sources.messages import Failed, Open
from gatehouse_edge.sources.spec import Scheme, SourceSpec, parse, scrub


def open_reader(request: Open) -> Reader:
    """The reader for an address. Raises SourceFailedError with the reason."""
    spec = request.spec
    address = parse(spec)
    match address.scheme:
        case Scheme.RTSP | Scheme.RTSPS:
            return open_network(address, spec, request.stall_s, maker(spec))
        case Scheme.USB:
            return open_usb(address.target, spec)
        case Scheme.STILLS:
            from gatehouse_edge.sources.decoder.pictures import open_stills  # noqa: PLC0415

            return open_stills(address.target, spec)
        case Scheme.RADIOMETRIC:
            from gatehouse_edge.sources.decoder.pictures import open_radiometric  # noqa: PLC0415

            return open_radiometric(address.target, spec)
        case Scheme.SCENE:
            return open_scene(address.target, request)
        case Scheme.FILE:
            return open_file(address.target, spec, maker(spec))


def open_scene(name: str, request: Open) -> Reader:
    """A scene, which goes on with its story where a restarted child left it."""
    from gatehouse_edge.sources.decoder.scene import SceneReader, load_scene  # noqa: PLC0415

    spec = request.spec
    gone_s = time.monotonic() - request.origin_s if request.live else 0.0
    scene = load_scene(name, Path(request.scenes))
    start_s = spec.start_s + max(0.0, gone_s)
    return SceneReader(scene, start_s=start_s, live=request.live, fps=spec.native_fps)


def maker(spec: SourceSpec) -> Make:
    """What reads compressed video: OpenCV, or a program of the system."""
    if spec.decoder not in PROGRAMS:
        return VideoReader.of
    from gatehouse_edge.sources.decoder.ffmpeg import Ffmpeg  # noqa: PLC0415
    from gatehouse_edge.sources.decoder.gstreamer import Gstreamer  # noqa: PLC0415
    from gatehouse_edge.sources.decoder.piped import piped  # noqa: PLC0415

    return piped(Ffmpeg if spec.decoder is Decoder.FFMPEG else Gstreamer)


def run(channel: Channel) -> None:
    """Opens and serves; every failure becomes one message without secrets."""
    try:
        reader = open_reader(channel.open)
        Serving(channel, reader).run()
    except SourceFailedError as failure:
        failed = Failed(failure.reason, scrub(failure.message, channel.open.spec)[:512])
    except MemoryError:
        failed = Failed(FailReason.CRASHED, "the picture needs more memory than a decoder may have")
    except Exception as error:  # noqa: BLE001 - the top of the process: the agent must hear of anything
        detail = scrub(f"{type(error).__name__}: {error}", channel.open.spec)
        failed = Failed(FailReason.CRASHED, detail[:512])
    else:
        return
    channel.say(failed)


def main() -> int:
    """Runs the child once."""
    cv2.setNumThreads(1)
    channel = Channel(0)
    confine(channel.open.spec.hardware)
    run(channel)
    sys.stdout.flush()
    os._exit(0)  # native threads of a broken stream may not join


if __name__ == "__main__":
    main()
