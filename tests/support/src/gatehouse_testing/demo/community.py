"""The demo's community on disk: the site file, a hub's configuration, and a file for each of its gateways."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gatehouse_testing.demo.broker import Client

SCENES = {
    "gw_plaza": {"cam_plaza": "plaza"},
    "gw_shed": {"cam_lane": "fire_lane", "thermal_shed": "shed_thermal"},
    "gw_gate": {"cam_gate": "gate"},
}
"""Gateway -> camera -> the scene that it looks at."""

SENSORS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "gw_plaza": {
        "button_stall": {
            "state": {"field": "action", "means_true": ["single"], "means_false": ["release"]}
        }
    },
    "gw_shed": {
        "smoke_shed": {"state": {"field": "smoke", "means_true": [True], "means_false": [False]}},
        "contact_shed": {
            "state": {"field": "contact", "means_true": [False], "means_false": [True]}
        },
    },
    "gw_gate": {"counter_gate": {"counter": {"in": "people_in", "out": "people_out"}}},
}
"""Gateway -> sensor -> how its messages are read."""

SCENE_MODEL = "gatehouse_scenes"
REAL_MODEL = "yolox_nano"
REAL_CLIP = "video/pets09-s2l1-first400.mp4"
REAL_FPS = 7
RATE_FPS = {
    "cam_plaza": 4.0,
    "cam_lane": 3.0,
    "thermal_shed": 2.0,
    "cam_gate": 4.0,
    "cam_real": 2.0,
}


@dataclass(frozen=True, slots=True)
class Community:
    """Where everything lies, and who may connect to the broker."""

    folder: Path
    hub_file: Path
    gateway_files: Mapping[str, Path]
    clients: Mapping[str, Client]


@dataclass(frozen=True, slots=True)
class RealCamera:
    """A recording, and the model that looks at it."""

    clip: Path
    model: str = REAL_MODEL


def write_community(
    folder: Path, seeds: Path, *, mqtt_port: int, http_port: int, real: RealCamera | None
) -> Community:
    """Write all files of the demo below `folder`."""
    site = yaml.safe_load((seeds / "sites/demo/site.yaml").read_text())
    if real is not None:
        more = yaml.safe_load((seeds / "sites/demo/real_clip.yaml").read_text())
        for part, entries in more.items():
            site[part] = [*site[part], *entries]
    site_file = folder / "site.yaml"
    _write(site_file, site)
    clients = _clients()
    for name, client in clients.items():
        _write_secret(folder / f"{name}.password", client.password)
    hub_file = folder / "hub.yaml"
    _write(
        hub_file,
        {
            "database": "sqlite:hub.db",
            "mqtt": _broker(mqtt_port, "hub"),
            "http": {"host": "127.0.0.1", "port": http_port},
            "sites": ["site.yaml"],
        },
    )
    gateway_files = {name: folder / f"{name}.yaml" for name in SCENES}
    for name, path in gateway_files.items():
        _write(path, _gateway(name, seeds, mqtt_port, real if name == "gw_gate" else None))
    return Community(folder, hub_file, gateway_files, clients)


def _clients() -> dict[str, Client]:
    gateways = {
        name: Client(
            password=secrets.token_urlsafe(16),
            may_write=[f"gatehouse/v1/+/{name}/up/#"],
            may_read=[f"gatehouse/v1/+/{name}/down/#", "zigbee2mqtt/#"],
        )
        for name in SCENES
    }
    return {
        "hub": Client(secrets.token_urlsafe(16), ["gatehouse/v1/#"], ["gatehouse/v1/#"]),
        "sensors": Client(secrets.token_urlsafe(16), ["zigbee2mqtt/#"], []),
        **gateways,
    }


def _gateway(name: str, seeds: Path, mqtt_port: int, real: RealCamera | None) -> dict[str, Any]:
    cameras: dict[str, Any] = {
        camera: {"source": f"scene:{scene}", "model": SCENE_MODEL, "rate_fps": RATE_FPS[camera]}
        for camera, scene in SCENES[name].items()
    }
    if real is not None:
        source = {"url": f"file:{real.clip}", "loop": True, "native_fps": REAL_FPS}
        cameras["cam_real"] = {
            "source": source,
            "model": real.model,
            "rate_fps": RATE_FPS["cam_real"],
        }
    sensors = {
        sensor: {"topic": f"zigbee2mqtt/{sensor}", **mapping}
        for sensor, mapping in SENSORS[name].items()
    }
    return {
        "gateway": name,
        "site_file": "site.yaml",
        "hub": _broker(mqtt_port, name),
        "outbox": {"path": f"{name}.outbox.db"},
        "cameras": cameras,
        "sensors": {"broker": _broker(mqtt_port, name), "devices": sensors},
        "clock": "host",
        "seeds": str(seeds),
    }


def _broker(port: int, name: str) -> dict[str, Any]:
    return {
        "url": f"mqtt://127.0.0.1:{port}",
        "username": name,
        "password_file": f"{name}.password",
    }


def _write(path: Path, tree: object) -> None:
    path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False))


def _write_secret(path: Path, secret: str) -> None:
    path.touch(mode=0o600)
    path.write_text(secret + "\n")
