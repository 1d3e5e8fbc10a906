"""Plates that the hub asks for: the gateway's own limits, what lies on its disk, and the number that goes out."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from gatehouse_edge.app.plate_store import A_DAY, NUMBERS, RECORD_MOST_BYTES, Entry, PlateStore
from gatehouse_edge.app.plates import PlateDesk, Wanted, plates_folder
from gatehouse_edge.config import Config, load_config
from gatehouse_edge.outbox.hazards import Hazards, Speaker
from gatehouse_edge.values import Finding
from gatehouse_shared.events import HazardData
from gatehouse_shared.names import HazardKind, Phase
from gatehouse_testing.rule_site import site_tree

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
JPEG = b"\xff\xd8 a picture \xff\xd9"
ASKED = Wanted("cam_lane", "verify_hazard")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site_tree()))
    file = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "hub": {"url": "mqtt://127.0.0.1:1883"},
        "cameras": {
            "cam_lane": {"source": "usb:0", "plates": True},
            "cam_plaza": {"source": "usb:1", "plates": True},
            "cam_fence": {"source": "usb:2"},
        },
    }
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(file))
    return load_config(tmp_path / "gateway.yaml")


class Camera:
    """Makes plates, and remembers which regions were cut in."""

    def __init__(self, jpeg: bytes | None = JPEG) -> None:
        self.jpeg, self.regions = jpeg, []

    def __call__(self, region: object) -> bytes | None:
        self.regions.append(region)
        return self.jpeg


def opened(config: Config, kind: HazardKind, zone: str, device: str) -> Hazards:
    armed = kind is HazardKind.PERIMETER_INTRUSION
    count = 50 if kind is HazardKind.CROWD_DENSITY else None
    finding = Finding(
        "r_1", zone, device, kind, Phase.RAISED, NOW - timedelta(minutes=5), count=count, armed=armed
    )  # fmt: skip
    said = Speaker(config.site, "gw_1").say(Hazards(), [finding], epoch="0" * 16, first=1)
    assert said.refused == ()
    return said.hazards


def blocked(config: Config) -> Hazards:
    return opened(config, HazardKind.LANE_BLOCKED, "fire_lane", "cam_lane")


def recorded(config: Config) -> list[dict[str, object]]:
    path = plates_folder(config) / "record.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_plate_of_an_open_hazard_is_kept_for_its_owner_alone_and_on_record(config):
    camera = Camera()
    desk = PlateDesk(config, {"cam_lane": camera})
    assert desk.take(ASKED, blocked(config), NOW)
    [kept] = PlateStore(plates_folder(config)).kept()
    assert (kept.camera, kept.number, kept.path.read_bytes()) == ("cam_lane", 1, JPEG)
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert kept.path.parent.stat().st_mode & 0o777 == 0o700
    assert camera.regions == [((0.0, 0.3), (1.0, 0.3), (1.0, 1.0), (0.0, 1.0))]
    [line] = recorded(config)
    assert (line["purpose"], line["outcome"], line["number"], line["kind"]) == (
        "verify_hazard",
        "kept",
        1,
        "lane_blocked",
    )


def test_its_number_goes_out_in_an_update_and_nothing_else_does(config):
    desk, hazards = PlateDesk(config, {"cam_lane": Camera()}), blocked(config)
    desk.take(ASKED, hazards, NOW)
    [finding] = desk.tell(hazards, NOW)
    said = Speaker(config.site, "gw_1").say(hazards, [finding], epoch="0" * 16, first=2)
    assert said.refused == ()
    data = said.drafts[0].data
    assert isinstance(data, HazardData)
    assert (data.phase, data.evidence, data.hazard) == (Phase.UPDATED, 1, 1)
    assert desk.tell(said.hazards, NOW + timedelta(minutes=1)) == (), "once"


def test_the_number_waits_until_half_a_minute_after_the_last_row(config):
    desk, hazards = PlateDesk(config, {"cam_lane": Camera()}), blocked(config)
    early = NOW - timedelta(minutes=5) + timedelta(seconds=10)
    desk.take(ASKED, hazards, early)
    assert desk.tell(hazards, early + timedelta(seconds=19)) == ()
    assert len(desk.tell(hazards, early + timedelta(seconds=20))) == 1


def test_a_crowd_gives_its_background_only(config):
    camera = Camera()
    hazards = opened(config, HazardKind.CROWD_DENSITY, "plaza", "cam_plaza")
    desk = PlateDesk(config, {"cam_plaza": camera})
    assert desk.take(Wanted("cam_plaza", "check_view"), hazards, NOW)
    assert camera.regions == [None]


def test_presence_gives_no_plate(config):
    hazards = opened(config, HazardKind.PERIMETER_INTRUSION, "fence", "cam_fence")
    desk = PlateDesk(config, {"cam_fence": Camera()})
    assert not desk.take(Wanted("cam_fence", "verify_hazard"), hazards, NOW)


@pytest.mark.parametrize(
    ("camera", "reason"),
    [
        ("cam_fence", "does not allow"),
        ("cam_9", "does not allow"),
        ("cam_plaza", "no hazard"),
        ("cam_lane", "background"),
    ],
)
def test_a_refusal_has_a_reason_on_record(config, camera, reason):
    desk = PlateDesk(config, {"cam_lane": Camera(None)})
    assert not desk.take(Wanted(camera, "check_view"), blocked(config), NOW)
    [line] = recorded(config)
    assert line["outcome"] == "refused"
    assert reason in str(line["reason"])
    assert PlateStore(plates_folder(config)).kept() == ()


def test_there_is_one_plate_a_minute_and_twenty_a_day_whatever_is_asked(config):
    desk, hazards = PlateDesk(config, {"cam_lane": Camera()}), blocked(config)
    times = [NOW + timedelta(seconds=20 * i) for i in range(400)]
    taken = [time for time in times if desk.take(ASKED, hazards, time)]
    assert len(taken) == A_DAY
    assert all(b - a >= timedelta(minutes=1) for a, b in pairwise(taken))
    again = PlateDesk(config, {"cam_lane": Camera()})
    assert not again.take(ASKED, hazards, NOW + timedelta(hours=12)), "a restart forgets nothing"
    assert again.take(ASKED, hazards, NOW + timedelta(hours=24, seconds=1))


def test_after_72_hours_a_plate_is_gone_and_numbers_never_meet(config):
    desk, hazards = PlateDesk(config, {"cam_lane": Camera()}), blocked(config)
    store = PlateStore(plates_folder(config))
    for hour in range(24 * 5):
        desk.take(ASKED, hazards, NOW + timedelta(hours=hour))
        kept = store.kept()
        assert len({k.number for k in kept}) == len(kept) <= NUMBERS
    last = NOW + timedelta(hours=24 * 5 - 1)
    assert min(k.time for k in store.kept()) > last - timedelta(hours=72)
    desk.expire(last + timedelta(hours=73))
    assert store.kept() == ()


def test_the_record_is_bounded(tmp_path: Path):
    store = PlateStore(tmp_path)
    entry = Entry(
        time=NOW, camera="cam_1", purpose="check_view", outcome="refused", reason="x" * 4000
    )
    for _ in range(3 * RECORD_MOST_BYTES // 4000):
        store.record(entry)
    sizes = [p.stat().st_size for p in tmp_path.iterdir()]
    assert sum(sizes) <= 2 * RECORD_MOST_BYTES + 10_000


def test_what_cannot_be_recorded_is_not_done(config):
    plates_folder(config).mkdir()
    (plates_folder(config) / "record.jsonl").mkdir()
    desk = PlateDesk(config, {"cam_lane": Camera()})
    assert not desk.take(ASKED, blocked(config), NOW)
    assert desk.tell(blocked(config), NOW) == ()
    assert PlateStore(plates_folder(config)).kept() == ()
