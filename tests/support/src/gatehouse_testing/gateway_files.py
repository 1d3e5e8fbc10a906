"""A gateway with some cameras over one busy place, as files: what the benchmarks of the agent run on.

Every camera sees three zones and two lines and has the rules that a square has: so the rules cost what they cost at a site.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from gatehouse_edge.config import Config, load_config

CLOSED = ["20:00-08:00"]


def write_gateway(
    folder: Path,
    cameras: int,
    camera: Mapping[str, object],
    *,
    port: int = 1,
    more: Mapping[str, object] | None = None,
) -> Path:
    """Writes `site.yaml` and `gateway.yaml`; gives the second. `camera`: the settings of each camera. Port 1 has no broker."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"cam_{n}" for n in range(1, cameras + 1)]
    gateway = {
        "gateway": "gw_bench",
        "site_file": "site.yaml",
        "hub": {"url": f"mqtt://127.0.0.1:{port}"},
        "outbox": {"path": "outbox.db"},
        "cameras": {name: dict(camera) for name in names},
        **(more or {}),
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(site(names), sort_keys=False))
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(gateway, sort_keys=False))
    return path


def read_gateway(path: Path) -> Config:
    """The checked configuration."""
    return load_config(path)


def site(cameras: list[str]) -> dict[str, object]:
    """A square, a lane and a strip behind the fence, seen by every camera."""
    marks = [
        [[0.1, 0.9], [2, 1]],
        [[0.9, 0.9], [18, 1]],
        [[0.8, 0.45], [30, 22]],
        [[0.2, 0.45], [6, 22]],
    ]
    seen = [
        ("square", [[0.0, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, 1.0]]),
        ("lane", [[0.0, 0.5], [0.4, 0.5], [0.4, 0.9], [0.0, 0.9]]),
        ("strip", [[0.6, 0.5], [1.0, 0.5], [1.0, 0.9], [0.6, 0.9]]),
    ]
    rules = [
        ("full", "crowd_density", "square"),
        ("blocked", "lane_blocked", "lane"),
        ("entered", "perimeter_intrusion", "strip"),
        ("stay", "dwell", "strip"),
    ]
    return {
        "site": "bench",
        "name": {"en": "Bench", "zh-CN": "测试"},
        "time_zone": "UTC",
        "closes_at": "20:00",
        "zones": [
            _zone("square", "moving", [[0, 0], [40, 0], [40, 25], [0, 25]], neighbours=["lane"]),
            _zone("lane", "lane", [[0, 25], [40, 25], [40, 31], [0, 31]], neighbours=["square"]),
            _zone(
                "strip", "perimeter", [[40, 0], [46, 0], [46, 31], [40, 31]], closed_hours=CLOSED
            ),
        ],
        "gates": [{"id": "in", "from": "outside", "to": "square", "width_m": 3.0}],
        "lines": [
            {"id": f"{name}_{end}", "gate": "in", "device": name, "points": points}
            for name in cameras
            for end, points in (("a", [[0.5, 0.2], [0.5, 0.9]]), ("b", [[0.1, 0.6], [0.9, 0.6]]))
        ],
        "views": [
            {"device": name, "zone": zone, "polygon": polygon, "marks": marks}
            for name in cameras
            for zone, polygon in seen
        ],
        "rules": [
            {"id": f"{name}_{rule}", "kind": kind, "zone": zone, "device": name}
            for name in cameras
            for rule, kind, zone in rules
        ],
        "devices": [
            {"id": name, "kind": "camera", "zone": "square", "at": [20, 12], "gateway": "gw_bench"}
            for name in cameras
        ],
    }


def _zone(name: str, kind: str, polygon: list[list[int]], **more: object) -> dict[str, object]:
    names = {"en": name.title(), "zh-CN": name}
    return {"id": name, "name": names, "kind": kind, "serves": "public", "polygon": polygon, **more}
