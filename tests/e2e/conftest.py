"""A whole Gatehouse for a test, on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_hub.app import Hub
from gatehouse_hub.config import load_config
from gatehouse_testing.broker import mosquitto
from gatehouse_testing.demo.programs import Programs
from gatehouse_testing.waiting import wait_until
from gatehouse_testing.whole import Whole, write_files


@pytest.fixture
def whole(database_url: str, tmp_path: Path) -> Iterator[Whole]:
    """All parts, connected, the gateway known to the hub."""
    with (
        mosquitto(tmp_path / "between", persistence=True) as between,
        mosquitto(tmp_path / "local") as local,
        Programs(tmp_path) as programs,
    ):
        write_files(tmp_path, database_url, between, local)
        hub = Hub(load_config(tmp_path / "hub.yaml"))
        hub.start()
        found = Whole(tmp_path, between, local, hub, programs)
        try:
            found.start_agent()
            wait_until((tmp_path / "outbox.db").exists, 20, what="the agent opened its outbox")
            yield found
        finally:
            found.hub.stop()
