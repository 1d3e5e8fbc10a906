"""A whole Gatehouse for a test: two real brokers, a hub on either database, an agent in a process of its own."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_hub.app import Hub
from gatehouse_hub.config import load_config
from gatehouse_hub.store.columns import integer, text
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.demo.programs import Programs

SENSORS = 12


def community() -> dict[str, Any]:
    """A site of sheds in a row, a smoke detector and a rule in each."""
    zones = [
        {
            "id": f"shed_{n}",
            "name": {"en": f"Shed {n}"},
            "kind": "shed",
            "serves": "shared",
            "polygon": [[n * 400, 0], [n * 400 + 10, 0], [n * 400 + 10, 10], [n * 400, 10]],
        }
        for n in range(SENSORS)
    ]
    devices = [
        {
            "id": f"smoke_{n}",
            "kind": "smoke",
            "zone": f"shed_{n}",
            "at": [n * 400 + 5, 5],
            "gateway": "gw_1",
        }
        for n in range(SENSORS)
    ]
    rules = [
        {"id": f"rule_{n}", "kind": "fire_smoke", "zone": f"shed_{n}", "device": f"smoke_{n}"}
        for n in range(SENSORS)
    ]
    return {
        "site": "sheds",
        "name": {"en": "Sheds"},
        "time_zone": "Asia/Shanghai",
        "zones": zones,
        "devices": devices,
        "rules": rules,
    }


@dataclass
class Whole:
    """Everything running. `between` is the broker of hub and gateway, `local` that of the sensors."""

    folder: Path
    between: Mosquitto
    local: Mosquitto
    hub: Hub
    programs: Programs
    heard: dict[str, bool] = field(default_factory=dict[str, bool])

    def smoke(self, sensor: int, present: bool) -> None:
        """One detector speaks."""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", self.local.port)
        client.loop_start()
        payload = json.dumps({"smoke": present, "battery": 93})
        client.publish(f"zigbee2mqtt/smoke_{sensor}", payload, qos=1, retain=True).wait_for_publish(
            10
        )
        client.disconnect()
        client.loop_stop()

    def raised(self) -> list[str]:
        """Zones of the raised rows in the hub, one a row."""
        with self.hub.database.snapshot() as tx:
            rows = tx.execute(
                "SELECT zone FROM event WHERE phase = 'raised' AND kind = 'fire_smoke' ORDER BY zone"
            )
        return [text(row[0]) for row in rows]

    def incidents(self) -> int:
        """How many incidents of smoke the linker has made of them."""
        with self.hub.database.snapshot() as tx:
            return integer(
                tx.execute("SELECT COUNT(*) FROM incident WHERE kind = 'fire_smoke'")[0][0]
            )

    def unaccounted(self) -> list[tuple[str, int, int]]:
        """(lane, how far it is accounted for, highest number) of lanes with a hole."""
        with self.hub.database.snapshot() as tx:
            rows = tx.execute(
                "SELECT p.lane, p.upto, MAX(e.seq) FROM progress p JOIN event e ON e.gateway = p.gateway"
                " AND e.epoch = p.epoch AND e.lane = p.lane GROUP BY p.gateway, p.epoch, p.lane, p.upto"
                " HAVING MAX(e.seq) <> p.upto"
            )
        return [(text(lane), integer(upto), integer(highest)) for lane, upto, highest in rows]

    def start_agent(self) -> None:
        """Run the agent as an installer would."""
        argv = ["gatehouse-edge", "run", "--config", str(self.folder / "gw_1.yaml")]
        self.programs.start("gw_1", argv, os.environ)

    def start_hub(self) -> None:
        """A hub on the same store."""
        self.hub = Hub(load_config(self.folder / "hub.yaml"))
        self.hub.start()


def write_files(folder: Path, database: str, between: Mosquitto, local: Mosquitto) -> None:
    """The three files that a person would write."""
    (folder / "site.yaml").write_text(yaml.safe_dump(community()))
    hub = {
        "database": database,
        "mqtt": {"url": between.url},
        "http": {"port": 0},
        "sites": ["site.yaml"],
    }
    (folder / "hub.yaml").write_text(yaml.safe_dump(hub))
    sensors = {
        f"smoke_{n}": {
            "topic": f"zigbee2mqtt/smoke_{n}",
            "state": {"field": "smoke", "means_true": [True], "means_false": [False]},
        }
        for n in range(SENSORS)
    }
    gateway = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "hub": {"url": between.url},
        "outbox": {"path": "outbox.db"},
        "sensors": {"broker": {"url": local.url}, "devices": sensors},
        "clock": "host",
    }
    (folder / "gw_1.yaml").write_text(yaml.safe_dump(gateway))
