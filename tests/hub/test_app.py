"""A whole hub: started from its configuration, asked over HTTP, used from the command line."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import paho.mqtt.client as paho
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_hub.app import Hub
from gatehouse_hub.cli import main
from gatehouse_hub.config import choose_roles, load_config
from gatehouse_hub.pipeline import Role
from gatehouse_hub.store import events
from gatehouse_shared.site import site_to_tree
from gatehouse_shared.topics import up
from gatehouse_shared.wire import encode
from gatehouse_testing.broker import mosquitto
from gatehouse_testing.building import Outbox, birth, small_site
from gatehouse_testing.postgres import PostgresCluster
from gatehouse_testing.waiting import wait_until

pytestmark = pytest.mark.broker
ROW = Outbox().hazard(1)


@pytest.fixture
def config_file(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "site.yaml").write_text(
        yaml.safe_dump(site_to_tree(small_site())), encoding="utf-8"
    )
    with mosquitto(tmp_path / "broker") as broker:
        path = tmp_path / "hub.yaml"
        path.write_text(
            f"mqtt: {{url: '{broker.url}'}}\nhttp: {{port: 0, open_metrics: true}}\nsites: [site.yaml]\n",
            encoding="utf-8",
        )
        yield path


def publish(config_file: Path, leaf: str, payload: bytes) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", load_config(config_file).broker.port)
    client.loop_start()
    client.publish(up("testing", "gw_1", leaf), payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_a_hub_takes_in_links_and_shows_and_starts_again(config_file: Path) -> None:
    hub = Hub(load_config(config_file))
    hub.start()
    try:
        assert hub.first_password
        wait_until(lambda: "broker_connected 1" in httpx.get(f"{hub.url}/metrics").text)
        publish(config_file, "state", encode(birth()))
        publish(config_file, "alarm", encode(ROW))

        def linked() -> bool:
            with hub.database.snapshot() as tx:
                return bool(tx.execute("SELECT id FROM incident")) and bool(events.load(tx, ROW.id))

        wait_until(linked)
        metrics = httpx.get(f"{hub.url}/metrics").text
        assert "gatehouse_hub_events_stored_total 1.0" in metrics
        assert httpx.get(f"{hub.url}/api/v1/sites").status_code == 401
    finally:
        hub.stop()
    again = Hub(load_config(config_file))
    again.start()
    try:
        assert again.first_password is None
    finally:
        again.stop()


@pytest.mark.postgres
def test_processes_with_roles_of_their_own_make_one_hub(
    config_file: Path, postgres: PostgresCluster
) -> None:
    config = replace(load_config(config_file), database=postgres.fresh())
    hubs = {role: Hub(choose_roles(config, [role])) for role in Role}
    try:
        for hub in hubs.values():
            hub.start()
        assert [role for role, hub in hubs.items() if hub.first_password] == [Role.API]
        ingest, api = hubs[Role.INGEST], hubs[Role.API]
        wait_until(lambda: "broker_connected 1" in httpx.get(f"{ingest.url}/metrics").text)
        assert "shards_held 64" in httpx.get(f"{ingest.url}/metrics").text
        assert httpx.get(f"{ingest.url}/healthz").status_code == 200
        assert httpx.get(f"{ingest.url}/api/v1/sites").status_code == 404
        publish(config_file, "state", encode(birth()))
        publish(config_file, "alarm", encode(ROW))

        def linked() -> bool:
            with api.database.snapshot() as tx:
                return bool(tx.execute("SELECT id FROM incident")) and bool(events.load(tx, ROW.id))

        wait_until(linked)
        assert httpx.get(f"{api.url}/api/v1/sites").status_code == 401
    finally:
        for hub in hubs.values():
            hub.stop()


def test_over_sqlite_a_process_does_everything(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(config_file), "serve", "--roles", "ingest,api"]) == 2
    assert "one process with all roles" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--config", str(config_file), "serve", "--roles", "ingest,cooking"])
    assert "'ingest,cooking' is not a list of ingest,linking" in capsys.readouterr().err


def test_quarantine_is_read_and_tried_from_the_command_line(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Hub(load_config(config_file))
    hub.start()
    try:
        wait_until(lambda: "broker_connected 1" in httpx.get(f"{hub.url}/metrics").text)
        publish(config_file, "alarm", encode(ROW).replace(b"cam_0", b"cam_8"))
        wait_until(lambda: "refused_total 1.0" in httpx.get(f"{hub.url}/metrics").text)
        options = ["--config", str(config_file)]
        assert main([*options, "quarantine", "list"]) == 0
        assert "unknown_name" in capsys.readouterr().out
        assert main([*options, "quarantine", "retry"]) == 1
        assert "still_refused  unknown_name" in capsys.readouterr().out
        assert main([*options, "topics", "testing"]) == 0
        assert "gatehouse/v1/out/testing/t/incident/+" in capsys.readouterr().out
        assert main([*options, "site", "add", str(config_file.parent / "site.yaml")]) == 0
        assert capsys.readouterr().out == "testing: version 1\n"
    finally:
        hub.stop()


def test_replay_links_a_file_of_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site, source, target = tmp_path / "s.yaml", tmp_path / "e.jsonl", tmp_path / "i.jsonl"
    site.write_text(yaml.safe_dump(site_to_tree(small_site())), encoding="utf-8")
    source.write_bytes(encode(ROW) + b"\n")
    assert main(["replay", str(source), "--site", str(site), "--out", str(target)]) == 0
    (incident,) = [json.loads(line) for line in target.read_text().splitlines()]
    assert incident["events"] == [ROW.id]
    source.write_bytes(encode(ROW) + b"\nrubbish\n")
    assert main(["replay", str(source), "--site", str(site), "--out", str(target)]) == 1
    assert "line 2" in capsys.readouterr().err


def test_a_mistake_is_one_sentence_and_exit_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(tmp_path / "none.yaml"), "serve"]) == 2
    assert "cannot read the configuration" in capsys.readouterr().err
