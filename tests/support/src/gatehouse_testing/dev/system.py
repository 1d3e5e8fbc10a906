"""The machine's own programs that tests talk to: a broker, a database, a browser, an RTSP server.

As root on Debian or Ubuntu the missing ones are installed; anyone else is told what to install. None of
the services is started: tests start their own on free ports of the loopback interface. `demo` needs none.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gatehouse_testing.dev.steps import StepError, capture, must, say

SYSTEM_PYTHON = "/usr/bin/python3"
"""Debian's GStreamer bindings are made for it, not for `.venv`."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something the tests need of the machine, and the Debian packages that bring it."""

    what: str
    packages: tuple[str, ...]
    is_there: Callable[[], bool]


def ensure() -> None:
    """Install what is missing, or raise StepError that says what to install."""
    missing = [part for part in PARTS if not part.is_there()]
    if not missing:
        return
    packages = [name for part in missing for name in part.packages]
    command = f"apt-get install {' '.join(packages)}"
    needs = ", ".join(part.what for part in missing)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise StepError(f"tests need {needs}. On Debian or Ubuntu, as root:\n    {command}")
    say(f"installing {needs}")
    must(["apt-get", "update", "-qq"], what="refreshing the package lists")
    must(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        what="installing Debian packages",
        # RUNLEVEL=1 keeps a package's own service from being started by its installation.
        env=dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
    )
    absent = [part.what for part in missing if not part.is_there()]
    if absent:
        raise StepError(
            f"installed {', '.join(packages)}, and still there is no {', '.join(absent)}"
        )


def _has_mosquitto() -> bool:
    return any(Path(p).exists() for p in ("/usr/sbin/mosquitto", shutil.which("mosquitto") or "-"))


def _has_postgresql() -> bool:
    return shutil.which("initdb") is not None or any(
        Path("/usr/lib/postgresql").glob("*/bin/initdb")
    )


def _has_chromium() -> bool:
    return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))


def _has_rtsp_server() -> bool:
    # The encoder and the muxer are plug-ins of their own; the registry is the way to ask for them.
    code = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; "
        "Gst.init(None); "
        "assert all(map(Gst.ElementFactory.find, ('x264enc', 'rtph264pay', 'qtdemux', 'videotestsrc', 'h264parse')))"
    )
    return capture([SYSTEM_PYTHON, "-c", code], Path("/"))[0] == 0


def _has_chinese_font() -> bool:
    code, output = capture(["fc-list", ":lang=zh-cn"], Path("/"))
    return code == 0 and bool(output.strip())


PARTS = (
    Part("the mosquitto broker", ("mosquitto",), _has_mosquitto),
    Part("the PostgreSQL server", ("postgresql",), _has_postgresql),
    Part("Chromium", ("chromium",), _has_chromium),
    Part("a font with Chinese", ("fontconfig", "fonts-wqy-zenhei"), _has_chinese_font),
    Part(
        "GStreamer's RTSP server",
        (
            "python3-gi",
            "gir1.2-gst-rtsp-server-1.0",
            "gstreamer1.0-plugins-base",
            "gstreamer1.0-plugins-good",
            "gstreamer1.0-plugins-bad",
            "gstreamer1.0-plugins-ugly",
            "gstreamer1.0-libav",
        ),
        _has_rtsp_server,
    ),
)
