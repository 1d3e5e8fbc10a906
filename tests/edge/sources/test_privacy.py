"""Privacy zones: no pixel that a zone touches is left, whatever its shape and the size of the picture."""

import math

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.app.analyze import Wish, recorded_spec
from gatehouse_edge.app.check import findings
from gatehouse_edge.config import load_config
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.sources.masking import (
    GREY,
    MARGIN_PX,
    NOTHING_SEEN_C,
    PrivacyMask,
    covered_ratio,
    covering,
)
from gatehouse_edge.sources.privacy import check_privacy

SQUARE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
EDGE = ((0.0, 0.0), (0.3, 0.0), (0.0, 0.4))
COMB = ((0, 0), (1, 0), (1, 1), (0.7, 1), (0.7, 0.2), (0.3, 0.2), (0.3, 1), (0, 1))


def stars(draw):
    """A simple polygon: corners at growing angles round a middle, cut off at the borders of the picture."""
    count = draw(st.integers(3, 12))
    turns = sorted(draw(st.lists(st.floats(0, 1), min_size=count, max_size=count, unique=True)))
    far = draw(st.lists(st.floats(0.01, 0.9), min_size=count, max_size=count))
    x, y = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    return tuple(
        (
            min(1.0, max(0.0, x + r * math.cos(2 * math.pi * t))),
            min(1.0, max(0.0, y + r * math.sin(2 * math.pi * t))),
        )
        for t, r in zip(turns, far, strict=True)
    )


polygons = st.composite(stars)()
sizes = st.tuples(st.integers(1, 90), st.integers(1, 90))


def inside_by_winding(zone, x, y):
    """Whether a point lies in a polygon, by the angle its corners turn: another way than the mask's own."""
    turned = 0.0
    for (ax, ay), (bx, by) in zip(zone, (*zone[1:], zone[0]), strict=True):
        cross = (ax - x) * (by - y) - (ay - y) * (bx - x)
        turned += math.atan2(cross, (ax - x) * (bx - x) + (ay - y) * (by - y))
    return round(turned / (2 * math.pi)) % 2 == 1


def hidden(zones, height, width):
    pixels = np.zeros((height, width, 3), np.uint8)
    PrivacyMask(zones).hide(pixels)
    return (pixels == GREY).all(axis=2)


@settings(max_examples=100, deadline=None)
@given(st.lists(polygons, min_size=1, max_size=3), sizes, st.data())
def test_every_pixel_that_a_zone_touches_is_hidden(zones, size, data):
    covered = hidden(zones, *size)
    height, width = size
    for zone in zones:
        for _ in range(10):
            x, y = data.draw(st.floats(0, 1)), data.draw(st.floats(0, 1))
            column, row = min(width - 1, int(x * width)), min(height - 1, int(y * height))
            assert covered[row, column] or not inside_by_winding(zone, x, y)
        for x, y in zone:
            assert covered[min(height - 1, int(y * height)), min(width - 1, int(x * width))]


@settings(max_examples=100, deadline=None)
@given(polygons, sizes)
def test_nothing_far_from_a_zone_is_hidden(zone, size):
    height, width = size
    rows, columns = np.nonzero(hidden([zone], height, width))
    reach = MARGIN_PX + 1
    xs, ys = [x * width for x, _ in zone], [y * height for _, y in zone]
    assert rows.size == 0 or min(ys) - reach <= rows.min() <= rows.max() <= max(ys) + reach
    assert columns.size == 0 or min(xs) - reach <= columns.min() <= columns.max() <= max(xs) + reach


