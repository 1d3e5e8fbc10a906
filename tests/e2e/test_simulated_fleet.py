"""`gatehouse-hub simulate` against a real broker and hub: what it says is what the store holds."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gatehouse_hub.app import Hub
from gatehouse_hub.cli import main
from gatehouse_hub.clock import SystemClock
from gatehouse_hub.config import load_config
from gatehouse_hub.simulate.checking import check
from gatehouse_hub.simulate.cli import live
from gatehouse_hub.simulate.fleet import Address, Fleet
from gatehouse_hub.simulate.gateway import Habits
from gatehouse_hub.simulate.places import plots
from gatehouse_hub.simulate.trouble import CALM
from gatehouse_hub.store.columns import text
from gatehouse_testing.broker import Mosquitto, mosquitto
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.broker
SITES, GATEWAYS = 3, 9
FLEET = ["--sites", str(SITES), "--gateways", str(GATEWAYS)]
ROUGH = ["--outages", "900", "--outage-s", "1", "--skewed", "0.3", "--duplicates", "0.3"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def hub(
    broker: Mosquitto, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Hub]:
    """A hub that has the fleet's site files, as an administrator would set it up."""
    assert main(["simulate", *FLEET, "--write-sites", str(tmp_path / "sites")]) == 0
    named = yaml.safe_load(capsys.readouterr().out)
    file = {"database": database_url, "mqtt": {"url": broker.url}, "http": {"port": 0}, **named}
    (tmp_path / "hub.yaml").write_text(yaml.safe_dump(file))
    running = Hub(load_config(tmp_path / "hub.yaml"))
    running.start()
    try:
        wait_until(lambda: running._link.connected_s() is not None, 20, what="the hub listens")
        yield running
    finally:
        running.stop()


def test_nothing_is_lost_or_doubled_with_outages_wrong_clocks_and_duplicates(
    hub: Hub, broker: Mosquitto, database_url: str, tmp_path: Path
) -> None:
    result = tmp_path / "result.json"
    argv = ["simulate", *FLEET, "--rate", "60", "--duration", "4", "--seed", "5", *ROUGH]
    argv += ["--broker", broker.url, "--check", database_url, "--json", str(result)]
    code = main(argv)
    told = json.loads(result.read_text())
    assert told["check"]["examples"] == []
    assert (code, told["check"]["rows"], told["check"]["lost"]) == (0, told["produced"], 0)
    assert told["produced"] > 150
    assert told["outages"] > 0


def test_a_row_that_is_taken_out_of_the_store_is_missed_and_named(
    hub: Hub, broker: Mosquitto
) -> None:
    fleet = Fleet(
        plots(SITES, GATEWAYS),
        Address(host="127.0.0.1", port=broker.port),
        SystemClock(),
        rate=60,
        seed="6",
        habits=Habits(trouble=CALM),
    )
    assert asyncio.run(live(fleet, 2.0, 30.0))
    gateways = [member.gateway for member in fleet.members]
    assert check(hub.database, gateways).is_well
    with hub.database.transaction() as tx:
        gateway, epoch = tx.execute("SELECT gateway, epoch FROM event WHERE lane = 'bulk'")[0]
        tx.execute(
            "DELETE FROM event WHERE gateway = ? AND epoch = ? AND lane = 'bulk' AND seq = 2",
            (gateway, epoch),
        )
    verdict = check(hub.database, gateways)
    assert (verdict.lost, verdict.unaccounted, verdict.is_well) == (1, 0, False)
    assert verdict.examples[0].startswith(f"{text(gateway)}/{text(epoch)}/bulk")
    assert "1 lost (first 2)" in verdict.examples[0]
