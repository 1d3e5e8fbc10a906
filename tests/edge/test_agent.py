"""The whole agent over a real broker: what a sensor says is an event at the hub, and a failing camera is a hazard."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_edge.app.agent import Agent
from gatehouse_edge.config import load_config
from gatehouse_shared.commands import AcknowledgedRequest
from gatehouse_shared.events import HazardEvent
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_shared.topics import down
from gatehouse_shared.wire import encode
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.scripted_hub import QUICK, ScriptedHub
from gatehouse_testing.sites import one_room
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.broker
LONG_S = 25.0

HELP = {"id": "hall_help", "kind": "help_button", "zone": "hall", "device": "button_1"}
SITE = one_room({"button_1": "button", "gas_1": "gas", "cam_1": "camera"}, [HELP])


@pytest.fixture
def agent(tmp_path: Path, broker: Mosquitto) -> Iterator[Callable[[dict[str, object]], Agent]]:
    running: list[tuple[Agent, threading.Thread]] = []

    def start(more: dict[str, object]) -> Agent:
        (tmp_path / "site.yaml").write_text(yaml.safe_dump(SITE))
        file = {
            "gateway": "gw_1",
            "site_file": "site.yaml",
            "clock": "host",
            "hub": {"url": broker.url},
            "sensors": {
                "broker": {"url": broker.url},
                "devices": {
                    "button_1": {
                        "topic": "zigbee2mqtt/button_1",
                        "state": {"field": "action", "means_true": ["single"]},
                    },
                    "gas_1": {
                        "topic": "meters/gas",
                        "quantity": {"field": "lel", "quantity": "gas"},
                    },
                },
            },
            **more,
        }
        (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(file))
        one = Agent(load_config(tmp_path / "gateway.yaml"), pace=QUICK)
        thread = threading.Thread(target=one.run, daemon=True)
        thread.start()
        running.append((one, thread))
        return one

    yield start
    for one, thread in running:
        one.stop()
        thread.join(20)
        assert not thread.is_alive()


def say(broker: Mosquitto, topic: str, message: object) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish(topic, json.dumps(message), qos=1).wait_for_publish(5)
    client.disconnect()
    client.loop_stop()


def hazards(hub: ScriptedHub) -> list[HazardEvent]:
    with hub.lock:
        return hub.model.hazards()


def test_a_pressed_button_is_a_hazard_until_somebody_at_the_site_says_so(
    broker: Mosquitto, hub: ScriptedHub, agent: Callable[[dict[str, object]], Agent]
) -> None:
    agent({})
    wait_until(lambda: hub.model.births, LONG_S)

    def pressed() -> list[HazardEvent]:
        say(broker, "zigbee2mqtt/button_1", {"action": "single", "battery": 90})
        return [e for e in hazards(hub) if e.data.kind is HazardKind.HELP_BUTTON]

    raised = wait_until(pressed, LONG_S)[0]
    assert (raised.data.phase, raised.data.zone, raised.data.hazard) == (
        Phase.RAISED,
        "hall",
        raised.seq,
    )
    request = AcknowledgedRequest(
        request="cd" * 16,
        ttl_ms=60_000,
        hub_time=raised.time,
        epoch=raised.epoch,
        hazard=raised.data.hazard,
        by_role="guard",
        at_site=True,
    )
    hub.send(down("riverside", "gw_1", "request/acknowledged"), encode(request))
    wait_until(
        lambda: any(
            e.data.phase is Phase.CLEARED and e.data.rule == "hall_help" for e in hazards(hub)
        ),
        LONG_S,
    )


def test_a_meter_is_a_reading_and_its_text_goes_nowhere(
    broker: Mosquitto, hub: ScriptedHub, agent: Callable[[dict[str, object]], Agent]
) -> None:
    agent({})
    wait_until(lambda: hub.model.births, LONG_S)

    def readings() -> list[object]:
        say(broker, "meters/gas", {"lel": 7.4, "note": "room of Mr Li"})
        with hub.lock:
            return [
                e.data for e in hub.model.events(Lane.BULK) if getattr(e.data, "quantity", None)
            ]

    assert wait_until(readings, LONG_S)[0].value == 7  # type: ignore[attr-defined]
    with hub.lock:
        assert not any(b"Li" in payload for topic, payload in hub.heard if "/up/" in topic)


def test_a_camera_that_fails_is_a_hazard_and_the_agent_goes_on(
    broker: Mosquitto, hub: ScriptedHub, agent: Callable[[dict[str, object]], Agent]
) -> None:
    agent({"cameras": {"cam_1": {"source": "missing.mp4", "model": "motion"}}})
    stale = wait_until(
        lambda: [e for e in hazards(hub) if e.data.kind is HazardKind.SOURCE_STALE], 40.0
    )
    assert stale[0].data.device == "cam_1"
    health = wait_until(
        lambda: [e for e in hub.model.events(Lane.BULK) if e.subject == "devices/cam_1"], LONG_S
    )
    assert health[0].data.camera.state == "down"  # type: ignore[union-attr]
