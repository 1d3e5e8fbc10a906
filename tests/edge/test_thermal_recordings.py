"""Thermal recordings through `analyze`, with shipped defaults: what is raised of them, and what is written of it."""

import io
import json

import msgspec
import numpy as np
import pytest

from gatehouse_edge.app.analyze import Wish, analyze
from gatehouse_edge.config import Config, load_config
from gatehouse_edge.errors import SourceError
from gatehouse_edge.sources.spec import SourceSpec
from gatehouse_testing.dev.paths import ROOT

GATEWAY = ROOT / "seeds" / "sites" / "evaluation" / "thermal.yaml"


def rows(recording, tmp_path, *, ambient_c: float | None = 22.0, **options):
    """Hazards of a recording, as written."""
    config = load_config(GATEWAY)
    spec = msgspec.convert({"url": "radiometric:x.npz", "rate_fps": 5.0, **options}, SourceSpec)
    camera = config.file.cameras["thermal_eval"]
    camera = msgspec.structs.replace(camera, source=spec, ambient_c=ambient_c)
    file = msgspec.structs.replace(config.file, cameras={"thermal_eval": camera})
    out = tmp_path / "events.jsonl"
    analyze(
        Config(file, config.site, config.folder),
        Wish(f"radiometric:{recording}", out),
        progress=io.StringIO(),
    )
    data = [json.loads(line)["data"] for line in out.read_text().splitlines()]
    return [d for d in data if "hazard" in d]


@pytest.mark.parametrize(
    ("name", "least"),
    [("flir_example", 610), ("zenmuse_xtr", 550), ("ax8", None)],
    ids=["a mug of 62 C", "a roller of 58.6 C", "a cool pipe"],
)
def test_hot_things_are_found_in_the_whole_picture_and_cool_ones_are_not(
    assets, tmp_path, name, least
):
    found = rows(still(assets, f"{name}_radiometric.npz"), tmp_path, hold_s=60)
    assert [d["measure"]["value"] >= least for d in found] == [True] * (least is not None)
    assert {d["kind"] for d in found} <= {"thermal_hotspot"}


def test_raw_counts_are_refused_until_somebody_says_what_they_are(assets, tmp_path):
    with pytest.raises(SourceError, match="not degrees"):
        rows(still(assets, "lepton-counts.npz"), tmp_path)


def test_on_counts_without_a_zero_a_warm_animal_is_no_hot_spot_and_its_temperature_is_never_written(
    assets, tmp_path
):
    counts = still(assets, "lepton-counts.npz")
    common = {"scale_c": 0.03, "uncalibrated": True, "hold_s": 1}
    assert rows(counts, tmp_path, ambient_c=None, **common) == [], "15 K above cold ground"


def test_on_counts_without_a_zero_what_is_far_above_its_surroundings_is_raised_without_a_temperature(
    tmp_path,
):
    chance = np.random.default_rng(2)
    counts = chance.normal(2700, 2, (90, 60, 80))
    counts[20:, 10:30, 10:30] += 1200
    np.save(tmp_path / "counts.npy", counts.astype(np.uint16))
    found = rows(tmp_path / "counts.npy", tmp_path, ambient_c=None, scale_c=0.03, uncalibrated=True)
    assert [d["phase"] for d in found][:1] == ["raised"]
    assert {d.get("measure") for d in found} == {None}


def test_a_warm_animal_in_a_cold_shed_is_no_hot_spot(tmp_path):
    chance = np.random.default_rng(3)
    night = chance.normal(2.0, 0.05, (240, 60, 80)).astype(np.float32)
    for second, picture in enumerate(night):
        left = max(0, min(60, second - 40) if second < 150 else 210 - second)
        if 40 <= second < 210:
            picture[25:37, left : left + 18] = chance.normal(36.0, 0.5, (12, min(18, 80 - left)))
    np.save(tmp_path / "night.npy", night)
    assert rows(tmp_path / "night.npy", tmp_path, ambient_c=None) == []


def test_a_battery_that_heats_up_by_six_kelvin_a_minute_is_found_before_it_is_hot(tmp_path):
    chance = np.random.default_rng(4)
    shed = chance.normal(21.0, 0.05, (420, 60, 80)).astype(np.float32)
    for second, picture in enumerate(shed):
        picture[30:34, 40:44] += max(0, second - 60) / 10
    np.save(tmp_path / "shed.npy", shed)
    found = rows(tmp_path / "shed.npy", tmp_path, ambient_c=None)
    assert (found[0]["phase"], found[0]["grade"]) == ("raised", 1)
    assert found[0]["measure"]["value"] < 420
    assert max(d["grade"] for d in found) == 3


def still(assets, name):
    path = assets / "thermal" / name
    if not path.exists():
        pytest.skip(f"no test material; {name} is missing")
    return path
