"""A gateway whose clock is set by an hour, forward and back, while it works: it stays up, and nothing is lost or made up."""

import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatehouse_edge.clock import SystemClock
from gatehouse_shared.commands import Response, TimeRequest, TimeResponse
from gatehouse_shared.events import HazardEvent
from gatehouse_shared.instants import floor_time, format_instant, parse_instant
from gatehouse_shared.names import Lane, Phase
from gatehouse_shared.topics import down
from gatehouse_shared.wire import decode_one_of, encode
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.scripted_hub import ScriptedHub
from gatehouse_testing.sensor_site import (
    GATEWAY,
    SITE,
    RunningAgent,
    Sensors,
    arrived,
    gateway_file,
    hazards,
    nothing_is_lost,
    site_file,
    write_files,
)
from gatehouse_testing.stepped_clock import SteppedClock
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.broker
LONG_S = 40.0
HOUR = timedelta(hours=1)
BEFORE_DST_ENDS = datetime(2026, 10, 24, 23, 59, 50, tzinfo=UTC)
"""Ten seconds before two o'clock in Berlin; an hour later it is two o'clock there once more."""
SHORT = (HOUR, -HOUR)
SMALL = (timedelta(seconds=3), timedelta(seconds=-3))


def long_steps() -> tuple[timedelta, ...]:
    """A clock that nobody can make up their mind about."""
    drawn = random.Random(20261025)
    return (*SHORT, *SMALL, *(timedelta(seconds=drawn.uniform(-7200, 7200)) for _ in range(60)))


class Site:
    """One agent with a clock that can be set, its sensors, its hub."""

    def __init__(self, folder: Path, cameras: int) -> None:
        self.broker = Mosquitto(folder / "mqtt").start()
        self.hub = ScriptedHub(self.broker.port)
        self.clock = SteppedClock(BEFORE_DST_ENDS)
        self.sensors = Sensors(self.broker)
        file = gateway_file(self.broker, self.broker.port, 1, cameras=cameras)
        path = write_files(folder, site_file(1, cameras=cameras), file)
        self.agent = RunningAgent(path, self.clock)
        self._numbers = 0
        self._heard = 0
        wait_until(lambda: self.hub.model.births and self.hears(), LONG_S)

    def hears(self) -> bool:
        """Whether the agent's sensors are connected (again): it hears a meter, of which it tells every ten seconds."""
        self.sensors.meter(1, 7)
        with self.hub.lock:
            before, self._heard = self._heard, len(self.hub.model.events(Lane.BULK))
        return self._heard > before

    def close(self) -> None:
        self.sensors.close()
        self.agent.close()
        self.hub.close()
        self.broker.stop()

    def last(self, rule: str, phase: Phase) -> HazardEvent | None:
        told = [e for e in hazards(self.hub) if e.data.rule == rule and e.data.phase is phase]
        return max(told, key=lambda e: e.seq, default=None)

    def raises(self, number: int) -> HazardEvent:
        """Smoke at a detector: the new raise at the hub."""
        before = self.last(f"smoke_{number}_alarm", Phase.RAISED)
        self.sensors.smoke(number, present=True)
        return wait_until(
            lambda: (
                None if (now := self.last(f"smoke_{number}_alarm", Phase.RAISED)) == before else now
            ),
            LONG_S,
        )

    def cleared(self, raised: HazardEvent) -> HazardEvent:
        """The end of a hazard, at the hub."""

        def over() -> HazardEvent | None:
            last = self.last(raised.data.rule, Phase.CLEARED)
            return last if last and last.data.hazard == raised.data.hazard else None

        return wait_until(over, LONG_S)

    def asked_for_the_time(self) -> datetime | None:
        """What the agent says its time is; None when it thinks that the question is old."""
        self._numbers += 1
        request = TimeRequest(request=f"{self._numbers:032x}", ttl_ms=10_000, hub_time=hub_time())
        self.hub.send(down(SITE, GATEWAY, "request/time"), encode(request))

        def answer() -> bytes | None:
            with self.hub.lock:
                heard = [p for topic, p in self.hub.heard if topic.endswith("response/time")]
            return next((p for p in heard if request.request.encode() in p), None)

        said = decode_one_of(wait_until(answer, LONG_S), (TimeResponse, Response))
        return parse_instant(said.gateway_time) if isinstance(said, TimeResponse) else None


def hub_time() -> str:
    """The hub's clock, which is another one."""
    return format_instant(SystemClock().now())


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    site = Site(tmp_path, cameras=getattr(request, "param", 0))
    yield site
    site.close()


def near(site: Site, told: str) -> bool:
    """Whether a time is the clock's of now, floored to the second."""
    now = site.clock.now()
    time = parse_instant(told)
    return time == floor_time(time, 1) and timedelta(seconds=-1) <= now - time < timedelta(
        seconds=6
    )


@pytest.mark.parametrize(
    ("site", "steps"),
    [(0, SHORT), pytest.param(1, long_steps(), marks=pytest.mark.long)],
    indirect=["site"],
    ids=["short", "long"],
)
def test_hazards_go_on_over_every_step_and_have_the_time_of_the_clock(
    site: Site, steps: tuple[timedelta, ...]
) -> None:
    assert site.asked_for_the_time() is not None
    for turn, step in enumerate(steps):
        one, other = 1 + turn % 2, 3 + turn % 2
        open_now = site.raises(one)
        assert near(site, open_now.time), open_now.time
        known = len(site.agent.record.findings)
        site.clock.known = turn % 4 != 2
        site.clock.step(step)
        site.agent.agent._wake.set()
        told = site.asked_for_the_time()
        assert told is not None, "a question of now counts as old"
        assert abs(site.clock.now() - told) < timedelta(seconds=5)
        fresh = site.raises(other)
        assert near(site, fresh.time), (step, fresh.time)
        assert fresh.clock == ("synced" if site.clock.known else "unsynced")
        new = site.agent.record.findings[known:]
        assert {f.rule for f in new} == {fresh.data.rule}, "the step itself said something"
        for raised in (open_now, fresh):
            site.sensors.smoke(int(raised.data.device[-1]), present=False)
        at = time.monotonic()
        for raised in (open_now, fresh):
            assert near(site, site.cleared(raised).time)
        assert 0.5 <= time.monotonic() - at < 15.0
    assert site.agent.alive
    assert site.agent.log.with_words("waits in memory") == []
    wait_until(lambda: site.agent.waiting == 0, LONG_S)
    assert arrived(site.hub) == site.agent.record.said()
    nothing_is_lost(site.hub)
    print(f"\n{len(steps)} steps: {len(hazards(site.hub))} alarm rows, all said, none twice")


@pytest.mark.long
def test_the_clock_is_set_while_the_hub_is_away_and_every_row_arrives(site: Site) -> None:
    first = site.raises(1)
    site.broker.stop()
    ending = threading.Event()
    for step in (HOUR, -2 * HOUR, HOUR):
        site.clock.step(step)
        ending.wait(0.4)
    site.broker.start()
    wait_until(site.hears, LONG_S)
    site.sensors.smoke(1, present=False)
    site.cleared(first)
    wait_until(lambda: site.agent.waiting == 0, LONG_S)
    assert arrived(site.hub) == site.agent.record.said()
    nothing_is_lost(site.hub)
