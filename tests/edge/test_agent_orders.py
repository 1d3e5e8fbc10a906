"""Drills and maintenance of the running agent, over a real broker: what the hub hears of a smoke detector."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_edge.app.agent import Agent
from gatehouse_edge.app.maintenance import Wish, begin, end
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import Config, load_config
from gatehouse_shared.commands import DrillRequest, Response
from gatehouse_shared.instants import format_instant
from gatehouse_shared.topics import down
from gatehouse_shared.wire import decode, encode
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.scripted_hub import QUICK, ScriptedHub
from gatehouse_testing.sites import one_room
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.broker
LONG_S = 25.0
ZONE = {"id": "shed", "name": {"en": "Shed"}, "kind": "shed"}
RULE = {"id": "shed_smoke", "kind": "fire_smoke", "zone": "shed", "device": "smoke_1"}
SITE = one_room({"smoke_1": "smoke"}, [{**RULE, "params": {"clear_s": 1}}], ZONE)


@pytest.fixture
def config(tmp_path: Path, broker: Mosquitto) -> Config:
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(SITE))
    sensor = {"topic": "shed/smoke", "state": {"field": "smoke", "means_true": [True]}}
    file = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "clock": "host",
        "hub": {"url": broker.url},
        "sensors": {"broker": {"url": broker.url}, "devices": {"smoke_1": sensor}},
    }
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(file))
    return load_config(tmp_path / "gateway.yaml")


@pytest.fixture
def start(config: Config) -> Iterator[Callable[[], Callable[[], None]]]:
    """Starts an agent; what it gives back stops it."""
    stops: list[Callable[[], None]] = []

    def begun() -> Callable[[], None]:
        agent = Agent(config, pace=QUICK)
        thread = threading.Thread(target=agent.run, daemon=True)
        thread.start()

        def stop() -> None:
            agent.stop()
            thread.join(20)
            assert not thread.is_alive()

        stops.append(stop)
        return stop

    yield begun
    for stop in stops:
        stop()


def smoke(broker: Mosquitto, state: bool) -> None:
    """The detector's last word, retained as such detectors do."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    message = json.dumps({"smoke": state})
    client.publish("shed/smoke", message, qos=1, retain=True).wait_for_publish(5)
    client.disconnect()
    client.loop_stop()


def said(hub: ScriptedHub) -> list[tuple[str, bool]]:
    with hub.lock:
        return [(e.data.phase.value, e.data.drill) for e in hub.model.hazards()]


def drill(hub: ScriptedHub, number: int, seconds: float) -> str:
    """Asks for a drill of the rule; what was answered."""
    now = SystemClock().now()
    request = DrillRequest(
        request=f"{number:032x}",
        ttl_ms=60_000,
        hub_time=format_instant(now),
        rule="shed_smoke",
        until=format_instant(now + timedelta(seconds=seconds)),
    )
    hub.send(down("riverside", "gw_1", "request/drill"), encode(request))

    def answer() -> list[str]:
        answers = [decode(p, Response) for leaf, p in hub.heard if leaf.endswith("response/drill")]
        return [a.outcome for a in answers if a.request == request.request]

    return wait_until(answer, LONG_S)[0]


def test_a_drill_is_marked_goes_on_over_a_restart_and_hides_nothing_when_it_ends(
    broker: Mosquitto, hub: ScriptedHub, start: Callable[[], Callable[[], None]]
) -> None:
    stop = start()
    wait_until(lambda: hub.model.births, LONG_S)
    assert drill(hub, 1, 3600) == "done"
    smoke(broker, True)
    wait_until(lambda: said(hub) == [("raised", True)], LONG_S)
    stop()
    births = len(hub.model.births)
    start()
    wait_until(lambda: len(hub.model.births) > births, LONG_S)
    assert drill(hub, 2, 0) == "done"
    wait_until(lambda: len(said(hub)) >= 3, LONG_S)
    assert [s for s in said(hub) if s[0] != "updated"] == [
        ("raised", True),
        ("cleared", True),
        ("raised", False),
    ]


def test_what_is_hidden_is_raised_when_the_maintenance_is_ended(
    broker: Mosquitto,
    hub: ScriptedHub,
    config: Config,
    start: Callable[[], Callable[[], None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    wish = Wish("shed_smoke", None, "Li Wei", "welding", 1.0)
    entry = begin(config, wish, SystemClock())
    smoke(broker, True)
    start()
    wait_until(lambda: "hides fire_smoke of rule shed_smoke" in caplog.text, LONG_S)
    assert said(hub) == []
    end(config, entry.id)
    wait_until(lambda: said(hub) == [("raised", False)], LONG_S)
    assert "is over; 1 hazards were hidden" in caplog.text
