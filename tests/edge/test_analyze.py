"""`analyze`: the whole pipeline over a recording; the same input gives the same bytes, and only what may be said is written."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from gatehouse_edge.cli import main
from gatehouse_shared.classes import check_event
from gatehouse_shared.events import CountData, HazardData
from gatehouse_shared.names import HazardKind
from gatehouse_shared.offline import OfflineRow, decode_line
from gatehouse_shared.site import Site, decode_site
from gatehouse_shared.wire import BadRow, read_rows
from gatehouse_testing.kinds import each, those

SITE: dict[str, object] = {
    "site": "riverside",
    "name": {"en": "Riverside"},
    "time_zone": "Asia/Shanghai",
    "zones": [
        {
            "id": "plaza",
            "name": {"en": "Plaza"},
            "kind": "moving",
            "serves": "public",
            "polygon": [[0, 0], [40, 0], [40, 25], [0, 25]],
        },
        {
            "id": "shed_2",
            "name": {"en": "Shed 2"},
            "kind": "shed",
            "serves": "shared",
            "polygon": [[50, 0], [60, 0], [60, 5], [50, 5]],
        },
    ],
    "gates": [{"id": "plaza_in", "from": "outside", "to": "plaza", "width_m": 3.0}],
    "lines": [
        {
            "id": "plaza_line",
            "gate": "plaza_in",
            "device": "cam_1",
            "points": [[0.5, 0.1], [0.5, 1.0]],
        }
    ],
    "views": [
        {"device": "cam_1", "zone": "plaza", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]},
        {"device": "thermal_1", "zone": "shed_2", "polygon": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]},
    ],
    "rules": [
        {"id": "shed_2_hot", "kind": "thermal_hotspot", "zone": "shed_2", "device": "thermal_1"}
    ],
    "devices": [
        {"id": "cam_1", "kind": "camera", "zone": "plaza", "at": [20, 25], "gateway": "gw_1"},
        {"id": "thermal_1", "kind": "thermal", "zone": "shed_2", "at": [55, 5], "gateway": "gw_1"},
    ],
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(SITE))
    file = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "hub": {"url": "mqtt://127.0.0.1:1883"},
        "cameras": {
            "cam_1": {"source": "usb:0"},
            "thermal_1": {
                "source": {"url": "radiometric:none.npz", "scale_c": 0.1, "offset_c": 0.0}
            },
        },
    }
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(file))
    return tmp_path / "gateway.yaml"


def analyze(config: Path, source: str, out: str, *more: str) -> bytes:
    path = config.parent / out
    assert main(["analyze", source, "--config", str(config), "--out", str(path), *more]) == 0
    return path.read_bytes()


def rows(content: bytes) -> list[OfflineRow]:
    site: Site = decode_site(SITE)
    read = [decode_line(line) for line in content.splitlines()]
    for row in read:
        check_event(row.event, site)
    return read


def test_a_shed_that_warms_is_a_hot_spot_with_its_temperatures(
    config: Path, tmp_path: Path
) -> None:
    """Two minutes of a synthetic radiometric recording, raw tenths of a degree: 22 C, and one bay that climbs to 90 C."""
    frames = np.full((120, 24, 32), 220, np.uint16)
    for second in range(120):
        frames[second, 8:16, 4:12] = 220 + min(680, 12 * second)
    np.savez(tmp_path / "shed.npz", frames)
    args = ("--device", "thermal_1", "--start", "2026-05-04T22:00:00+08:00")
    first = analyze(config, f"radiometric:{tmp_path}/shed.npz", "a.jsonl", *args)
    again = analyze(config, f"radiometric:{tmp_path}/shed.npz", "b.jsonl", *args)
    assert first == again
    told = those(HazardData, (row.event.data for row in rows(first)))
    hot = [data for data in told if data.kind is HazardKind.THERMAL_HOTSPOT]
    assert hot[0].phase == "raised"
    assert max(data.grade for data in hot) == 3
    assert hot[0].measure
    assert hot[0].measure.quantity == "temperature"


def test_nobody_in_sight_says_no_number_and_no_hub_would_take_the_rows(
    config: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "stills"
    folder.mkdir()
    for index in range(70):
        picture = np.full((120, 160, 3), 90, np.uint8)
        cv2.rectangle(picture, (2 * index, 60), (2 * index + 12, 100), (200, 200, 200), -1)
        cv2.imwrite(str(folder / f"{index:03}.png"), picture)
    content = analyze(
        config,
        f"stills:{folder}",
        "s.jsonl",
        "--device",
        "cam_1",
        "--model",
        "motion",
        "--fps",
        "1",
    )
    counts = each(CountData, (row.event.data for row in rows(content)))
    assert {(c.label, c.mean, c.window_s) for c in counts} == {("person", "lt10", 60)}
    for line in content.splitlines():
        (row,) = read_rows(line)
        assert isinstance(row, BadRow)


def test_another_recording_has_another_epoch(config: Path, tmp_path: Path) -> None:
    epochs = set()
    for value in (400, 900):
        np.savez(tmp_path / "one.npz", np.full((40, 24, 32), value, np.uint16))
        content = analyze(
            config, f"radiometric:{tmp_path}/one.npz", "o.jsonl", "--device", "thermal_1"
        )
        epochs |= {row.event.epoch for row in rows(content)}
    assert len(epochs) >= 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "which camera took it"),
        (("--device", "cam_7"), "there is no camera 'cam_7'"),
        (("--device", "cam_1", "--model", "none_such"), "no model is called"),
    ],
)
def test_what_is_missing_is_named(
    config: Path,
    tmp_path: Path,
    more: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(
        ["analyze", "x.mp4", "--config", str(config), "--out", str(tmp_path / "x"), *more]
    )
    assert status in (1, 2)
    assert words in capsys.readouterr().err


@pytest.mark.assets
@pytest.mark.parametrize(
    "model", ["yolox_nano", pytest.param("nanodet_m_416", marks=pytest.mark.long)]
)
def test_pets_gives_the_same_bytes_twice(
    config: Path, assets: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("GATEHOUSE_ASSETS", str(assets))
    clip = str(assets / "video" / "pets09-s2l1-first400.mp4")
    args = ("--device", "cam_1", "--model", model, "--fps", "7", "--start", "2009-06-25T14:00:00Z")
    first = analyze(config, clip, "p.jsonl", *args)
    assert first == analyze(config, clip, "q.jsonl", *args)
    counts = each(CountData, (row.event.data for row in rows(first)))
    assert [data.mean for data in counts] == ["lt10"]
