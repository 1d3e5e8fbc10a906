"""A gateway whose disk is full for ten minutes: it works on, says so, keeps its alarms, and loses nothing unsaid."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatehouse_edge.pipeline import WAITING_MAX
from gatehouse_shared.events import GapReason
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.scripted_hub import ScriptedHub
from gatehouse_testing.sensor_site import (
    SMOKES,
    RunningAgent,
    Sensors,
    arrived,
    gaps,
    gateway_file,
    hazards,
    nothing_is_lost,
    site_file,
    write_files,
)
from gatehouse_testing.small_disk import SmallDisk, small_disk
from gatehouse_testing.usage import descendants, pss_mib
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.broker
LONG_S = 60.0
BACK_S = 30.0
"""A gateway is well again so soon after there is room."""


@dataclass(frozen=True)
class Story:
    """How long the disk is full, how many meters speak meanwhile, how large the disk is."""

    full_s: float
    meters: int
    disk_mib: int


SHORT = Story(2.0, 20, 24)
LONG = Story(600.0, 300, 160)


class Life:
    """Detectors that go off and calm down, and meters that speak every ten seconds, until closed."""

    def __init__(self, broker: Mosquitto, meters: int) -> None:
        self._sensors, self._meters = Sensors(broker), meters
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """All detectors calm down."""
        self._ending.set()
        self._thread.join(10)
        for number in range(1, SMOKES + 1):
            self._sensors.smoke(number, present=False)
        self._sensors.close()

    def _run(self) -> None:
        turn = 0
        while not self._ending.wait(0.5):
            turn += 1
            for number in range(1, SMOKES + 1):
                self._sensors.smoke(number, present=(turn + number) % 6 < 3)
            for number in range(1 + turn % 20, self._meters + 1, 20):
                self._sensors.meter(number, (turn * 7 + number) % 100)


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[tuple[Mosquitto, Mosquitto]]:
    """The site's own broker, and the hub's."""
    pair = (Mosquitto(tmp_path / "site_mqtt").start(), Mosquitto(tmp_path / "hub_mqtt").start())
    yield pair
    for one in pair:
        one.stop()


def start(folder: Path, brokers: tuple[Mosquitto, Mosquitto], meters: int) -> RunningAgent:
    site, hub = brokers
    path = write_files(
        folder,
        site_file(meters),
        {
            **gateway_file(site, hub.port, meters, outbox={"path": "disk/outbox.db"}),
            "signals": {"path": "disk/signals.db"},
        },
    )
    return RunningAgent(path)


def storage_full(hub: ScriptedHub) -> list[Phase]:
    told = [e for e in hazards(hub) if e.data.kind is HazardKind.STORAGE_FULL]
    return [e.data.phase for e in sorted(told, key=lambda e: e.seq) if e.data.phase != "updated"]


def be_full(disk: SmallDisk, agent: RunningAgent, seconds: float) -> int:
    """Keeps the disk full for so long, whatever is given free meanwhile; the most findings that ever waited."""
    most, end_s = 0, time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < end_s:
        disk.fill()
        assert agent.alive
        most = max(most, len(agent.agent._judgment._said.findings))
        pause.wait(0.05)
    return most


@pytest.mark.parametrize(
    ("story", "hub_is_away"),
    [
        pytest.param(SHORT, False, marks=pytest.mark.long, id="hub_there-short"),
        pytest.param(SHORT, True, id="hub_away-short"),
        pytest.param(LONG, False, marks=pytest.mark.long, id="hub_there-long"),
        pytest.param(LONG, True, marks=pytest.mark.long, id="hub_away-long"),
    ],
)
def test_a_full_disk_costs_bulk_that_is_named_and_never_an_alarm(
    tmp_path: Path, brokers: tuple[Mosquitto, Mosquitto], story: Story, hub_is_away: bool
) -> None:
    site, hub_broker = brokers
    hub = ScriptedHub(hub_broker.port)
    with small_disk(tmp_path / "disk", story.disk_mib) as disk:
        signals = disk.folder / "signals.db"
        if story is SHORT:  # kept signals are written once a minute
            signals.write_bytes(bytes(4096))
        agent = start(tmp_path, brokers, story.meters)
        life = Life(site, story.meters)
        try:
            wait_until(lambda: hub.model.births and len(hazards(hub)) > 2, LONG_S)
            wait_until(signals.exists, 2 * LONG_S)
            before = len(hazards(hub)), pss_mib(descendants_of_this())
            if hub_is_away:
                hub_broker.stop()
            assert disk.fill() == 0
            wait_until(lambda: agent.squeezed, LONG_S)
            waited = be_full(disk, agent, story.full_s)
            during = pss_mib(descendants_of_this())
            wait_until(lambda: not signals.exists(), LONG_S)
            if hub_is_away:
                hub_broker.start()
            else:
                assert storage_full(hub) == [Phase.RAISED]
            assert agent.squeezed
            disk.relieve()
            wait_until(lambda: not agent.squeezed, BACK_S)
            life.close()
            wait_until(lambda: storage_full(hub) == [Phase.RAISED, Phase.CLEARED], LONG_S)
            wait_until(lambda: arrived(hub).keys() >= agent.record.said().keys(), LONG_S)
            wait_until(lambda: calm(agent), LONG_S)
        finally:
            agent.close()
        after = start(tmp_path, brokers, story.meters)
        wait_until(lambda: after.waiting == 0, 3 * LONG_S)
        after.close()
    said, got = agent.record.said(), arrived(hub)
    report(story, hub, before, (waited, during), agent)
    assert {rule: got[rule][: len(told)] for rule, told in said.items()} == said
    nothing_is_lost(hub)
    named = gaps(hub)
    assert all(lane is Lane.BULK for lane, _ in named)
    assert {gap.reason for _, gap in named} <= {GapReason.DROPPED_BYTES}
    if hub_is_away and story is LONG:
        assert named, "ten minutes of meters are more than the room kept back holds"
    assert waited <= WAITING_MAX
    assert len(agent.log.with_words("the disk is full")) == 1
    assert len(agent.log.with_words("the disk has room again")) == 1
    assert len(agent.log.with_words("given up")) == 1
    assert agent.log.with_words("waits in memory") == []
    hub.close()


def calm(agent: RunningAgent) -> bool:
    """Whether every detector's alarm has ended."""
    alarms = [told for rule, told in agent.record.said().items() if rule.endswith("_alarm")]
    return all(told[-1][0] is Phase.CLEARED for told in alarms)


def descendants_of_this() -> tuple[int, ...]:
    return descendants(os.getpid())


def report(story, hub, before, during, agent) -> None:
    rows = {lane: len(hub.model.events(lane)) for lane in Lane}
    lost = Counter(gap.reason for _, gap in gaps(hub))
    named = sum(gap.count for _, gap in gaps(hub))
    print(
        f"\n{story.full_s:.0f} s full: alarms before {before[0]}, rows at the hub {rows}, gaps {dict(lost)}"
        f" over {named} rows, findings waiting at most {during[0]}, memory {before[1]:.0f} ->"
        f" {during[1]:.0f} MiB, log lines {len(agent.log.lines)}: {Counter(agent.log.lines).most_common(12)}"
    )
