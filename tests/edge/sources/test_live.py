"""Live sources: the latest frame only, one word when it goes, back by itself."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.sources.failures import FailReason, SourceFailedError
from gatehouse_edge.sources.opening import open_source, probe
from gatehouse_edge.sources.spec import SourceSpec
from gatehouse_edge.values import Frame, SourceDown
from gatehouse_testing import rtsp
from gatehouse_testing.videos import missing_decoder
from gatehouse_testing.waiting import wait_until

LOOPBACK = {"allow_loopback": True}


def spec_of(url, **options):
    return msgspec.convert({"url": url, **options}, SourceSpec)


def next_of(source, kind, timeout_s=20.0):
    """The next frame or outage, letting the other kind by."""

    def look():
        got = source.read(1.0)
        return got if isinstance(got, kind) else None

    return wait_until(look, timeout_s, what=f"{kind.__name__} of {source.device}")


def test_a_recording_is_played_at_its_own_speed_and_ends(clip, opened):
    source = opened(clip(frames=10, fps=10), live=True)
    frames = [(frame.at, time.monotonic()) for frame in source.frames()]
    assert source.ended
    took_s = frames[-1][1] - frames[0][1]
    assert 0.6 < took_s < 2.5
    assert np.all(np.diff([at for at, _ in frames]) > 0)


def test_a_looping_recording_goes_on_in_time(clip, opened):
    source = opened(clip(frames=5, fps=25), live=True, loop=True)
    ats = [next_of(source, Frame).at for _ in range(12)]
    assert np.all(np.diff(ats) > 0)
    assert ats[-1] >= 11 / 25 - 0.01


def test_a_slow_consumer_gets_the_latest_frame_and_no_backlog(clip, opened):
    source = opened(clip(frames=100, fps=50), live=True)
    first = next_of(source, Frame)
    began_s = time.monotonic()
    wait_until(lambda: time.monotonic() - began_s > 0.5)  # busy with something else
    second = next_of(source, Frame)
    assert second.index - first.index >= 15
    assert abs((SystemClock().now() - second.time).total_seconds()) < 0.3


def test_rate_fps_holds_while_the_consumer_is_quick(clip, opened):
    source = opened(clip(frames=60, fps=50), live=True, rate_fps=10)
    ats = [frame.at for frame in source.frames()]
    assert 10 <= len(ats) <= 12
    assert source.health().target_fps == 10


def test_a_killed_decoder_is_told_once_and_started_again(clip, opened, caplog):
    source = opened(clip(frames=20, fps=25), live=True, loop=True)
    before = next_of(source, Frame)
    os.kill(source.pid, signal.SIGKILL)
    down = next_of(source, SourceDown)
    assert "SIGKILL" in down.reason
    assert source.health().state == "down"
    after = next_of(source, Frame)
    assert after.at > before.at
    assert after.index > before.index
    assert (source.health().state, source.health().reconnects) == ("ok", 1)
    assert source.health().extra["restarts"] == 1
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1


def test_a_decoder_that_keeps_crashing_rests_when_its_budget_is_spent(clip, opened):
    source = opened(clip(frames=20, fps=25), live=True, loop=True)
    for _ in range(3):
        next_of(source, Frame)
        os.kill(source.pid, signal.SIGKILL)
        next_of(source, SourceDown)
    next_of(source, Frame)
    os.kill(source.pid, signal.SIGKILL)
    next_of(source, SourceDown)
    assert source.read(1.0) is None
    assert source.pid is None


def test_a_missing_file_is_told_once_and_tried_again(clip, opened, tmp_path):
    source = opened(tmp_path / "later.mp4", live=True)
    assert "there is no file" in next_of(source, SourceDown).reason
    assert source.read(1.0) is None
    clip(frames=20).rename(tmp_path / "later.mp4")
    assert next_of(source, Frame).index == 0


def test_a_decoder_that_talks_nonsense_is_a_crash(opened):
    source = opened("x.mp4", live=True)
    babble = "import os; os.write(0, b'\\0\\0\\0\\3abc')"
    source._setting = replace(source._setting, command=(sys.executable, "-c", babble))
    assert "no message" in next_of(source, SourceDown).reason


def test_a_decoder_that_says_nothing_is_ended(opened):
    source = opened("x.mp4", live=True)
    patience = replace(source._setting.patience, open_s=0.5)
    mute = (sys.executable, "-c", "import time; time.sleep(60)")
    source._setting = replace(source._setting, command=mute, patience=patience)
    assert "not open after" in next_of(source, SourceDown).reason
    assert source.pid is None


def test_close_from_another_thread_ends_the_frames(clip, opened):
    source = opened(clip(frames=20, fps=25), live=True, loop=True)
    got = []
    reader = threading.Thread(target=lambda: got.extend(1 for _ in source.frames()))
    reader.start()
    wait_until(lambda: got)
    source.close()
    reader.join(5)
    assert not reader.is_alive()


def test_outages_reach_the_one_who_asked_to_be_told(opened, tmp_path):
    source = opened(tmp_path / "nothing.mp4", live=True)
    told = []

    def tell(down):
        told.append(down)
        source.close()

    source.on_down = tell
    assert list(source.frames()) == []
    assert [d.device for d in told] == ["cam_1"]


def test_a_scene_goes_on_with_its_story_after_a_restart(opened, tmp_path):
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "dial.py").write_text(
        "import numpy as np\n"
        "class Dial:\n"
        "    width, height, fps, period_s, kind = 16, 16, 20.0, 100.0, 'colour'\n"
        "    def render(self, at): return np.full((16, 16, 3), int(at * 10) % 250, np.uint8)\n"
        "SCENE = Dial()\n"
    )
    source = opened("scene:dial", live=True, seeds=tmp_path, start_s=5)
    first = int(next_of(source, Frame).pixels[0, 0, 0])
    assert first >= 50
    wait_until(lambda: int(next_of(source, Frame).pixels[0, 0, 0]) >= first + 5)
    os.kill(source.pid, signal.SIGKILL)
    next_of(source, SourceDown)
    assert int(next_of(source, Frame).pixels[0, 0, 0]) >= first + 5


def test_an_rtsp_camera_is_seen_at_its_rate_and_hour(camera, opened):
    source = opened(camera.url, live=True, rate_fps=5, **LOOPBACK)
    frames = [next_of(source, Frame) for _ in range(11)]
    assert frames[0].pixels.shape == (240, 320, 3)
    assert 1.6 < frames[-1].at - frames[0].at < 2.6
    assert abs(SystemClock().now() - frames[-1].time) < timedelta(seconds=1)
    assert source.health().state == "ok"


def test_an_rtsp_camera_that_stalls_is_told_within_the_stall_time_and_comes_back(camera, opened):
    source = opened(camera.url, live=True, **LOOPBACK)
    next_of(source, Frame)
    camera.stall()
    began_s = time.monotonic()
    assert "no frame after 2 s" in next_of(source, SourceDown).reason
    assert time.monotonic() - began_s < 5
    camera.go_on()
    assert next_of(source, Frame).at > 0


def test_an_rtsp_camera_that_is_switched_off_and_on_is_found_again(camera, opened):
    source = opened(camera.url, live=True, **LOOPBACK)
    before = next_of(source, Frame)
    camera.stop()
    down = next_of(source, SourceDown)
    assert "lost camera cam_1" in down.reason
    assert source.read(0.5) is None
    camera.start()
    after = next_of(source, Frame, 40)
    assert after.at > before.at
    assert source.health().reconnects == 1


def test_an_rtsp_camera_that_changes_its_size_keeps_giving_frames(camera, opened):
    source = opened(camera.url, live=True, **LOOPBACK)
    next_of(source, Frame)
    camera.resize(640, 480)
    ats = [next_of(source, Frame).at for _ in range(20)]
    assert np.all(np.diff(ats) > 0)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_probe_shows_what_a_camera_gives(codec):
    if lacking := rtsp.missing():
        pytest.skip(lacking)
    with rtsp.RtspCamera(codec=codec, size=(640, 360)) as camera:
        spec = spec_of(camera.url, **LOOPBACK)
        probed = probe("cam_1", spec, clock=SystemClock(), timeout_s=20)
    assert (probed.width, probed.height) == (640, 360)


def complaint(url, **options):
    with pytest.raises(SourceFailedError) as caught:
        probe("cam_1", spec_of(url, **options), clock=SystemClock())
    return caught.value


def test_probe_says_why_a_camera_gives_nothing(camera):
    path = complaint(camera.url + "-not", **LOOPBACK)
    assert path.reason is FailReason.NO_STREAM
    assert "cannot reach camera cam_1 at rtsp://127.0.0.1" in path.message
    camera.stop()
    closed = complaint(camera.url, **LOOPBACK)
    assert closed.reason is FailReason.UNREACHABLE
    assert "connection refused" in closed.message
    assert f"port {camera.port} is open" in closed.remedy
    assert complaint(camera.url).reason is FailReason.REFUSED
    assert "no device" in complaint("usb:99").message


def test_no_password_is_seen_in_errors_logs_or_argv(caplog, monkeypatch):
    if lacking := rtsp.missing():
        pytest.skip(lacking)
    monkeypatch.setenv("CAM_PW", "c4nary")
    with rtsp.RtspCamera(user="admin", password="c4nary") as camera:
        wrong = complaint(camera.url_with("admin", "c4nary-wrong"), **LOOPBACK)
        assert wrong.reason is FailReason.LOGIN
        assert complaint(camera.url, **LOOPBACK).reason is FailReason.LOGIN
        spec = spec_of(camera.url, user="admin", password_env="CAM_PW", **LOOPBACK)
        source = open_source("cam_1", spec, live=True, clock=SystemClock())
        next_of(source, Frame)
        argv = [
            p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if os.access(p, os.R_OK)
        ]
        environ = Path(f"/proc/{source.pid}/environ").read_bytes()
        source.close()
    assert not [a for a in argv if b"c4nary" in a]
    assert b"c4nary" not in environ
    assert "c4nary" not in caplog.text + str(wrong) + repr(spec)


def redirecting(listener, where):
    """Answers RTSP requests with a redirect until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            request = connection.recv(4096).decode()
            number = request.split("CSeq: ", 1)[1].split("\r\n", 1)[0]
            reply = f"RTSP/1.0 302 Moved\r\nCSeq: {number}\r\nLocation: {where}\r\n\r\n"
            connection.sendall(reply.encode())


