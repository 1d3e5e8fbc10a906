"""A running agent at a site of smoke detectors, meters and a camera, with a record of what its rules said: for tests of faults.

Sensors have a broker of their own, so that the way to the hub may be cut.
"""

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_edge.app.agent import Agent
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import Config, load_config
from gatehouse_edge.ports import Heard
from gatehouse_edge.values import Finding
from gatehouse_shared.events import GapData, HazardEvent
from gatehouse_shared.instants import floor_time, format_instant
from gatehouse_shared.names import Lane, Phase
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.kinds import those
from gatehouse_testing.scripted_hub import QUICK, ScriptedHub

SITE = "riverside"
GATEWAY = "gw_1"
SMOKES = 4
SMOKE_PARAMS = {"dwell_s": 0, "clear_s": 1}
MARKS = [
    [[0.1, 0.9], [2, 1]],
    [[0.9, 0.9], [18, 1]],
    [[0.8, 0.45], [30, 22]],
    [[0.2, 0.45], [6, 22]],
]


def site_file(meters: int, *, cameras: int = 1) -> dict[str, object]:
    """Smoke detectors `smoke_1`... with a rule each, meters `meter_1`..., a camera `cam_1` over a square."""
    smokes = [f"smoke_{n}" for n in range(1, SMOKES + 1)]
    zone = {"name": {"en": "Zone"}, "serves": "shared"}
    place = {"zone": "shed", "at": [1, 1], "gateway": GATEWAY}
    cams = [f"cam_{n}" for n in range(1, cameras + 1)]
    return {
        "site": SITE,
        "name": {"en": "Riverside"},
        "time_zone": "Europe/Berlin",
        "zones": [
            {"id": "shed", "kind": "shed", "polygon": [[0, 0], [9, 0], [9, 9], [0, 9]], **zone},
            {
                "id": "square",
                "kind": "moving",
                "polygon": [[9, 0], [49, 0], [49, 25], [9, 25]],
                **zone,
            },
        ],
        "views": [
            {
                "device": name,
                "zone": "square",
                "polygon": [[0.0, 0.4], [1.0, 0.4], [1.0, 1.0], [0.0, 1.0]],
                "marks": MARKS,
            }
            for name in cams
        ],
        "rules": [
            *(
                {
                    "id": f"{name}_alarm",
                    "kind": "fire_smoke",
                    "zone": "shed",
                    "device": name,
                    "params": SMOKE_PARAMS,
                }
                for name in smokes
            ),
            *(
                {"id": f"{name}_crowd", "kind": "crowd_density", "zone": "square", "device": name}
                for name in cams
            ),
        ],
        "devices": [
            *({"id": name, "kind": "smoke", **place} for name in smokes),
            *({"id": f"meter_{n}", "kind": "gas", **place} for n in range(1, meters + 1)),
            *({"id": name, "kind": "camera", **place, "zone": "square"} for name in cams),
        ],
    }


def gateway_file(sensors: Mosquitto, hub_port: int, meters: int, *, cameras: int = 1, **more):
    """The gateway's file over these brokers."""
    devices: dict[str, object] = {
        f"smoke_{n}": {
            "topic": f"smoke/{n}",
            "state": {"field": "alarm", "means_true": [True], "means_false": [False]},
        }
        for n in range(1, SMOKES + 1)
    }
    for n in range(1, meters + 1):
        quantity = {"field": "lel", "quantity": "gas"}
        devices[f"meter_{n}"] = {"topic": f"meter/{n}", "quantity": quantity}
    camera = {"source": "scene:plaza", "model": "gatehouse_scenes", "rate_fps": 2.0}
    return {
        "gateway": GATEWAY,
        "site_file": "site.yaml",
        "clock": "host",
        "hub": {"url": f"mqtt://127.0.0.1:{hub_port}"},
        "cameras": {f"cam_{n}": camera for n in range(1, cameras + 1)},
        "sensors": {"broker": {"url": sensors.url}, "devices": devices},
        **more,
    }


def write_files(folder: Path, site: Mapping[str, object], gateway: Mapping[str, object]) -> Path:
    """Both files; the gateway's."""
    (folder / "site.yaml").write_text(yaml.safe_dump(dict(site)))
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(dict(gateway)))
    return path


