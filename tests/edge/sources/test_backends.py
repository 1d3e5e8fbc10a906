"""Other decoders than the box's own give the same pictures at the same times, and their failures are failures of one camera."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
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
from gatehouse_testing.rtsp_trouble import TroubledLine
from gatehouse_testing.videos import clip_of, missing_decoder
from gatehouse_testing.waiting import wait_until

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "edge/docs/examples/y4m_decoder.py"
SYSTEM = ["ffmpeg", "gstreamer"]
EITHER = ["ffmpeg", pytest.param("gstreamer", marks=pytest.mark.long)]
CODECS = ["h264", "h265", "mjpeg"]


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    """A clip of two seconds, 15 pictures a second, by codec."""
    made = {}

    def make(codec):
        if codec not in made:
            folder = tmp_path_factory.mktemp("coded")
            made[codec] = clip_of(folder, codec, size=(318, 180), fps=15, seconds=2)
        return made[codec]

    return make


def need(decoder):
    if lacking := missing_decoder(decoder):
        pytest.skip(lacking)


def spec_of(url, **options):
    return msgspec.convert({"url": str(url), **options}, SourceSpec)


def programs_of(pid):
    """Processes that a decode child started."""
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def internet_sockets(pid):
    """Inode numbers of the TCP and UDP sockets that a process holds."""
    held = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}  # noqa: PTH115
    tables = [Path(f"/proc/net/{kind}").read_text() for kind in ("tcp", "tcp6", "udp", "udp6")]
    rows = [row.split() for table in tables for row in table.splitlines()[1:]]
    return held & {f"socket:[{row[9]}]" for row in rows}


def next_of(source, kind, timeout_s=20.0):
    def look():
        got = source.read(1.0)
        return got if isinstance(got, kind) else None

    return wait_until(look, timeout_s, what=kind.__name__)


@pytest.mark.parametrize("rate_fps", [pytest.param(None, marks=pytest.mark.long), 4])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("decoder", SYSTEM)
def test_a_system_decoder_gives_the_pictures_and_times_of_the_own_one(
    opened, coded, decoder, codec, rate_fps
):
    need(decoder)
    own, other = (
        [(f.index, f.at, f.pixels.copy()) for f in opened(coded(codec), **options).frames()]
        for options in ({"rate_fps": rate_fps}, {"rate_fps": rate_fps, "decoder": decoder})
    )
    assert len(own) == (30 if rate_fps is None else 8)
    assert [index for index, _, _ in own] == [index for index, _, _ in other]
    assert np.allclose([at for _, at, _ in own], [at for _, at, _ in other], atol=1e-5)
    for (_, _, a), (_, _, b) in zip(own, other, strict=True):
        assert a.shape == b.shape == (180, 318, 3)
        assert np.abs(a.astype(int) - b.astype(int)).mean() < 6


@pytest.mark.long
@pytest.mark.parametrize("decoder", ["opencv", *SYSTEM])
def test_a_live_recording_loops_with_every_decoder(opened, coded, decoder):
    need(decoder)
    source = opened(coded("h264"), live=True, loop=True, decoder=decoder)
    ats = [next_of(source, Frame).at for _ in range(40)]
    assert ats[-1] > 2.0
    assert np.all(np.diff(ats) > 0)


@pytest.mark.long
@pytest.mark.parametrize("decoder", EITHER)
def test_a_file_is_retimed_whoever_decodes_it(opened, coded, decoder):
    need(decoder)
    source = opened(coded("h264"), native_fps=5, rate_fps=1, decoder=decoder)
    assert [round(f.at, 6) for f in source.frames()] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("decoder", EITHER)
def test_a_program_that_dies_is_a_crash_of_its_camera_and_starts_again(opened, coded, decoder):
    need(decoder)
    source = opened(coded("h264"), live=True, loop=True, decoder=decoder)
    next_of(source, Frame)
    (program,) = programs_of(source.pid)
    os.kill(program, signal.SIGKILL)
    down = next_of(source, SourceDown)
    assert "ended by SIGKILL" in down.reason
    next_of(source, Frame)
    assert source.health().extra["restarts"] == 1


@pytest.mark.parametrize("decoder", EITHER)
def test_no_program_outlives_its_decode_child(opened, coded, decoder):
    need(decoder)
    source = opened(coded("h264"), live=True, loop=True, decoder=decoder)
    next_of(source, Frame)
    (program,) = programs_of(source.pid)
    os.kill(source.pid, signal.SIGKILL)
    next_of(source, SourceDown)
    wait_until(lambda: not alive(program), 5)


@pytest.mark.parametrize("decoder", EITHER)
def test_a_system_decoder_has_neither_address_nor_network_and_the_limits_of_the_child(
    opened, camera, decoder
):
    need(decoder)
    url = camera.url_with("somebody", "c4nary")
    source = opened(url, live=True, decoder=decoder, allow_loopback=True)
    next_of(source, Frame)
    (program,) = programs_of(source.pid)
    told = Path(f"/proc/{program}/cmdline").read_bytes()
    told += Path(f"/proc/{program}/environ").read_bytes()
    assert b"c4nary" not in told
    assert b"rtsp" not in told
    assert not internet_sockets(program)
    assert internet_sockets(source.pid)
    limits = Path(f"/proc/{program}/limits").read_text()
    assert f"{'Max address space':26}{2 << 30}" in limits
    assert "Max file size             0" in limits


@pytest.mark.parametrize("decoder", [*EITHER, pytest.param("opencv", marks=pytest.mark.long)])
def test_a_camera_that_changes_its_size_within_the_stream_goes_on(opened, camera, decoder):
    need(decoder)
    source = opened(
        camera.url, live=True, decoder=decoder, allow_loopback=True, privacy=[[[0, 0], [0.5, 0], [0, 0.5]]]
    )  # fmt: skip
    assert next_of(source, Frame).pixels.shape == (240, 320, 3)
    camera.resize(640, 480)
    wanted = (240, 320, 3) if decoder == "opencv" else (480, 640, 3)  # OpenCV scales

    def resized():
        frame = next_of(source, Frame)
        assert (frame.pixels[0, : frame.pixels.shape[1] // 2] == 128).all()
        return frame.pixels.shape == wanted

    wait_until(resized, 15)
    ats = [next_of(source, Frame).at for _ in range(10)]
    assert np.all(np.diff(ats) > 0)
    assert source.health().extra["restarts"] == 0


@pytest.mark.parametrize("decoder", EITHER)
def test_a_stream_that_is_lost_is_no_fault_of_the_program(opened, camera, decoder):
    need(decoder)
    with TroubledLine(camera.port) as line:
        source = opened(line.url, live=True, decoder=decoder, allow_loopback=True)
        before = next_of(source, Frame)
        line.cut()
        assert "the stream ended" in next_of(source, SourceDown).reason
        assert next_of(source, Frame).at > before.at
    assert (source.health().reconnects, source.health().extra["restarts"]) == (1, 0)


@pytest.mark.parametrize("decoder", EITHER)
def test_a_decoder_that_is_not_installed_is_named_with_its_packages(coded, monkeypatch, decoder):
    path = coded("h264")
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    with pytest.raises(ConfigError, match="on this machine") as caught:
        probe("cam_1", spec_of(path, decoder=decoder), clock=SystemClock())
    assert caught.value.remedy.startswith("apt install ")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "usb:0", "decoder": "ffmpeg"}, "files and network cameras only"),
        ({"url": "a.mp4", "hardware": "vaapi"}, "needs the system's decoder"),
        ({"url": "a.mp4", "decoder": {"command": ["x"]}, "hardware": "nvdec"}, "system's decoder"),
    ],
)
def test_a_decoder_that_the_source_cannot_have_is_refused(options, says):
    with pytest.raises(ConfigError, match=says) as caught:
        open_source("cam_1", msgspec.convert(options, SourceSpec), live=True, clock=SystemClock())
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("decoder", "hardware", "codec"),
    [
        ("ffmpeg", "v4l2m2m", "mjpeg"),
        ("ffmpeg", "v4l2m2m", "h265"),
        ("ffmpeg", "nvdec", "h264"),
        ("gstreamer", "rkmpp", "h264"),
    ],
)
def test_hardware_that_is_not_there_is_a_fault_of_the_configuration(
    coded, decoder, hardware, codec
):
    need(decoder)
    if hardware == "nvdec" and Path("/dev/nvidia0").exists():
        pytest.skip("this machine has the hardware that shall be missing")
    spec = spec_of(coded(codec), decoder=decoder, hardware=hardware)
    with pytest.raises(SourceFailedError) as caught:
        probe("cam_1", spec, clock=SystemClock())
    assert caught.value.reason is FailReason.CONFIGURATION
    assert "leave `decoder` and `hardware` out" in caught.value.remedy


@pytest.mark.parametrize("decoder", EITHER)
def test_a_codec_that_is_not_passed_on_is_named(clip, decoder):
    need(decoder)
    with pytest.raises(SourceFailedError, match=r"H\.264, H\.265 and MJPEG"):
        probe("cam_1", spec_of(clip(), decoder=decoder), clock=SystemClock())


@pytest.mark.long
@pytest.mark.parametrize("decoder", EITHER)
@pytest.mark.parametrize("seed", range(3))
def test_flipped_bytes_never_take_the_agent_down_whoever_decodes(
    opened, coded, tmp_path, decoder, seed
):
    need(decoder)
    random = np.random.default_rng(seed)
    data = bytearray(coded("h264").read_bytes())
    for at in random.integers(500, len(data), 300):
        data[at] ^= 1 << int(random.integers(8))
    (tmp_path / "broken.mp4").write_bytes(data)
    source = opened(tmp_path / "broken.mp4", decoder=decoder)
    with contextlib.suppress(SourceFailedError):
        assert len(list(source.frames())) <= 60
    assert source.ended


@pytest.fixture
def y4m(tmp_path):
    """A YUV4MPEG2 file with odd sides, ten grays."""

    def write(frames=10):
        path = tmp_path / "grays.y4m"
        with path.open("wb") as out:
            out.write(b"YUV4MPEG2 W31 H21 F10:1 Ip C420\n")
            for n in range(frames):
                out.write(b"FRAME\n" + bytes([16 + 20 * n]) * (31 * 21))
                out.write(b"\x80" * (16 * 11 * 2))
        return path

    return write


def test_the_documented_decoder_of_another_make_is_a_source_like_any(opened, y4m):
    command = {"command": [sys.executable, str(EXAMPLE)]}
    frames = [
        (f.index, round(f.at, 3), f.pixels.shape, int(f.pixels[3, 4, 0]))
        for f in opened(y4m(), decoder=command, privacy=[[[0, 0], [0.05, 0], [0, 0.05]]]).frames()
    ]
    grays = [min(255, round(1.164 * 20 * n)) for n in range(10)]
    assert [(i, at, shape) for i, at, shape, _ in frames] == [
        (n, n / 10, (21, 31, 3)) for n in range(10)
    ]
    assert np.allclose([gray for *_, gray in frames], grays, atol=1)


def test_a_decoder_of_another_make_has_bounds_and_its_faults_are_told(opened, y4m):
    command = {"command": [sys.executable, str(EXAMPLE)], "memory_mib": 1024}
    source = opened(y4m(), live=True, decoder=command)
    next_of(source, Frame)
    assert f"{'Max address space':26}{1 << 30}" in Path(f"/proc/{source.pid}/limits").read_text()
    with pytest.raises(SourceFailedError, match="no YUV4MPEG2"):
        probe("cam_1", spec_of(EXAMPLE, decoder=command), clock=SystemClock())
    with pytest.raises(ConfigError, match="no /nowhere/decoder on this machine"):
        probe("c", spec_of("a", decoder={"command": ["/nowhere/decoder"]}), clock=SystemClock())


def test_the_documented_decoder_imports_nothing_of_ours():
    found = subprocess.run(
        ["grep", "-c", "import gatehouse\\|from gatehouse", EXAMPLE], check=False
    )
    assert found.returncode == 1
