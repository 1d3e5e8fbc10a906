import os
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import nan

import numpy as np
import pytest

from gatehouse_edge.inference.child import Segments
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.letterbox import Letterbox
from gatehouse_edge.inference.manifest import InputSpec
from gatehouse_edge.inference.messages import Look, decode_request, encode_look
from gatehouse_edge.inference.tiled import TiledDetector
from gatehouse_edge.rules.homography import Homography
from gatehouse_edge.rules.views import View
from gatehouse_edge.values import Frame, FrameKind, Place
from gatehouse_shared.names import Label
from gatehouse_testing.runtimes import plaza

TIME = datetime(2026, 5, 4, tzinfo=UTC)
AT = (1500, 700)


@pytest.fixture(scope="module")
def near():
    return plaza()


@pytest.fixture(scope="module")
def far(near):
    """The plaza as a small part of a picture four times as large."""
    high, wide = near.shape[:2]
    picture = np.full((4 * high, 4 * wide, 3), 90, np.uint8)
    picture[AT[1] : AT[1] + high, AT[0] : AT[0] + wide] = near
    return picture


@pytest.fixture(scope="module")
def single():
    with closing(open_detector("gatehouse_scenes", threads=1)) as opened:
        yield opened


def ground(far, near, tall_px=45.0):
    """Marks over the plaza's part of the picture, where people are all about `tall_px` tall."""
    high, wide = far.shape[:2]
    metres = 1.7 * wide / tall_px
    fit = Homography(((metres, 0, -metres / 2), (0, 100, 0), (0, 0, 1)), 0.0)
    x1, y1 = (AT[0] + 0.1 * near.shape[1]) / wide, (AT[1] + 0.2 * near.shape[0]) / high
    x2, y2 = (AT[0] + 0.9 * near.shape[1]) / wide, (AT[1] + 0.95 * near.shape[0]) / high
    return View("cam", "plaza", ((x1, y1), (x2, y1), (x2, y2), (x1, y2)), fit)


def frame(pixels, number=0, place=None):
    at = number * 0.2
    return Frame("cam", FrameKind.COLOUR, number, at, TIME + timedelta(seconds=at), pixels, place)


def people(found):
    return [d for d in found if d.label is Label.PERSON and d.score >= 0.5]


def test_people_whom_the_whole_picture_misses_are_found_in_tiles(single, near, far):
    tiled = TiledDetector(single, (ground(far, near),))
    there = people(single.detect(near))
    assert len(people(single.look(frame(far)))) == 0
    found = people(tiled.look(frame(far)))
    assert len(there) > 5
    assert len(found) > 0.7 * len(there)
    x, y = AT
    for one in found:
        assert x - 5 <= one.xyxy[0]
        assert one.xyxy[3] <= y + near.shape[0] + 5


def test_tiles_are_looked_at_in_every_second_look_and_the_tracker_is_told(single, near, far):
    tiled = TiledDetector(single, (ground(far, near),))
    found, looked, before = [], [], []
    for number in range(4):
        found.append(len(people(tiled.look(frame(far, number)))) > 0)
        patch = tiled.patches()[0]
        looked.append(patch.looked)
        before.append(patch.before)
    assert found == looked == [True, False, True, False]
    assert before == pytest.approx([float("-inf"), 0.0, 0.0, 0.4])


def test_a_camera_that_starts_again_or_changes_its_size_is_laid_out_afresh(single, near, far):
    tiled = TiledDetector(single, (ground(far, near),))
    tiled.look(frame(far, 5))
    first = tiled.patches()
    tiled.look(frame(far, 0))
    assert tiled.patches()[0] == first[0]
    tiled.look(frame(np.ascontiguousarray(far[:1080, :1920]), 1))
    assert tiled.patches() != first
    tiled.look(frame(np.ascontiguousarray(near[::2, ::2]), 2))
    assert tiled.patches() == ()


def test_without_marks_it_is_the_detector_alone(single, near):
    tiled = TiledDetector(single, ())
    assert tiled.look(frame(near)) == single.detect(near)
    assert tiled.patches() == ()


class Lent:
    """A decoder's memory with one frame in it."""

    number = 7

    def __init__(self, pixels):
        self.fd = os.memfd_create("decoder")
        os.write(self.fd, pixels.tobytes())

    def duplicate(self):
        return os.dup(self.fd)

    def hold(self, slot):
        """Nobody writes here."""

    release = hold


def test_a_tile_of_a_frame_in_the_decoders_memory_is_the_same_as_of_a_copy(single, near, far):
    memory = Lent(far)
    copied = TiledDetector(single, (ground(far, near),)).look(frame(far))
    lent = TiledDetector(single, (ground(far, near),)).look(frame(far, 0, Place(memory, 0, 0)))
    os.close(memory.fd)
    assert lent == copied


def look(region, size=(200, 100)):
    return Look(1, 0, 0, size[1], size[0], 0, nan, region)


@pytest.fixture
def segments():
    made = Segments()
    fd = os.memfd_create("frame")
    os.ftruncate(fd, 200 * 100 * 3)
    made.attach(0, fd)
    yield made
    made.detach(0)


def test_a_region_is_a_view_of_the_frame_and_no_copy(segments):
    part = segments.pixels(look((100, 20, 80, 70)))
    assert part.shape == (70, 80, 3)
    assert part.base is not None
    assert part.strides == (600, 3, 1)


@pytest.mark.parametrize(
    "region",
    [(0, 0, 201, 100), (0, 0, 200, 101), (150, 0, 64, 64), (0, 50, 64, 64), (0, 0, 63, 64), (0, 0, 64, 63)],
    ids=["wide", "high", "right", "under", "narrow", "flat"],
)  # fmt: skip
def test_a_region_beyond_its_frame_or_too_small_is_refused(segments, region):
    with pytest.raises(ValueError, match="region"):
        segments.pixels(look(region))


def test_a_frame_smaller_than_any_region_is_looked_at_as_a_whole(segments):
    assert segments.pixels(look((0, 0, 30, 20), (30, 20))).shape == (20, 30, 3)
    with pytest.raises(ValueError, match="region"):
        segments.pixels(look((0, 0, 29, 20), (30, 20)))


def test_a_look_at_a_region_says_so_on_the_wire():
    asked = Look(9, 1, 2, 720, 1280, 4096, 1.5, (10, 20, 300, 400))
    assert decode_request(encode_look(asked)) == asked


def test_a_tile_is_brought_to_the_model_without_copying_it_first():
    pixels = np.zeros((2160, 3840, 3), np.uint8)
    letterbox = Letterbox(InputSpec(name="images", width=416, height=416))
    tile = pixels[700:1340, 1000:1640]
    letterbox.prepare(tile)
    tracemalloc.start()
    try:
        letterbox.prepare(tile)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < tile.nbytes
