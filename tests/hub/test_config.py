"""The configuration says what is wrong, where, and what to do."""

from pathlib import Path

import pytest

from gatehouse_hub.config import load_config, load_site
from gatehouse_hub.errors import ConfigError
from gatehouse_testing.dev.paths import ROOT


def written(folder: Path, text: str) -> Path:
    path = folder / "hub.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_is_a_hub_on_this_machine(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, ""))
    assert config.database == f"sqlite:{tmp_path / 'data/hub.db'}"
    assert (config.broker.host, config.broker.port, config.broker.tls) == ("127.0.0.1", 1883, False)
    assert (config.binding.host, config.binding.port) == ("127.0.0.1", 8080)


def test_paths_are_relative_to_the_file_and_secrets_have_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("open sesame\n", encoding="utf-8")
    config = load_config(
        written(
            tmp_path,
            "mqtt: {url: 'mqtts://broker.example', username: hub, password_file: secret}\n"
            "database: postgresql://hub@db.example/gatehouse\nsites: [a.yaml]\n",
        )
    )
    assert (config.broker.port, config.broker.tls) == (8883, True)
    assert config.broker.password == "open sesame"
    assert config.sites == (tmp_path / "a.yaml",)
    assert config.database == "postgresql://hub@db.example/gatehouse"


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("databse: x", "hub.yaml", "Correct or remove"),
        ("http: {port: 99999}", "http.port", "Correct or remove"),
        ("http: {host: 0.0.0.0}", "http.host", "127.0.0.1"),
        ("mqtt: {url: 'http://x'}", "mqtt.url", "mqtt://HOST"),
        ("mqtt: {url: 'mqtt://broker.example'}", "mqtt.url", "mqtts://"),
        ("mqtt: {url: 'mqtt://me:pw@127.0.0.1'}", "mqtt.url", "password_file"),
        ("mqtt: {password_file: gone}", "mqtt.password_file", "path"),
        ("a: [1", "hub.yaml", "YAML"),
    ],
)
def test_a_fault_names_the_place_and_the_remedy(
    tmp_path: Path, text: str, place: str, remedy: str
) -> None:
    with pytest.raises(ConfigError) as fault:
        load_config(written(tmp_path, text))
    assert place in fault.value.place
    assert remedy in fault.value.remedy


def test_a_broker_on_a_closed_network_may_be_plain_when_somebody_says_so(tmp_path: Path) -> None:
    text = "mqtt: {url: 'mqtt://broker.example', allow_plaintext: true}"
    assert not load_config(written(tmp_path, text)).broker.tls


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        load_config(tmp_path / "nowhere.yaml")


def test_a_fault_in_a_site_file_names_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "place.yaml"
    path.write_text("site: place\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"place\.yaml"):
        load_site(path)


def test_the_demo_community_can_be_read() -> None:
    assert load_site(ROOT / "seeds" / "sites" / "demo" / "site.yaml").site == "riverside"