def test_a_thousand_random_frames_show_no_pixel_of_a_zone():
    random = np.random.default_rng(20)
    zones = [SQUARE, EDGE, ((0.9, 0.02), (1.0, 0.5), (0.95, 1.0))]
    mask = PrivacyMask(zones)
    sizes = [(36, 64), (45, 80), (24, 33)]
    middles = {
        (h, w): [
            (r, c)
            for r in range(h)
            for c in range(w)
            if any(inside_by_winding(z, (c + 0.5) / w, (r + 0.5) / h) for z in zones)
        ]
        for h, w in sizes
    }
    unmasked = 0
    for number in range(1000):
        height, width = sizes[number // 100 % 3]  # the camera changes its resolution now and then
        frame = random.integers(0, 128, (height, width, 3), np.uint8)
        mask.hide(frame)
        rows, columns = zip(*middles[height, width], strict=True)
        unmasked += int((frame[rows, columns] != GREY).any(axis=1).sum())
        assert (frame != GREY).any()
    assert unmasked == 0


def test_a_zone_is_as_large_as_its_polygon_and_a_margin():
    assert covered_ratio([SQUARE], 1000, 1000) == pytest.approx(0.25, abs=0.005)
    assert covered_ratio([COMB], 1000, 1000) == pytest.approx(1 - 0.4 * 0.8, abs=0.005)
    assert covered_ratio([SQUARE, SQUARE]) == covered_ratio([SQUARE])
    whole = ((0, 0), (1, 0), (1, 1), (0, 1))
    assert covered_ratio([whole], 7, 13) == 1.0


def test_blocks_do_not_overlap_and_a_rectangle_is_few():
    blocks = covering([SQUARE], 720, 1280)
    assert len(blocks) == 1
    counted = np.zeros((90, 160), np.int32)
    for b in covering([COMB, EDGE], 90, 160):
        counted[b.top : b.bottom, b.left : b.right] += 1
    assert counted.max() == 1


def test_a_thermal_zone_takes_the_median_of_what_is_seen_and_tells_nothing_of_what_is_hidden():
    seen = np.full((60, 80), 21.5, np.float32)
    hot, cold = seen.copy(), seen.copy()
    hot[20:40, 25:50], cold[20:40, 25:50] = 400.0, np.nan
    for pixels in (hot, cold):
        PrivacyMask([SQUARE]).hide(pixels)
    assert np.array_equal(hot, cold)
    assert np.array_equal(hot, seen)


def test_a_thermal_picture_that_is_hidden_or_void_altogether_gets_a_plain_number():
    void = np.full((60, 80), np.nan, np.float32)
    PrivacyMask([SQUARE]).hide(void)
    assert void[30, 40] == NOTHING_SEEN_C
    whole = np.full((60, 80), 90.0, np.float32)
    PrivacyMask([((0, 0), (1, 0), (1, 1), (0, 1))]).hide(whole)
    assert (whole == NOTHING_SEEN_C).all()


@pytest.mark.parametrize(
    ("zone", "says"),
    [
        (((0, 0), (1, 1), (1, 0), (0, 1)), "edge 1 crosses edge 3"),
        (((0, 0), (0.5, 0.5), (1, 1)), "encloses nothing"),
        (((0, 0), (1, 0), (1, 1), (0, 0)), "repeated at the end"),
    ],
)
def test_a_zone_without_a_plain_inside_is_refused_with_its_place(zone, says):
    with pytest.raises(ConfigError, match=says) as caught:
        check_privacy([SQUARE, zone], "cam_1.privacy")
    assert caught.value.place == "cam_1.privacy[1]"
    assert caught.value.remedy


@pytest.fixture
def white(tmp_path):
    """A clip whose every pixel is white, so that what is hidden shows."""

    def write(size):
        path = tmp_path / f"white-{size[0]}.avi"
        out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, size)
        for _ in range(5):
            out.write(np.full((size[1], size[0], 3), 255, np.uint8))
        out.release()
        return path

    return write


@pytest.mark.parametrize("live", [False, True])
def test_a_source_hands_out_no_frame_whose_zones_are_open(white, opened, live):
    source = opened(white((160, 120)), live=live, privacy=[SQUARE])
    frames = 0
    for frame in source.frames():
        frames += 1
        assert (frame.pixels[30:90, 40:120] == GREY).all()
        assert frame.pixels[5, 5, 0] > 200
    assert frames == 5


def test_a_thermal_source_hands_out_no_hidden_temperature(tmp_path, opened):
    stack = np.full((3, 60, 80), 21.0, np.float32)
    stack[:, 20:40, 25:50] = 300.0
    np.save(tmp_path / "stack.npy", stack)
    frames = [
        f.pixels.max()
        for f in opened(f"radiometric:{tmp_path}/stack.npy", privacy=[SQUARE]).frames()
    ]
    assert frames == [21.0] * 3


def configured(folder, zones):
    corners = [[0, 0], [9, 0], [9, 9], [0, 9]]
    hall = {"id": "hall", "name": {"en": "Hall"}, "kind": "moving", "serves": "shared"}
    camera = {"id": "cam_1", "kind": "camera", "zone": "hall", "at": [1, 1], "gateway": "gw_1"}
    site = {
        "site": "mill",
        "name": {"en": "Mill"},
        "time_zone": "UTC",
        "zones": [{**hall, "polygon": corners}],
        "devices": [camera],
    }
    gateway = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "hub": {"url": "mqtt://127.0.0.1:1883"},
        "cameras": {"cam_1": {"source": "usb:0", "model": "motion", "privacy": zones}},
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(site))
    (folder / "gateway.yaml").write_text(yaml.safe_dump(gateway))
    return load_config(folder / "gateway.yaml")


def test_a_configured_zone_is_with_the_source_wherever_it_is_opened(tmp_path):
    zones = [[[0, 0], [0.5, 0], [0, 0.5]]]
    config = configured(tmp_path, zones)
    assert config.source("cam_1").privacy == (((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)),)
    wish = Wish(source="a.mp4", out=tmp_path / "out")
    assert recorded_spec(config, "cam_1", wish).privacy == config.source("cam_1").privacy


def test_check_says_how_much_of_the_picture_is_hidden(tmp_path):
    config = configured(tmp_path, [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]])
    (line,) = [f for f in findings(config, probe_all=False) if f.what == "privacy of cam_1"]
    assert line.detail == "1 zone hides 50.2% of the picture"


def test_a_zone_that_crosses_itself_is_refused_by_the_key_it_stands_at(tmp_path):
    with pytest.raises(ConfigError, match="crosses") as caught:
        configured(tmp_path, [[[0, 0], [1, 1], [1, 0], [0, 1]]])
    assert caught.value.place.endswith("cameras.cam_1.privacy[0]")