@pytest.mark.parametrize("decoder", ["opencv", pytest.param("ffmpeg", marks=pytest.mark.long)])
def test_a_camera_that_redirects_to_another_host_is_refused(decoder):
    if lacking := rtsp.missing() or missing_decoder(decoder):
        pytest.skip(lacking)
    with (
        rtsp.RtspCamera(address="127.0.0.2") as other,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        threading.Thread(target=redirecting, args=(listener, other.url), daemon=True).start()
        url = f"rtsp://127.0.0.1:{listener.getsockname()[1]}/live"
        failure = complaint(url, decoder=decoder, **LOOPBACK)
    assert failure.reason is FailReason.REFUSED
    assert "127.0.0.2" in failure.message


def test_a_gateway_without_vision_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"gatehouse-edge\[vision\]"):
        open_source("cam_1", SourceSpec(url="a.mp4"), live=True, clock=SystemClock())


def test_specs_and_opening_import_without_vision():
    blocked = (
        "import sys; sys.modules['numpy'] = sys.modules['cv2'] = None\n"
        "import gatehouse_edge.sources.spec, gatehouse_edge.sources.opening\n"
        "import gatehouse_edge.sources.hosts, gatehouse_edge.sources.failures\n"
    )
    subprocess.run([sys.executable, "-c", blocked], check=True)
