import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.inference.letterbox import Letterbox, fit_frame
from gatehouse_edge.inference.manifest import Fit, InputSpec

SQUARE = InputSpec(name="images", width=416, height=416)
sizes = st.integers(16, 2000)


@given(width=sizes, height=sizes, stretch=st.booleans(), data=st.data())
def test_a_box_comes_back_from_the_input_where_it_was(width, height, stretch, data):
    fit = Fit.STRETCH if stretch else Fit.LETTERBOX
    fitted = fit_frame(width, height, InputSpec(name="i", width=416, height=256, fit=fit))
    x = sorted(data.draw(st.lists(st.floats(0, width), min_size=2, max_size=2)))
    y = sorted(data.draw(st.lists(st.floats(0, height), min_size=2, max_size=2)))
    box = np.array([[x[0], y[0], x[1], y[1]]], np.float32)
    scale = np.array([fitted.scale_x, fitted.scale_y] * 2, np.float32)
    assert fitted.to_frame(box * scale) == pytest.approx(box, abs=0.01)


@given(width=sizes, height=sizes)
def test_the_frame_fits_the_input_and_touches_two_of_its_edges(width, height):
    inside = fit_frame(width, height, SQUARE).inside_wh
    assert max(inside) == 416
    assert min(inside) >= 1


def test_boxes_are_cut_at_the_edges_of_the_frame():
    fitted = fit_frame(100, 50, SQUARE)
    cut = fitted.to_frame(np.array([[-50, -50, 1000, 1000]], np.float32))
    assert cut.tolist() == [[0, 0, 100, 50]]


def test_the_frame_lies_top_left_and_the_rest_is_padding():
    tensor, _ = Letterbox(SQUARE).prepare(np.full((208, 416, 3), 200, np.uint8))
    assert tensor.shape == (1, 3, 416, 416)
    assert (tensor[0, :, :208] == 200).all()
    assert (tensor[0, :, 208:] == 114).all()


def test_a_smaller_frame_leaves_nothing_of_the_larger_one_before():
    box = Letterbox(SQUARE)
    box.prepare(np.full((416, 416, 3), 255, np.uint8))
    tensor, _ = box.prepare(np.full((100, 416, 3), 7, np.uint8))
    assert set(np.unique(tensor)) == {7.0, 114.0}


@pytest.mark.parametrize(("order", "first"), [("bgr", 10), ("rgb", 30)])
def test_channels_come_in_the_order_of_the_manifest(order, first):
    spec = InputSpec(name="i", width=32, height=32, order=order)
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:] = (10, 20, 30)
    tensor, _ = Letterbox(spec).prepare(pixels)
    assert tensor[0, :, 0, 0].tolist() == [first, 20, 40 - first]


@settings(max_examples=20, deadline=None)
@given(value=st.integers(0, 255), mean=st.floats(0, 200), std=st.floats(1, 100))
def test_pixels_are_scaled_then_freed_of_mean_and_spread(value, mean, std):
    spec = InputSpec(name="i", width=32, height=32, scale=0.5, mean=(mean,) * 3, std=(std,) * 3)
    tensor, _ = Letterbox(spec).prepare(np.full((32, 32, 3), value, np.uint8))
    assert tensor[0, 0, 5, 5] == pytest.approx((value * 0.5 - mean) / std, abs=1e-3)
