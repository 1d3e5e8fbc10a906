"""A running agent whose decoders are killed and whose camera's line is cut, over and over: it says so, and loses nothing."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from gatehouse_edge.app.agent import Agent
from gatehouse_edge.config import load_config
from gatehouse_edge.sources.patience import Patience
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_testing import rtsp
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.rtsp_trouble import TroubledLine
from gatehouse_testing.scripted_hub import QUICK, ScriptedHub
from gatehouse_testing.videos import clip_of
from gatehouse_testing.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.broker]
KILLS, DROPS, OUTAGE_EVERY = 200, 50, 20
RESTLESS = Patience(
    open_s=20, stall_s=5, first_retry_s=0.02, last_retry_s=0.1, settled_s=30, crashes=10_000
)
LONG_S = 60.0

SITE = {
    "site": "riverside",
    "name": {"en": "Riverside"},
    "time_zone": "UTC",
    "zones": [
        {
            "id": "hall",
            "name": {"en": "Hall"},
            "kind": "moving",
            "serves": "shared",
            "polygon": [[0, 0], [10, 0], [10, 5], [0, 5]],
        }
    ],
    "rules": [
        {
            "id": "stale",
            "kind": "source_stale",
            "zone": "hall",
            "device": "cam_1",
            "params": {"silent_s": 4, "clear_s": 0.5},
        }
    ],
    "devices": [
        {"id": "cam_1", "kind": "camera", "zone": "hall", "at": [3, 1], "gateway": "gw_1"},
    ],
}


@dataclass(frozen=True)
class Held:
    """What this process holds of the machine."""

    descriptors: int
    threads: int
    children: int
    memory_mib: float


def held() -> Held:
    status = Path("/proc/self/smaps_rollup").read_text()
    anonymous = next(row for row in status.splitlines() if row.startswith("Pss_Anon:"))
    return Held(
        len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - counted, not walked
        threading.active_count(),
        len(children()),
        int(anonymous.split()[1]) / 1024,
    )


def children() -> list[int]:
    """Living children of every thread of this process."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += [int(pid) for pid in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


class Running:
    """An agent with one camera at a broker, and the hub that listens."""

    def __init__(self, folder: Path, source: dict[str, object]) -> None:
        self.broker = Mosquitto(folder / "mosquitto").start()
        self.hub = ScriptedHub(self.broker.port)
        (folder / "site.yaml").write_text(yaml.safe_dump(SITE))
        camera = {"source": source, "model": "motion", "rate_fps": 10}
        file = {
            "gateway": "gw_1",
            "site_file": "site.yaml",
            "clock": "host",
            "hub": {"url": self.broker.url},
            "cameras": {"cam_1": camera},
        }
        (folder / "gateway.yaml").write_text(yaml.safe_dump(file))
        config = load_config(folder / "gateway.yaml")
        self.agent = Agent(config, pace=QUICK, patience=RESTLESS)
        self.thread = threading.Thread(target=self.agent.run, daemon=True)
        self.thread.start()
        wait_until(lambda: self.hub.model.births and self.source.health().state == "ok", LONG_S)

    @property
    def source(self):
        cameras = self.agent._cameras
        source = None if cameras is None else cameras._cameras["cam_1"].source
        return wait_until(lambda: source) if source is not None else _Absent()

    def stale(self, phase: Phase) -> int:
        """How often the hub heard of a silent source in this phase."""
        with self.hub.lock:
            told = [e for e in self.hub.model.hazards() if e.data.kind is HazardKind.SOURCE_STALE]
        return sum(e.data.phase is phase for e in told)

    def close(self) -> None:
        self.agent.stop()
        self.thread.join(30)
        ended = not self.thread.is_alive()
        self.hub.close()
        self.broker.stop()
        assert ended

    def nothing_is_lost(self) -> None:
        """Every number of every lane is at the hub, none as a gap, and each outage was raised and then cleared."""
        wait_until(lambda: self.agent._outbox.load.rows == 0, LONG_S)
        with self.hub.lock:
            model = self.hub.model
            assert model.unreadable == []
            for (epoch, lane), ledger in model.ledgers.items():
                assert model.unaccounted(epoch, lane) == 0
                assert ledger.gaps == []
            phases = [
                e.data.phase
                for e in sorted(model.hazards(), key=lambda e: e.seq)
                if e.data.kind is HazardKind.SOURCE_STALE
            ]
            assert model.events(Lane.BULK)
        assert phases == [Phase.RAISED, Phase.CLEARED] * (len(phases) // 2)


class _Absent:
    """A camera between two sources."""

    pid = None

    def health(self):
        return self

    state, reconnects, extra = "down", -1, {"restarts": -1.0}


@pytest.fixture
def running(tmp_path: Path) -> Iterator:
    started: list[Running] = []

    def start(source: dict[str, object]) -> Running:
        started.append(Running(tmp_path, source))
        return started[-1]

    yield start
    for one in started:
        one.close()


def kill(running: Running) -> None:
    """Kills the decode child that runs now; waits until its successor shows a frame."""
    before = running.source.health()
    pid = wait_until(lambda: running.source.pid, LONG_S)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: (
            running.source.health().state == "ok"
            and running.source.health().reconnects > before.reconnects
        ),
        LONG_S,
    )


