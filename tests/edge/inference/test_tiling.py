from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.inference.manifest import Fit, InputSpec
from gatehouse_edge.inference.tiling import (
    GAIN,
    MAX_TILES,
    describe,
    input_ratio,
    lay_out,
)
from gatehouse_edge.rules.ground_scale import SMALL_PX, scale_at
from gatehouse_edge.rules.homography import Homography
from gatehouse_edge.rules.views import View

SQUARE = InputSpec(name="images", width=416, height=416)
FLAT = InputSpec(name="images", width=416, height=256)


def looking_along(horizon, near_px, size_wh, top=0.3, bottom=1.0, *, left=0.0, right=1.0):
    """A camera that looks along a yard: a person is `near_px` tall at the bottom edge and nothing at the horizon."""
    wide, high = size_wh
    slope = near_px / (high * (1 - horizon))
    across = 1.7 * wide / (slope * high)
    fit = Homography(((across, 0, -across / 2), (0, 0, 1), (0, 1, -horizon)), 0.0)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return View("cam", "yard", corners, fit)


def tall_at(view, y, size_wh):
    return scale_at(view.homography, (0.5, y), size_wh[0]).person_px


HD = (1280, 720)


def test_the_marks_give_the_heights_that_these_tests_speak_of():
    view = looking_along(0.2, 200, HD)
    assert tall_at(view, 1.0, HD) == pytest.approx(200)
    assert tall_at(view, 0.6, HD) == pytest.approx(100)


def test_tiles_lie_over_the_far_end_and_show_people_there_large_enough():
    layout = lay_out((looking_along(0.2, 250, HD, top=0.4),), *HD, SQUARE)
    assert layout is not None
    assert all(tile.y + tile.height < 720 for tile in layout.tiles)
    assert layout.whole_px < SMALL_PX <= layout.tile_px + 1


def test_nobody_small_is_no_tile():
    assert lay_out((looking_along(0.0, 600, HD, top=0.6),), *HD, SQUARE) is None


def test_without_marks_nothing_is_known_and_no_tile_is_laid():
    view = looking_along(0.2, 250, HD, top=0.4)
    assert lay_out((replace(view, homography=None),), *HD, SQUARE) is None
    assert lay_out((), *HD, SQUARE) is None


def test_a_picture_that_the_model_sees_in_full_has_no_tiles():
    assert lay_out((looking_along(0.2, 60, (320, 240)),), 320, 240, SQUARE) is None


def test_people_too_small_for_any_tile_are_not_looked_for():
    assert lay_out((looking_along(0.29, 8, HD, top=0.3),), *HD, SQUARE) is None


def test_a_strip_too_flat_for_a_tile_has_none():
    assert lay_out((looking_along(0.2, 25, (1280, 60)),), 1280, 60, SQUARE) is None


def test_tiles_have_the_shape_of_the_models_input():
    layout = lay_out((looking_along(0.2, 250, HD, top=0.4),), *HD, FLAT)
    assert layout is not None
    assert all(tile.width / tile.height == pytest.approx(416 / 256, 0.01) for tile in layout.tiles)


def test_two_zones_far_apart_share_no_empty_tile_between_them():
    size = (3840, 2160)
    left = looking_along(0.2, 700, size, top=0.3, bottom=0.33, right=0.08)
    right = looking_along(0.2, 700, size, top=0.3, bottom=0.33, left=0.92)
    layout = lay_out((left, right), *size, SQUARE)
    assert layout is not None
    assert {tile.x < 1920 for tile in layout.tiles} == {True, False}
    assert not any(1000 < tile.x < 2300 for tile in layout.tiles)


def test_the_layout_is_said_in_words():
    layout = lay_out((looking_along(0.2, 250, HD, top=0.4),), *HD, SQUARE)
    assert layout is not None
    words = describe(layout)
    assert words.startswith(f"{len(layout.tiles)} tiles of {layout.tiles[0].width} over")
    assert f"{layout.whole_px:.0f} px in the whole picture" in words


def test_a_stretched_picture_is_judged_by_its_height():
    stretched = InputSpec(name="images", width=416, height=416, fit=Fit.STRETCH)
    assert input_ratio(1280, 720, stretched) == pytest.approx(416 / 720)
    assert input_ratio(1280, 720, SQUARE) == pytest.approx(416 / 1280)


def camera(size, horizon, near_px, top, depth, left):
    top = max(top, horizon + 0.02)
    return size, looking_along(horizon, near_px, size, top, min(1.0, top + depth), left=left)


cameras = st.builds(
    camera,
    st.sampled_from(
        [(640, 360), (1280, 720), (1920, 1080), (3840, 2160), (720, 1280), (2048, 1536)]
    ),
    st.floats(0.0, 0.5),
    st.floats(20, 900),
    st.floats(0.0, 0.8),
    st.floats(0.05, 0.9),
    st.floats(0.0, 0.7),
)


@settings(max_examples=120, deadline=None)
@given(cameras, st.sampled_from([SQUARE, FLAT]))
def test_whatever_the_camera_tiles_are_few_inside_the_picture_and_hold_everybody_whole(
    camera, spec
):
    (width, height), view = camera
    layout = lay_out((view,), width, height, spec)
    assert layout == lay_out((view,), width, height, spec)
    if layout is None:
        return
    whole = input_ratio(width, height, spec)
    assert 1 <= len(layout.tiles) <= MAX_TILES
    for tile in layout.tiles:
        x1, y1, x2, y2 = tile.xyxy
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert tile.width >= 64
        assert tile.height >= 64
        assert input_ratio(tile.width, tile.height, spec) >= GAIN * whole
    top, bottom = view.polygon[0][1], view.polygon[2][1]
    left, right = view.polygon[0][0], view.polygon[2][0]
    for row in range(9):
        y = top + (bottom - top) * (row + 0.5) / 9
        tall = tall_at(view, y, (width, height))
        if not layout.whole_px / whole < tall < layout.tall_px:
            continue
        for column in range(9):
            x = (left + (right - left) * (column + 0.5) / 9) * width
            body = (x - 0.2 * tall, max(0, y * height - tall), x + 0.2 * tall, y * height)
            body = (max(0, body[0]), body[1], min(width, body[2]), body[3])
            assert any(inside(body, tile) for tile in layout.tiles), (body, layout)


def inside(body, tile):
    x1, y1, x2, y2 = tile.xyxy
    return x1 - 1 <= body[0] and y1 - 1 <= body[1] and body[2] <= x2 + 1 and body[3] <= y2 + 1