class Sensors:
    """Says what detectors and meters say."""

    def __init__(self, broker: Mosquitto) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self._said = self._client.publish("hello", qos=1)

    def smoke(self, number: int, *, present: bool) -> None:
        """A detector's word."""
        self._say(f"smoke/{number}", {"alarm": present})

    def meter(self, number: int, value: int) -> None:
        """A meter's word."""
        self._say(f"meter/{number}", {"lel": value})

    def close(self) -> None:
        """Leave, once the last word was heard."""
        self._said.wait_for_publish(10)
        self._client.disconnect()
        self._client.loop_stop()

    def _say(self, topic: str, message: object) -> None:
        self._said = self._client.publish(topic, json.dumps(message), qos=1)


@dataclass
class Record:
    """A Witness that remembers what the rules said."""

    findings: list[Finding] = field(default_factory=list[Finding])

    def heard(self, step: Heard) -> None:
        """After each step."""
        self.findings += step.judged.findings

    def said(self) -> dict[str, list[tuple[Phase, str]]]:
        """Raises and ends of each rule in their order, with their times as the wire says them."""
        found: dict[str, list[tuple[Phase, str]]] = defaultdict(list)
        for one in self.findings:
            if one.phase is not Phase.UPDATED:
                found[one.rule].append((one.phase, format_instant(floor_time(one.time, 1))))
        return dict(found)


class Lines(logging.Handler):
    """The agent's log lines."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        self.lines.append(record.getMessage())

    def with_words(self, words: str) -> list[str]:
        """Lines that hold these words."""
        return [line for line in self.lines if words in line]


class RunningAgent:
    """An agent in a thread. `record` holds what its rules say, `log` its warnings and errors."""

    def __init__(self, path: Path, clock: SystemClock | None = None) -> None:
        config: Config = load_config(path)
        self.log, self.record = Lines(), Record()
        logging.getLogger("gatehouse_edge").addHandler(self.log)
        self.agent = Agent(config, pace=QUICK, clock=clock)
        judgment = self.agent._judgment
        judgment._witnesses = (*judgment._witnesses, self.record)
        self._thread = threading.Thread(target=self.agent.run, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Rows that the hub has not acknowledged."""
        return self.agent._outbox.load.rows

    @property
    def squeezed(self) -> bool:
        """Whether it knows that the disk is full."""
        return self.agent._outbox.squeezed

    def close(self) -> None:
        """Stop it in good order."""
        self.agent.stop()
        self._thread.join(30)
        logging.getLogger("gatehouse_edge").removeHandler(self.log)
        assert not self.alive


def arrived(hub: ScriptedHub) -> dict[str, list[tuple[Phase, str]]]:
    """Raises and ends of each rule as the hub has them, in the order of their numbers."""
    found: dict[str, list[tuple[Phase, str]]] = defaultdict(list)
    for event in sorted(hazards(hub), key=lambda e: e.seq):
        if event.data.phase is not Phase.UPDATED:
            found[event.data.rule].append((event.data.phase, event.time))
    return dict(found)


def hazards(hub: ScriptedHub) -> list[HazardEvent]:
    """Every hazard row at the hub."""
    with hub.lock:
        return hub.model.hazards()


def gaps(hub: ScriptedHub) -> list[tuple[Lane, GapData]]:
    """Every gap at the hub, with its lane."""
    with hub.lock:
        rows = [
            (lane, row) for (_, lane), x in hub.model.ledgers.items() for row in x.rows.values()
        ]
    return [(lane, gap) for lane, row in rows for gap in those(GapData, [row.event.data])]


def nothing_is_lost(hub: ScriptedHub) -> None:
    """Every number is a row or in a gap, no key came with two contents, and each hazard has one life."""
    with hub.lock:
        model = hub.model
        assert model.unreadable == []
        assert model.reused == []
        assert all(model.unaccounted(epoch, lane) == 0 for epoch, lane in model.ledgers)
        events = [e for lane in Lane for e in model.events(lane)]
    assert len({e.id for e in events}) == len(events)
    lives: dict[int, list[Phase]] = defaultdict(list)
    for event in sorted(hazards(hub), key=lambda e: e.seq):
        lives[event.data.hazard].append(event.data.phase)
    for number, life in lives.items():
        assert life[0] is Phase.RAISED, number
        assert life.count(Phase.RAISED) == 1, number
        assert Phase.CLEARED not in life[:-1], number
