"""What an operator is given to install is whole: units, compose files and configurations agree with each other and the hub."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatehouse_hub.config import load_config
from gatehouse_testing.deployed import DEPLOY, place

UNITS = sorted(p.name for p in (DEPLOY / "systemd").iterdir())
COMPOSE = ("one-machine.yaml", "cluster.yaml")


def compose(name: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose" / name).read_text())


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(name: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here")
    text = (DEPLOY / "systemd" / name).read_text()
    runnable = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", text, flags=re.M)
    unit = tmp_path / name
    unit.write_text(runnable)
    done = subprocess.run(
        [program, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_gives_nothing_away(name: str) -> None:
    lines = (DEPLOY / "systemd" / name).read_text().splitlines()
    wanted = {"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes"}
    assert wanted <= set(lines)
    assert {"Restart=always", "CapabilityBoundingSet="} <= set(lines)


@pytest.mark.parametrize("name", ["one-machine.yaml", "cluster.yaml"])
def test_the_hub_takes_its_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "secret")
    (tmp_path / "mqtt_hub").write_text("secret\n")
    secret = {"/run/secrets/mqtt_hub": str(tmp_path / "mqtt_hub")}
    config = load_config(place(f"hub/{name}", tmp_path / name, secret))
    assert config.database.startswith("postgresql://gatehouse:secret@")
    assert config.broker.username == "hub"


@pytest.mark.parametrize("name", COMPOSE)
def test_what_a_compose_file_mounts_is_there(name: str) -> None:
    folder = DEPLOY / "compose"
    missing = [
        source
        for service in compose(name)["services"].values()
        for volume in service.get("volumes", [])
        if (source := volume.split(":")[0]).startswith("../") and not (folder / source).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("name", COMPOSE)
def test_what_a_compose_file_builds_is_there(name: str) -> None:
    folder = DEPLOY / "compose"
    for service in compose(name)["services"].values():
        if build := service.get("build"):
            assert (folder / build["context"] / build["dockerfile"]).is_file()


def test_no_secret_stands_in_a_compose_file() -> None:
    for name in COMPOSE:
        text = (DEPLOY / "compose" / name).read_text()
        for key, value in re.findall(r"(\w*(?:PASSWORD|COOKIE)\w*): *(\S+)", text):
            assert value.startswith("${"), f"{name}: {key}"


def test_the_proxy_knows_every_member_and_no_other() -> None:
    text = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
    servers = set(re.findall(r"^ +server (\w+) ", text, flags=re.M))
    services = set(compose("cluster.yaml")["services"])
    assert servers == {s for s in services if s.startswith(("postgres_", "rabbit_", "api_"))}
    nodes = set(re.findall(r"rabbit@(\w+)", (DEPLOY / "rabbitmq" / "cluster.conf").read_text()))
    assert nodes == {s for s in services if s.startswith("rabbit_")}


def test_gateways_of_a_cluster_may_do_what_those_of_one_machine_may() -> None:
    example = json.loads((DEPLOY / "rabbitmq" / "definitions.example.json").read_text())
    rights = {r["user"]: r for r in example["topic_permissions"]}

    def may(user: str, what: str, topic: str) -> bool:
        pattern = rights[user][what].replace("{username}", user)
        return re.search(pattern, topic.replace("/", ".")) is not None

    assert may("gw_1", "write", "gatehouse/v1/07/gw_1/up/alarm")
    assert may("gw_1", "read", "gatehouse/v1/07/gw_1/down/ack")
    assert not may("gw_1", "write", "gatehouse/v1/07/gw_2/up/alarm")
    assert not may("gw_1", "write", "gatehouse/v1/07/gw_1/down/ack")
    assert not may("gw_1", "read", "gatehouse/v1/07/gw_2/down/ack")
    assert may("hub", "write", "gatehouse/v1/07/gw_1/down/ack")
    assert may("hub", "read", "gatehouse/v1/07/gw_1/up/state")
    assert may("hub", "write", "gatehouse/v1/out/riverside/status")
    assert not may("hub", "write", "gatehouse/v1/07/gw_1/up/alarm")
