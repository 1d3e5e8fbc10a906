import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.inference.boxes import (
    LABELS,
    MAX_ROWS,
    SUPPRESSED_AT_ONCE,
    Boxes,
    iou_matrix,
    suppress,
    to_detections,
    to_rows,
)
from gatehouse_shared.names import Label

PERSON, CAR = LABELS.index(Label.PERSON), LABELS.index(Label.CAR)


def boxes(*rows):
    """Rows of x1, y1, x2, y2, label, score."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Boxes(table[:, :4], table[:, 4].astype(np.int16), table[:, 5])


def slow_iou(a, b):
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(across, 0) * max(down, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def slow_suppression(rows, overlap):
    kept = []
    for row in sorted(rows, key=lambda r: (-r[5], r[4], r[0], r[1])):
        if all(k[4] != row[4] or slow_iou(k, row) <= overlap for k in kept):
            kept.append(row)
    return kept


row = st.tuples(
    *(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30)),
    *(st.sampled_from([PERSON, CAR]), st.integers(1, 1000)),
).map(lambda r: (r[0], r[1], r[0] + r[2], r[1] + r[3], r[4], np.float32(r[5] / 1000)))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(row, max_size=25, unique_by=lambda r: r[5]), overlap=st.floats(0.05, 0.95))
def test_suppression_keeps_what_the_slow_one_keeps(rows, overlap):
    kept = suppress(boxes(*rows), overlap)
    expected = slow_suppression(rows, overlap)
    assert kept.scores.tolist() == [r[5] for r in expected]
    assert kept.xyxy.tolist() == [list(r[:4]) for r in expected]


def test_more_candidates_than_are_seen_at_once_give_what_the_slow_one_keeps():
    rng = np.random.default_rng(3)
    count = 3 * SUPPRESSED_AT_ONCE + 5
    corners = rng.uniform(0, 200, (count, 2))
    table = np.column_stack(
        (
            corners,
            corners + rng.uniform(20, 60, (count, 2)),
            rng.integers(0, 2, count),
            rng.random(count),
        )
    ).astype(np.float32)
    found = suppress(boxes(*table), 0.5)
    kept = np.array(slow_suppression([tuple(row) for row in table], 0.5), np.float32)
    assert np.array_equal(found.xyxy, kept[:, :4])
    assert np.array_equal(found.scores, kept[:, 5])


@given(rows=st.lists(row, min_size=1, max_size=12))
def test_overlap_is_that_of_two_boxes_by_hand(rows):
    table = boxes(*rows).xyxy
    found = iou_matrix(table, table)
    expected = [[slow_iou(a, b) for b in table.tolist()] for a in table.tolist()]
    assert found == pytest.approx(np.array(expected), abs=1e-5)


def test_things_of_two_labels_do_not_suppress_one_another():
    both = boxes((0, 0, 10, 10, PERSON, 0.9), (0, 0, 10, 10, CAR, 0.8))
    assert len(suppress(both, 0.5).scores) == 2


def test_a_frame_full_of_boxes_gives_no_more_than_the_bound():
    many = boxes(*((i, 0, i + 0.5, 1, PERSON, 0.5) for i in range(5000)))
    assert len(suppress(many, 0.5).scores) == MAX_ROWS
    assert len(to_rows(many)) == MAX_ROWS


@given(rows=st.lists(row, max_size=10))
def test_what_leaves_the_process_is_the_box_to_a_quarter_pixel(rows):
    wire = to_rows(boxes(*rows))
    assert wire.dtype == np.int16
    assert wire.shape == (len(rows), 6)
    for told, (x1, y1, x2, y2, label, score) in zip(to_detections(wire), rows, strict=True):
        assert told.xyxy == pytest.approx((x1, y1, x2, y2), abs=0.125)
        assert told.label is LABELS[label]
        assert told.score == pytest.approx(score, abs=0.0005)


@pytest.mark.parametrize(
    "bad",
    [
        (0, 0, 4, 4, len(LABELS), 500),
        (0, 0, 4, 4, -1, 500),
        (0, 0, 4, 4, 0, 1001),
        (8, 0, 4, 4, 0, 500),
    ],
)
def test_a_row_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match="cannot be"):
        to_detections(np.array([bad], np.int16))


def test_nothing_seen_is_nothing_told():
    assert to_detections(to_rows(suppress(boxes(), 0.5))) == ()
