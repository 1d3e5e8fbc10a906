"""The machine's own programs that tests talk to: a broker, a database, a browser, an RTSP server.

As root on Debian or Ubuntu the missing ones are installed; anyone else is told what to install. None of
the services is started: tests start their own on free ports of the loopback interface. `demo` needs none.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatehouse_edge.sources.backends import PACKAGES, Decoder
from gatehouse_testing import rtsp
from gatehouse_testing.dev.steps import StepError, capture, must, say
from gatehouse_testing.videos import has_decoder


@dataclass(frozen=True, slots=True)
class Part:
    """Something the tests need of the machine, and the Debian packages that bring it."""

    what: str
    packages: tuple[str, ...]
    is_there: Callable[[], bool]


def ensure(parts: Sequence[Part] | None = None, *, may_install: bool | None = None) -> None:
    """Install what is missing, or raise StepError that says what to install.

    `may_install` is for tests of this function; otherwise root on a machine with apt-get may.
    """
    missing = [part for part in (PARTS if parts is None else parts) if not part.is_there()]
    if not missing:
        return
    packages = dict.fromkeys(name for part in missing for name in part.packages)  # each once
    needs = ", ".join(part.what for part in missing)
    if may_install is None:
        may_install = os.geteuid() == 0 and shutil.which("apt-get") is not None
    if not may_install:
        command = f"apt-get install {' '.join(packages)}"
        raise StepError(f"tests need {needs}. On Debian or Ubuntu, as root:\n    {command}")
    say(f"installing {needs}")
    _apt("update", "-qq")
    _apt("install", "-y", "-qq", "--no-install-recommends", *packages)
    absent = [part.what for part in missing if not part.is_there()]
    if absent:
        raise StepError(f"installed {', '.join(packages)}; still there is no {', '.join(absent)}")


def _apt(*words: str) -> None:
    """One apt-get call. RUNLEVEL=1 keeps a package's own service from being started."""
    env = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    must(["apt-get", *words], what="installing Debian packages", env=env)


def _has_mosquitto() -> bool:
    return any(Path(p).exists() for p in ("/usr/sbin/mosquitto", shutil.which("mosquitto") or "-"))


def _has_postgresql() -> bool:
    return shutil.which("initdb") is not None or any(
        Path("/usr/lib/postgresql").glob("*/bin/initdb")
    )


def _has_cluster() -> bool:
    programs = (
        "/usr/bin/etcd",
        "/usr/bin/patroni",
        "/usr/sbin/haproxy",
        "/usr/sbin/rabbitmq-server",
    )
    return all(Path(program).exists() for program in programs)


def _has_chromium() -> bool:
    return any(shutil.which(name) for name in ("chromium", "chromium-browser"))


def _has_rtsp_server() -> bool:
    # Encoders are plug-ins of their own; the registry is the way to ask for them.
    elements = ("videotestsrc", "x264enc", "x265enc", "rtph264pay", "rtph265pay")
    code = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); "
        "from gi.repository import Gst, GstRtspServer; Gst.init(None); "
        f"assert all(map(Gst.ElementFactory.find, {elements}))"
    )
    return capture([rtsp.SYSTEM_PYTHON, "-c", code], Path("/"))[0] == 0


def _has_chinese_font() -> bool:
    code, output = capture(["fc-list", ":lang=zh-cn"], Path("/"))
    return code == 0 and bool(output.strip())


PARTS = (
    Part("the mosquitto broker", ("mosquitto",), _has_mosquitto),
    Part("the PostgreSQL server", ("postgresql",), _has_postgresql),
    Part("Chromium", ("chromium",), _has_chromium),
    Part("a font with Chinese", ("fontconfig", "fonts-wqy-zenhei"), _has_chinese_font),
    Part("GStreamer's RTSP server", rtsp.PACKAGES, _has_rtsp_server),
    Part(
        "GStreamer's decoders",
        tuple(PACKAGES[Decoder.GSTREAMER].split()),
        lambda: has_decoder("gstreamer"),
    ),
    Part("ffmpeg", ("ffmpeg",), lambda: has_decoder("ffmpeg")),
)
LONG_PARTS = (
    *PARTS,
    Part(
        "the programs of a cluster",
        ("etcd-server", "patroni", "python3-etcd", "haproxy", "rabbitmq-server"),
        _has_cluster,
    ),
)
"""What `./dev test --long` needs besides: of these only the tests of the cluster and of other brokers know."""
