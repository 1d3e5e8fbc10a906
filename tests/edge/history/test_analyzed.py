"""A recording that was analyzed is rehearsed: the same rules say what they said."""

import json

import pytest
import yaml

from gatehouse_edge.cli import main
from gatehouse_testing.dev.paths import ROOT

DEMO = ROOT / "seeds" / "sites" / "demo" / "site.yaml"


def _rehearsed(tmp_path, device, source, more):
    (tmp_path / "site.yaml").write_bytes(DEMO.read_bytes())
    gateway = next(
        d["gateway"] for d in yaml.safe_load(DEMO.read_text())["devices"] if d["id"] == device
    )
    file = {
        "gateway": gateway,
        "site_file": "site.yaml",
        "hub": {"url": "mqtt://127.0.0.1:1883"},
        "seeds": str(ROOT / "seeds"),
        "cameras": {device: {"source": source, **more}},
    }
    config, kept, figures = (tmp_path / n for n in ("gateway.yaml", "signals.db", "figures.json"))
    config.write_text(yaml.safe_dump(file))
    words = ["--config", str(config), "--signals", str(kept)]
    out = ["--device", device, "--out", str(tmp_path / "events.jsonl")]
    assert main(["analyze", source, *words, *out]) == 0
    assert main(["rehearse", *words, "--json", str(figures)]) == 0
    return [r for r in json.loads(figures.read_text())["rules"] if r["said"] or r["after"]]


@pytest.mark.parametrize(
    ("device", "source", "more", "kind"),
    [
        ("thermal_shed", "scene:shed_thermal", {}, "thermal_hotspot"),
        pytest.param(
            "cam_lane",
            "scene:fire_lane",
            {"model": "gatehouse_scenes"},
            "lane_blocked",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_scene_that_was_analyzed_is_rehearsed_to_the_same_hazards(
    tmp_path, device, source, more, kind
):
    rules = _rehearsed(tmp_path, device, source, more)
    assert kind in {rule["kind"] for rule in rules}
    for rule in rules:
        assert rule["replayed"]
        assert rule["said"] == len(rule["before"])
        assert rule["before"] == rule["after"]
