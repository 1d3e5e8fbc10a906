"""Recorded sources: every due frame, the right one, at the right time, the same on every run."""

import hashlib
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from gatehouse_edge.errors import ConfigError, SourceError
from gatehouse_edge.values import FrameKind
from gatehouse_testing.waiting import wait_until


def grays(source):
    return [round(float(frame.pixels.mean())) for frame in source.frames()]


def close_to(found, wanted):
    return len(found) == len(wanted) and all(
        abs(f - w) <= 4 for f, w in zip(found, wanted, strict=True)
    )


def test_every_frame_comes_once_in_order_with_its_media_time(clip, opened):
    frames = [(f.index, f.at, f.pixels.shape) for f in opened(clip(frames=20, fps=10)).frames()]
    assert [f[0] for f in frames] == list(range(20))
    assert np.allclose([f[1] for f in frames], np.arange(20) / 10, atol=1e-3)
    assert {f[2] for f in frames} == {(48, 64, 3)}


def test_a_slow_consumer_misses_nothing_and_holds_the_right_pixels(clip, opened, gray_of):
    source = opened(clip(frames=20))
    seen = []
    for frame in source.frames():
        before = frame.pixels.copy()
        list(range(20_000))  # the child meanwhile decodes the next one
        assert np.array_equal(before, frame.pixels)
        seen.append(round(float(before.mean())))
    assert close_to(seen, [gray_of(k) for k in range(20)])


def test_native_fps_re_times_a_file_whose_header_lies(clip, opened):
    ats = [f.at for f in opened(clip(frames=20, fps=10), native_fps=7).frames()]
    assert np.allclose(ats, np.arange(20) / 7)


def test_rate_fps_takes_the_first_frame_of_each_span(clip, opened):
    frames = [(f.index, f.at) for f in opened(clip(frames=20, fps=10), rate_fps=4).frames()]
    assert [f[0] for f in frames] == [0, 3, 5, 8, 10, 13, 15, 18]
    assert opened(clip(frames=20, fps=10), rate_fps=50).frames()


def test_the_pixels_of_a_thinned_source_are_of_the_frame_it_names(clip, opened, gray_of):
    source = opened(clip(frames=20, fps=10), rate_fps=4)
    assert close_to(grays(source), [gray_of(k) for k in (0, 3, 5, 8, 10, 13, 15, 18)])


def test_start_skips_to_a_media_time(clip, opened):
    frames = [
        (f.index, round(f.at, 3)) for f in opened(clip(frames=20, fps=10), start_s=1.5).frames()
    ]
    assert frames[0] == (15, 1.5)
    assert len(frames) == 5


def test_time_is_the_start_that_was_given_plus_media_time(clip, opened):
    start = datetime(2026, 5, 4, 12, tzinfo=UTC)
    frames = list(opened(clip(frames=20, fps=10), recorded_at=start).frames())
    assert frames[5].time == start + timedelta(seconds=frames[5].at)


def test_a_second_run_gives_the_same_bytes(asset, opened):
    def digest():
        whole = hashlib.sha256()
        for frame in opened(asset("video/people-detection.gif")).frames():
            whole.update(f"{frame.index} {frame.at!r} {frame.time}".encode())
            whole.update(frame.pixels.tobytes())
        return whole.hexdigest()

    assert digest() == digest()


def test_an_analysed_recording_does_not_loop(clip, opened):
    assert len(list(opened(clip(frames=5), loop=True).frames())) == 5


def test_a_clip_with_a_wrong_frame_count_is_told_by_its_stamps(asset, opened):
    # 682 frames at 50 fps says the header; half of them are empty
    ats = [f.at for f in opened(asset("video/hall-720p.avi")).frames()]
    assert len(ats) == 341
    assert np.allclose(np.diff(ats)[:-1], 0.04, atol=1e-6)


def test_a_live_source_cannot_be_analysed(opened):
    with pytest.raises(ConfigError, match="cannot be analysed"):
        opened("rtsp://192.0.2.1/live")


