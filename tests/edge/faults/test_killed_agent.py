"""An agent that is killed while an alarm is open and its disk is full, and starts on the full disk: one hazard, one life."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from gatehouse_shared.events import HazardEvent
from gatehouse_shared.names import HazardKind, Phase
from gatehouse_testing.broker import Mosquitto, mosquitto
from gatehouse_testing.scripted_hub import ScriptedHub
from gatehouse_testing.sensor_site import (
    Sensors,
    gateway_file,
    hazards,
    nothing_is_lost,
    site_file,
    write_files,
)
from gatehouse_testing.small_disk import small_disk
from gatehouse_testing.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.broker]
LONG_S = 40.0
KILLS = 10


@contextlib.contextmanager
def running(path: Path, log: Path) -> Generator[subprocess.Popen[bytes]]:
    """`gatehouse-edge run`, killed at the end."""
    program = Path(sys.executable).with_name("gatehouse-edge")
    with log.open("ab") as file:
        agent = subprocess.Popen([program, "run", "--config", path], stderr=file, stdout=file)
    try:
        yield agent
    finally:
        agent.send_signal(signal.SIGKILL)
        agent.wait(20)


def life(hub: ScriptedHub, kind: HazardKind) -> list[HazardEvent]:
    """Raises and ends of a kind, in order."""
    told = [e for e in hazards(hub) if e.data.kind is kind and e.data.phase is not Phase.UPDATED]
    return sorted(told, key=lambda e: e.seq)


def phases(hub: ScriptedHub, kind: HazardKind) -> list[Phase]:
    return [e.data.phase for e in life(hub, kind)]


def say_until(sensors: Sensors, hub: ScriptedHub, *, smoke: bool, phase: Phase) -> None:
    """A detector that repeats itself until the hub has heard of it."""

    def heard() -> bool:
        sensors.smoke(1, present=smoke)
        return phases(hub, HazardKind.FIRE_SMOKE)[-1:] == [phase]

    wait_until(heard, LONG_S)


def test_a_hazard_outlives_every_kill_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk, mosquitto(tmp_path / "mqtt") as broker:
        hub, sensors = ScriptedHub(broker.port), Sensors(broker)
        log = tmp_path / "log"
        path = files(tmp_path, broker)
        with running(path, log):
            say_until(sensors, hub, smoke=True, phase=Phase.RAISED)
        assert disk.fill() == 0
        boots = set[str]()
        for _ in range(KILLS):
            with running(path, log):
                wait_until(lambda: hub.model.boot not in boots, LONG_S)
                wait_until(lambda: phases(hub, HazardKind.STORAGE_FULL), LONG_S)
                boots.add(hub.model.boot)
                disk.fill()
        assert phases(hub, HazardKind.FIRE_SMOKE) == [Phase.RAISED]
        assert phases(hub, HazardKind.STORAGE_FULL) == [Phase.RAISED]
        with running(path, log):
            say_until(sensors, hub, smoke=False, phase=Phase.CLEARED)
            disk.relieve()
            wait_until(lambda: len(phases(hub, HazardKind.STORAGE_FULL)) > 1, LONG_S)
        assert phases(hub, HazardKind.STORAGE_FULL) == [Phase.RAISED, Phase.CLEARED]
        raised, cleared = life(hub, HazardKind.FIRE_SMOKE)
        assert raised.data.hazard == cleared.data.hazard
        assert len(hub.model.ledgers) == 2, "one epoch: the file was never given up"
        nothing_is_lost(hub)
        assert "Traceback" not in log.read_text()
        sensors.close()
        hub.close()


def files(folder: Path, broker: Mosquitto) -> Path:
    """A gateway without cameras whose outbox is on the small disk."""
    more = {"outbox": {"path": "disk/outbox.db"}, "signals": {"path": "disk/signals.db"}}
    gateway = gateway_file(broker, broker.port, 1, cameras=0, **more)
    return write_files(folder, site_file(1, cameras=0), gateway)