def outage(running: Running) -> None:
    """Kills every decode child until the hub hears that the source is silent, then lets it be until it hears the end."""
    raised, cleared = running.stale(Phase.RAISED), running.stale(Phase.CLEARED)

    def killed() -> bool:
        pid = running.source.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return running.stale(Phase.RAISED) > raised

    wait_until(killed, LONG_S, what="source_stale raised")
    wait_until(lambda: running.stale(Phase.CLEARED) > cleared, LONG_S, what="source_stale cleared")


def test_two_hundred_killed_decoders_are_told_and_cost_nothing(running, tmp_path):
    clip = clip_of(tmp_path, "h264", size=(320, 240), fps=10, seconds=2)
    agent = running({"url": str(clip), "loop": True})
    warm, began_s = None, time.monotonic()
    for number in range(1, KILLS + 1):
        (outage if number % OUTAGE_EVERY == 0 else kill)(agent)
        if number == 2 * OUTAGE_EVERY:
            warm = held()
    after = held()
    assert warm is not None
    print(f"{KILLS} kills in {time.monotonic() - began_s:.0f} s: {warm} -> {after}")
    assert agent.thread.is_alive()
    assert agent.source.health().extra["restarts"] >= KILLS
    assert agent.stale(Phase.RAISED) == KILLS // OUTAGE_EVERY
    assert after.descriptors <= warm.descriptors + 4
    assert after.threads <= warm.threads + 1
    assert after.children == warm.children
    assert after.memory_mib < warm.memory_mib + 12
    agent.nothing_is_lost()


def test_fifty_dropped_streams_are_told_and_cost_nothing(running):
    if lacking := rtsp.missing():
        pytest.skip(lacking)
    with rtsp.RtspCamera() as camera, TroubledLine(camera.port) as line:
        agent = running({"url": line.url, "allow_loopback": True})
        warm, began_s = None, time.monotonic()
        for number in range(1, DROPS + 1):
            before = agent.source.health().reconnects
            raised, cleared = agent.stale(Phase.RAISED), agent.stale(Phase.CLEARED)
            lasting = number % 10 == 0
            line.refusing = lasting
            line.cut()
            if lasting:
                wait_until(lambda n=raised: agent.stale(Phase.RAISED) > n, LONG_S)
                line.refusing = False
                wait_until(lambda n=cleared: agent.stale(Phase.CLEARED) > n, LONG_S)
            wait_until(lambda n=before: agent.source.health().reconnects == n + 1, LONG_S)
            if number == DROPS // 5:
                warm = held()
        after = held()
        assert warm is not None
        print(f"{DROPS} drops in {time.monotonic() - began_s:.0f} s: {warm} -> {after}")
        assert agent.source.health().extra["restarts"] == 0
        assert agent.stale(Phase.RAISED) == DROPS // 10
        assert (
            after.descriptors <= warm.descriptors + 6
        )  # the line's own connections are among them
        assert after.children == warm.children
        assert after.memory_mib < warm.memory_mib + 12
        agent.nothing_is_lost()