@pytest.mark.parametrize("name", ["garbage.mp4", "empty.mp4", "text.avi", "playlist.mp4"])
def test_a_hostile_file_is_an_error_with_a_remedy(tmp_path, opened, name):
    content = {
        "garbage.mp4": np.random.default_rng(1).bytes(100_000),
        "empty.mp4": b"",
        "text.avi": b"hello",
        "playlist.mp4": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    }[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match="cam_1") as caught:
        list(opened(tmp_path / name).frames())
    assert caught.value.remedy


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_cut_off_mp4_ends_or_fails_and_never_hangs(clip, opened, keep, tmp_path):
    whole = clip(frames=40).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: int(len(whole) * keep)])
    try:
        got = len(list(opened(tmp_path / "cut.mp4").frames()))
    except SourceError:
        got = 0
    assert got < 40


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bytes_never_take_the_agent_down(clip, opened, tmp_path, seed):
    broken = bytearray(clip(frames=40).read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(0, len(broken), 200):
        broken[place] = random.integers(256)
    (tmp_path / "flipped.mp4").write_bytes(broken)
    try:
        got = len(list(opened(tmp_path / "flipped.mp4").frames()))
    except SourceError:
        got = 0
    assert got <= 41


def test_a_shorter_file_than_promised_is_said_in_the_log(asset, opened, tmp_path, caplog):
    whole = asset("video/hall-720p.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    assert 20 < len(list(opened(tmp_path / "cut.avi").frames())) < 300
    assert "ended after" in caplog.text


def test_a_killed_decoder_is_an_error_that_names_the_signal(clip, opened):
    source = opened(clip(frames=20))
    frames = source.frames()
    next(frames)
    os.kill(source.pid, signal.SIGKILL)
    with pytest.raises(SourceError, match="SIGKILL"):
        list(frames)


def test_a_held_frame_outlives_its_source(clip, opened, gray_of):
    source = opened(clip(frames=3))
    frame = next(source.frames())
    source.close()
    assert abs(float(frame.pixels.mean()) - gray_of(0)) <= 4


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_behind_in_shared_memory_or_open_files(clip, opened):
    before = open_files()
    for _ in range(3):
        source = opened(clip(frames=3))
        next(source.frames())
        os.kill(source.pid, signal.SIGKILL)
        source.close()
    assert not [p for p in Path("/dev/shm").glob("*") if "gatehouse" in p.name]
    assert open_files() == before


def test_the_child_sees_no_secret_in_argv_or_environment_and_may_write_no_file(
    clip, opened, monkeypatch
):
    monkeypatch.setenv("BROKER_PASSWORD", "c4nary")
    source = opened(clip(frames=200))
    next(source.frames())
    process = Path(f"/proc/{source.pid}")
    assert b"clip-" not in (process / "cmdline").read_bytes()
    assert b"c4nary" not in (process / "environ").read_bytes()
    limits = (process / "limits").read_text()
    rows = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
    assert rows["Max file size"] == "0"
    assert rows["Max core file size"] == "0"
    assert int(rows["Max address space"]) <= 2 << 30


def test_stills_come_in_the_order_of_their_names_and_may_differ_in_size(tmp_path, opened):
    for number, size in enumerate([(40, 60), (40, 60), (80, 120), (20, 30)]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((*size, 3), 10 * number, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    source = opened(f"stills:{tmp_path}", native_fps=2)
    found = [(f.at, f.pixels.shape[:2], int(f.pixels[0, 0, 0])) for f in source.frames()]
    assert found == [(0, (40, 60), 0), (0.5, (40, 60), 10), (1, (80, 120), 20), (1.5, (20, 30), 30)]


def test_a_still_that_is_none_is_named(tmp_path, opened):
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "2.png").write_bytes(b"\x89PNG nonsense")
    with pytest.raises(SourceError, match=r"2\.png"):
        list(opened(f"stills:{tmp_path}/*.png").frames())


def test_an_enormous_still_is_refused_and_not_loaded(tmp_path, opened):
    cv2.imwrite(str(tmp_path / "bomb.png"), np.zeros((9000, 9000), np.uint8))
    with pytest.raises(SourceError):
        list(opened(f"stills:{tmp_path}").frames())


def test_hold_shows_each_picture_for_its_time(tmp_path, opened):
    np.save(tmp_path / "one.npy", np.full((6, 8), 62.0, np.float32))
    frames = list(opened(f"radiometric:{tmp_path}/one.npy", hold_s=60, native_fps=1).frames())
    assert len(frames) == 60
    assert frames[-1].at == 59
    assert frames[-1].pixels.dtype == np.float32


def test_centikelvin_becomes_degrees(tmp_path, opened):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((6, 8), 30515, np.uint16))
    source = opened(f"radiometric:{tmp_path}", scale_c=0.01, offset_c=-273.15)
    frame = next(source.frames())
    assert frame.kind is FrameKind.THERMAL
    assert np.allclose(frame.pixels, 32.0, atol=1e-3)


def test_raw_counts_without_a_scale_are_refused(tmp_path, opened):
    np.save(tmp_path / "raw.npy", np.full((3, 6, 8), 30000, np.uint16))
    with pytest.raises(SourceError, match="scale_c and offset_c"):
        next(opened(f"radiometric:{tmp_path}/raw.npy").frames())


def test_pickled_arrays_are_never_loaded(tmp_path, opened):
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SourceError, match="plain numbers"):
        next(opened(f"radiometric:{tmp_path}/evil.npy").frames())


def test_the_flir_pictures_are_read_as_degrees(asset, opened):
    path = asset("thermal/flir_example_radiometric.npz")
    frame = next(opened(f"radiometric:{path}").frames())
    assert frame.pixels.shape == (320, 240)
    assert 60 < float(frame.pixels.max()) < 64


SCENE = """
import numpy as np
class Grey:
    width, height, fps, period_s, kind = 32, 24, 10.0, 2.0, "{kind}"
    def render(self, at):
        return {picture}
SCENE = Grey()
"""


@pytest.fixture
def seeds(tmp_path):
    (tmp_path / "scenes").mkdir()

    def write(name="grey", kind="colour", picture="np.full((24, 32, 3), int(at * 100), np.uint8)"):
        (tmp_path / "scenes" / f"{name}.py").write_text(SCENE.format(kind=kind, picture=picture))
        return tmp_path

    return write


def test_a_scene_is_drawn_over_one_period_from_the_chosen_second(seeds, opened):
    frames = [
        (round(f.at, 3), int(f.pixels[0, 0, 0]))
        for f in opened("scene:grey", seeds=seeds(), start_s=1.5, rate_fps=2).frames()
    ]
    assert frames == [(1.5, 150), (2.0, 0), (2.5, 50), (3.0, 100)]


def test_a_thermal_scene_gives_degrees(seeds, opened):
    folder = seeds(kind="thermal", picture="np.full((24, 32), 20.0 + at)")
    frame = next(opened("scene:grey", seeds=folder).frames())
    assert frame.kind is FrameKind.THERMAL
    assert frame.pixels.dtype == np.float32


@pytest.mark.parametrize(
    ("picture", "says"),
    [("np.zeros((9, 9, 3), np.uint8)", "the scene drew"), ("1 / 0", "ZeroDivisionError")],
)
def test_a_broken_scene_is_told(seeds, opened, picture, says):
    with pytest.raises(SourceError, match=says):
        next(opened("scene:grey", seeds=seeds(picture=picture)).frames())


def test_a_scene_that_does_not_exist_is_named(seeds, opened):
    with pytest.raises(SourceError, match=r"there is no scene .*nowhere\.py"):
        next(opened("scene:nowhere", seeds=seeds()).frames())


def test_the_child_ends_when_the_agent_is_killed(clip, tmp_path):
    program = (
        "import sys, time\n"
        "from gatehouse_edge.clock import SystemClock\n"
        "from gatehouse_edge.sources.opening import open_source\n"
        "from gatehouse_edge.sources.spec import SourceSpec\n"
        f"s = open_source('c', SourceSpec(url={str(clip(frames=20))!r}), live=False, clock=SystemClock())\n"
        "next(s.frames()); print(s.pid, flush=True); time.sleep(60)\n"
    )
    agent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child = int(agent.stdout.readline())
    agent.kill()
    agent.communicate()

    def gone():
        try:
            return (Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]) == "Z"
        except OSError:
            return True

    wait_until(gone, 10)
