"""RTSP cameras and lines that misbehave: one word for each outage, frames again by themselves, and memory that stays bounded."""

import time
from pathlib import Path

import numpy as np
import pytest

from gatehouse_edge.values import Frame, SourceDown
from gatehouse_testing.rtsp_trouble import Trouble, TroubledLine
from gatehouse_testing.waiting import wait_until

LOOPBACK = {"allow_loopback": True}
CHILD_MOST_MIB = 200
long = pytest.mark.long


@pytest.fixture
def line(camera):
    with TroubledLine(camera.port) as running:
        yield running


class Watched:
    """A live source and all that it said."""

    def __init__(self, source):
        self.source, self.downs, self.frames = source, [], 0

    def until(self, kind, timeout_s=25.0):
        """Lets things by until one of `kind`."""

        def look():
            got = self.source.read(0.5)
            self.downs += [got] if isinstance(got, SourceDown) else []
            self.frames += isinstance(got, Frame)
            return got if isinstance(got, kind) else None

        return wait_until(look, timeout_s, what=kind.__name__)

    def during(self, seconds):
        """Lets things by for a time."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            got = self.source.read(0.2)
            self.downs += [got] if isinstance(got, SourceDown) else []
            self.frames += isinstance(got, Frame)


@pytest.fixture
def watched(opened, line):
    watched = Watched(opened(line.url, live=True, **LOOPBACK))
    watched.until(Frame)
    return watched


def resident_mib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return (
        int(next(row for row in status.splitlines() if row.startswith("VmHWM")).split()[1]) / 1024
    )


def test_a_connection_that_ends_within_a_frame_is_one_outage(watched, line):
    before = watched.until(Frame)
    line.cut()
    assert "lost camera cam_1" in watched.until(SourceDown).reason
    after = watched.until(Frame)
    assert after.at > before.at
    assert len(watched.downs) == 1
    assert watched.source.health().reconnects == 1
    assert watched.source.health().extra["restarts"] == 0


@long
@pytest.mark.parametrize("trouble", [Trouble.HUSH, Trouble.BABBLE])
def test_a_stream_that_is_silent_or_nonsense_is_one_outage_however_long_it_lasts(
    watched, line, trouble
):
    line.trouble = trouble
    watched.until(SourceDown)
    watched.during(4.0)  # every try fails, which is not said again
    line.trouble = Trouble.NONE
    watched.until(Frame, 40)
    assert len(watched.downs) == 1
    assert watched.source.health().reconnects == 1


@long
def test_bytes_that_arrive_changed_never_stop_the_source_for_good(watched, line):
    line.trouble = Trouble.SCRAMBLE
    watched.during(6.0)
    line.trouble = Trouble.NONE
    watched.until(Frame, 40)
    assert resident_mib(watched.source.pid) < CHILD_MOST_MIB
    assert watched.source.health().state == "ok"


@long
def test_a_flood_costs_no_memory_and_ends(watched, line):
    line.trouble = Trouble.FLOOD
    began_s = time.monotonic()
    most_mib = 0.0
    while time.monotonic() - began_s < 6.0:
        got = watched.source.read(0.2)
        watched.downs += [got] if isinstance(got, SourceDown) else []
        pid = watched.source.pid
        if pid is not None:
            most_mib = max(most_mib, resident_mib(pid))
    assert most_mib < CHILD_MOST_MIB
    assert watched.downs
    line.trouble = Trouble.NONE
    line.cut()
    watched.until(Frame, 40)


@long
def test_a_camera_that_answers_slowly_is_waited_for(opened, line):
    line.delay_s = 0.5
    watched = Watched(opened(line.url, live=True, **LOOPBACK))
    watched.until(Frame)
    assert watched.downs == []


@long
def test_a_line_that_hangs_up_at_once_is_tried_again_and_again_without_a_rush(opened, line):
    line.refusing = True
    watched = Watched(opened(line.url, live=True, **LOOPBACK))
    assert "cannot reach camera cam_1" in watched.until(SourceDown).reason
    began_s, before = time.monotonic(), line.connections
    watched.during(3.0)
    a_second = (line.connections - before) / (time.monotonic() - began_s)
    assert 0 < a_second < 25  # each try connects twice; they are 0.1 s apart at least, here
    line.refusing = False
    watched.until(Frame, 40)
    assert len(watched.downs) == 1


@long
def test_a_camera_that_comes_back_with_another_size_goes_on(watched, camera):
    camera.restart(width=640, height=360)
    watched.until(SourceDown)
    assert watched.until(Frame, 40).pixels.shape == (360, 640, 3)
    camera.restart(width=160, height=120)
    watched.until(SourceDown)
    assert watched.until(Frame, 40).pixels.shape == (120, 160, 3)
    assert len(watched.downs) == 2
    assert watched.source.health().reconnects == 2


@long
def test_a_camera_whose_password_was_changed_says_so_until_it_is_let_in_again(watched, camera):
    camera.restart(user="admin", password="changed")
    watched.until(SourceDown)
    wait_until(
        lambda: watched.source.read(0.2) is None and "password" in str(watched.source.failure), 20
    )
    camera.restart(user="", password="")
    watched.until(Frame, 40)
    assert len(watched.downs) == 1


@long
def test_a_camera_that_changes_its_codec_while_it_is_away_goes_on(watched, camera):
    camera.restart(codec="h265")
    watched.until(SourceDown)
    frame = watched.until(Frame, 40)
    assert np.ptp(frame.pixels) > 50
