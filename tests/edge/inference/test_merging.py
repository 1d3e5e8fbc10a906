import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.inference.boxes import Boxes, no_boxes, to_rows
from gatehouse_edge.inference.merging import inside_matrix, merge, to_boxes
from gatehouse_edge.inference.tiling import Tile

FRAME = (1280, 720)
LEFT, RIGHT = Tile(100, 50, 400, 400), Tile(400, 50, 400, 400)
TALL = 80.0


def boxes(*rows):
    """Boxes from `x1, y1, x2, y2, score[, label]`."""
    full = [(*row, 0)[:6] for row in rows]
    table = np.array(full, np.float32).reshape(-1, 6)
    return Boxes(table[:, :4], table[:, 5].astype(np.int16), table[:, 4])


def merged(whole, *parts, overlap=0.6):
    found = merge(boxes(*whole), [(t, boxes(*b)) for t, b in parts], FRAME, TALL, overlap)
    return [
        (*map(float, box), round(float(score), 3))
        for box, score in zip(found.xyxy, found.scores, strict=True)
    ]


def test_boxes_of_a_tile_are_moved_to_where_the_tile_lies():
    assert merged([], (LEFT, [(10, 20, 30, 70, 0.8)])) == [(110, 70, 130, 120, 0.8)]


def test_a_box_that_an_inner_edge_cuts_is_left_to_the_tile_that_shows_it_whole():
    cut, full = (380, 100, 400, 150, 0.9), (70, 100, 100, 150, 0.6)
    assert merged([], (LEFT, [cut]), (RIGHT, [full])) == [(470, 150, 500, 200, 0.6)]


@pytest.mark.parametrize("box", [(0, 50, 20, 90, 0.8), (50, 0, 70, 40, 0.8)], ids=["left", "top"])
def test_the_edge_of_the_picture_cuts_nothing(box):
    corner = Tile(0, 0, 400, 400)
    assert merged([], (corner, [box])) == [box]


def test_who_is_large_is_the_whole_pictures_business():
    assert merged([], (LEFT, [(100, 100, 200, 100 + 1.6 * TALL, 0.9)])) == []


def test_one_person_seen_at_both_scales_is_one_the_surer():
    whole, tile = (110, 70, 130, 120, 0.5), (9, 19, 31, 71, 0.8)
    assert merged([whole], (LEFT, [tile])) == [(109, 69, 131, 121, 0.8)]


def test_a_part_of_somebody_seen_better_elsewhere_is_nobody():
    whole, head = (110, 70, 130, 130, 0.9), (12, 22, 28, 45, 0.6)
    assert merged([whole], (LEFT, [head])) == [(110, 70, 130, 130, 0.9)]


def test_two_people_whom_one_look_tells_apart_stay_two():
    pair = [(110, 70, 130, 120, 0.9), (113, 85, 131, 122, 0.8)]
    assert merged(pair) == pair


def test_a_person_in_front_of_a_car_is_no_part_of_it():
    found = merged([(100, 60, 160, 120, 0.9, 3)], (LEFT, [(10, 20, 30, 65, 0.7, 0)]))
    assert len(found) == 2


def test_nothing_seen_is_nothing():
    assert merged([], (LEFT, [])) == []
    assert len(merge(no_boxes(), [], FRAME, TALL, 0.6).scores) == 0


def test_a_model_that_sees_things_everywhere_costs_no_more_than_the_best_of_them():
    grid = [
        (30 * (n % 40), 30 * (n // 40), 30 * (n % 40) + 9, 30 * (n // 40) + 9) for n in range(900)
    ]
    flood = [(*box, 0.2 + 0.0005 * n) for n, box in enumerate(grid)]
    found = merge(boxes(*flood), [(LEFT, boxes(*flood[:512]))] * 6, FRAME, TALL, 0.6)
    assert len(found.scores) == 512
    assert found.scores.min() >= np.sort(boxes(*flood).scores)[-520]


def test_the_share_inside_is_of_the_smaller_box():
    shares = inside_matrix(np.array([(0, 0, 10, 10), (0, 0, 10, 5), (5, 0, 15, 10)], np.float32))
    assert shares[0, 1] == pytest.approx(1)
    assert shares[0, 2] == pytest.approx(0.5)


rows = st.lists(
    st.tuples(
        st.floats(0, 350), st.floats(0, 350), st.floats(4, 40), st.floats(4, 90), st.floats(0.1, 1)
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(rows, rows, rows)
def test_whatever_is_seen_lies_in_the_picture_and_is_said_by_one_look_only_once(a, b, c):
    def made(found):
        return boxes(*((x, y, x + w, y + h, s) for x, y, w, h, s in found))

    found = merge(made(a), [(LEFT, made(b)), (RIGHT, made(c))], FRAME, TALL, 0.6)
    assert (np.diff(found.scores) <= 0).all()
    assert len(found.scores) <= len(a) + len(b) + len(c)
    assert (found.xyxy[:, 2] <= FRAME[0]).all()
    again = merge(found, [], FRAME, TALL, 0.6)
    assert (again.xyxy == found.xyxy).all()
    assert (to_boxes(to_rows(found)).labels == found.labels).all()
