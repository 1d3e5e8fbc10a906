"""A broker and a hub that answers, for tests of the agent over a real network."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_testing.broker import Mosquitto, mosquitto
from gatehouse_testing.scripted_hub import ScriptedHub


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto of the test's own."""
    with mosquitto(tmp_path / "mosquitto") as running:
        yield running


@pytest.fixture
def hub(broker: Mosquitto) -> Iterator[ScriptedHub]:
    """A hub at that broker, which acknowledges what it hears."""
    hub = ScriptedHub(broker.port)
    yield hub
    hub.close()
