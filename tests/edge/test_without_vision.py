"""A gateway with sensors only runs without numpy, OpenCV and onnxruntime."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gatehouse_shared.names import HazardKind
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.scripted_hub import ScriptedHub
from gatehouse_testing.sites import one_room
from gatehouse_testing.waiting import wait_until

BLOCKED = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numpy", "cv2", "onnxruntime", "lap"):
            raise ModuleNotFoundError(f"no {name} here", name=name)
sys.meta_path.insert(0, Refuse())
from gatehouse_edge.cli import main
sys.exit(main(sys.argv[1:]))
"""
LONG_S = 40.0

SMOKE = {"id": "hall_smoke", "kind": "fire_smoke", "zone": "hall", "device": "smoke_1"}
SITE = one_room({"smoke_1": "smoke"}, [SMOKE])


def command(*words: object) -> list[str]:
    """`gatehouse-edge` on a machine without the libraries of pictures."""
    return [sys.executable, "-c", BLOCKED, *map(str, words)]


def written(folder: Path, url: str) -> Path:
    """A gateway whose smoke detector says `{"smoke": true}`."""
    device = {"topic": "zigbee2mqtt/smoke_1", "state": {"field": "smoke", "means_true": [True]}}
    gateway = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "clock": "host",
        "hub": {"url": url},
        "sensors": {"broker": {"url": url}, "devices": {"smoke_1": device}},
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(SITE))
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(gateway))
    return path


def test_models_are_listed() -> None:
    done = subprocess.run(command("model", "list"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "yolox_nano" in done.stdout


@pytest.mark.broker
def test_it_is_checked_runs_and_tells_of_smoke(
    tmp_path: Path, broker: Mosquitto, hub: ScriptedHub
) -> None:
    config = written(tmp_path, broker.url)
    checked = subprocess.run(
        command("check", "--config", config), capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    agent = subprocess.Popen(command("run", "--config", config), stderr=subprocess.PIPE)
    try:
        wait_until(lambda: hub.model.births, LONG_S, what="the agent's birth")

        def told() -> bool:
            hub.send("zigbee2mqtt/smoke_1", b'{"smoke": true}')
            with hub.lock:
                return any(e.data.kind is HazardKind.FIRE_SMOKE for e in hub.model.hazards())

        wait_until(told, LONG_S, what="the smoke alarm")
        agent.send_signal(signal.SIGTERM)
        _, said = agent.communicate(timeout=20)
        assert agent.returncode == 0, said.decode()
    finally:
        agent.kill()
        agent.wait()
