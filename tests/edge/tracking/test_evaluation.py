"""`./dev tracks` and its scoring, on rows whose score is known by hand; on the labelled clip where it is at hand."""

import json

import numpy as np
import pytest

from gatehouse_testing.dev import tracks
from gatehouse_testing.dev.steps import StepError
from gatehouse_testing.mot import (
    crossing_f1,
    format_row,
    parse_rows,
    read_tracks,
    read_truth,
    score_tracks,
)


def rows(*boxes):
    """Rows of frame, id, x; every box 10 x 20."""
    return np.array([[frame, track, x, 0.0, 10.0, 20.0] for frame, track, x in boxes], float)


TRUTH = rows(*((frame, 1, 10.0 * frame) for frame in range(1, 11)))


def test_the_truth_itself_scores_in_full():
    score = score_tracks(TRUTH, TRUTH, range(1, 11))
    assert (score.mota, score.idf1, score.count_mae) == (100.0, 100.0, 0.0)


def test_misses_false_boxes_and_switches_are_counted():
    told = rows(
        *((frame, 1, 10.0 * frame) for frame in range(1, 5)),
        *((frame, 2, 10.0 * frame) for frame in range(5, 9)),
        (3, 9, 500.0),
    )
    score = score_tracks(TRUTH, told, range(1, 11))
    assert (score.misses, score.false_boxes, score.switches) == (2, 1, 1)
    assert score.mota == pytest.approx(100 * (1 - 4 / 10))
    assert score.count_mae == pytest.approx(3 / 10)


@pytest.mark.parametrize(
    ("told", "f1"),
    [
        ({"a": [(10, 1), (50, -1)]}, 1.0),
        ({"a": [(16, 1), (44, -1)]}, 1.0),
        ({"a": [(18, 1), (50, -1)]}, 0.5),
        ({"a": [(10, -1), (50, -1)]}, 0.5),
        ({"a": [(10, 1), (11, 1), (50, -1)]}, 0.8),
        ({}, 0.0),
    ],
)
def test_a_passage_is_met_once_in_time_and_direction(told, f1):
    assert crossing_f1({"a": [(10, 1), (50, -1)]}, told, 7) == pytest.approx(f1)


def test_rows_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text(format_row(3, 7, (1.5, 2.0, 11.5, 22.0), 0.5) + "\n")
    assert path.read_text() == "3,7,1.50,2.00,10.00,20.00,0.500,-1,-1,-1\n"
    assert read_tracks(path).tolist() == [[3, 1, 1.5, 2, 10, 20]]
    assert parse_rows([]).shape == (0, 6)


def test_truth_marked_zero_is_left_out_on_request_only(tmp_path):
    path = tmp_path / "gt.txt"
    path.write_text("1,1,10,20,30,40,1,0,0,0\n1,2,10,20,30,40,0,0,0,0\n")
    assert read_truth(path, 0.5).tolist() == [[1, 1, 5, 10, 15, 20], [1, 2, 5, 10, 15, 20]]
    assert len(read_truth(path, flagged=False)) == 1


def test_an_unknown_model_is_answered_in_words(tmp_path):
    with pytest.raises(StepError, match="no model is called"):
        tracks.main(["clip.mp4", "--model", "nope", "--out", str(tmp_path / "out.txt")])


def test_people_on_the_labelled_clip_are_counted_and_followed_as_promised(assets, tmp_path):
    out, lines = tmp_path / "out.txt", assets / "gt" / "pets09-lines.json"
    clip = str(assets / "video" / "pets09-s2l1-first400.mp4")
    options = ["--model", "yolox_nano", "--fps", "7", "--out", str(out), "--lines", str(lines)]
    assert tracks.main([clip, *options]) == 0
    truth = read_truth(assets / "gt" / "pets09-s2l1-first400.txt", 0.625)
    score = score_tracks(truth, read_tracks(out), range(1, 401))
    assert score.mota >= 70
    assert score.idf1 >= 65
    assert score.count_mae <= 0.8
    passages = json.loads(out.with_suffix(".passages.json").read_text())
    assert set(passages["lines"]) == set(json.loads(lines.read_text())["lines"])


@pytest.mark.long
def test_each_of_six_visitors_leaves_once(assets, tmp_path):
    out, lines = tmp_path / "out.txt", tmp_path / "lines.json"
    exit_line = {"from": [600, 120], "to": [600, 432]}
    lines.write_text(json.dumps({"size": [768, 432], "lines": {"exit": exit_line}}))
    clip = str(assets / "video" / "one-by-one-person-detection.mp4")
    tracks.main([clip, "--model", "nanodet_m_416", "--out", str(out), "--lines", str(lines)])
    told = json.loads(out.with_suffix(".passages.json").read_text())["lines"]["exit"]["crossings"]
    assert [direction for _, direction in told] == [-1] * 6
