"""The grid helper: what the marks are worth, who is on its picture, and where that can be seen."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.app.grid import Size, judge
from gatehouse_edge.app.grid_picture import Drawing
from gatehouse_edge.app.page import PageServer, page
from gatehouse_edge.cli import main
from gatehouse_edge.rules.ground_scale import ground_of, mark_residuals_m, scale_at
from gatehouse_edge.rules.homography import Mark, homography
from gatehouse_shared.site import View

SIZE = Size(1280, 720, 416)
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
LOWER = ((0.05, 0.45), (0.95, 0.45), (0.95, 0.95), (0.05, 0.95))
ALONG: tuple[Mark, ...] = (
    ((0.1, 0.9), (2.0, 1.0)),
    ((0.9, 0.9), (18.0, 1.0)),
    ((0.7, 0.45), (18.0, 30.0)),
    ((0.3, 0.45), (2.0, 30.0)),
)
"""A camera that looks along a yard, 30 m deep."""


def view(marks: object, polygon: object = LOWER) -> View:
    tree = {"device": "cam_1", "zone": "yard", "polygon": polygon, "marks": marks}
    return msgspec.convert(tree, View)


def test_four_marks_fit_and_the_report_says_what_that_is_worth():
    fit, told = judge(view(ALONG), SIZE)
    assert fit is not None
    text = "\n".join(told)
    assert "mark 4 at (2, 30) m: 0.00 m off" in text
    assert "a fifth shows whether they are right" in text
    assert "near:" in text
    assert "people are smaller than 32 px" in text


def test_a_fifth_mark_that_is_wrong_is_seen_in_the_residuals():
    right = homography(ALONG).ground((0.5, 0.6))
    assert right is not None
    wrong = (*ALONG, ((0.5, 0.6), (right[0] + 3.0, right[1])))
    fit, told = judge(view(wrong), SIZE)
    assert fit is not None
    assert any("check this one" in line for line in told)
    sound = (*ALONG, ((0.5, 0.6), right))
    assert not any("check this one" in line for line in judge(view(sound), SIZE)[1])


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ((), "mark four or more points"),
        (ALONG[:3], "3 marks cannot give a homography"),
        (
            tuple(((0.1 * i, 0.5), (float(i), 0.0)) for i in range(1, 6)),
            "too nearly in line",
        ),
        (
            (*ALONG, ((0.2, 0.8), (18.0, 30.0)), ((0.8, 0.8), (0.0, 0.0))),
            "Check each mark",
        ),
    ],
)
def test_marks_that_cannot_be_used_are_told_with_the_remedy(marks, says):
    fit, told = judge(view(marks), SIZE)
    assert fit is None
    assert says in "\n".join(told)


def test_a_zone_above_the_horizon_is_told():
    fit, told = judge(view(ALONG, WHOLE), SIZE)
    assert fit is None
    assert "horizon" in told[0]


def test_scales_from_straight_above_are_the_same_everywhere():
    square = (((0, 0), (0, 10)), ((1, 0), (20, 10)), ((1, 1), (20, 0)), ((0, 1), (0, 0)))
    ground = ground_of(homography(square), WHOLE, width_px=1280, model_ratio=1.0)
    assert ground is not None
    assert ground.near.px_per_m == pytest.approx(64.0)
    assert ground.far.px_per_m == pytest.approx(64.0)
    assert ground.small_ratio == 0.0


def test_far_is_smaller_than_near():
    ground = ground_of(homography(ALONG), LOWER, width_px=1280, model_ratio=416 / 1280)
    assert ground is not None
    assert ground.near.place[1] > ground.far.place[1]
    assert ground.near.px_per_m > ground.far.px_per_m
    assert 0 < ground.small_ratio < 1


@given(
    st.lists(st.tuples(st.floats(0.1, 0.9), st.floats(0.45, 0.95)), min_size=1, max_size=8),
    st.floats(-0.3, 0.3),
)
def test_more_marks_of_the_same_ground_change_nothing_and_one_that_errs_is_shared_out(places, off):
    exact = homography(ALONG)
    more = [(p, at) for p in places if (at := exact.ground(p)) is not None]
    fit = homography((*ALONG, *more))
    assert max(r for r in mark_residuals_m(fit, more) if r is not None) < 1e-3
    erring = (*ALONG, (more[0][0], (more[0][1][0] + off, more[0][1][1])))
    assert homography(erring).residual_m <= abs(off) + 1e-6


@given(st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_scale_is_positive_or_not_there(place):
    scale = scale_at(homography(ALONG), place, 1280)
    assert scale is None or scale.px_per_m > 0


def test_the_grid_is_drawn_in_the_zone_only():
    plain = np.zeros((360, 640, 3), dtype=np.uint8)
    drawing = Drawing(plain)
    assert drawing.grid(homography(ALONG), LOWER) == 1.0
    drawn = cv2.imdecode(np.frombuffer(drawing.png(), np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    assert drawn[170:340, 40:600].any()
    assert not drawn[:155].any()
    assert not plain.any()


@pytest.fixture
def served() -> Iterator[tuple[PageServer, bytes]]:
    body = page("cam_1 <b>", b"\x89PNG...", ("one & two",))
    server = PageServer(body)
    thread = threading.Thread(target=server.serve, args=(0.05,), daemon=True)
    thread.start()
    yield server, body
    thread.join(10)


def fetch(server: PageServer, path: str, host: str | None = None) -> tuple[int, bytes, Any]:
    connection = http.client.HTTPConnection(server.address.split("/")[2], timeout=5)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def test_the_page_is_for_this_machine_and_is_stored_nowhere(served):
    server, body = served
    assert server.address.startswith("http://127.0.0.1:")
    status, got, headers = fetch(server, "/")
    assert (status, got) == (200, body)
    assert headers["Cache-Control"] == "no-store"
    assert b"cam_1 &lt;b&gt;" in got
    assert fetch(server, "/", host="evil.example:80")[0] == 404
    assert fetch(server, "/other")[0] == 404


def test_after_its_minutes_the_page_is_gone():
    server = PageServer(b"x")
    server.serve(0.0)
    with pytest.raises(OSError, match="refused"):
        fetch(server, "/")


def site(folder: Path, assets: Path, model: str = "yolox_nano") -> Path:
    clip = assets / "video/pets09-s2l1-first400.mp4"
    if not clip.exists():
        pytest.skip(f"no {clip.name} in the test material")
    tree = {
        "site": "riverside",
        "name": {"en": "Riverside"},
        "time_zone": "Europe/Berlin",
        "zones": [
            {
                "id": "yard",
                "name": {"en": "Yard"},
                "kind": "moving",
                "serves": "shared",
                "polygon": [[0, 0], [20, 0], [20, 30], [0, 30]],
            }
        ],
        "views": [{"device": "cam_1", "zone": "yard", "polygon": LOWER, "marks": ALONG}],
        "devices": [
            {"id": "cam_1", "kind": "camera", "zone": "yard", "at": [1, 1], "gateway": "gw_1"}
        ],
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(tree)))
    file = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "hub": {"url": "mqtt://127.0.0.1:1883"},
        "cameras": {"cam_1": {"source": str(clip), "model": model}},
    }
    (folder / "gateway.yaml").write_text(yaml.safe_dump(file))
    return folder / "gateway.yaml"


def test_the_command_reports_and_writes_nothing(tmp_path, assets, capsys, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_ASSETS", str(assets))
    config = site(tmp_path, assets)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    assert main(["grid", "cam_1", "--config", str(config), "--minutes", "0"]) == 0
    said = capsys.readouterr().out
    assert "480 x 360 pixels" in said
    assert "4 marks" in said
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def test_a_camera_that_is_not_there_is_named_with_those_that_are(tmp_path, assets, capsys):
    config = site(tmp_path, assets)
    assert main(["grid", "cam_9", "--config", str(config), "--minutes", "0"]) == 2
    assert "Use one of: cam_1" in capsys.readouterr().err
