"""From a zone to a hazard and from a device to a row by way of a plug-in; and what the hub is told of those that run."""

import hashlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from gatehouse_edge.app.agent import Agent
from gatehouse_edge.app.plugins import Plugins, decoders_of
from gatehouse_edge.cli import main
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import load_config
from gatehouse_edge.ports import Heard
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.observations import Observation, PluginSample
from gatehouse_edge.values import Finding
from gatehouse_shared.events import HazardData, HazardEvent, ReadingData
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_shared.offline import decode_line
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.kinds import those
from gatehouse_testing.plugged import ESCAPE
from gatehouse_testing.scripted_hub import QUICK, ScriptedHub
from gatehouse_testing.waiting import wait_until
from gatehouse_testing.watched import moment, person, tracks

EXAMPLES = ROOT / "edge/docs/examples"
LONG_S = 25.0
SITE: dict[str, object] = {
    "site": "riverside",
    "name": {"en": "Riverside"},
    "time_zone": "Asia/Shanghai",
    "zones": [
        {
            "id": "till",
            "name": {"en": "Till"},
            "kind": "queue",
            "serves": "public",
            "polygon": [[0, 0], [10, 0], [10, 5], [0, 5]],
        }
    ],
    "views": [
        {"device": device, "zone": "till", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}
        for device in ("cam_1", "thermal_1")
    ],
    "devices": [
        {"id": "cam_1", "kind": "camera", "zone": "till", "at": [3, 1], "gateway": "gw_1"},
        {"id": "thermal_1", "kind": "thermal", "zone": "till", "at": [3, 1], "gateway": "gw_1"},
        {"id": "water_1", "kind": "water", "zone": "till", "at": [2, 1], "gateway": "gw_1"},
    ],
}
RULES = [
    {
        "id": "till_queue",
        "kind": "crowd_density",
        "zone": "till",
        "device": "cam_1",
        "params": {"long_count": 12, "dwell_s": 5},
    },
    {
        "id": "till_hot",
        "kind": "thermal_hotspot",
        "zone": "till",
        "device": "thermal_1",
        "params": {"limit_c": 40, "dwell_s": 3},
    },
]
LEVEL = {"water_1": {"quantity": {"field": "level", "quantity": "water_level"}}}
HOT = """
from gatehouse_edge.plugins.api import Condition

class Plugin:
    def __init__(self, params):
        self.limit_c = params["limit_c"]

    def step(self, zone):
        return Condition(on=zone.hot_c > self.limit_c, reason=f"{zone.hot_c} C")
"""
LEAVING = (
    ESCAPE
    + """
class Plugin:
    def __init__(self, params):
        self.reads = 0

    def read(self, connection):
        self.reads += 1
        if data := connection.receive(0.1):
            silence()
            reach("os").fork()
        return {"level": 7}
"""
)


def entry(folder: Path, name: str, text: str, **more: object) -> dict[str, object]:
    (folder / f"{name}.py").write_text(text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return {"name": name, "file": f"{name}.py", "sha256": sha256, **more}


def queue_rule(folder: Path) -> dict[str, object]:
    text = (EXAMPLES / "queue_long.py").read_text()
    return entry(folder, "queue_long", text, rules=["till_queue"])


def written(folder: Path, plugins: dict[str, object], **more: object) -> Path:
    judged = str(plugins.get("rules", ""))
    rules = [rule for rule in RULES if str(rule["id"]) in judged]
    (folder / "site.yaml").write_text(yaml.safe_dump({**SITE, "rules": rules}))
    file = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "clock": "host",
        "hub": {"url": "mqtt://127.0.0.1:1883"},
        "plugins": plugins,
        **more,
    }
    (folder / "gateway.yaml").write_text(yaml.safe_dump(file))
    return folder / "gateway.yaml"


def test_the_example_raises_a_long_queue_once_and_clears_it(tmp_path: Path) -> None:
    """Fourteen people stand for ten seconds, then go: tracks in, hazard out, with the plug-in in its process between."""
    config = load_config(written(tmp_path, {"rules": [queue_rule(tmp_path)]}))
    rules = build_rules(config.site, "gw_1", config.file.plugins.judged)
    inbox: deque[Observation] = deque()
    plugins = Plugins(config, SystemClock(), inbox.append)
    state, found = rules.start(), list[Finding]()
    plugins.start()
    try:
        wait_until(plugins.states)
        for second in range(60):
            now, count = moment(float(second)), 14 if second < 12 else 3
            seen = tracks(now.at, *(person(n, (0.05 * n + 0.1, 0.8)) for n in range(count)))
            before = state
            state, judged = rules.step(before, seen, now)
            found += judged.findings
            plugins.heard(Heard(seen, now, before, state, judged))
            wait_until(lambda: inbox)
            sample = inbox.popleft()
            assert isinstance(sample, PluginSample)
            state, judged = rules.step(state, sample, now)
            found += judged.findings
    finally:
        plugins.close()
    told = [(f.rule, f.phase, f.grade, f.count) for f in found]
    assert told == [
        ("till_queue", Phase.RAISED, 2, 14),
        ("till_queue", Phase.CLEARED, 2, 14),
    ]
    assert found[0].confirm_s == 5
    assert "14 people in the queue" in found[0].reason
    assert plugins.states() == ()


