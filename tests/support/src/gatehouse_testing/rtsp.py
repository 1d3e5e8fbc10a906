"""A real RTSP camera on loopback: Debian's GStreamer RTSP server, run as a child of the system's Python.

    with RtspCamera() as camera:            # camera.url, camera.stall(), camera.stop(), camera.start()
        ...

Needs the Debian packages in `PACKAGES`. The same file is the child's program, so it imports nothing of ours.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

SYSTEM_PYTHON = "/usr/bin/python3"
PACKAGES = (
    "python3-gi",
    "gir1.2-gst-rtsp-server-1.0",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-ugly",
)
ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay config-interval=-1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph265pay config-interval=-1",
}
TRY = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer;"
    "Gst.init(None); assert Gst.ElementFactory.find('x264enc') and Gst.ElementFactory.find('rtph264pay')"
)


@cache
def missing() -> str | None:
    """What to install for an RTSP camera; None when all is there."""
    try:
        tried = subprocess.run(
            [SYSTEM_PYTHON, "-c", TRY], capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        tried = None
    if tried is not None and tried.returncode == 0:
        return None
    return "no GStreamer RTSP server: apt-get install " + " ".join(PACKAGES)


class RtspCamera:
    """One camera with one stream, a moving ball, at any `address` of loopback. `user` and `password` switch on digest login."""

    def __init__(
        self,
        *,
        codec: str = "h264",
        size: tuple[int, int] = (320, 240),
        fps: int = 15,
        user: str = "",
        password: str = "",
        address: str = "127.0.0.1",
    ) -> None:
        self._setting: dict[str, object] = {
            "codec": codec, "width": size[0], "height": size[1], "fps": fps,
            "user": user, "password": password, "path": "/live", "port": 0, "address": address,
        }  # fmt: skip
        self._process: subprocess.Popen[str] | None = None
        self.port, self._address = 0, address

    @property
    def url(self) -> str:
        """The address, without login."""
        return f"rtsp://{self._address}:{self.port}/live"

    def url_with(self, user: str, password: str) -> str:
        """The address with a login in it."""
        return f"rtsp://{user}:{password}@{self._address}:{self.port}/live"

    def start(self) -> None:
        """Starts serving, at the same port as before if there was one."""
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, str(Path(__file__).absolute())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.port = int(self._ask(json.dumps(self._setting)))
        self._setting["port"] = self.port

    def stop(self) -> None:
        """Pulls the plug: connections are cut."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def restart(self, **changes: object) -> None:
        """Off and on again at the same port, with other settings: `width`, `height`, `codec`, `user`, `password`."""
        self.stop()
        self._setting |= changes
        self.start()

    def stall(self) -> None:
        """Keeps the connections and sends no picture any more."""
        self._ask("stall")

    def go_on(self) -> None:
        """Sends pictures again."""
        self._ask("go_on")

    def resize(self, width: int, height: int) -> None:
        """Changes the size of the picture within the stream."""
        self._ask(f"resize {width} {height}")

    def _ask(self, line: str) -> str:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"the RTSP server died at {line.split(maxsplit=1)[0]}")
        return answer

    def __enter__(self) -> RtspCamera:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve() -> None:
    """The child: one JSON line of settings in, its port out; then a command a line, each answered with ok."""
    import gi  # pyright: ignore[reportMissingImports] - the system's Python has it

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer  # pyright: ignore[reportMissingImports]

    Gst.init(None)
    setting = json.loads(sys.stdin.readline())
    server = GstRtspServer.RTSPServer(address=setting["address"], service=str(setting["port"]))
    factory = GstRtspServer.RTSPMediaFactory(shared=True)
    caps = "video/x-raw,format=I420,width={width},height={height},framerate={fps}/1".format(
        **setting
    )
    factory.set_launch(
        f"( videotestsrc is-live=true pattern=ball ! capsfilter name=size caps={caps} ! valve name=valve"
        f" ! {ENCODERS[setting['codec']]} name=pay0 pt=96 )"
    )
    elements: list[Any] = []
    factory.connect("media-configure", lambda _, media: elements.append(media.get_element()))
    if setting["user"]:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        auth.add_digest(setting["user"], setting["password"], token)
        auth.set_supported_methods(2)  # digest
        server.set_auth(auth)
        factory.add_role_from_structure(
            Gst.Structure.new_from_string(
                "user, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
            )
        )
    server.get_mount_points().add_factory(setting["path"], factory)
    if not server.attach(None):
        raise SystemExit("cannot listen")
    loop = GLib.MainLoop()

    def command(*_: object) -> bool:
        words = sys.stdin.readline().split()
        if not words:
            loop.quit()
            return False
        for element in elements:
            if words[0] == "resize":
                wider = caps.replace("width={width}".format(**setting), f"width={words[1]}")
                new = wider.replace("height={height}".format(**setting), f"height={words[2]}")
                element.get_by_name("size").set_property("caps", Gst.Caps.from_string(new))
            else:
                element.get_by_name("valve").set_property("drop", words[0] == "stall")
        print("ok", flush=True)
        return True

    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, command)
    print(server.get_bound_port(), flush=True)
    loop.run()


if __name__ == "__main__":
    serve()
