"""The gateway's file: every fault is named with its place and its remedy, and nothing goes in the clear by default."""

from pathlib import Path

import pytest
import yaml

from gatehouse_edge.cli import main
from gatehouse_edge.config import broker_address, load_config, parse_yaml
from gatehouse_edge.errors import ConfigError

SITE: dict[str, object] = {
    "site": "riverside",
    "name": {"en": "Riverside"},
    "time_zone": "Asia/Shanghai",
    "zones": [
        {
            "id": "hall",
            "name": {"en": "Hall"},
            "kind": "moving",
            "serves": "shared",
            "polygon": [[0, 0], [9, 0], [9, 5], [0, 5]],
        }
    ],
    "devices": [
        {"id": "cam_1", "kind": "camera", "zone": "hall", "at": [3, 1], "gateway": "gw_1"},
        {"id": "door_1", "kind": "contact", "zone": "hall", "at": [3, 1], "gateway": "gw_1"},
        {"id": "cam_9", "kind": "camera", "zone": "hall", "at": [3, 1], "gateway": "gw_9"},
    ],
}
LOCAL = {"url": "mqtt://127.0.0.1:1883"}
CONTACT = {"topic": "z/door_1", "state": {"field": "contact", "means_true": [False]}}


def write(folder: Path, **more: object) -> Path:
    (folder / "site.yaml").write_text(yaml.safe_dump(SITE))
    file = {"gateway": "gw_1", "site_file": "site.yaml", "hub": LOCAL, **more}
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(file))
    return path


@pytest.mark.parametrize(
    ("more", "place", "words"),
    [
        ({"cameraz": {}}, "gateway.yaml", "unknown field `cameraz`"),
        ({"hub": {"url": "mqtt://hub.example.org"}}, "hub.url", "plain text"),
        ({"hub": {"url": "http://hub.example.org"}}, "hub.url", "no broker"),
        ({"hub": {"url": "mqtts://u:p@hub.example.org"}}, "hub.url", "login stands in the address"),
        ({"gateway": "gw_2"}, "gateway", "no device of gateway"),
        ({"cameras": {"cam_2": {"source": "usb:0"}}}, "cameras.cam_2", "no device 'cam_2'"),
        ({"cameras": {"cam_9": {"source": "usb:0"}}}, "cameras.cam_9", "of gateway 'gw_1'"),
        ({"cameras": {"door_1": {"source": "usb:0"}}}, "cameras.door_1", "is a contact"),
        (
            {"cameras": {"cam_1": {"source": "usb:zero"}}},
            "cameras.cam_1.source",
            "not a USB camera",
        ),
        (
            {"cameras": {"cam_1": {"source": "usb:0", "rate_fps": 2, "floor_fps": 3}}},
            "cameras.cam_1.floor_fps",
            "3 looks a second are asked of a rate of 2",
        ),
        (
            {"cameras": {"cam_1": {"source": "usb:0", "priority": "urgent"}}},
            "cameras[...].priority",
            "urgent",
        ),
        ({"inference": {"threads": 0}}, "inference.threads", ">= 1"),
        ({"sensors": {"devices": {"cam_1": CONTACT}}}, "sensors.devices.cam_1", "is a camera"),
        (
            {"sensors": {"devices": {"door_1": {"topic": "z/1"}}}},
            "sensors.devices.door_1",
            "0 mappings",
        ),
        (
            {"sensors": {"devices": {"door_1": {**CONTACT, "topic": "z/#"}}}},
            "topic",
            "matching regex",
        ),
        ({"outbox": {"max_rows": 5}}, "outbox.max_rows", ">= 1000"),
        ({"site_file": "nowhere.yaml"}, "nowhere.yaml", "No such file"),
    ],
)
def test_a_fault_names_its_place_and_a_remedy(
    tmp_path: Path, more: dict[str, object], place: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, **more))
    assert place in caught.value.place
    assert words in caught.value.message
    assert caught.value.remedy


def test_a_zone_that_crosses_itself_is_named_with_its_key(tmp_path: Path) -> None:
    path = write(tmp_path)
    zone = {**SITE["zones"][0], "polygon": [[0, 0], [9, 5], [9, 0], [0, 5]]}  # type: ignore[index]
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({**SITE, "zones": [zone]}))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "zones[0].polygon" in caught.value.place
    assert "crosses" in caught.value.message


def test_a_line_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text("gateway: gw_1\n  hub: {")
    with pytest.raises(ConfigError, match="line 2"):
        load_config(path)


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1", "mqtt://localhost:1884", "mqtt://[::1]"])
def test_plain_text_stays_on_this_machine(tmp_path: Path, url: str) -> None:
    config = load_config(write(tmp_path, hub={"url": url}))
    assert not broker_address(config, config.file.hub, "hub").tls


def test_a_trusted_network_must_be_called_so(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, hub={"url": "mqtt://broker.lan", "allow_plaintext": True}))
    assert broker_address(config, config.file.hub, "hub").host == "broker.lan"


def test_a_password_comes_from_its_file_and_is_in_no_error(tmp_path: Path) -> None:
    (tmp_path / "hub.password").write_text("secret\n")
    config = load_config(
        write(tmp_path, hub={**LOCAL, "username": "gw_1", "password_file": "hub.password"})
    )
    assert broker_address(config, config.file.hub, "hub").password == "secret"
    (tmp_path / "hub.password").unlink()
    with pytest.raises(ConfigError, match=r"hub\.password"):
        broker_address(config, config.file.hub, "hub")


def test_words_that_old_yaml_takes_for_booleans_stay_words() -> None:
    assert parse_yaml("[on, OFF, yes, true, no]", place="x") == ["on", "OFF", "yes", True, "no"]


def test_check_says_what_is_wrong_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        tmp_path,
        hub={"url": "mqtt://127.0.0.1:1"},
        cameras={"cam_1": {"source": "gone.mp4", "model": "motion"}},
    )
    assert main(["check", "--config", str(path)]) == 1
    said = capsys.readouterr().out
    assert "WRONG broker of hub (hub): 127.0.0.1:1 does not answer" in said
    assert "WRONG camera cam_1" in said
    assert "Check the path" in said
    assert "2 problems found" in said


def test_a_file_that_cannot_be_used_is_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--config", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml" in capsys.readouterr().err


def test_doctor_knows_its_own_parts(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    said = capsys.readouterr().out
    assert "ok    apsw: " in said
    assert "ok    sqlite: " in said


@pytest.mark.parametrize(
    ("camera", "floor_fps"),
    [({}, 1.0), ({"rate_fps": 0.5}, 0.5), ({"rate_fps": 15, "floor_fps": 10}, 10.0)],
)
def test_the_floor_of_a_camera_is_one_look_a_second_or_what_is_asked(
    tmp_path: Path, camera: dict[str, object], floor_fps: float
) -> None:
    config = load_config(write(tmp_path, cameras={"cam_1": {"source": "usb:0", **camera}}))
    settings = config.file.cameras["cam_1"]
    assert settings.floor_of(config.source("cam_1").rate_fps or 0) == floor_fps