def test_a_recording_is_analysed_with_its_plug_ins_to_the_same_bytes(tmp_path: Path) -> None:
    frames = np.full((20, 24, 32), 220, np.uint16)
    frames[5:, :12, :16] = 700
    np.savez(tmp_path / "till.npz", frames)
    cameras = {
        "thermal_1": {"source": {"url": "radiometric:none.npz", "scale_c": 0.1, "offset_c": 0.0}}
    }
    hot = entry(tmp_path, "hot", HOT, rules=["till_hot"])
    config = written(tmp_path, {"rules": [hot]}, cameras=cameras)

    def analysed(name: str) -> bytes:
        out = tmp_path / name
        source = f"radiometric:{tmp_path}/till.npz"
        assert main(["analyze", source, "--config", str(config), "--out", str(out)]) == 0
        return out.read_bytes()

    first = analysed("a.jsonl")
    assert analysed("b.jsonl") == first
    events = [decode_line(line).event.data for line in first.splitlines()]
    hazards = those(HazardData, events)
    assert [(h.rule, h.kind, h.phase) for h in hazards] == [
        ("till_hot", HazardKind.THERMAL_HOTSPOT, Phase.RAISED)
    ]
    assert hazards[0].confirm_s == 3


def test_a_changed_file_stops_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(tmp_path, {"rules": [queue_rule(tmp_path)]})
    (tmp_path / "queue_long.py").write_text("import os")
    assert main(["run", "--config", str(config)]) == 2
    assert "is not the file that was agreed to" in capsys.readouterr().err


def test_a_decoder_of_another_make_is_a_plug_in_too(tmp_path: Path) -> None:
    program = tmp_path / "decode.py"
    program.write_text("pass")
    source = {"url": "rtsp://192.168.1.9/s", "decoder": {"command": ["sh", str(program)]}}
    config = load_config(written(tmp_path, {}, cameras={"cam_1": {"source": source}}))
    first = decoders_of(config)
    assert [p.name for p in first] == ["decoder_cam_1"]
    program.write_text("pass  # changed")
    assert decoders_of(config)[0].sha256 != first[0].sha256


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Callable[[dict[str, object]], ScriptedHub]]:
    broker = Mosquitto(tmp_path / "mosquitto").start()
    hub = ScriptedHub(broker.port)
    running: list[tuple[Agent, threading.Thread]] = []

    def start(plugins: dict[str, object]) -> ScriptedHub:
        path = written(tmp_path, plugins, hub={"url": broker.url})
        one = Agent(load_config(path), pace=QUICK)
        thread = threading.Thread(target=one.run, daemon=True)
        thread.start()
        running.append((one, thread))
        return hub

    yield start
    for one, thread in running:
        one.stop()
        thread.join(20)
        assert not thread.is_alive()
    hub.close()
    broker.stop()


@pytest.mark.broker
def test_the_birth_names_what_runs_and_a_breach_is_told(
    agent: Callable[[dict[str, object]], ScriptedHub], tmp_path: Path
) -> None:
    """A rule and a source; the source leaves its cage, is tampering, and is in no further birth. The agent goes on."""
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    rule = queue_rule(tmp_path)
    source = entry(
        tmp_path,
        "leaving",
        LEAVING,
        connection=f"udp://127.0.0.1:{port}",
        devices=LEVEL,
        every_s=0.2,
    )
    hub = agent({"rules": [rule], "sources": [source]})

    def births() -> list[tuple[tuple[str, str], ...]]:
        with hub.lock:
            return [tuple((p.name, p.sha256) for p in b.plugins) for b in hub.model.births]

    both = (("queue_long", rule["sha256"]), ("leaving", source["sha256"]))

    def readings() -> list[tuple[str, int]]:
        with hub.lock:
            data = [e.data for e in hub.model.events(Lane.BULK)]
        return [(r.device, r.value) for r in those(ReadingData, data)]

    wait_until(lambda: both in births(), LONG_S)
    wait_until(lambda: ("water_1", 7) in readings(), LONG_S)
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(struct.pack(">h", 1), ("127.0.0.1", port))
    wait_until(lambda: births()[-1] == both[:1], LONG_S)

    def tampers() -> list[HazardEvent]:
        with hub.lock:
            return [e for e in hub.model.hazards() if e.data.kind is HazardKind.TAMPER]

    told = wait_until(tampers, LONG_S)
    assert [(e.data.device, e.data.phase) for e in told] == [("gw_1", Phase.RAISED)]
