"""The local sensors of the demo: says on the local broker what `seeds/sites/demo/story.yaml` writes down, over and over."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that one sensor says at a second of the story."""

    at_s: float
    device: str
    payload: dict[str, Any]


class Sensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a sensor publishes; `gives` is for people."""

    topic: str
    gives: str


class Story(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens in one period."""

    period_s: float
    devices: dict[str, Sensor]
    messages: tuple[Message, ...]


def load_story(path: Path) -> Story:
    """The story of a file."""
    return msgspec.yaml.decode(path.read_bytes(), type=Story)


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the local broker."""

    port: int
    username: str
    password: str


def due(story: Story, after_s: float, until_s: float) -> Sequence[Message]:
    """Messages of seconds in (after_s, until_s] since the beginning, periods and all, in order."""
    found: list[tuple[float, Message]] = []
    first, last = int(after_s // story.period_s), int(until_s // story.period_s)
    for period in range(first, last + 1):
        for message in story.messages:
            at_s = period * story.period_s + message.at_s
            if after_s < at_s <= until_s:
                found.append((at_s, message))
    return [message for _, message in sorted(found, key=lambda pair: pair[0])]


class StoryTeller:
    """Tells a story from a moment on; use as a context manager. `started` is of `time.monotonic()`."""

    def __init__(self, story: Story, access: Access, started: float) -> None:
        self._story, self._started = story, started
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="sensors")
        self._client.username_pw_set(access.username, access.password)
        self._client.connect("127.0.0.1", access.port)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="story", daemon=True)

    def __enter__(self) -> Self:
        self._client.loop_start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(5)
        self._client.disconnect()
        self._client.loop_stop()

    def _tell(self) -> None:
        told_s = 0.0
        while not self._ended.wait(0.2):
            now_s = time.monotonic() - self._started
            for message in due(self._story, told_s, now_s):
                topic = self._story.devices[message.device].topic
                self._client.publish(topic, json.dumps(message.payload), qos=1)
            told_s = now_s
